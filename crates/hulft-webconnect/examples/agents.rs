//! Lists the connected agents and disconnects one of them after confirmation. Reads `HULFT_WEBCONNECT_API_KEY` and
//! `HULFT_WEBCONNECT_ENDPOINT`.
use std::io::{BufRead, Write};

use hulft_webconnect::{BoxError, SiteClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    run(&SiteClient::from_env()?, &mut std::io::stdin().lock(), &mut std::io::stdout()).await
}

type Done = Result<(), BoxError>;

pub(crate) async fn run(site: &SiteClient, input: &mut impl BufRead, out: &mut impl Write) -> Done {
    writeln!(out, "{:<20} {:<9} {:<8} {:<28} session", "agent", "direction", "version", "connected since")?;
    let agents = site.agents().list().all().await?;
    for a in &agents {
        let (id, direction, version) = (&a.agent_id, &a.direction, &a.agent_version);
        writeln!(out, "{id:<20} {direction:<9} {version:<8} {:<28} {}", a.start_connection, a.session_id)?;
    }
    let session = ask(input, out, "Session of the agent to disconnect")?;
    let agent = agents.iter().find(|agent| agent.session_id == session).ok_or("no agent has this session")?;
    writeln!(out, "A running transfer of {} ends abnormally.", agent.agent_id)?;
    if ask(input, out, "Disconnect it? (yes/no)")? == "yes" {
        site.agents().disconnect_agent(agent).await?;
        writeln!(out, "{} is disconnected.", agent.agent_id)?;
    }
    Ok(())
}

fn ask(input: &mut impl BufRead, out: &mut impl Write, question: &str) -> Result<String, BoxError> {
    write!(out, "{question}: ").and_then(|()| out.flush())?;
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
