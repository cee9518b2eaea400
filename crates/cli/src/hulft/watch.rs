//! `hulft agents watch`: agents that connect and disconnect. The service has no notifications, so the list is read repeatedly.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use hulft_webconnect::{Agent, Clock as _, SystemClock};
use serde_json::json;

use super::{Zone, site};
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::output::Output;

pub(super) const HELP: &str = "\
Prints the connected agents, and then each change. Reads the list every --interval seconds. Each read counts toward the rate
limit of the contract, which is 100 requests per minute. Ctrl-C ends the program.

Each JSON line has the members `event` (`connected` or `disconnected`) and `agent`.

Example:
  hubgrid hulft agents watch --interval 30";

/// The options of `watch`.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Seconds between two reads.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    interval: u64,
    #[command(flatten)]
    zone: Zone,
    /// End after this number of lines.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

impl Watch {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        output.live();
        let interrupt = Interrupt::listen()?;
        let (site, zone, clock) = (site()?, self.zone.get()?, SystemClock::new());
        let mut known: BTreeMap<String, Agent> = BTreeMap::new();
        let mut left = self.count.unwrap_or(u64::MAX);
        loop {
            let list = site.agents().list().time_zone(zone.clone()).all();
            // Ends without a failure: watching has no other end.
            let Some(agents) = interrupt.or(list).await else { return Ok(()) };
            let agents: BTreeMap<_, _> =
                agents?.into_iter().map(|agent| (agent.session_id.clone(), agent)).collect();
            let gone = known.iter().filter(|(session, _)| !agents.contains_key(*session));
            let new = agents.iter().filter(|(session, _)| !known.contains_key(*session));
            let changes = gone.map(|(_, agent)| ("disconnected", agent));
            for (event, agent) in changes.chain(new.map(|(_, agent)| ("connected", agent))) {
                if left == 0 {
                    return Ok(());
                }
                output.record(&json!({ "event": event, "agent": agent }), || line(event, agent))?;
                left -= 1;
            }
            if left == 0 {
                return Ok(());
            }
            known = agents;
            if interrupt.or(clock.sleep(Duration::from_secs(self.interval))).await.is_none() {
                return Ok(());
            }
        }
    }
}

fn line(event: &str, agent: &Agent) -> String {
    let (id, direction, since) = (&agent.agent_id, &agent.direction, agent.start_connection.as_str());
    format!("{event}: {id}, {direction}, connected since {since}, session {}", agent.session_id)
}
