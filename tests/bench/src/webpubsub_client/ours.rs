//! The client as a user has it.

use std::sync::Arc;

use tokio::sync::Mutex;
use webpubsub::Client;
use webpubsub::client::{Event, Events};

use super::wire::{BURST, GROUP, burst, has_size};
use crate::Result;

/// A connected client with default settings.
#[derive(Clone)]
pub(crate) struct Connection {
    client: Client,
    events: Arc<Mutex<Events>>,
}

pub(super) async fn connect(address: &str) -> Result<Connection> {
    let client = Client::builder(format!("{address}?access_token=a.b.c")).connect().await?;
    let events = Arc::new(Mutex::new(client.events()));
    Ok(Connection { client, events })
}

/// Receives so many messages of this size.
pub(super) async fn receive(connection: &Connection, messages: u32, size: usize) -> Result<()> {
    connection.client.send_event(BURST, burst(messages, size)).await?;
    let mut events = connection.events.lock().await;
    let mut received = 0;
    while received < messages {
        match events.next().await {
            Some(Event::GroupMessage(message)) => {
                has_size(message.data.as_text().unwrap_or_default(), size)?;
                received += 1;
            }
            Some(Event::Connected(_)) => {}
            other => return Err(format!("not a message: {other:?}").into()),
        }
    }
    Ok(())
}

/// Sends the text once and waits for its ack.
pub(super) async fn send((connection, text): (Connection, String)) -> Result<()> {
    Ok(connection.client.send_to_group(GROUP, text).await?)
}
