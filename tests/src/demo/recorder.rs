//! A policy, as any user can write one, that records each attempt and its response.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use service_core::{Next, Policy, Result};

/// One attempt in two lines. Policies run before the credential signs, so there is no secret in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchange {
    pub(super) sent: String,
    pub(super) response: String,
}

/// Keeps the last exchange.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorder(Arc<Mutex<Exchange>>);

impl Recorder {
    pub(super) fn last(&self) -> Exchange {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait::async_trait]
impl Policy for Recorder {
    async fn send(&self, request: Request<Bytes>, next: Next<'_>) -> Result<Response<Bytes>> {
        let target = request.uri().path_and_query().map_or("", |target| target.as_str());
        let sent = with_body(&format!("{} {target}", request.method()), request.body());
        let response = next.run(request).await;
        let outcome = match &response {
            Ok(response) => with_body(&response.status().to_string(), response.body()),
            Err(error) => error.to_string(),
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Exchange { sent, response: outcome };
        response
    }
}

fn with_body(head: &str, body: &[u8]) -> String {
    if body.is_empty() { head.to_owned() } else { format!("{head}\n{}", String::from_utf8_lossy(body)) }
}
