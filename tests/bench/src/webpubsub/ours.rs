//! The service client as a user has it.

use std::time::Duration;

use webpubsub::{Credential, Message, ServiceClient};

use super::{BODY, HUB, KEY};
use crate::Result;

/// A client with default settings.
pub(crate) fn client(origin: &str) -> Result<ServiceClient> {
    Ok(ServiceClient::new(origin, HUB, Credential::access_key(KEY))?)
}

/// The message that is sent repeatedly, created once as in the raw contender.
pub(crate) fn message() -> Message {
    Message::text("x".repeat(BODY))
}

/// Sends the message once.
pub(crate) async fn send((client, message): (ServiceClient, Message)) -> Result<()> {
    Ok(client.send_to_all(message).await?)
}

/// Makes a token for a client of the hub.
pub(crate) async fn token(client: ServiceClient) -> Result<()> {
    let access = client.client_access().user("user1").lifetime(Duration::from_secs(3600)).await?;
    if access.token.is_empty() { Err("the token is empty".into()) } else { Ok(()) }
}
