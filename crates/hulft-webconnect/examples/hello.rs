//! The smallest program: lists the connected agents. Reads `HULFT_WEBCONNECT_API_KEY` and `HULFT_WEBCONNECT_ENDPOINT` (for the
//! service itself, `https://www.webconnect.hulft.com`).
use hulft_webconnect::{BoxError, SiteClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let var = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let site = SiteClient::builder(var("HULFT_WEBCONNECT_API_KEY")?);
    let site = site.endpoint(var("HULFT_WEBCONNECT_ENDPOINT")?).build()?;
    list_agents(&site, &mut std::io::stdout()).await
}

pub(crate) async fn list_agents(site: &SiteClient, out: &mut impl std::io::Write) -> Result<(), BoxError> {
    for agent in site.agents().list().all().await? {
        writeln!(out, "{}", agent.agent_id)?;
    }
    Ok(())
}
