//! Builds a webhook: which hub, whose signatures, from where, how much.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use service_core::{ConnectionString, Error, Result, Secret};

use super::origin::Origins;
use super::signature::Verifier;
use super::webhook::Shared;
use super::{EventHandler, Webhook};
use crate::names;

/// The most bytes of a body, unless the builder is told otherwise: a message of 1 MiB, and 64 KiB for the claims, headers
/// and certificates of a handshake.
pub const DEFAULT_BODY_LIMIT: usize = 1024 * 1024 + 64 * 1024;

/// A handler's work that goes on after the answer; see [`WebhookBuilder::spawn_with`].
pub type HandlerTask = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(super) type Spawn = Arc<dyn Fn(HandlerTask) + Send + Sync>;

/// Sets up a [`Webhook`]; made by [`Webhook::builder`].
#[must_use = "does nothing until built"]
pub struct WebhookBuilder {
    hub: String,
    handler: Box<dyn EventHandler>,
    keys: Vec<Result<Secret>>,
    unverified: bool,
    origins: Vec<String>,
    body_limit: usize,
    spawn: Option<Spawn>,
}

impl WebhookBuilder {
    pub(super) fn new(hub: String, handler: Box<dyn EventHandler>) -> Self {
        Self {
            hub,
            handler,
            keys: Vec::new(),
            unverified: false,
            origins: Vec::new(),
            body_limit: DEFAULT_BODY_LIMIT,
            spawn: None,
        }
    }

    /// Adds an access key of the resource, by which calls are verified. Each call is signed by both keys of the resource, so
    /// one suffices; with both, either can be regenerated at any time. Several resources: the keys of each.
    pub fn access_key(mut self, key: impl Into<Secret>) -> Self {
        self.keys.push(Ok(key.into()));
        self
    }

    /// Adds the access key of a connection string; its other parts are not used.
    pub fn connection_string(mut self, text: &str) -> Self {
        let key = ConnectionString::parse(text).and_then(|parsed| parsed.require("AccessKey").cloned());
        self.keys.push(key);
        self
    }

    /// Takes calls without checking their signature, for a resource whose access keys are disabled. Then anybody who finds
    /// the URL can play the service: check a code in the URL, or a managed identity's token, in front of the webhook.
    pub fn accept_unverified(mut self) -> Self {
        self.unverified = true;
        self
    }

    /// Allows a resource, by its host such as `name.webpubsub.azure.com`, or `*`. Until one is named, every one is allowed
    /// whose signature is good.
    pub fn allowed_origin(mut self, host: impl Into<String>) -> Self {
        self.origins.push(host.into());
        self
    }

    /// Sets the most bytes that a body may have; [`DEFAULT_BODY_LIMIT`] unless set.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Answers the events that the service does not wait for at once, and has the handler's work run by this function:
    ///
    /// ```
    /// # use webpubsub::event_handler::{EventHandler, Webhook};
    /// # struct Chat;
    /// # impl EventHandler for Chat {}
    /// let webhook = Webhook::builder("chat", Chat).access_key("key").spawn_with(|work| {
    ///     tokio::spawn(work);
    /// });
    /// ```
    ///
    /// What is spawned so may run out of order. How much of it may be under way is the function's to bound.
    pub fn spawn_with(mut self, spawn: impl Fn(HandlerTask) + Send + Sync + 'static) -> Self {
        self.spawn = Some(Arc::new(spawn));
        self
    }

    /// Builds the webhook.
    ///
    /// # Errors
    ///
    /// The hub's name is not one; there is neither a key nor [`accept_unverified`](Self::accept_unverified), or both; a key
    /// is empty; the connection string has none; an allowed origin is not a host. No error repeats a key.
    pub fn build(self) -> Result<Webhook> {
        names::hub(&self.hub)?;
        let keys = self.keys.into_iter().collect::<Result<Vec<_>>>()?;
        let invalid = |rule| Err(Error::invalid_input("webhook", rule, None));
        let verifier = match (keys.is_empty(), self.unverified) {
            (false, false) => Verifier::new(&keys)?,
            (true, true) => Verifier::Unverified,
            (true, false) => return invalid("needs an access key, or `accept_unverified`"),
            (false, true) => return invalid("has access keys and is told to accept calls unverified"),
        };
        Ok(Webhook::new(Shared {
            hub: self.hub,
            origins: Origins::new(self.origins)?,
            verifier,
            body_limit: self.body_limit,
            spawn: self.spawn,
            handler: self.handler,
        }))
    }
}

impl fmt::Debug for WebhookBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.keys.len();
        write!(f, "WebhookBuilder({:?}, {keys} keys, origins {:?})", self.hub, self.origins)
    }
}
