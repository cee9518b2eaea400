//! Reports what each connected agent has sent and received. Reads `HULFT_WEBCONNECT_API_KEY` and `HULFT_WEBCONNECT_ENDPOINT`.
use std::io::Write;

use hulft_webconnect::{Agent, BoxError, RelayLog, SiteClient, TransferStatus};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    run(&SiteClient::from_env()?, &mut std::io::stdout()).await
}

pub(crate) async fn run(site: &SiteClient, out: &mut impl Write) -> Result<(), BoxError> {
    let logs = site.relay_logs().list().all().await?;
    writeln!(out, "{:<20} {:<8} {:>9} {:>6} {:>14}", "agent", "version", "transfers", "failed", "bytes")?;
    for agent in site.agents().list().all().await? {
        let (mut transfers, mut failed, mut bytes) = (0, 0, 0);
        for log in logs.iter().filter(|log| concerns(log, &agent)) {
            transfers += 1;
            failed += u32::from(log.status == TransferStatus::Failed);
            bytes += log.data_size.as_u64().unwrap_or(0);
        }
        let (id, version) = (&agent.agent_id, &agent.agent_version);
        writeln!(out, "{id:<20} {version:<8} {transfers:>9} {failed:>6} {bytes:>14}")?;
    }
    Ok(())
}

/// An agent is identified by its ID together with one of its connection IDs.
fn concerns(log: &RelayLog, agent: &Agent) -> bool {
    let ends = [
        (&log.sender_agent_id, &log.sender_connection_id),
        (&log.receiver_agent_id, &log.receiver_connection_id),
    ];
    ends.iter().any(|(id, connection)| **id == agent.agent_id && agent.connection_ids.contains(connection))
}
