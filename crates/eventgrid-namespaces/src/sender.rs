//! The sender: one topic, published to.

use std::fmt;
use std::sync::Arc;

use http::Method;
use service_core::ClientOptions;

use crate::namespace::{Address, Namespace, namespace_setters};
use crate::{CloudEvent, Credential, IntoBatch, RawRequest, Result, SendBatch, SendEvent};

/// Publishes events to one topic of a namespace: see
/// [the service's page](https://learn.microsoft.com/azure/event-grid/publish-events-using-namespace-topics).
///
/// Cheap to clone; clones share connections, tokens and retry quota.
///
/// **At least once.** A publish whose outcome is unknown is sent again, and may then be delivered twice. The id of an event is
/// fixed when the event is made, so consumers tell duplicates by `source` and `id` together. `.idempotent(false)` on a call
/// makes that call at most once: it then fails with [`outcome_unknown`](crate::Error::outcome_unknown), and the event may or
/// may not have been published. Order is not kept by the service.
///
/// ```no_run
/// # async fn run() -> eventgrid_namespaces::Result<()> {
/// use eventgrid_namespaces::{CloudEvent, Credential, Sender};
///
/// let key = std::env::var("EVENTGRID_NAMESPACES_KEY").expect("a key");
/// let sender =
///     Sender::new("name.westeurope-1.eventgrid.azure.net", "orders", Credential::access_key(key))?;
/// sender.send(CloudEvent::new("/orders/123", "com.example.order.created", &["screws"])?).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Sender {
    pub(crate) namespace: Namespace,
    pub(crate) topic: Arc<str>,
}

impl Sender {
    /// A sender with default settings. `endpoint` is the namespace's HTTP host name or URL.
    ///
    /// # Errors
    ///
    /// A malformed endpoint or that of an Event Grid Basic topic, plain `http` to another machine, an empty topic, an empty
    /// key.
    pub fn new(endpoint: &str, topic: impl Into<String>, credential: Credential) -> Result<Self> {
        Self::builder(endpoint, topic, credential).build()
    }

    /// Starts a sender with settings of its own.
    pub fn builder(endpoint: &str, topic: impl Into<String>, credential: Credential) -> SenderBuilder {
        let address = Address::new(endpoint, credential);
        SenderBuilder { address, topic: topic.into(), options: ClientOptions::default() }
    }

    /// Publishes one event: as JSON, or by [`.binary_mode()`](SendEvent::binary_mode) with its attributes in headers.
    ///
    /// A received event can be passed on as it is, also where it breaks rules that a new event must keep.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/publish-cloud-event/publish-cloud-event)
    ///
    /// # Errors
    ///
    /// Before anything is sent: an event without data or with the data `null`, which the service refuses, and one of more
    /// than 1 MiB. After it: an answer of success that is not the service's.
    pub fn send(&self, event: CloudEvent) -> SendEvent {
        SendEvent::new(self, event)
    }

    /// Publishes up to 1,000 events of up to 1 MiB together, as one JSON array: an [`EventBatch`](crate::EventBatch), which
    /// fills to the limits, or events in a `Vec` or an array. The service takes all of them or none.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/eventgrid/dataplane/publish-cloud-events/publish-cloud-events)
    ///
    /// # Errors
    ///
    /// Before anything is sent: no event at all, the first event that does not fit, by its place and id, and what is wrong
    /// with it. After it: as [`send`](Self::send).
    pub fn send_batch(&self, events: impl IntoBatch) -> SendBatch {
        SendBatch::new(self, events)
    }

    /// A request that this crate has no method for, through the same pipeline: each `{}` of `path` takes the next of
    /// `segments`, escaped. The client's api-version goes with it unless `.query("api-version", ..)` gives another one.
    pub fn request(&self, method: Method, path: &str, segments: &[&str]) -> RawRequest {
        self.namespace.request(method, path, segments)
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("endpoint", self.namespace.pipeline.endpoint())
            .field("topic", &self.topic)
            .finish()
    }
}

/// A [`Sender`] in the making. What is wrong with its arguments comes out of [`build`](Self::build).
#[must_use = "does nothing until built"]
#[derive(Debug)]
pub struct SenderBuilder {
    address: Address,
    topic: String,
    options: ClientOptions,
}

impl SenderBuilder {
    /// Checks everything and makes the sender; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// As [`Sender::new`], and settings that cannot be used.
    pub fn build(self) -> Result<Sender> {
        service_core::push_segment(&mut String::new(), "topic", &self.topic)?;
        let namespace = self.address.connect(self.options)?;
        Ok(Sender { namespace, topic: self.topic.into() })
    }
}

namespace_setters!(SenderBuilder);
service_core::client_setters!(SenderBuilder);
