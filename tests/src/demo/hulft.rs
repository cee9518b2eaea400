//! Disconnecting agents, by session and from the status list.

use std::time::Duration;

use hulft_webconnect::{Agent, SiteClient};
use service_core::{BoxError, Clock, SystemClock};
use service_emulator::Emulator;

use super::recorder::Recorder;
use super::{Story, Targets, observed};

/// How long the real service may take to show that an agent is gone.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn show(
    story: &mut Story<'_>,
    emulator: &Emulator,
    targets: &Targets,
) -> Result<(), BoxError> {
    let recorder = Recorder::default();
    let builder = match &targets.hulft {
        Some(key) => SiteClient::builder(key.clone()),
        None => {
            emulator.hulft().add_sample_agents();
            SiteClient::builder(emulator.hulft().api_key()).endpoint(emulator.endpoint())
        }
    };
    let site = builder.attempt_policy(recorder.clone()).build()?;

    story.step("HULFT-WebConnect: disconnect an agent")?;
    let agents = site.agents().list().all().await?;
    let (first, second) = choose(&agents, targets)?;
    if targets.hulft.is_some() {
        story.consent(&format!(
            "Disconnect the agents `{}` and `{}` of your contract? Transfers that run on them end abnormally.",
            first.agent_id, second.agent_id
        ))?;
    }
    story.before(&table(&agents))?;
    story.call("site.agents().disconnect(session_id, endpoint).await?")?;
    site.agents().disconnect(&first.session_id, &first.endpoint).await?;
    story.exchange(&recorder.last())?;
    gone(&site, first).await?;
    story.effect(&format!("`{}` is no longer in the status list.", first.agent_id))?;

    story.call("site.agents().disconnect_agent(&agent).await?   // an agent taken from the list")?;
    site.agents().disconnect_agent(second).await?;
    story.exchange(&recorder.last())?;
    gone(&site, second).await?;
    let left = site.agents().list().all().await?;
    story.effect(&format!("`{}` is gone as well. Left:\n{}", second.agent_id, table(&left)))?;
    Ok(())
}

fn choose<'a>(agents: &'a [Agent], targets: &Targets) -> Result<(&'a Agent, &'a Agent), BoxError> {
    let named = |agent: &&Agent| match targets.hulft {
        Some(_) => targets.sessions.contains(&agent.session_id),
        None => agent.supports_disconnection,
    };
    let mut chosen = agents.iter().filter(named);
    match (chosen.next(), chosen.next()) {
        (Some(first), Some(second)) => Ok((first, second)),
        _ => Err(format!(
            "two agents are needed whose sessions you name by `--session`; connected are:\n{}",
            table(agents)
        )
        .into()),
    }
}

/// The list may lag behind for a moment; nothing else than absence counts.
async fn gone(site: &SiteClient, agent: &Agent) -> Result<(), BoxError> {
    let clock = SystemClock::new();
    loop {
        let agents = site.agents().list().all().await?;
        if agents.iter().all(|other| other.session_id != agent.session_id) {
            return Ok(());
        }
        // The emulator takes effect before it responds; the real service reports `willBeClosed` in the meantime.
        let closing = agents.iter().any(|other| other.session_id == agent.session_id && other.will_be_closed);
        observed(
            closing && clock.elapsed() < PATIENCE,
            &format!("`{}` leaves the status list", agent.agent_id),
        )?;
        clock.sleep(Duration::from_secs(5)).await;
    }
}

fn table(agents: &[Agent]) -> String {
    let mut lines = vec![format!("{:<20} {:<8} {:<8} {}", "agent", "way", "version", "connected since")];
    lines.extend(agents.iter().map(|agent| {
        let (way, since) = (agent.direction.as_str(), &agent.start_connection);
        format!("{:<20} {way:<8} {:<8} {since}", agent.agent_id, agent.agent_version)
    }));
    lines.join("\n")
}
