//! The same request through azure_core's pipeline, as a crate of the official SDK sends it: its own policies for user
//! agent and request id, one more for the static key.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::headers::{AUTHORIZATION, CONTENT_TYPE};
use azure_core::http::policies::{ClientRequestIdPolicy, Policy, PolicyResult};
use azure_core::http::{ClientOptions, Context, Method, Pipeline, Request, Transport};

use super::message::{JSON, KEY, Message, REQUEST_ID};
use super::raw;
use crate::Result;

/// The static key.
#[derive(Debug)]
struct Key(String);

#[expect(
    elided_lifetimes_in_paths,
    reason = "async-trait distinguishes `Context<'_>` from the trait's own `Context`"
)]
#[async_trait]
impl Policy for Key {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        request.insert_header(AUTHORIZATION, self.0.clone());
        next[0].send(context, request, &next[1..]).await
    }
}

/// A pipeline over the same HTTP client as the other contenders.
pub(super) fn pipeline() -> Result<Pipeline> {
    let options = ClientOptions {
        transport: Some(Transport::new(Arc::new(raw::client()?))),
        ..ClientOptions::default()
    };
    let per_call: Vec<Arc<dyn Policy>> = vec![Arc::new(ClientRequestIdPolicy::with_header_name(REQUEST_ID))];
    let per_try: Vec<Arc<dyn Policy>> = vec![Arc::new(Key(format!("Bearer {KEY}")))];
    Ok(Pipeline::new(Some("workspace-bench"), Some("0.0.0"), options, per_call, per_try, None))
}

/// Sends the message once.
pub(super) async fn send(pipeline: Arc<Pipeline>, message: Arc<Message>) -> Result<()> {
    let mut request = Request::new(message.url().parse()?, Method::Post);
    request.insert_header(CONTENT_TYPE, JSON);
    request.set_body(message.body.clone());
    let response = pipeline.send(&Context::new(), &mut request, None).await?;
    message.check(response.body())
}
