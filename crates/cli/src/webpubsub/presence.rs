//! `webpubsub presence`: the states of the members of a group.

use std::collections::BTreeMap;
use std::future::IntoFuture as _;

use clap::Args;
use serde_json::json;
use webpubsub::client::{GroupStateEvent, GroupStates, MemberState, Reconnect};
use webpubsub::{Client, Role};

use super::connect::{Connect, Subprotocol};
use super::{Hub, shown};
use crate::failure::{Failure, Result};
use crate::input;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::times::rfc3339;

pub(super) const HELP: &str = "\
Joins a group, and prints the states of its members and then each change. With --state, it also sets a state of its own, which is
cleared when it ends. Ctrl-C ends the program. This is a preview feature of the service.

Each JSON line has the members `event` (`present`, `set`, or `cleared`), `connectionId`, `userId`, `state`, and `time`.

Examples:
  hubgrid wps presence --hub chat --group lobby
  hubgrid wps presence --hub chat --group lobby --user alice --state status=away --state device=phone
  hubgrid wps presence --hub chat --group lobby --once";

/// The options of `presence`.
#[derive(Debug, Args)]
pub(crate) struct Presence {
    #[command(flatten)]
    hub: Hub,
    /// Name of the group.
    #[arg(long)]
    group: String,
    /// Connect as this user.
    #[arg(long)]
    user: Option<String>,
    /// Set an entry of the own state; can be repeated.
    #[arg(long = "state", value_name = "NAME=VALUE")]
    state: Vec<String>,
    /// Print the present members as a table and end.
    #[arg(long)]
    once: bool,
    /// End after this number of lines.
    #[arg(long, value_name = "N", conflicts_with = "once")]
    count: Option<u64>,
}

impl Presence {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        let interrupt = Interrupt::listen_while_read()?;
        let state = input::pairs("--state", &self.state)?.into_iter();
        let state = state.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let group = self.group.as_str();
        let connect = Connect {
            hub: &self.hub,
            user: self.user.as_deref(),
            roles: vec![
                Role::join_leave_group(group),
                Role::get_group_state(group),
                Role::set_group_state(group),
            ],
            subprotocol: Subprotocol::JsonReliable,
            reconnect: Reconnect::default(),
        };
        let client = connect.connect(&interrupt).await?;
        let result = self.follow(&client, state, &interrupt, output).await;
        client.close().await;
        result
    }

    async fn follow(
        &self,
        client: &Client,
        state: BTreeMap<String, String>,
        interrupt: &Interrupt,
        output: &mut Output,
    ) -> Result<()> {
        let group = client.group(self.group.as_str());
        let begin = async {
            group.join().await?;
            if !state.is_empty() {
                group.set_state(state).await?;
            }
            group.states().into_future().await
        };
        let Some(states) = interrupt.or(begin).await else { return Ok(()) };
        let mut states = states?;
        shown::notice(&format!("joined {}", self.group));
        if self.once {
            return self.print_once(&mut states, interrupt, output).await;
        }
        output.live();
        let mut left = self.count.unwrap_or(u64::MAX);
        while left > 0 {
            let Some(Some(event)) = interrupt.or(states.next()).await else { return Ok(()) };
            left = left.saturating_sub(print(event, left, output)?);
        }
        Ok(())
    }

    async fn print_once(
        &self,
        states: &mut GroupStates,
        interrupt: &Interrupt,
        output: &mut Output,
    ) -> Result<()> {
        let Some(Some(GroupStateEvent::Snapshot(snapshot))) = interrupt.or(states.next()).await else {
            return Err(Failure::Failed("the connection ended before the states arrived".to_owned()));
        };
        let mut table = output.table(["CONNECTION", "USER", "STATE", "TIME"]);
        for member in &snapshot.members {
            let user = member.user_id.clone().unwrap_or_default();
            let cells = [member.connection_id.clone(), user, text(&member.state), rfc3339(member.updated_at)];
            table.row(&value("present", member), cells)?;
        }
        table.end()?;
        if !snapshot.is_complete {
            shown::notice("the list may be incomplete: the service sends at most 200 states");
        }
        Ok(())
    }
}

/// Prints an event in at most `limit` lines, and returns their number.
fn print(event: GroupStateEvent, limit: u64, output: &mut Output) -> Result<u64> {
    match event {
        GroupStateEvent::Snapshot(snapshot) => {
            let mut lines = 0;
            for member in snapshot.members.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)) {
                output.record(&value("present", member), || line("present", member))?;
                lines += 1;
            }
            if !snapshot.is_complete {
                shown::notice("the list may be incomplete: the service sends at most 200 states");
            }
            return Ok(lines);
        }
        GroupStateEvent::Set(member) => {
            output.record(&value("set", &member), || line("set", &member))?;
            return Ok(1);
        }
        GroupStateEvent::Cleared(cleared) => {
            let user = cleared.user_id.as_deref().unwrap_or("-");
            let value = json!({
                "event": "cleared", "connectionId": cleared.connection_id, "userId": cleared.user_id, "state": null,
                "time": cleared.cleared_at.map(rfc3339),
            });
            output.record(&value, || format!("cleared: {user}, connection {}", cleared.connection_id))?;
            return Ok(1);
        }
        GroupStateEvent::Disconnected(gone) => shown::notice(&format!("disconnected: {}", gone.reason)),
        GroupStateEvent::NotRestored(failed) => return Err(Failure::Failed(failed.reason)),
        _ => {}
    }
    Ok(0)
}

fn value(event: &str, member: &MemberState) -> serde_json::Value {
    json!({
        "event": event, "connectionId": member.connection_id, "userId": member.user_id, "state": member.state,
        "time": rfc3339(member.updated_at),
    })
}

fn line(event: &str, member: &MemberState) -> String {
    let user = member.user_id.as_deref().unwrap_or("-");
    format!("{event}: {user}, connection {}: {}", member.connection_id, text(&member.state))
}

fn text(state: &BTreeMap<String, String>) -> String {
    shown::pairs(state.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}
