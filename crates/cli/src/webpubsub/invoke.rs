//! `webpubsub invoke`: an event of a client to which the application's server responds.

use std::future::IntoFuture as _;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use webpubsub::client::{Data, Invoke as Call, InvokeResponse, Reconnect};
use webpubsub::{Client, Metadata};

use super::connect::{Connect, Subprotocol};
use super::{Hub, shown};
use crate::failure::{Failure, Result};
use crate::input;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::settings;

pub(super) const HELP: &str = "\
Connects as a WebSocket client, sends one event, and prints the response of the application's server. Ctrl-C cancels the
invocation. This is a preview feature of the service.

The JSON line has the members `kind` (`text`, `json`, `binary`, `protobuf`, or null without data), `data`, and `metadata` (an
object of strings, or null).

Examples:
  hubgrid wps invoke --hub chat --json sum '[1, 2]'
  hubgrid --timeout 5 wps invoke --hub chat --user alice --metadata language=en greet hello";

/// The options of `invoke`.
#[derive(Debug, Args)]
pub(crate) struct Invoke {
    #[command(flatten)]
    hub: Hub,
    /// Connect as this user.
    #[arg(long)]
    user: Option<String>,
    /// The data is JSON.
    #[arg(long, conflicts_with = "binary")]
    json: bool,
    /// The data is binary.
    #[arg(long)]
    binary: bool,
    /// Entry of the metadata, which the server receives beside the data; can be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    metadata: Vec<String>,
    /// Name of the event.
    event: String,
    /// The data. Without it, the event has no data. `-` means standard input.
    data: Option<String>,
}

impl Invoke {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        let interrupt = Interrupt::listen()?;
        let data = self.data()?;
        let metadata = input::pairs("--metadata", &self.metadata)?;
        let connect = Connect {
            hub: &self.hub,
            user: self.user.as_deref(),
            roles: Vec::new(),
            subprotocol: Subprotocol::JsonReliable,
            reconnect: Reconnect::never(),
        };
        let client = connect.connect(&interrupt).await?;
        let mut call = call(&client, &self.event, data);
        if !metadata.is_empty() {
            call = call.metadata(Metadata::from_iter(metadata));
        }
        if let Some(timeout) = settings::get().timeout {
            call = call.timeout(timeout.max(Duration::from_secs(1)));
        }
        let outcome = interrupt.or(call.into_future()).await;
        client.close().await;
        let response = outcome.ok_or(Failure::Interrupted(None))??;
        print(&response, output)
    }

    fn data(&self) -> Result<Option<Data>> {
        let Some(data) = &self.data else { return Ok(None) };
        let bytes = if data == "-" { input::read(Path::new("-"))? } else { data.as_bytes().to_vec() };
        if self.binary {
            return Ok(Some(Data::from(bytes)));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::usage("the data is not UTF-8; pass --binary to send it as binary data"))?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        if !self.json {
            return Ok(Some(Data::from(text)));
        }
        let json: Box<RawValue> = serde_json::from_str(text)
            .map_err(|error| Failure::Usage(format!("the data is not JSON: {error}")))?;
        Ok(Some(Data::json(&json)?))
    }
}

fn call(client: &Client, event: &str, data: Option<Data>) -> Call {
    match data {
        Some(data) => client.invoke_data(event, data),
        None => client.invoke(event, &()),
    }
}

fn print(response: &InvokeResponse, output: &mut Output) -> Result<()> {
    let metadata = shown::metadata(response.metadata());
    let Some(data) = &response.data else {
        let value = json!({ "kind": null, "data": null, "metadata": metadata });
        return output.record(&value, || shown::message(&Value::from(""), &metadata));
    };
    let (kind, data) = shown::received(data);
    let value = json!({ "kind": kind, "data": data, "metadata": metadata });
    output.record(&value, || shown::message(&data, &metadata))
}
