//! The settings of a webhook, with their bounds and defaults.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use service_core::MeterHandle;
use tracing::Span;

#[cfg(feature = "push-entra")]
use super::EntraToken;
use super::authentication::Authentication;
use super::origin::Origins;
use super::{Notice, Webhook};
use crate::processor::{Erased, SpanOf, default_span};
use crate::{Clock, CloudEvent, Error, EventDelivery, Meter, Result, Secret, SystemClock, TraceContext};

/// Limits a request body by default, in bytes: 2 MiB. A batch of 1 MiB of binary data has 1.34 MiB as JSON.
pub const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;

type Hook = Arc<dyn Fn(&Notice<'_>) + Send + Sync>;

/// What a webhook and its pending deliveries share.
pub(super) struct Shared {
    pub(super) origins: Origins,
    pub(super) authentication: Authentication,
    pub(super) body_limit: usize,
    pub(super) deadline: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) span: SpanOf,
    pub(super) handler: Erased<CloudEvent>,
    pub(super) meter: MeterHandle,
    on_notice: Option<Hook>,
}

impl Shared {
    pub(super) fn notify(&self, notice: &Notice<'_>) {
        tracing::warn!("{notice}");
        if let Some(hook) = &self.on_notice {
            hook(notice);
        }
    }
}

/// A builder that configures a [`Webhook`]. Is returned by [`Webhook::builder`].
///
/// Invalid settings are reported by [`build`](Self::build).
#[must_use = "does nothing until built"]
pub struct WebhookBuilder {
    origins: Vec<String>,
    authentication: Authentication,
    invalid: Option<Error>,
    body_limit: usize,
    deadline: Duration,
    clock: Arc<dyn Clock>,
    span: SpanOf,
    handler: Erased<CloudEvent>,
    meter: MeterHandle,
    on_notice: Option<Hook>,
}

impl WebhookBuilder {
    pub(super) fn new(handler: Erased<CloudEvent>) -> Self {
        Self {
            origins: Vec::new(),
            authentication: Authentication::default(),
            invalid: None,
            body_limit: DEFAULT_BODY_LIMIT,
            deadline: Duration::from_secs(25),
            clock: Arc::new(SystemClock::new()),
            span: default_span(None, None),
            handler,
            meter: MeterHandle::default(),
            on_notice: None,
        }
    }

    /// Adds a secret that deliveries must have in a header, which the subscription sets as a delivery property.
    ///
    /// This method can be called several times with the same name, so that the secret can be rotated.
    pub fn header_secret(mut self, name: &str, secret: impl Into<Secret>) -> Self {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => {
                let same = self.authentication.header.as_ref().is_none_or(|(given, _)| *given == name);
                let (_, secrets) = self.authentication.header.get_or_insert_with(|| (name, Vec::new()));
                secrets.push(secret.into());
                self.check(same, "header secret", "must always have the same name");
            }
            Err(_) => self.check(false, "header secret", "must have the name of an HTTP header"),
        }
        self
    }

    /// Adds a secret that the URL of the webhook must have in its query, for deliveries and for handshakes.
    ///
    /// This method can be called several times with the same name, so that the secret can be rotated. A program that logs URLs
    /// logs the secret.
    pub fn query_secret(mut self, name: &str, secret: impl Into<Secret>) -> Self {
        let same = self.authentication.query.as_ref().is_none_or(|(given, _)| given == name);
        let (_, secrets) = self.authentication.query.get_or_insert_with(|| (name.to_owned(), Vec::new()));
        secrets.push(secret.into());
        self.check(same, "query secret", "must always have the same name");
        self
    }

    /// Requires a Microsoft Entra ID token with each delivery. It is not required for handshakes.
    #[cfg(feature = "push-entra")]
    pub fn entra_token(mut self, token: EntraToken) -> Self {
        self.authentication.token = Some(token);
        self
    }

    /// Accepts deliveries without authenticating them.
    ///
    /// Any client that knows the URL can then send events. Authenticate the requests in front of the webhook.
    pub fn accept_unverified(mut self) -> Self {
        self.authentication.unverified = true;
        self
    }

    /// Allows an origin to register the webhook, or any with `*`. Default: any.
    pub fn allowed_origin(mut self, host: impl Into<String>) -> Self {
        self.origins.push(host.into());
        self
    }

    /// Sets the maximum size of a request body in bytes. Default: [`DEFAULT_BODY_LIMIT`].
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets how long the events of one request may be handled. Default: 25 s.
    ///
    /// The service waits for 30 s, and may lose the events of a request that gets no response.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = limit;
        self
    }

    /// Sets the clock, for example a manual one in tests. Default: the system's clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the function that creates the span in which a handler runs. Default: a span `process` at INFO, with OpenTelemetry's
    /// attributes for messaging.
    ///
    /// It receives the delivery and the trace context that the event carries, so that it can link the span to the one that
    /// produced the event. It must neither block nor panic.
    pub fn span(
        mut self,
        create: impl Fn(&EventDelivery, Option<&TraceContext>) -> Span + Send + Sync + 'static,
    ) -> Self {
        self.span = Arc::new(create);
        self
    }

    /// Sets a callback that is called with each [`Notice`]. It must neither block nor panic.
    pub fn on_notice(mut self, hook: impl Fn(&Notice<'_>) + Send + Sync + 'static) -> Self {
        self.on_notice = Some(Arc::new(hook));
        self
    }

    /// Sets the meter that receives the webhook's metrics. Default: none; nothing is then measured.
    pub fn meter(mut self, meter: Arc<dyn Meter>) -> Self {
        self.meter = MeterHandle::new(meter);
        self
    }

    /// Builds the webhook.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if deliveries are not authenticated and
    /// [`accept_unverified`](Self::accept_unverified) was not called, or if both are the case, if a secret is empty, if secrets of
    /// one kind have different names, if a token has no audience, if an allowed origin is not a host, or if the deadline is zero.
    pub fn build(mut self) -> Result<Webhook> {
        let authentication = &self.authentication;
        let (verifies, unverified) = (authentication.verifies(), authentication.unverified);
        let secrets =
            |kind: Option<&Vec<Secret>>| kind.is_none_or(|all| all.iter().all(|secret| !secret.is_empty()));
        let filled = secrets(authentication.header.as_ref().map(|(_, secrets)| secrets))
            && secrets(authentication.query.as_ref().map(|(_, secrets)| secrets));
        self.check(verifies || unverified, "webhook", "needs a secret, a token, or `accept_unverified`");
        self.check(
            !(verifies && unverified),
            "webhook",
            "has a secret or a token besides `accept_unverified`",
        );
        self.check(filled, "secret", "must not be empty");
        self.check(!self.deadline.is_zero(), "deadline", "must not be zero");
        #[cfg(feature = "push-entra")]
        {
            let audience = self.authentication.token.as_ref().is_none_or(EntraToken::has_audience);
            self.check(audience, "Entra token", "needs an audience");
        }
        if let Some(error) = self.invalid {
            return Err(error);
        }
        Ok(Webhook(Arc::new(Shared {
            origins: Origins::new(self.origins)?,
            authentication: self.authentication,
            body_limit: self.body_limit,
            deadline: self.deadline,
            clock: self.clock,
            span: self.span,
            handler: self.handler,
            meter: self.meter,
            on_notice: self.on_notice,
        })))
    }

    /// Keeps the first error, which `build` returns.
    fn check(&mut self, valid: bool, what: &str, rule: &str) {
        if !valid && self.invalid.is_none() {
            self.invalid = Some(Error::invalid_input(what, rule, None));
        }
    }
}

impl fmt::Debug for WebhookBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookBuilder").field("origins", &self.origins).finish_non_exhaustive()
    }
}
