//! The sender, which publishes to one topic.

use std::fmt;
use std::sync::Arc;

use http::Method;

use crate::{
    CloudEvent, Credential, IntoBatch, IntoEvents, NamespaceClient, RawRequest, Result, SendAll, SendBatch,
    SendEvent,
};

/// A client that publishes events to one topic of a namespace.
///
/// A sender is cheap to clone. Clones share connections, tokens and retry quota. To publish to several topics, or to change
/// settings, create a [`NamespaceClient`] and call its [`sender`](NamespaceClient::sender) method.
///
/// **At least once.** A publish whose outcome is unknown is retried, so its event may be delivered twice. An event keeps its id
/// across retries, so consumers can detect duplicates by comparing `source` and `id`. With `.idempotent(false)`, a call
/// publishes at most once: if its outcome is unknown, it fails, [`outcome_unknown`](crate::Error::outcome_unknown) returns
/// `true`, and the event may or may not have been published. The service does not preserve the order of events.
///
/// [Service documentation](https://learn.microsoft.com/azure/event-grid/publish-events-using-namespace-topics)
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # emulator.eventgrid().declare("orders", "billing");
/// # let (endpoint, key) = (emulator.endpoint(), emulator.eventgrid().key());
/// use eventgrid_namespaces::{CloudEvent, Credential, Sender};
///
/// let sender = Sender::new(&endpoint, "orders", Credential::access_key(key))?;
/// sender.send(CloudEvent::new("/orders/123", "com.example.order.created", &["screws"])?).await?;
/// # assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Sender {
    pub(crate) namespace: NamespaceClient,
    pub(crate) topic: Arc<str>,
}

impl Sender {
    /// Creates a sender with default settings and with connections of its own.
    ///
    /// `endpoint` is the namespace's HTTP host name or URL.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the topic is empty, and the same errors as
    /// [`NamespaceClient::new`].
    pub fn new(endpoint: &str, topic: impl Into<String>, credential: Credential) -> Result<Self> {
        let topic = checked(topic.into())?;
        Ok(NamespaceClient::new(endpoint, credential)?.sender(topic))
    }

    /// Creates a sender like [`new`](Self::new) from the environment variables of [`NamespaceClient::from_env`].
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the topic is empty, and the same errors as
    /// [`NamespaceClient::from_env`].
    pub fn from_env(topic: impl Into<String>) -> Result<Self> {
        let topic = checked(topic.into())?;
        Ok(NamespaceClient::from_env()?.sender(topic))
    }

    /// Publishes one event as JSON, or with its attributes in headers if [`binary_mode`](SendEvent::binary_mode) is set.
    ///
    /// A received event can be forwarded unchanged, even if it breaks rules that [`CloudEvent::builder`] enforces.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), without sending anything, if the event has no data
    /// or the data `null`, both of which the service rejects, or if it is larger than 1 MiB. Returns an error if the request
    /// fails, or if a success response did not come from the service.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/publish-cloud-event/publish-cloud-event)
    pub fn send(&self, event: CloudEvent) -> SendEvent {
        SendEvent::new(self, event)
    }

    /// Publishes several events in one request, as a JSON array.
    ///
    /// A request holds at most 1,000 events and 1 MiB. Accepts a `Vec`, an array, or an [`EventBatch`](crate::EventBatch), which
    /// checks these limits as events are added. The service accepts all of the events or none.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), without sending anything, if there are no events or
    /// if an event cannot be part of the batch; the error names the index and the id of the first such event. Otherwise returns
    /// the same errors as [`send`](Self::send).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # emulator.eventgrid().declare("orders", "billing");
    /// # let (endpoint, key) = (emulator.endpoint(), emulator.eventgrid().key());
    /// use eventgrid_namespaces::{CloudEvent, Credential, Sender};
    ///
    /// let sender = Sender::new(&endpoint, "orders", Credential::access_key(key))?;
    /// let created = CloudEvent::new("/orders/123", "com.example.order.created", &["screws"])?;
    /// let shipped = CloudEvent::new("/orders/123", "com.example.order.shipped", "by mail")?;
    /// sender.send_batch([created, shipped]).await?;
    /// assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 2);
    /// # Ok(()) }
    /// ```
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/publish-cloud-events/publish-cloud-events)
    pub fn send_batch(&self, events: impl IntoBatch) -> SendBatch {
        SendBatch::new(self, events)
    }

    /// Publishes all events of an iterator or a stream, in as few requests as possible.
    ///
    /// Requests are filled up to the limits of [`send_batch`](Self::send_batch) and sent one after another, or several at a time
    /// with [`concurrency`](SendAll::concurrency). A request that could still grow is sent when a stream has no event at the
    /// moment. Events are taken only as fast as they are published.
    ///
    /// The result lists the events that were not published, with the reason. A failure does not stop the call: the following
    /// events are still sent. To observe the progress or to stop early, call [`next`](SendAll::next) instead of awaiting.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # emulator.eventgrid().declare("orders", "billing");
    /// # let (endpoint, key) = (emulator.endpoint(), emulator.eventgrid().key());
    /// use eventgrid_namespaces::{CloudEvent, Credential, Sender};
    ///
    /// let sender = Sender::new(&endpoint, "orders", Credential::access_key(key))?;
    /// let events: Result<Vec<_>, _> = (0..2500).map(|n| CloudEvent::new("/orders", "com.example.order", &n)).collect();
    /// let result = sender.send_all(events?).concurrency(4).await;
    /// for failed in &result.failed {
    ///     println!("{failed}");
    /// }
    /// assert_eq!(result.sent, 2500);
    /// # Ok(()) }
    /// ```
    pub fn send_all<Kind>(&self, events: impl IntoEvents<Kind>) -> SendAll {
        SendAll::new(self, events)
    }

    /// Creates a request for an operation that this crate has no method for.
    ///
    /// The request uses the sender's credential, retries and timeouts. Each `{}` in `path` is replaced by the next of
    /// `segments`, escaped. The client's api-version is sent unless `.query("api-version", ..)` sets another one.
    pub fn request(&self, method: Method, path: &str, segments: &[&str]) -> RawRequest {
        self.namespace.request(method, path, segments)
    }
}

fn checked(topic: String) -> Result<String> {
    service_core::push_segment(&mut String::new(), "topic", &topic)?;
    Ok(topic)
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("endpoint", self.namespace.pipeline.endpoint())
            .field("topic", &self.topic)
            .finish()
    }
}
