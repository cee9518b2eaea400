//! The transport that responds at once, and the least that can be done over it: build the `http` request and take the
//! response.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request, Response};
use service_core::{Delivery, Error, ErrorKind, SendOptions, Transport, Upgrade};

use super::message::{JSON, Message, REQUEST_ID};
use crate::Result;

const RESPONSE: &[u8] = br#"{"accepted":true,"received":1024}"#;

/// Returns the same response to every request.
#[derive(Debug)]
pub(super) struct Instant;

#[async_trait]
impl Transport for Instant {
    async fn send(&self, request: Request<Bytes>, _: &SendOptions) -> service_core::Result<Response<Bytes>> {
        Ok(response(&request))
    }

    async fn upgrade(&self, _: Request<()>, _: &SendOptions) -> service_core::Result<Upgrade> {
        let error = Error::new(ErrorKind::Transport, "there is nothing to upgrade to");
        Err(error.with_delivery(Delivery::NotSent).permanent())
    }
}

/// Builds the request and responds to it, without a box or a future in between.
pub(super) async fn send(message: Arc<Message>) -> Result<()> {
    let mut request = Request::new(message.body.clone());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = message.url().parse()?;
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, message.authorization.clone());
    headers.insert(USER_AGENT, message.user_agent.clone());
    headers.insert(REQUEST_ID, message.request_id()?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    message.check(response(&request).body())
}

fn response(request: &Request<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(RESPONSE));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    if let Some(id) = request.headers().get(REQUEST_ID) {
        headers.insert(REQUEST_ID, id.clone());
    }
    response
}
