//! One attempt: the caller's policies, then the signature, then the transport. Nothing comes between the last two.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, StatusCode};

use super::Inner;
use crate::Operation;
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::policy::{Next, Terminal};

pub(super) struct Attempt<'a> {
    client: &'a Inner,
    operation: &'a Operation,
    /// Whether the transport was reached: a time-out before that certainly sent nothing.
    sent: AtomicBool,
    signed: Mutex<Option<HeaderValue>>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(client: &'a Inner, operation: &'a Operation) -> Self {
        Self { client, operation, sent: AtomicBool::new(false), signed: Mutex::new(None) }
    }

    pub(super) async fn run(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        if self.client.attempt_policies.is_empty() {
            return self.sign_and_send(request).await;
        }
        Next::new(&self.client.attempt_policies, self).run(request).await
    }

    async fn sign_and_send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>> {
        if !self.client.endpoint.owns(request.uri()) {
            let text = format!(
                "the request does not go to {}, so the credential must not go with it",
                self.client.endpoint
            );
            return Err(Error::new(ErrorKind::Credential, text).with_delivery(Delivery::NotSent).permanent());
        }
        self.client.credential.authorize(&mut request).await?;
        *self.signed.lock().unwrap_or_else(PoisonError::into_inner) =
            request.headers().get(AUTHORIZATION).cloned();
        self.sent.store(true, Ordering::Relaxed);
        self.client.transport.send(request, self.operation.answer_cap).await
    }

    /// Whether the service refused the credential, and a fresh one may be had.
    pub(super) fn refused(&self, outcome: &Result<Response<Bytes>>) -> bool {
        outcome.as_ref().is_ok_and(|answer| answer.status() == StatusCode::UNAUTHORIZED)
            && self
                .client
                .credential
                .refused(self.signed.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
    }

    pub(super) fn timed_out(&self, limit: Duration) -> Error {
        let sent = self.sent.load(Ordering::Relaxed);
        let (delivery, text) = match sent {
            true => (Delivery::Unknown, format!("no answer came within {limit:?}")),
            false => (Delivery::NotSent, format!("the credential took longer than {limit:?}")),
        };
        Error::new(ErrorKind::Timeout, text).with_delivery(delivery)
    }
}

#[async_trait]
impl Terminal for Attempt<'_> {
    async fn run(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        self.sign_and_send(request).await
    }
}
