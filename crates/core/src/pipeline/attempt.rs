//! One attempt: the attempt policies, then the signature, then the transport. Nothing runs between the last two, and the URL
//! that is signed is the one that is sent.

use std::mem;
use std::pin::Pin;
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
use crate::error::{Delivery, Error, ErrorKind, Result, rounded};
use crate::policy::{Next, Terminal};
use crate::{Operation, SendOptions, url_text};

/// The future of a transport.
type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>>> + Send + 'a>>;

pub(super) struct Attempt<'a> {
    client: &'a Inner,
    /// Whether the transport was called. A timeout before that certainly sent nothing.
    sent: &'a AtomicBool,
    send: SendOptions,
    /// Whether a policy may have changed the URL. The URL that a call builds is already normalized by the encoder.
    url_may_change: bool,
    /// How long the attempt may take.
    pub(super) limit: Duration,
    signed: Mutex<Option<HeaderValue>>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        client: &'a Inner,
        operation: &Operation,
        options: &CallOptions,
        sent: &'a AtomicBool,
        call_policies: bool,
        limit: Duration,
    ) -> Self {
        sent.store(false, Ordering::Relaxed);
        let url_may_change = call_policies || !client.settings.attempt_policies.is_empty();
        let mut send = SendOptions::new(operation.max_response_bytes);
        send.connect_timeout = options.connect_timeout;
        send.long_poll = operation.long_poll.is_some();
        Self { client, sent, send, url_may_change, limit, signed: Mutex::new(None) }
    }

    /// Sends the request and leaves a copy of it for the next attempt. The copy has no room for the headers that are added.
    pub(super) async fn run(&self, request: &mut Request<Bytes>) -> Result<Response<Bytes>> {
        let copy = request.clone();
        let request = mem::replace(request, copy);
        if self.client.settings.attempt_policies.is_empty() {
            return self.sign_and_send(request)?.await;
        }
        // Boxed, since most clients have no policies.
        Box::pin(Next::new(&self.client.settings.attempt_policies, self).run(request)).await
    }

    /// Not `async`, so that no other future holds the request while the transport does.
    fn sign_and_send(&self, mut request: Request<Bytes>) -> Result<Sending<'_>> {
        if (self.url_may_change && !normalize_url(&mut request)) || !self.client.endpoint.owns(request.uri())
        {
            let text = format!(
                "the request was not signed: its origin is not {}, and the credential is only sent there",
                self.client.endpoint
            );
            return Err(Error::new(ErrorKind::Credential, text).with_delivery(Delivery::NotSent).permanent());
        }
        if let Some(context) = self.client.settings.trace_context() {
            context.add_to(request.headers_mut());
        }
        match self.client.credential.authorize_now(&mut request) {
            Some(signed) => signed.map(|()| self.send_signed(request)),
            None => Ok(Box::pin(async move {
                self.client.credential.authorize(&mut request).await?;
                self.send_signed(request).await
            })),
        }
    }

    fn send_signed(&self, request: Request<Bytes>) -> Sending<'_> {
        *self.signed.lock().unwrap_or_else(PoisonError::into_inner) =
            request.headers().get(AUTHORIZATION).cloned();
        self.sent.store(true, Ordering::Relaxed);
        self.client.transport.send(request, &self.send)
    }

    /// Returns whether the service rejected the credential and a fresh one can be obtained.
    pub(super) fn unauthorized(&self, outcome: &Result<Response<Bytes>>) -> bool {
        outcome.as_ref().is_ok_and(|response| response.status() == StatusCode::UNAUTHORIZED)
            && self
                .client
                .credential
                .unauthorized(self.signed.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
    }

    pub(super) fn timed_out(&self) -> Error {
        let limit = rounded(self.limit);
        self.send.set_timed_out();
        let sent = self.sent.load(Ordering::Relaxed) && !self.send.is_waiting();
        self.sent.store(sent, Ordering::Relaxed);
        let (delivery, text) = match sent {
            true if self.send.is_accepted() => {
                (Delivery::Accepted, format!("the response was not complete within {limit:?}"))
            }
            true => (Delivery::Unknown, format!("no response arrived within {limit:?}")),
            false => (Delivery::NotSent, format!("the request was not sent within {limit:?}")),
        };
        Error::new(ErrorKind::Timeout, text).with_delivery(delivery)
    }
}

/// Normalizes the URL to the form that the transport sends, since a policy may have set one that URL parsers rewrite. Returns
/// whether it is valid.
fn normalize_url(request: &mut Request<Bytes>) -> bool {
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
    async fn run(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        self.sign_and_send(request)?.await
    }
}
