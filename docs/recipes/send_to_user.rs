//! Sends a message to all devices of a user. Reads `WEBPUBSUB_CONNECTION_STRING`.
use serde_json::json;
use webpubsub::filter::connection_id;
use webpubsub::{BoxError, Message, Result, ServiceClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let service = ServiceClient::from_env("chat")?;
    order_shipped(&service, "ann", 123).await?;
    Ok(())
}

/// Reaches every connection of the user: each browser tab and each phone.
pub(crate) async fn order_shipped(service: &ServiceClient, user: &str, order: u64) -> Result<()> {
    service.user(user).send(Message::json(&json!({ "shipped": order }))).await
}

/// Reaches every connection of the user except `here`, the one on which the user has read the message.
pub(crate) async fn message_read(service: &ServiceClient, user: &str, here: &str, id: u64) -> Result<()> {
    let message = Message::json(&json!({ "read": id }));
    service.user(user).send(message).filter(connection_id().ne(here)).await
}
