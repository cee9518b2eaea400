//! The receiver: one subscription of one topic, pulled.

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, Method};
use service_core::{ClientOptions, Dialect, Endpoint, Pipeline};

use crate::operations::API_VERSION;
use crate::{Credential, Error, RawRequest, Reject, Result};

/// The scope of Entra tokens for this service in the public cloud.
const SCOPE: &str = "https://eventgrid.azure.net/.default";

static DIALECT: Dialect = Dialect {
    product: concat!("eventgrid-namespaces/", env!("CARGO_PKG_VERSION")),
    sent_request_id: Some(HeaderName::from_static("x-ms-client-request-id")),
    answered_request_id: &["x-ms-request-id"],
    // The specification names the first; the service was seen to send the second.
    error_code: &["x-ms-error-code", "broker-errorcode"],
    span: service_core::call_span!("az.service_request_id"),
    span_request_id: "az.service_request_id",
};

/// Settles the events of one subscription: see [pull delivery](https://learn.microsoft.com/azure/event-grid/pull-delivery-overview).
///
/// Cheap to clone; clones share connections, tokens and retry quota.
///
/// ```no_run
/// # async fn run(lock_token: String) -> eventgrid_namespaces::Result<()> {
/// use eventgrid_namespaces::{Credential, Receiver};
///
/// let key = std::env::var("EVENTGRID_NAMESPACES_KEY").expect("a key");
/// let receiver = Receiver::new(
///     "https://name.westeurope-1.eventgrid.azure.net", "orders", "billing", Credential::access_key(key),
/// )?;
/// receiver.reject([lock_token]).await?.into_result()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Receiver {
    pub(crate) pipeline: Pipeline,
    pub(crate) topic: Arc<str>,
    pub(crate) subscription: Arc<str>,
    pub(crate) api_version: Arc<str>,
}

impl Receiver {
    /// A receiver with default settings. `endpoint` is the namespace's HTTP host name or URL.
    ///
    /// # Errors
    ///
    /// A malformed endpoint, plain `http` to another machine, an empty topic or subscription, an empty key.
    pub fn new(
        endpoint: &str,
        topic: impl Into<String>,
        subscription: impl Into<String>,
        credential: Credential,
    ) -> Result<Self> {
        Self::builder(endpoint, topic, subscription, credential).build()
    }

    /// Starts a receiver with settings of its own.
    pub fn builder(
        endpoint: &str,
        topic: impl Into<String>,
        subscription: impl Into<String>,
        credential: Credential,
    ) -> ReceiverBuilder {
        ReceiverBuilder {
            endpoint: endpoint.to_owned(),
            topic: topic.into(),
            subscription: subscription.into(),
            credential,
            api_version: API_VERSION.to_owned(),
            scope: SCOPE.to_owned(),
            options: ClientOptions::default(),
        }
    }

    /// Rejects events by the lock tokens that they were received with: they go to the subscription's dead-letter destination,
    /// or are dropped where it has none, and are not received again.
    ///
    /// The service answers with success even when it could reject none of them, so look at the [result](crate::SettleResult).
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/reject-cloud-events/reject-cloud-events)
    ///
    /// # Errors
    ///
    /// No token, or an empty one, before anything is sent.
    pub fn reject<S: Into<String>>(&self, lock_tokens: impl IntoIterator<Item = S>) -> Reject {
        let lock_tokens: Vec<String> = lock_tokens.into_iter().map(Into::into).collect();
        Reject::new(self, &lock_tokens)
    }

    /// A request that this crate has no method for, through the same pipeline: each `{}` of `path` takes the next of
    /// `segments`, escaped. The client's api-version goes with it unless `.query("api-version", ..)` gives another one.
    ///
    /// ```no_run
    /// # use http::Method;
    /// # async fn run(receiver: eventgrid_namespaces::Receiver) -> eventgrid_namespaces::Result<()> {
    /// let path = "/topics/{}/eventsubscriptions/{}:receive";
    /// receiver.request(Method::POST, path, &["orders", "billing"]).query("maxEvents", "10").await?;
    /// # Ok(()) }
    /// ```
    pub fn request(&self, method: Method, path: &str, segments: &[&str]) -> RawRequest {
        RawRequest::new(&self.pipeline, method, path, segments)
            .default_query("api-version", &*self.api_version)
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("endpoint", self.pipeline.endpoint())
            .field("topic", &self.topic)
            .field("subscription", &self.subscription)
            .finish()
    }
}

/// A [`Receiver`] in the making. What is wrong with its arguments comes out of [`build`](Self::build).
#[must_use = "does nothing until built"]
#[derive(Debug)]
pub struct ReceiverBuilder {
    endpoint: String,
    topic: String,
    subscription: String,
    credential: Credential,
    api_version: String,
    scope: String,
    options: ClientOptions,
}

impl ReceiverBuilder {
    /// Sends another api-version than `2024-06-01`.
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = version.into();
        self
    }

    /// Asks for tokens of another scope than `https://eventgrid.azure.net/.default`, as other clouds need.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Checks everything and makes the receiver; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// As [`Receiver::new`], and settings that cannot be used.
    pub fn build(self) -> Result<Receiver> {
        let endpoint = parse(&self.endpoint)?;
        for (what, name) in [("topic", &self.topic), ("event subscription", &self.subscription)] {
            service_core::push_segment(&mut String::new(), what, name)?;
        }
        if self.api_version.is_empty() {
            return Err(Error::invalid_input("api-version", "must not be empty", None));
        }
        let credential = self.credential.authorizer(self.scope, self.options.time())?;
        let pipeline = self.options.build(&DIALECT, endpoint, credential)?;
        let (topic, subscription) = (self.topic.into(), self.subscription.into());
        Ok(Receiver { pipeline, topic, subscription, api_version: self.api_version.into() })
    }
}

service_core::client_setters!(ReceiverBuilder);

/// The portal shows a namespace's bare host name, so that is taken too.
fn parse(endpoint: &str) -> Result<Endpoint> {
    let endpoint = endpoint.trim();
    let bare_host = !endpoint.is_empty()
        && endpoint.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    if bare_host { Endpoint::parse(&format!("https://{endpoint}")) } else { Endpoint::parse(endpoint) }
}
