//! `webpubsub listen`: a WebSocket client that prints what arrives.

use std::future::IntoFuture as _;

use clap::{Args, ValueEnum};
use serde_json::json;
use webpubsub::client::{Access, Event, Protocol, Reconnect};
use webpubsub::{Client, Role, ServiceClient};

use super::{Hub, shown};
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::settings;

pub(super) const HELP: &str = "\
Prints messages on standard output, and changes of the connection on standard error. Ctrl-C closes the connection.

Each JSON line has the members `event` (`message`), `group` (null for a message of the server), `from`, `kind` (`text`, `json`,
`binary`, or `protobuf`), and `data` (base64 for `binary` and `protobuf`).

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

/// The subprotocols of the WebSocket client.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Subprotocol {
    Json,
    JsonReliable,
    Protobuf,
    ProtobufReliable,
}

impl From<Subprotocol> for Protocol {
    fn from(subprotocol: Subprotocol) -> Self {
        match subprotocol {
            Subprotocol::Json => Self::Json,
            Subprotocol::JsonReliable => Self::JsonReliable,
            Subprotocol::Protobuf => Self::Protobuf,
            Subprotocol::ProtobufReliable => Self::ProtobufReliable,
        }
    }
}

impl Listen {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        output.live();
        let interrupt = Interrupt::listen()?;
        let service = self.hub.client()?;
        // Plain http to another machine needs the permission of the environment, which the service client has checked.
        let insecure = service.endpoint().starts_with("http://");
        let mut builder =
            Client::builder(self.access(service)).protocol(self.subprotocol.into()).app_id("hubgrid");
        if self.no_reconnect {
            builder = builder.reconnect(Reconnect::never());
        }
        if insecure {
            builder = builder.allow_insecure_http();
        }
        if let Some(certificate) = &settings::get().root_certificate {
            builder = builder.root_certificate(certificate.clone());
        }
        let Some(client) = interrupt.or(builder.connect()).await else {
            return Err(Failure::Interrupted(None));
        };
        let client = client?;
        let result = self.receive(&client, &interrupt, output).await;
        client.close().await;
        result
    }

    /// Returns the access, which is created again for each connection, so that an expired token prevents no reconnection.
    fn access(&self, service: ServiceClient) -> Access {
        let (user, groups) = (self.user.clone(), self.groups.clone());
        Access::from_fn(move || {
            let roles = groups.iter().map(|group| Role::join_leave_group(group.as_str()));
            let mut access = service.client_access().roles(roles);
            if let Some(user) = &user {
                access = access.user(user.as_str());
            }
            async move { access.await }
        })
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
                let value = json!({
                    "event": "message", "group": message.group, "from": message.from_user_id, "kind": kind, "data": data,
                });
                let from = message.from_user_id.as_deref().unwrap_or("-");
                output.record(&value, || format!("[{}] {from}: {}", message.group, shown::text(&data)))?;
                return Ok(true);
            }
            Event::ServerMessage(message) => {
                let (kind, data) = shown::received(&message.data);
                let value =
                    json!({ "event": "message", "group": null, "from": null, "kind": kind, "data": data });
                output.record(&value, || format!("server: {}", shown::text(&data)))?;
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
            Event::Dropped(dropped) => shown::notice(&format!("{} messages are missing", dropped.messages)),
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
