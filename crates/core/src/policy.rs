//! The seam for what users add to a client: code around every call, or around every attempt of it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use crate::Result;

/// Code around a call (outside the retries) or around an attempt (inside them, before the credential signs).
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
    /// Handles one request: most policies change it, run what follows, and look at the answer.
    ///
    /// Inside an attempt, an answer with an error status is `Ok`: it becomes an error only after the retries.
    async fn send(&self, request: Request<Bytes>, next: Next<'_>) -> Result<Response<Bytes>>;
}

/// What follows a policy.
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
    /// Whatever the rest of the chain fails with.
    pub async fn run(self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        match self.policies.split_first() {
            Some((policy, policies)) => {
                policy.send(request, Next { policies, terminal: self.terminal }).await
            }
            None => self.terminal.run(request).await,
        }
    }
}
