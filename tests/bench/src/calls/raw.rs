//! What a user would write with reqwest alone, its client set up as the core sets up its own.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, redirect, retry};

use super::message::{JSON, Message, REQUEST_ID};
use crate::Result;

/// A client whose options are those of the core.
pub(crate) fn client() -> Result<Client> {
    let builder = Client::builder()
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never())
        .connect_timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_secs(90))
        .no_proxy();
    Ok(builder.build()?)
}

/// Sends the message once.
pub(super) async fn send(client: Client, message: Arc<Message>) -> Result<()> {
    let request = client
        .post(message.url())
        .header(AUTHORIZATION, message.authorization.clone())
        .header(USER_AGENT, message.user_agent.clone())
        .header(REQUEST_ID, message.request_id()?)
        .header(CONTENT_TYPE, JSON)
        .body(message.body.clone());
    let response = request.send().await?.bytes().await?;
    message.check(&response)
}
