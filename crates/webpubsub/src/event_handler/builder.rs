//! The builder of a webhook: its hub, access keys, allowed origins, and limits.

use std::fmt;
use std::sync::Arc;

use service_core::{ConnectionString, Environment, Error, Result, Secret};

use super::origin::Origins;
use super::shared::{HandlerTask, Shared, Spawn};
use super::signature::Verifier;
use super::{EventHandler, Webhook};
use crate::names;

/// The maximum size of a request body in bytes, unless the builder sets another one. It allows a message of 1 MiB, or a
/// handshake with 64 KiB of claims, headers, and certificates in addition.
pub const DEFAULT_BODY_LIMIT: usize = 1024 * 1024 + 64 * 1024;

/// A builder that configures a [`Webhook`]. [`Webhook::builder`] creates it.
///
/// # Examples
///
/// ```
/// use webpubsub::event_handler::{EventHandler, Webhook};
///
/// struct Chat;
/// impl EventHandler for Chat {}
///
/// # fn main() -> webpubsub::Result<()> {
/// let webhook = Webhook::builder("chat", Chat)
///     .access_key("primary key")
///     .access_key("secondary key")
///     .allowed_origin("example.webpubsub.azure.com")
///     .body_limit(64 * 1024)
///     .build()?;
/// # let _: Webhook = webhook;
/// # Ok(()) }
/// ```
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

    /// Adds an access key of the resource, with which requests are verified.
    ///
    /// Each request is signed with both keys of the resource, so one key suffices. With both keys, either one can be
    /// regenerated at any time. If several resources call the webhook, add the keys of each.
    pub fn access_key(mut self, key: impl Into<Secret>) -> Self {
        self.keys.push(Ok(key.into()));
        self
    }

    /// Adds the access key of a connection string. The other parts of the string are ignored.
    pub fn connection_string(mut self, text: &str) -> Self {
        let key = ConnectionString::parse(text).and_then(|parsed| parsed.require("AccessKey").cloned());
        self.keys.push(key);
        self
    }

    pub(super) fn environment(self, environment: &Environment) -> Result<Self> {
        let source = environment.require("WEBPUBSUB_CONNECTION_STRING")?;
        let key =
            source.read(|text| ConnectionString::parse(text.expose())?.require("AccessKey").cloned())?;
        Ok(self.access_key(key))
    }

    /// Accepts requests without verifying their signature, for a resource whose access keys are disabled.
    ///
    /// Any client that knows the URL can then impersonate the service. Verify a code in the URL, or the token of a managed
    /// identity, in front of the webhook.
    pub fn accept_unverified(mut self) -> Self {
        self.unverified = true;
        self
    }

    /// Allows requests from a resource, by its host, such as `name.webpubsub.azure.com`, or from any resource with `*`.
    ///
    /// By default, requests from any resource are allowed if their signature is valid.
    pub fn allowed_origin(mut self, host: impl Into<String>) -> Self {
        self.origins.push(host.into());
        self
    }

    /// Sets the maximum size of a request body in bytes. Default: [`DEFAULT_BODY_LIMIT`].
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Responds immediately to events that the service does not wait for, and passes the handler's work to a function that
    /// runs it.
    ///
    /// By default, the response is sent after the handler has returned. Tasks that are spawned can run out of order. The
    /// function is responsible for limiting how many of them run at the same time.
    ///
    /// # Examples
    ///
    /// ```
    /// # use webpubsub::event_handler::{EventHandler, Webhook};
    /// # struct Chat;
    /// # impl EventHandler for Chat {}
    /// let webhook = Webhook::builder("chat", Chat).access_key("key").spawn_with(|task| {
    ///     tokio::spawn(task);
    /// });
    /// ```
    pub fn spawn_with(mut self, spawn: impl Fn(HandlerTask) + Send + Sync + 'static) -> Self {
        self.spawn = Some(Arc::new(spawn));
        self
    }

    /// Builds the webhook.
    ///
    /// # Errors
    ///
    /// Returns an error if the hub name is invalid, if there is neither an access key nor
    /// [`accept_unverified`](Self::accept_unverified) or if there are both, if a key is empty, if the connection string has
    /// no key, or if an allowed origin is not a host. No error contains a key.
    pub fn build(self) -> Result<Webhook> {
        names::hub(&self.hub)?;
        let keys = self.keys.into_iter().collect::<Result<Vec<_>>>()?;
        let invalid = |rule| Err(Error::invalid_input("webhook", rule, None));
        let verifier = match (keys.is_empty(), self.unverified) {
            (false, false) => Verifier::new(&keys)?,
            (true, true) => Verifier::Unverified,
            (true, false) => return invalid("needs an access key, or `accept_unverified`"),
            (false, true) => return invalid("has access keys, so `accept_unverified` must not be set"),
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Silent;
    impl EventHandler for Silent {}

    #[test]
    fn an_invalid_connection_string_in_the_environment_is_rejected_with_the_name_of_its_variable() {
        for (text, rule) in [
            ("", "missing or empty"),
            ("\"Endpoint=https://x.example;AccessKey=planted;\"", "quotation marks"),
            ("planted", "`=`"),
            ("Endpoint=https://planted.example", "`AccessKey`"),
        ] {
            let environment = Environment::new(|_| Some(text.into()));
            let error = Webhook::builder("chat", Silent).environment(&environment).err().unwrap();
            assert!(error.to_string().contains(rule), "{text}: {error}");
            assert!(error.to_string().contains("WEBPUBSUB_CONNECTION_STRING"), "{text}: {error}");
            assert!(!format!("{error:?}").contains("planted"), "{error}");
        }
        let environment = Environment::new(|_| Some("Endpoint=https://x.example;AccessKey=key".into()));
        let builder = Webhook::builder("chat", Silent).environment(&environment).unwrap();
        assert_eq!(builder.keys.len(), 1);
        assert!(builder.build().is_ok());
    }
}
