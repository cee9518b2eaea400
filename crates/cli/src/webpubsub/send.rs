//! `webpubsub send`: messages from an argument or standard input.

use std::future::IntoFuture as _;
use std::io::BufRead as _;
use std::path::Path;

use clap::Args;
use serde_json::value::RawValue;
use webpubsub::filter::Filter;
use webpubsub::{Message, Metadata, ServiceClient};

use super::Hub;
use crate::failure::{Failure, Result};
use crate::input;

pub(super) const HELP: &str = "\
Without --group, --user, or --connection, the message goes to all connections of the hub. A message without a receiver is not
an error.

Examples:
  hubgrid wps send --hub chat 'the lobby opens'
  hubgrid wps send --hub chat --group lobby --json '{\"news\": 1}'
  hubgrid wps send --hub chat --group lobby --metadata language=en 'good morning'
  hubgrid wps send --hub chat --user alice --filter \"not ('muted' in groups)\" hello
  tail -f app.log | hubgrid wps send --hub chat --group log --lines";

/// The options of `send`.
#[derive(Debug, Args)]
pub(crate) struct Send {
    #[command(flatten)]
    hub: Hub,
    #[command(flatten)]
    to: To,
    /// Send only to connections that match a filter, in the filter language of the service.
    #[arg(long, conflicts_with = "connection")]
    filter: Option<String>,
    /// Connection that does not receive the message; can be repeated.
    #[arg(long, value_name = "CONNECTION", allow_hyphen_values = true, conflicts_with_all = ["user", "connection"])]
    exclude: Vec<String>,
    /// Drop the message if it cannot be delivered within this number of seconds (at most 300).
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u32>,
    /// Entry of the metadata, which receivers get beside the content; can be repeated (preview).
    #[arg(long, value_name = "NAME=VALUE")]
    metadata: Vec<String>,
    /// The message is JSON.
    #[arg(long, conflicts_with = "binary")]
    json: bool,
    /// The message is binary data.
    #[arg(long)]
    binary: bool,
    /// Send each line of standard input as a message of its own, as soon as it arrives.
    #[arg(long, conflicts_with_all = ["binary", "message"])]
    lines: bool,
    /// The message. Without it, or with `-`, standard input is one message.
    message: Option<String>,
}

/// The receivers.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct To {
    /// Send to this group.
    #[arg(long)]
    group: Option<String>,
    /// Send to all connections of this user.
    #[arg(long)]
    user: Option<String>,
    /// Send to this connection.
    #[arg(long, allow_hyphen_values = true)]
    connection: Option<String>,
}

impl Send {
    pub(super) async fn run(self) -> Result<()> {
        let service = self.hub.client()?;
        let metadata: Metadata = input::pairs("--metadata", &self.metadata)?.into_iter().collect();
        if self.lines {
            return self.send_lines(&service, &metadata).await;
        }
        let content = match self.message.as_deref() {
            None | Some("-") => without_newline(input::read(Path::new("-"))?, self.binary),
            Some(text) => text.as_bytes().to_vec(),
        };
        self.send(&service, self.message(content)?, &metadata).await
    }

    /// Reads on a thread of its own: a line may arrive much later.
    async fn send_lines(&self, service: &ServiceClient, metadata: &Metadata) -> Result<()> {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(64);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        while let Some(line) = receiver.recv().await {
            self.send(service, self.message(line?.into_bytes())?, metadata).await?;
        }
        Ok(())
    }

    fn message(&self, content: Vec<u8>) -> Result<Message> {
        if self.binary {
            return Ok(Message::binary(content));
        }
        let text = String::from_utf8(content).map_err(|_| {
            Failure::usage("the message is not UTF-8; pass --binary to send it as binary data")
        })?;
        if !self.json {
            return Ok(Message::text(text));
        }
        // The error of the parser may quote the message, but contains only the part that is wrong.
        let json: Box<RawValue> = serde_json::from_str(&text)
            .map_err(|error| Failure::Usage(format!("the message is not JSON: {error}")))?;
        Ok(Message::json(&json))
    }

    async fn send(&self, service: &ServiceClient, message: Message, metadata: &Metadata) -> Result<()> {
        let filter = self.filter.as_ref().map(Filter::raw);
        let To { group, user, connection } = &self.to;
        // Each receiver has a builder of its own type with the same setters.
        macro_rules! send {
            ($call:expr, $($part:ident)*) => {{
                let mut call = $call;
                $(send!(@$part call);)*
                call.into_future().await
            }};
            (@filter $call:ident) => {
                if let Some(filter) = filter {
                    $call = $call.filter(filter);
                }
            };
            (@excluded $call:ident) => {
                $call = $call.excluded(&self.exclude);
            };
            (@metadata $call:ident) => {
                if !metadata.is_empty() {
                    $call = $call.metadata(metadata.clone());
                }
            };
            (@ttl $call:ident) => {
                if let Some(seconds) = self.ttl {
                    $call = $call.message_ttl_seconds(seconds);
                }
            };
        }
        let sent = match (group, user, connection) {
            (Some(group), _, _) => send!(service.group(group).send(message), filter excluded ttl metadata),
            (_, Some(user), _) => send!(service.user(user).send(message), filter ttl metadata),
            (_, _, Some(connection)) => send!(service.connection(connection).send(message), ttl metadata),
            _ => send!(service.send_to_all(message), filter excluded ttl metadata),
        };
        Ok(sent?)
    }
}

/// Removes the newline that `echo` and here-documents add to text.
fn without_newline(mut content: Vec<u8>, binary: bool) -> Vec<u8> {
    if !binary && content.last() == Some(&b'\n') {
        content.pop();
    }
    content
}
