//! The extension point for users' code around every call, or around every attempt of a call.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use crate::Result;

/// Runs code around a call or around each of its attempts.
///
/// A policy of a call runs once, outside the retries. An attempt policy runs inside them, before the credential signs.
///
/// # Examples
///
/// A policy that adds a header to every request:
///
/// ```
/// use bytes::Bytes;
/// use http::{HeaderValue, Request, Response};
/// use service_core::{Next, Policy, Result};
///
/// struct Tenant;
///
/// #[async_trait::async_trait]
/// impl Policy for Tenant {
///     async fn send(&self, mut request: Request<Bytes>, next: Next<'_>) -> Result<Response<Bytes>> {
///         request.headers_mut().insert("x-tenant", HeaderValue::from_static("blue"));
///         next.run(request).await
///     }
/// }
/// ```
#[async_trait]
pub trait Policy: Send + Sync + 'static {
    /// Handles one request: most policies change it, run the rest of the chain, and inspect the response.
    ///
    /// A response with an error status is `Ok`. It becomes an error after the last attempt.
    ///
    /// A policy may return a response of its own without running the rest of the chain; nothing is sent then. A policy that
    /// changes the URL cannot leave the client's endpoint: such a request fails before it is signed.
    ///
    /// # Errors
    ///
    /// Returns an error if the rest of the chain fails, or to reject the request. An error is retried by its
    /// [`delivery`](crate::Error::delivery), unless it is [`permanent`](crate::Error::permanent).
    async fn send(&self, request: Request<Bytes>, next: Next<'_>) -> Result<Response<Bytes>>;
}

/// Represents the rest of the chain after a policy.
pub struct Next<'a> {
    policies: &'a [Arc<dyn Policy>],
    terminal: &'a dyn Terminal,
}

/// Where a chain of policies ends.
#[async_trait]
pub(crate) trait Terminal: Send + Sync {
    async fn run(&self, request: Request<Bytes>) -> Result<Response<Bytes>>;
}

impl<'a> Next<'a> {
    pub(crate) fn new(policies: &'a [Arc<dyn Policy>], terminal: &'a dyn Terminal) -> Self {
        Self { policies, terminal }
    }

    /// Runs the rest of the chain.
    ///
    /// # Errors
    ///
    /// Returns an error if a later policy, the credential, or the transport fails.
    pub async fn run(self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        match self.policies.split_first() {
            Some((policy, policies)) => {
                policy.send(request, Next { policies, terminal: self.terminal }).await
            }
            None => self.terminal.run(request).await,
        }
    }
}
