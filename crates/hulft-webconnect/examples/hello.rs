//! The least program: lists the connected agents of the site that `HULFT_WEBCONNECT_API_KEY` belongs to, at
//! `HULFT_WEBCONNECT_ENDPOINT` (the service's own is `https://www.webconnect.hulft.com`).
use hulft_webconnect::{BoxError, SiteClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let var = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let site = SiteClient::builder(var("HULFT_WEBCONNECT_API_KEY")?);
    let site = site.endpoint(var("HULFT_WEBCONNECT_ENDPOINT")?).build()?;
    greet(&site, &mut std::io::stdout()).await
}

pub(crate) async fn greet(site: &SiteClient, out: &mut impl std::io::Write) -> Result<(), BoxError> {
    for agent in site.agents().list().all().await? {
        writeln!(out, "{}", agent.agent_id)?;
    }
    Ok(())
}
