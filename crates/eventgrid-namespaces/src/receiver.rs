//! The receiver, which pulls events from one subscription of one topic.

use std::fmt;
use std::sync::Arc;

use http::Method;

use crate::{
    Acknowledge, Credential, NamespaceClient, RawRequest, Receive, Reject, Release, RenewLocks, Result,
};

/// A client that receives and settles the events of one subscription.
///
/// A receiver is cheap to clone. Clones share connections, tokens and retry quota. To handle events in a loop, with lock renewal
/// and a graceful shutdown, use a [`Processor`](crate::Processor). To receive from several subscriptions, or to change settings,
/// create a [`NamespaceClient`] and call its [`receiver`](NamespaceClient::receiver) method.
///
/// [Service documentation](https://learn.microsoft.com/azure/event-grid/pull-delivery-overview)
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # emulator.eventgrid().declare("orders", "billing");
/// # let (endpoint, key) = (emulator.endpoint(), emulator.eventgrid().key());
/// # use eventgrid_namespaces::{CloudEvent, Sender};
/// # let sender = Sender::new(&endpoint, "orders", Credential::access_key(emulator.eventgrid().key()))?;
/// # sender.send(CloudEvent::new("/orders/123", "com.example.order.created", &["screws"])?).await?;
/// use eventgrid_namespaces::{Credential, Receiver};
///
/// let receiver = Receiver::new(&endpoint, "orders", "billing", Credential::access_key(key))?;
/// for received in receiver.receive().max_events(10).await? {
///     if let Ok(event) = &received.event {
///         println!("{} {}", event.source(), event.id());
///     }
///     receiver.acknowledge([received.lock_token]).await?.into_result()?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Receiver {
    pub(crate) namespace: NamespaceClient,
    pub(crate) topic: Arc<str>,
    pub(crate) subscription: Arc<str>,
}

impl Receiver {
    /// Creates a receiver with default settings and with connections of its own.
    ///
    /// `endpoint` is the namespace's HTTP host name or URL.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the topic or the subscription is empty, and the
    /// same errors as [`NamespaceClient::new`].
    pub fn new(
        endpoint: &str,
        topic: impl Into<String>,
        subscription: impl Into<String>,
        credential: Credential,
    ) -> Result<Self> {
        let (topic, subscription) = checked(topic.into(), subscription.into())?;
        Ok(NamespaceClient::new(endpoint, credential)?.receiver(topic, subscription))
    }

    /// Creates a receiver like [`new`](Self::new) from the environment variables of [`NamespaceClient::from_env`].
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the topic or the subscription is empty, and the
    /// same errors as [`NamespaceClient::from_env`].
    pub fn from_env(topic: impl Into<String>, subscription: impl Into<String>) -> Result<Self> {
        let (topic, subscription) = checked(topic.into(), subscription.into())?;
        Ok(NamespaceClient::from_env()?.receiver(topic, subscription))
    }

    /// Receives events and locks them.
    ///
    /// The call is a long poll. It returns as soon as there is an event, or an empty list once
    /// [`max_wait_time`](Receive::max_wait_time) has passed.
    ///
    /// An event must be settled before its lock expires (after 60 s, unless the subscription sets another duration), or it is
    /// delivered again. [`renew_locks`](Self::renew_locks) extends a lock. Events are delivered at least once and in no
    /// particular order.
    ///
    /// Not cancel safe: if the returned future is dropped, or if the call's outcome is unknown, events may stay locked until
    /// their locks expire. They are then delivered with a higher delivery count. A call with an unknown outcome is not retried.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), without sending anything, if a setting is out of its
    /// bounds. Returns an error if the request fails.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/receive-cloud-events/receive-cloud-events)
    pub fn receive(&self) -> Receive {
        Receive::new(self)
    }

    /// Acknowledges events, so that they are not delivered again.
    ///
    /// Events are identified by the lock tokens that they were received with.
    /// A success response does not mean that any event was settled: check the [result](crate::SettleResult). A token that is
    /// given twice is sent once, and one that is empty is reported as failed.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), without sending anything, if there are no tokens.
    /// Returns an error if the first request fails.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/acknowledge-cloud-events/acknowledge-cloud-events)
    pub fn acknowledge<S: Into<String>>(&self, lock_tokens: impl IntoIterator<Item = S>) -> Acknowledge {
        Acknowledge::new(self, lock_tokens.into_iter().map(Into::into))
    }

    /// Releases events, so that they are delivered again with a delivery count that is one higher.
    ///
    /// Redelivery is immediate unless a [`delay`](Release::delay) is set. Events are identified by the lock tokens that they
    /// were received with.
    /// A success response does not mean that any event was settled: check the [result](crate::SettleResult). A token that is
    /// given twice is sent once, and one that is empty is reported as failed.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), without sending anything, if there are no tokens, or
    /// if the api-version does not support the delay. Returns an error if the first request fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # emulator.eventgrid().declare("orders", "billing");
    /// # let (endpoint, key) = (emulator.endpoint(), emulator.eventgrid().key());
    /// # use eventgrid_namespaces::{CloudEvent, Credential, Receiver, Sender};
    /// # let sender = Sender::new(&endpoint, "orders", Credential::access_key(emulator.eventgrid().key()))?;
    /// # sender.send(CloudEvent::new("/orders/123", "com.example.order.created", &["screws"])?).await?;
    /// # let receiver = Receiver::new(&endpoint, "orders", "billing", Credential::access_key(key))?;
    /// use eventgrid_namespaces::ReleaseDelay;
    ///
    /// for received in receiver.receive().await? {
    ///     receiver.release([received.lock_token]).delay(ReleaseDelay::S10).await?.into_result()?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/release-cloud-events/release-cloud-events)
    pub fn release<S: Into<String>>(&self, lock_tokens: impl IntoIterator<Item = S>) -> Release {
        Release::new(self, lock_tokens.into_iter().map(Into::into))
    }

    /// Rejects events, so that they are dead-lettered and not delivered again.
    ///
    /// If the subscription has no dead-letter destination, the service drops the events. Events are identified by the lock
    /// tokens that they were received with.
    /// A success response does not mean that any event was settled: check the [result](crate::SettleResult). A token that is
    /// given twice is sent once, and one that is empty is reported as failed.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), without sending anything, if there are no tokens.
    /// Returns an error if the first request fails.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/reject-cloud-events/reject-cloud-events)
    pub fn reject<S: Into<String>>(&self, lock_tokens: impl IntoIterator<Item = S>) -> Reject {
        Reject::new(self, lock_tokens.into_iter().map(Into::into))
    }

    /// Renews the locks of events, each for the subscription's lock duration.
    ///
    /// The lock tokens stay the same. The service rejects renewals one hour after the event was received.
    /// A success response does not mean that any lock was renewed: check the [result](crate::SettleResult).
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput), without sending anything, if there are no tokens, or
    /// if the api-version does not support renewal (2023-11-01, and the previews before 2023-10-01).
    /// Returns an error if the first request fails.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # emulator.eventgrid().declare("orders", "billing");
    /// # let (endpoint, key) = (emulator.endpoint(), emulator.eventgrid().key());
    /// # use eventgrid_namespaces::{CloudEvent, Credential, Receiver, Sender};
    /// # let sender = Sender::new(&endpoint, "orders", Credential::access_key(emulator.eventgrid().key()))?;
    /// # sender.send(CloudEvent::new("/orders/123", "com.example.order.created", &["screws"])?).await?;
    /// # let receiver = Receiver::new(&endpoint, "orders", "billing", Credential::access_key(key))?;
    /// let received = receiver.receive().max_events(10).await?;
    /// let tokens = received.iter().map(|received| received.lock_token.as_str());
    /// for failed in receiver.renew_locks(tokens).await?.failed {
    ///     println!("lock {} was not renewed: {failed}", failed.lock_token);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/renew-cloud-event-locks/renew-cloud-event-locks)
    pub fn renew_locks<S: Into<String>>(&self, lock_tokens: impl IntoIterator<Item = S>) -> RenewLocks {
        RenewLocks::new(self, lock_tokens.into_iter().map(Into::into)).checked(&self.namespace.api_version)
    }

    /// Creates a request for an operation that this crate has no method for.
    ///
    /// The request uses the receiver's credential, retries and timeouts. Each `{}` in `path` is replaced by the next of
    /// `segments`, escaped. The client's api-version is sent unless `.query("api-version", ..)` sets another one.
    pub fn request(&self, method: Method, path: &str, segments: &[&str]) -> RawRequest {
        self.namespace.request(method, path, segments)
    }
}

fn checked(topic: String, subscription: String) -> Result<(String, String)> {
    for (what, name) in [("topic", &topic), ("event subscription", &subscription)] {
        service_core::push_segment(&mut String::new(), what, name)?;
    }
    Ok((topic, subscription))
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("endpoint", self.namespace.pipeline.endpoint())
            .field("topic", &self.topic)
            .field("subscription", &self.subscription)
            .finish()
    }
}
