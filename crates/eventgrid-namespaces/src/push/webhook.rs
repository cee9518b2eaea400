//! The webhook itself: HTTP types in, HTTP types out, without a framework. The head of a request is checked before its body is
//! read.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use serde::de::DeserializeOwned;

use super::builder::Shared;
use super::origin::REQUEST_ORIGIN;
use super::rejection::{Rejection, empty};
use super::{PendingDelivery, WebhookBuilder};
use crate::processor::{erased, typed};
use crate::{CloudEvent, Handler};

/// A service that responds to the requests of Event Grid. It is cheap to clone.
///
/// A `Webhook` implements `tower_service::Service`, so axum and others can mount it. Without a framework, use
/// [`handle`](Self::handle) or [`check`](Self::check).
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use eventgrid_namespaces::push::{Handled, Webhook};
/// use eventgrid_namespaces::{CloudEvent, Context};
/// use http::Request;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
/// let webhook = Webhook::builder(async |event: CloudEvent, _: Context| println!("{}", event.id()))
///     .query_secret("code", "s3cret")
///     .build()?;
///
/// let event = r#"{"specversion":"1.0","id":"1","source":"/orders","type":"com.example.order.created"}"#;
/// let request = Request::post("/hooks/eventgrid?code=s3cret")
///     .header("content-type", "application/cloudevents+json; charset=utf-8")
///     .body(Bytes::from_static(event.as_bytes()))?;
/// match webhook.handle(request).await {
///     Handled::Response(response) => assert_eq!(response.status(), 200),
///     Handled::NotOurs(request) => println!("not from the service: {}", request.method()),
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Webhook(pub(super) Arc<Shared>);

/// Represents what [`Webhook::check`] found in the head of a request.
#[derive(Debug)]
pub enum Check {
    /// The request delivers events. Read its body and pass it to [`PendingDelivery::respond`].
    Delivery(PendingDelivery),
    /// The request has a response that does not depend on its body.
    Response(Response<Bytes>),
    /// The request does not come from the service. It is, for example, a CORS preflight request of a browser.
    NotOurs,
}

/// Represents the outcome of [`Webhook::handle`].
#[derive(Debug)]
pub enum Handled {
    /// The request came from the service, and this is the response.
    Response(Response<Bytes>),
    /// The request did not come from the service. It is returned unchanged.
    NotOurs(Request<Bytes>),
}

impl Webhook {
    /// Creates a builder that configures a webhook, which calls `handler` for each event.
    pub fn builder(handler: impl Handler<CloudEvent>) -> WebhookBuilder {
        WebhookBuilder::new(erased(handler))
    }

    /// Creates a builder like [`builder`](Self::builder), whose handler receives the deserialized data of each event.
    ///
    /// An event whose data is missing or does not match the type is handled like one that cannot be read: the response is 400,
    /// and a [`Notice`](super::Notice) reports the reason.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventgrid_namespaces::Context;
    /// use eventgrid_namespaces::push::Webhook;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Order {
    ///     total: u32,
    /// }
    ///
    /// # fn main() -> eventgrid_namespaces::Result<()> {
    /// let webhook = Webhook::typed(async |order: Order, _: Context| println!("{}", order.total))
    ///     .header_secret("x-key", "s3cret")
    ///     .build()?;
    /// # let _ = webhook;
    /// # Ok(()) }
    /// ```
    pub fn typed<T>(handler: impl Handler<T>) -> WebhookBuilder
    where
        T: DeserializeOwned + Send + 'static,
    {
        WebhookBuilder::new(typed(handler, None))
    }

    /// Responds to a request whose body has been read completely.
    ///
    /// If the returned future is dropped, the handler's future is dropped with it.
    pub async fn handle(&self, request: Request<Bytes>) -> Handled {
        match self.check(request.method(), request.uri(), request.headers()).await {
            Check::Delivery(delivery) => Handled::Response(delivery.respond(request.into_body()).await),
            Check::Response(response) => Handled::Response(response),
            Check::NotOurs => Handled::NotOurs(request),
        }
    }

    /// Checks the head of a request: its secret or token, and its size. The body of a rejected request need not be read.
    pub async fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Check {
        let checked = match *method {
            Method::OPTIONS if headers.contains_key(REQUEST_ORIGIN) => self
                .0
                .authentication
                .check_url(uri)
                .map(|()| Check::Response(self.0.origins.validate(headers))),
            Method::POST => self.check_delivery(uri, headers).await,
            _ => return Check::NotOurs,
        };
        let check = checked.unwrap_or_else(|rejection| Check::Response(rejection.respond()));
        if let Check::Response(response) = &check {
            self.0.responded(method, response.status());
        }
        check
    }

    async fn check_delivery(&self, uri: &Uri, headers: &HeaderMap) -> Result<Check, Rejection> {
        let shared = &self.0;
        let arrived = shared.clock.elapsed();
        shared.authentication.check_url(uri)?;
        shared.authentication.check(headers).await?;
        // The type is a hint for logs, except for the removal of a subscription, which delivers nothing.
        let kind = headers.get("aeg-event-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if ["Unsubscribe", "SubscriptionDeletion"].iter().any(|removal| kind.eq_ignore_ascii_case(removal)) {
            return Ok(Check::Response(empty(StatusCode::OK)));
        }
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length
            .is_some_and(|length| usize::try_from(length).map_or(true, |length| length > shared.body_limit))
        {
            return Err(Rejection::body_too_large(shared.body_limit));
        }
        Ok(Check::Delivery(PendingDelivery { shared: Arc::clone(shared), headers: headers.clone(), arrived }))
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("origins", &self.0.origins)
            .field("body_limit", &self.0.body_limit)
            .finish_non_exhaustive()
    }
}
