//! The receiver: one subscription of one topic, pulled.

use std::fmt;
use std::sync::Arc;

use http::Method;
use service_core::ClientOptions;

use crate::namespace::{Address, Namespace, namespace_setters};
use crate::{Acknowledge, Credential, RawRequest, Receive, Reject, Release, RenewLocks, Result};

/// Receives and settles the events of one subscription: see [pull delivery](https://learn.microsoft.com/azure/event-grid/pull-delivery-overview).
///
/// Cheap to clone; clones share connections, tokens and retry quota.
///
/// ```no_run
/// # async fn run() -> eventgrid_namespaces::Result<()> {
/// use eventgrid_namespaces::{Credential, Receiver};
///
/// let key = std::env::var("EVENTGRID_NAMESPACES_KEY").expect("a key");
/// let receiver = Receiver::new(
///     "https://name.westeurope-1.eventgrid.azure.net", "orders", "billing", Credential::access_key(key),
/// )?;
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
    pub(crate) namespace: Namespace,
    pub(crate) topic: Arc<str>,
    pub(crate) subscription: Arc<str>,
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
            address: Address::new(endpoint, credential),
            topic: topic.into(),
            subscription: subscription.into(),
            options: ClientOptions::default(),
        }
    }

    /// Receives events and locks them: a long poll that answers as soon as there is an event, and with none once
    /// [`max_wait_time`](Receive::max_wait_time) has passed.
    ///
    /// What is received must be settled before its lock ends (60 s unless the subscription says otherwise), or it is delivered
    /// again; [`renew_locks`](Self::renew_locks) buys time. Delivery is at least once and in no order.
    ///
    /// A call whose outcome is unknown is not repeated: the events of a lost answer stay locked until their locks end, and
    /// then come with a higher delivery count. The same goes for a call that is dropped before it ends.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/receive-cloud-events/receive-cloud-events)
    ///
    /// # Errors
    ///
    /// Bounds that the service does not know, before anything is sent.
    pub fn receive(&self) -> Receive {
        Receive::new(self)
    }

    /// Acknowledges events by the lock tokens that they were received with: they are done and are not received again.
    ///
    /// The service answers with success even when it could settle none of them, so look at the [result](crate::SettleResult).
    /// A token that is given twice is sent once.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/acknowledge-cloud-events/acknowledge-cloud-events)
    ///
    /// # Errors
    ///
    /// No token, or an empty one, before anything is sent.
    pub fn acknowledge<S: Into<String>>(&self, lock_tokens: impl IntoIterator<Item = S>) -> Acknowledge {
        Acknowledge::new(self, lock_tokens.into_iter().map(Into::into))
    }

    /// Releases events by the lock tokens that they were received with: they are delivered again, at once or after a
    /// [`delay`](Release::delay), with a delivery count that is one higher.
    ///
    /// The service answers with success even when it could settle none of them, so look at the [result](crate::SettleResult).
    /// A token that is given twice is sent once.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/release-cloud-events/release-cloud-events)
    ///
    /// # Errors
    ///
    /// No token, or an empty one, or a delay that the api-version does not have, before anything is sent.
    pub fn release<S: Into<String>>(&self, lock_tokens: impl IntoIterator<Item = S>) -> Release {
        Release::new(self, lock_tokens.into_iter().map(Into::into))
    }

    /// Rejects events by the lock tokens that they were received with: they go to the subscription's dead-letter destination,
    /// or are dropped where it has none, and are not received again.
    ///
    /// The service answers with success even when it could settle none of them, so look at the [result](crate::SettleResult).
    /// A token that is given twice is sent once.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/reject-cloud-events/reject-cloud-events)
    ///
    /// # Errors
    ///
    /// No token, or an empty one, before anything is sent.
    pub fn reject<S: Into<String>>(&self, lock_tokens: impl IntoIterator<Item = S>) -> Reject {
        Reject::new(self, lock_tokens.into_iter().map(Into::into))
    }

    /// Starts the locks of events anew, each for the subscription's lock duration. The tokens stay the same. The service
    /// refuses it one hour after the event was received.
    ///
    /// The service answers with success even when it could renew none of them, so look at the [result](crate::SettleResult).
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/renew-cloud-event-locks/renew-cloud-event-locks)
    ///
    /// # Errors
    ///
    /// No token, or an empty one, or an api-version that has no renewal (2023-11-01, and the previews before 2023-10-01),
    /// before anything is sent.
    pub fn renew_locks<S: Into<String>>(&self, lock_tokens: impl IntoIterator<Item = S>) -> RenewLocks {
        RenewLocks::new(self, lock_tokens.into_iter().map(Into::into)).checked(&self.namespace.api_version)
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
        self.namespace.request(method, path, segments)
    }
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

/// A [`Receiver`] in the making. What is wrong with its arguments comes out of [`build`](Self::build).
#[must_use = "does nothing until built"]
#[derive(Debug)]
pub struct ReceiverBuilder {
    address: Address,
    topic: String,
    subscription: String,
    options: ClientOptions,
}

impl ReceiverBuilder {
    /// Checks everything and makes the receiver; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// As [`Receiver::new`], and settings that cannot be used.
    pub fn build(self) -> Result<Receiver> {
        for (what, name) in [("topic", &self.topic), ("event subscription", &self.subscription)] {
            service_core::push_segment(&mut String::new(), what, name)?;
        }
        let namespace = self.address.connect(self.options)?;
        Ok(Receiver { namespace, topic: self.topic.into(), subscription: self.subscription.into() })
    }
}

namespace_setters!(ReceiverBuilder);
service_core::client_setters!(ReceiverBuilder);
