//! One attempt: the caller's policies, then the signature, then the transport. Nothing comes between the last two, and the
//! URL that is signed is the one that reaches the socket.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, StatusCode};

use url::Url;

use super::Inner;
use crate::call::CallOptions;
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::policy::{Next, Terminal};
use crate::{Operation, SendOptions, url_text};

pub(super) struct Attempt<'a> {
    client: &'a Inner,
    /// Whether the transport was reached: a timeout before that certainly sent nothing.
    sent: &'a AtomicBool,
    send: SendOptions,
    /// Whether a policy may have changed the URL. The one that a call builds is final: the encoder sees to that.
    touched: bool,
    signed: Mutex<Option<HeaderValue>>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        client: &'a Inner,
        operation: &Operation,
        options: &CallOptions,
        sent: &'a AtomicBool,
        call_policies: bool,
    ) -> Self {
        sent.store(false, Ordering::Relaxed);
        let touched = call_policies || !client.attempt_policies.is_empty();
        let mut send = SendOptions::new(operation.max_response_bytes);
        send.connect_timeout = options.connect_timeout;
        send.long_poll = options.long_poll.is_some();
        Self { client, sent, send, touched, signed: Mutex::new(None) }
    }

    pub(super) async fn run(&self, request: &Request<Bytes>) -> Result<Response<Bytes>> {
        let mut request = request.clone();
        if self.client.attempt_policies.is_empty() {
            return self.sign_and_send(&mut request).await;
        }
        Next::new(&self.client.attempt_policies, self).run(request).await
    }

    async fn sign_and_send(&self, request: &mut Request<Bytes>) -> Result<Response<Bytes>> {
        if (self.touched && !settle(request)) || !self.client.endpoint.owns(request.uri()) {
            let text = format!(
                "the request does not go to {}, so the credential must not go with it",
                self.client.endpoint
            );
            return Err(Error::new(ErrorKind::Credential, text).with_delivery(Delivery::NotSent).permanent());
        }
        self.client.credential.authorize(request).await?;
        *self.signed.lock().unwrap_or_else(PoisonError::into_inner) =
            request.headers().get(AUTHORIZATION).cloned();
        self.sent.store(true, Ordering::Relaxed);
        self.client.transport.send(mem::take(request), &self.send).await
    }

    /// Whether the service refused the credential, and a fresh one may be had.
    pub(super) fn refused(&self, outcome: &Result<Response<Bytes>>) -> bool {
        outcome.as_ref().is_ok_and(|answer| answer.status() == StatusCode::UNAUTHORIZED)
            && self
                .client
                .credential
                .unauthorized(self.signed.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
    }

    pub(super) fn timed_out(&self, limit: Duration) -> Error {
        self.send.set_timed_out();
        let sent = self.sent.load(Ordering::Relaxed) && !self.send.is_waiting();
        self.sent.store(sent, Ordering::Relaxed);
        let (delivery, text) = match sent {
            true => (Delivery::Unknown, format!("no answer came within {limit:?}")),
            false => (Delivery::NotSent, format!("nothing could be sent within {limit:?}")),
        };
        Error::new(ErrorKind::Timeout, text).with_delivery(delivery)
    }
}

/// Writes the URL the way the transport will: a policy may have set one that URL parsers rewrite. Says whether it is a URL.
fn settle(request: &mut Request<Bytes>) -> bool {
    let text = url_text(request.uri());
    let Ok(url) = Url::parse(&text) else { return false };
    if url.as_str() != text {
        let Ok(uri) = url.as_str().parse() else { return false };
        *request.uri_mut() = uri;
    }
    true
}

#[async_trait]
impl Terminal for Attempt<'_> {
    async fn run(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>> {
        self.sign_and_send(&mut request).await
    }
}
