//! The request that sends an event to the application's server.

use std::future::IntoFuture;
use std::time::Duration;

use service_core::{CallFuture, Error, Result};

use super::data::Data;
use super::entries::Entries;
use super::frame::Upstream;
use super::receipt::WithReceipt;
use super::send::{self, Options, Outcome};
use super::session::Effect;
use super::{Client, metadata};

send::send_setters!(SendEvent);

/// A request that sends an event to the application's server when awaited.
///
/// Created by [`Client::send_event`]. Dropping the future before the frame is written cancels the request.
///
/// # Examples
///
/// ```no_run
/// use webpubsub::client::Data;
///
/// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
/// // The server receives `azure.webpubsub.user.scored`.
/// client.send_event("scored", Data::json(&3)?).await?;
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct SendEvent {
    client: Client,
    name: String,
    data: Data,
    options: Options,
    metadata: Option<Box<Entries>>,
}

impl SendEvent {
    pub(super) fn new(client: Client, name: String, data: Data) -> Self {
        Self { client, name, data, options: Options::default(), metadata: None }
    }

    #[cfg(feature = "preview")]
    super::metadata::metadata_setter!();

    fn submit(self) -> Result<Outcome> {
        check_event(&self.name)?;
        let Self { name, data, metadata, .. } = &self;
        let metadata = metadata.as_deref();
        metadata::check(metadata)?;
        let frame = |ack_id| Upstream::Event { name, ack_id, data, metadata };
        send::submit(&self.client, "event", self.options, Effect::None, frame)
    }
}

/// Validates an event name: `^[a-z][a-z0-9_.-]{0,127}$`, case-insensitive (client protocols, section 3). The service closes the
/// connection on an invalid name.
pub(super) fn check_event(name: &str) -> Result<()> {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if first && name.len() <= 128 && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) {
        return Ok(());
    }
    let rule = "must be 1 to 128 characters: a letter, then letters, digits or any of _ . -";
    Err(Error::invalid_input("event", rule, Some(name)))
}
