//! The core: HTTP types in, HTTP types out, no framework and no IO. A call is judged by its head before its body is read.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, Response};

use super::builder::Spawn;
use super::dispatch::Kind;
use super::head::{self, VERSION};
use super::origin::Origins;
use super::rejection::Rejection;
use super::signature::Verifier;
use super::{Context, EventHandler, PendingEvent, WebhookBuilder};

/// Answers the calls of the service for one hub. Cheap to clone; see the [module](super) for how to mount it.
#[derive(Clone)]
pub struct Webhook(Arc<Shared>);

pub(super) struct Shared {
    pub(super) hub: String,
    pub(super) origins: Origins,
    pub(super) verifier: Verifier,
    pub(super) body_limit: usize,
    pub(super) spawn: Option<Spawn>,
    pub(super) handler: Box<dyn EventHandler>,
}

/// What the head of a request says about it.
#[derive(Debug)]
pub enum Check {
    /// An event that may be read: its body goes to [`PendingEvent::answer`].
    Event(PendingEvent),
    /// The answer to the check of a new webhook, or to a call that is refused; the body need not be read.
    Response(Response<Bytes>),
    /// Nothing that the service sent, such as a browser's CORS preflight.
    NotOurs,
}

/// What became of a request.
#[derive(Debug)]
pub enum Handled {
    /// It was the service's, and this is the answer.
    Response(Response<Bytes>),
    /// It is not the service's, and is given back.
    NotOurs(Request<Bytes>),
}

impl Webhook {
    /// Begins a webhook for a hub; the service spells hubs in any case.
    pub fn builder(hub: impl Into<String>, handler: impl EventHandler) -> WebhookBuilder {
        WebhookBuilder::new(hub.into(), Box::new(handler))
    }

    pub(super) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Answers a request of which the whole body is there.
    pub async fn handle(&self, request: Request<Bytes>) -> Handled {
        match self.check(request.method(), request.headers()) {
            Check::Event(event) => Handled::Response(event.respond(request.into_body()).await),
            Check::Response(response) => Handled::Response(response),
            Check::NotOurs => Handled::NotOurs(request),
        }
    }

    /// Judges a request by its head, so that the body of one that is refused need not be read.
    #[must_use]
    pub fn check(&self, method: &Method, headers: &HeaderMap) -> Check {
        if !headers.contains_key(VERSION) {
            return Check::NotOurs;
        }
        let checked = match *method {
            Method::OPTIONS => self.validate(headers).map(Check::Response),
            Method::POST => self.admit(headers).map(Check::Event),
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

    fn admit(&self, headers: &HeaderMap) -> Result<PendingEvent, Rejection> {
        let shared = &self.0;
        head::check_limits(headers)?;
        shared.origins.check(headers)?;
        let hub = head::required(headers, "ce-hub")?;
        if !hub.eq_ignore_ascii_case(&shared.hub) {
            return Err(Rejection::unauthorized(format!("ce-hub is not {}", shared.hub)).got(hub));
        }
        shared.verifier.check(headers, head::required(headers, "ce-connectionid")?)?;
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
