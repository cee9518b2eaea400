//! What a user would write who wants nothing between hyper's pooled client and the request.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::message::{JSON, Message, REQUEST_ID};
use crate::Result;

/// The client; it speaks plain HTTP alone.
pub(crate) type Hyper = Client<HttpConnector, Full<Bytes>>;

/// A client whose options are those of the core.
pub(crate) fn client() -> Hyper {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(Duration::from_secs(10)));
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(Duration::from_secs(90))
        .pool_timer(TokioTimer::new())
        .build(connector)
}

/// Sends the message once.
pub(super) async fn send(client: Hyper, message: Arc<Message>) -> Result<()> {
    let request = Request::post(message.url())
        .header(AUTHORIZATION, message.authorization.clone())
        .header(USER_AGENT, message.user_agent.clone())
        .header(REQUEST_ID, message.request_id()?)
        .header(CONTENT_TYPE, JSON)
        .body(Full::new(message.body.clone()))?;
    let response = client.request(request).await?.into_body().collect().await?.to_bytes();
    message.check(&response)
}
