//! `webpubsub listen`: a WebSocket client that prints what arrives.

use std::future::IntoFuture as _;

use clap::Args;
use serde_json::json;
use webpubsub::client::{Event, Reconnect};
use webpubsub::{Client, Role};

use super::connect::{Connect, Subprotocol};
use super::{Hub, shown};
use crate::count;
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::output::Output;

pub(super) const HELP: &str = "\
Prints messages on standard output, and changes of the connection on standard error. Ctrl-C closes the connection.

Each JSON line has the members `event` (`message`), `group` (null for a message of the server), `from`, `kind` (`text`, `json`,
`binary`, or `protobuf`), `data` (base64 for `binary` and `protobuf`), and `metadata` (an object of strings, or null).

Examples:
  hubgrid wps listen --hub chat --group lobby --group news
  hubgrid wps listen --hub chat --group lobby --user alice --count 1";

/// The options of `listen`.
#[derive(Debug, Args)]
pub(crate) struct Listen {
    #[command(flatten)]
    hub: Hub,
    /// Group to join; can be repeated. Without one, only messages to all and to the user arrive.
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Connect as this user.
    #[arg(long)]
    user: Option<String>,
    /// Subprotocol. The reliable ones recover lost connections without losing messages.
    #[arg(long, value_enum, default_value_t = Subprotocol::JsonReliable)]
    subprotocol: Subprotocol,
    /// End when the connection is lost, instead of connecting again.
    #[arg(long)]
    no_reconnect: bool,
    /// End after this number of messages.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

impl Listen {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        output.live();
        let interrupt = Interrupt::listen_while_read()?;
        let connect = Connect {
            hub: &self.hub,
            user: self.user.as_deref(),
            roles: self.groups.iter().map(|group| Role::join_leave_group(group.as_str())).collect(),
            subprotocol: self.subprotocol,
            reconnect: if self.no_reconnect { Reconnect::never() } else { Reconnect::default() },
        };
        let client = connect.connect(&interrupt).await?;
        let result = self.receive(&client, &interrupt, output).await;
        client.close().await;
        result
    }

    async fn receive(&self, client: &Client, interrupt: &Interrupt, output: &mut Output) -> Result<()> {
        let mut events = client.events();
        let mut left = self.count.unwrap_or(u64::MAX);
        // The first event is the connection itself.
        let Some(Some(event)) = interrupt.or(events.next()).await else { return Ok(()) };
        left = left.saturating_sub(u64::from(Self::print(event, output)?));
        for group in &self.groups {
            match interrupt.or(client.join_group(group.as_str()).into_future()).await {
                Some(joined) => joined?,
                None => return Ok(()),
            }
            shown::notice(&format!("joined {group}"));
        }
        while left > 0 {
            // Ends without a failure: listening has no other end.
            let Some(Some(event)) = interrupt.or(events.next()).await else { return Ok(()) };
            left -= u64::from(Self::print(event, output)?);
        }
        Ok(())
    }

    /// Prints an event, and returns whether it is a message.
    fn print(event: Event, output: &mut Output) -> Result<bool> {
        match event {
            Event::GroupMessage(message) => {
                let (kind, data) = shown::received(&message.data);
                let metadata = shown::metadata(message.metadata());
                let value = json!({
                    "event": "message", "group": message.group, "from": message.from_user_id, "kind": kind, "data": data,
                    "metadata": metadata,
                });
                let from = message.from_user_id.as_deref().unwrap_or("-");
                let text = || format!("[{}] {from}: {}", message.group, shown::message(&data, &metadata));
                output.record(&value, text)?;
                return Ok(true);
            }
            Event::ServerMessage(message) => {
                let (kind, data) = shown::received(&message.data);
                let metadata = shown::metadata(message.metadata());
                let value = json!({
                    "event": "message", "group": null, "from": null, "kind": kind, "data": data, "metadata": metadata,
                });
                output.record(&value, || format!("server: {}", shown::message(&data, &metadata)))?;
                return Ok(true);
            }
            Event::Connected(connected) => {
                shown::notice(&format!("connected as {}", connected.connection_id));
            }
            Event::Recovering(gone) => shown::notice(&format!("recovering: {}", gone.reason)),
            Event::Recovered(_) => shown::notice("recovered, no message is missing"),
            Event::Disconnected(gone) => {
                shown::notice(&format!("disconnected, messages may be missing: {}", gone.reason));
            }
            Event::Dropped(dropped) => {
                shown::notice(&format!("{} missing", count::is(dropped.messages, "message")));
            }
            Event::RejoinFailed(failed) => {
                shown::notice(&format!("no longer in {}: {}", failed.group, failed.error));
            }
            Event::Stopped(stopped) => {
                if let Some(error) = stopped.error {
                    return Err(error.into());
                }
            }
            _ => {}
        }
        Ok(false)
    }
}
