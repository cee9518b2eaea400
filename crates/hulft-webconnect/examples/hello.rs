//! The smallest program: lists the connected agents. Reads `HULFT_WEBCONNECT_API_KEY` and `HULFT_WEBCONNECT_ENDPOINT` (for the
//! service itself, `https://www.webconnect.hulft.com`).
use hulft_webconnect::{BoxError, SiteClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    list_agents(&SiteClient::from_env()?, &mut std::io::stdout()).await
}

pub(crate) async fn list_agents(site: &SiteClient, out: &mut impl std::io::Write) -> Result<(), BoxError> {
    for agent in site.agents().list().all().await? {
        writeln!(out, "{}", agent.agent_id)?;
    }
    Ok(())
}
