//! The least program: lists the connected agents of the site that `HULFT_WEBCONNECT_API_KEY` belongs to.
use hulft_webconnect::{BoxError, SiteClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let site = SiteClient::builder(std::env::var("HULFT_WEBCONNECT_API_KEY")?).build()?;
    greet(&site, &mut std::io::stdout()).await
}

pub(crate) async fn greet(site: &SiteClient, out: &mut impl std::io::Write) -> Result<(), BoxError> {
    for agent in site.agents().list().all().await? {
        writeln!(out, "{}", agent.agent_id)?;
    }
    Ok(())
}
