//! The webhook itself: HTTP types in, HTTP types out, without a framework and without I/O. The head of a request is checked
//! before its body is read.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, Response};
use service_core::Environment;

use super::dispatch::Kind;
use super::head::{self, VERSION};
use super::rejection::Rejection;
use super::shared::Shared;
use super::{Context, EventHandler, PendingEvent, WebhookBuilder};

/// A service that responds to the requests of Azure Web PubSub for one hub. It is cheap to clone.
///
/// A `Webhook` implements `tower_service::Service`; see the [module documentation](super) for how to mount it. Without a
/// framework, use [`handle`](Self::handle) or [`check`](Self::check).
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use http::Request;
/// use webpubsub::event_handler::{EventHandler, Handled, Webhook};
///
/// struct Chat;
/// impl EventHandler for Chat {}
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), webpubsub::BoxError> {
/// let webhook = Webhook::builder("chat", Chat).access_key("key").build()?;
///
/// // The service validates a new webhook with an OPTIONS request.
/// let request = Request::options("/upstream")
///     .header("WebHook-Request-Origin", "example.webpubsub.azure.com")
///     .header("ce-awpsversion", "1.0")
///     .body(Bytes::new())?;
/// match webhook.handle(request).await {
///     Handled::Response(response) => assert_eq!(response.headers()["WebHook-Allowed-Origin"], "*"),
///     Handled::NotOurs(request) => println!("not from the service: {}", request.uri()),
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Webhook(Arc<Shared>);

/// Represents what [`Webhook::check`] found in the head of a request.
#[derive(Debug)]
pub enum Check {
    /// The request is an event. Read its body and pass it to [`PendingEvent::respond`].
    Event(PendingEvent),
    /// The request has a response that does not depend on its body: it validates a new webhook, or it was rejected.
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
    /// Returns a builder that configures a webhook for a hub. The name of the hub is case-insensitive.
    pub fn builder(hub: impl Into<String>, handler: impl EventHandler) -> WebhookBuilder {
        WebhookBuilder::new(hub.into(), Box::new(handler))
    }

    /// Returns a builder that verifies requests with the access key of `WEBPUBSUB_CONNECTION_STRING`, like
    /// [`ServiceClient::from_env`](crate::ServiceClient::from_env).
    ///
    /// # Errors
    ///
    /// Returns an error that names the variable, and not its value, if it is missing or empty, or if it is not a connection string
    /// with an access key.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use webpubsub::event_handler::{EventHandler, Webhook};
    ///
    /// fn webhook(handler: impl EventHandler) -> webpubsub::Result<Webhook> {
    ///     Webhook::builder_from_env("chat", handler)?.build()
    /// }
    /// ```
    pub fn builder_from_env(
        hub: impl Into<String>,
        handler: impl EventHandler,
    ) -> service_core::Result<WebhookBuilder> {
        Self::builder(hub, handler).environment(&Environment::process())
    }

    pub(super) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Responds to a request whose body has been read completely.
    ///
    /// If the returned future is dropped, the handler's future is dropped with it.
    pub async fn handle(&self, request: Request<Bytes>) -> Handled {
        match self.check(request.method(), request.headers()) {
            Check::Event(event) => Handled::Response(event.respond(request.into_body()).await),
            Check::Response(response) => Handled::Response(response),
            Check::NotOurs => Handled::NotOurs(request),
        }
    }

    /// Checks the head of a request: origin, hub, signature, and size. The body of a rejected request need not be read.
    #[must_use]
    pub fn check(&self, method: &Method, headers: &HeaderMap) -> Check {
        if !headers.contains_key(VERSION) {
            return Check::NotOurs;
        }
        let checked = match *method {
            Method::OPTIONS => self.validate(headers).map(Check::Response),
            Method::POST => self.check_event(headers).map(Check::Event),
            _ => return Check::NotOurs,
        };
        checked.unwrap_or_else(|rejection| Check::Response(rejection.respond()))
    }

    fn validate(&self, headers: &HeaderMap) -> Result<Response<Bytes>, Rejection> {
        head::check_limits(headers)?;
        let response = self.0.origins.validate(headers)?;
        tracing::debug!(hub = self.0.hub, "webhook validated");
        Ok(response)
    }

    fn check_event(&self, headers: &HeaderMap) -> Result<PendingEvent, Rejection> {
        let shared = &self.0;
        head::check_limits(headers)?;
        shared.origins.check(headers)?;
        // First, so that a forged request learns nothing from the other rules.
        shared.verifier.check(headers, head::required(headers, "ce-connectionid")?)?;
        let hub = head::required(headers, "ce-hub")?;
        if !hub.eq_ignore_ascii_case(&shared.hub) {
            let rejection = Rejection::unauthorized("ce-hub is not the hub of this webhook").got(hub);
            return Err(rejection.log_also("hub", &shared.hub));
        }
        head::check_length(headers, shared.body_limit)?;
        let kind = Kind::read(headers)?;
        let media_type = head::media_type(headers)?;
        if kind.needs_json() && !media_type.eq_ignore_ascii_case("application/json") {
            return Err(
                Rejection::bad_request(format!("{CONTENT_TYPE} is not application/json")).got(media_type)
            );
        }
        let context = Context::read(headers, shared.verifier.checks())?;
        Ok(PendingEvent { shared: self.0.clone(), kind, context })
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("hub", &self.0.hub)
            .field("origins", &self.0.origins)
            .field("verifies", &self.0.verifier.checks())
            .field("body_limit", &self.0.body_limit)
            .finish_non_exhaustive()
    }
}
