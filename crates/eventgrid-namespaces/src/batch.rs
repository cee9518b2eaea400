//! Batches of events that are sent in one request, checked against the service's limits as events are added.

use std::fmt;

use serde::Serialize;

use crate::event::Direct;
use crate::publish::{Encoded, check, check_data};
use crate::{CloudEvent, Data, Error, ErrorKind, InvalidEvent};

/// A batch of events that is sent in one request.
///
/// A batch holds at most 1,000 events and 1 MiB (1,048,576 bytes) of JSON.
///
/// # Examples
///
/// Fills requests one by one. [`Sender::send_all`](crate::Sender::send_all) does the same for an iterator or a stream.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # emulator.eventgrid().declare("orders", "billing");
/// # let (endpoint, key) = (emulator.endpoint(), emulator.eventgrid().key());
/// # use eventgrid_namespaces::{CloudEvent, Credential, EventBatch, Sender};
/// # let sender = Sender::new(&endpoint, "orders", Credential::access_key(key))?;
/// # let events: Result<Vec<_>, _> = (0..1001).map(|n| CloudEvent::new("/orders", "com.example.order", &n)).collect();
/// # let events = events?;
/// let mut batch = EventBatch::new();
/// for event in events {
///     match batch.try_add(event) {
///         Err(full) if full.fits_in_another() => {
///             sender.send_batch(std::mem::take(&mut batch)).await?;
///             batch.try_add(full.into_event())?;
///         }
///         added => added?,
///     }
/// }
/// if !batch.is_empty() {
///     sender.send_batch(batch).await?;
/// }
/// # assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1001);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct EventBatch {
    /// The JSON array without its closing bracket. Empty while there are no events.
    json: Vec<u8>,
    events: usize,
    /// Where the JSON of each event without a trace context ends, before its closing brace.
    untraced: Vec<usize>,
}

impl EventBatch {
    /// Specifies the maximum size of a request's body, and therefore of one event: 1 MiB.
    pub const MAX_BYTES: usize = 1_048_576;
    /// Specifies the maximum number of events in one request.
    pub const MAX_EVENTS: usize = 1_000;

    /// Creates an empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event to the batch.
    ///
    /// # Errors
    ///
    /// Returns the event in [`NotAdded`] if the batch is full, if the event is too large for any batch, or if the service would
    /// reject the event. The batch is unchanged.
    pub fn try_add(&mut self, event: CloudEvent) -> Result<(), NotAdded> {
        match self.add(&event) {
            Ok(()) => Ok(()),
            Err(reason) => Err(NotAdded::new(event, self.events, reason)),
        }
    }

    /// Adds an event with a random id and with `data` serialized as JSON.
    ///
    /// The event is the one that [`CloudEvent::new`] would create, but it is written straight into the request's body. This takes
    /// no allocation per event and copies the data only once.
    ///
    /// # Errors
    ///
    /// Returns the event in [`NotAdded`] in the same cases as [`try_add`](Self::try_add), and also if `source` or `event_type`
    /// breaks a rule of the specification, or if `data` cannot be serialized. In the last case, the event has no data. The batch
    /// is unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventgrid_namespaces::EventBatch;
    ///
    /// # fn main() -> eventgrid_namespaces::Result<()> {
    /// let mut batch = EventBatch::new();
    /// for number in 0..100 {
    ///     batch.try_add_json("/orders", "com.example.order.created", &number)?;
    /// }
    /// assert_eq!(batch.len(), 100);
    /// # Ok(()) }
    /// ```
    pub fn try_add_json(
        &mut self,
        source: &str,
        event_type: &str,
        data: &(impl Serialize + ?Sized),
    ) -> Result<(), NotAdded> {
        let event = Direct::new(source, event_type, data);
        self.make_room(self.json.len() / self.events.max(1));
        let added = self.write(true, |json| {
            let start = event.write_json(json).map_err(Reason::Invalid)?;
            // Without the closing brace.
            let is_null = json[start..json.len() - 1] == *b"null";
            check(true, is_null).map_err(Reason::Invalid)
        });
        added.map_err(|reason| NotAdded::new(event.to_event(), self.events, reason))
    }

    pub(crate) fn add(&mut self, event: &CloudEvent) -> Result<(), Reason> {
        check_data(event).map_err(Reason::Invalid)?;
        self.make_room(event.data().map_or(0, Data::len));
        self.write(event.is_untraced(), |json| {
            let invalid = |_| Reason::Invalid(InvalidEvent::new("the event cannot be written as JSON"));
            event.write_json(json).map_err(invalid)
        })
    }

    /// Appends what `event` writes. The batch is unchanged if it returns an error or panics, or if there is no room.
    fn write(
        &mut self,
        untraced: bool,
        event: impl FnOnce(&mut Vec<u8>) -> Result<(), Reason>,
    ) -> Result<(), Reason> {
        if self.events == Self::MAX_EVENTS {
            return Err(Reason::Count);
        }
        let mut body = Growing { before: self.json.len(), json: &mut self.json, kept: false };
        body.json.push(if body.before == 0 { b'[' } else { b',' });
        let start = body.json.len();
        event(body.json)?;
        let (bytes, total) = (body.json.len() - start, body.json.len() + 1);
        if bytes + BRACKETS > Self::MAX_BYTES {
            return Err(Reason::TooLarge(bytes));
        }
        if total > Self::MAX_BYTES {
            return Err(Reason::Bytes(bytes));
        }
        body.kept = true;
        self.events += 1;
        if untraced {
            self.untraced.push(total - 2);
        }
        Ok(())
    }

    /// Grows the buffer in a few large steps, since each step copies its content. Unused capacity costs address space only.
    fn make_room(&mut self, data: usize) {
        let needed = data + ATTRIBUTES;
        if self.json.capacity() - self.json.len() < needed {
            let growth = (3 * self.json.len()).min(Self::MAX_BYTES.saturating_sub(self.json.len()));
            self.json.reserve_exact(needed.max(growth));
        }
    }

    /// Returns the number of events in the batch.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events
    }

    /// Returns `true` if the batch has no events. An empty batch cannot be sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// Returns the current size of the request's body in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.json.len().max(1) + 1
    }
}

/// A body to which an event is being appended. It is cut off where it was unless the event is kept.
struct Growing<'a> {
    json: &'a mut Vec<u8>,
    before: usize,
    kept: bool,
}

impl Drop for Growing<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.json.truncate(self.before);
            self.json.shrink_to(EventBatch::MAX_BYTES);
        }
    }
}

/// `[` and `]`.
const BRACKETS: usize = 2;
/// The approximate size of an event without its data.
pub(crate) const ATTRIBUTES: usize = 512;

/// Adds all of the events, or fails with the first event that cannot be added.
impl TryFrom<Vec<CloudEvent>> for EventBatch {
    type Error = NotAdded;

    fn try_from(events: Vec<CloudEvent>) -> Result<Self, NotAdded> {
        let mut batch = Self::new();
        for event in events {
            batch.try_add(event)?;
        }
        Ok(batch)
    }
}

/// Converts a value into the batch that [`Sender::send_batch`](crate::Sender::send_batch) sends.
///
/// This trait is sealed. It is implemented for [`EventBatch`], `Vec<CloudEvent>` and `[CloudEvent; N]`.
pub trait IntoBatch: sealed::Encode {}

impl IntoBatch for EventBatch {}
impl IntoBatch for Vec<CloudEvent> {}
impl<const N: usize> IntoBatch for [CloudEvent; N] {}

mod sealed {
    use crate::publish::Encoded;

    pub trait Encode {
        #[doc(hidden)]
        fn encode(self) -> crate::Result<Encoded>;
    }
}

impl sealed::Encode for EventBatch {
    fn encode(mut self) -> crate::Result<Encoded> {
        if self.is_empty() {
            return Err(Error::invalid_input("batch", "must hold at least one event", None));
        }
        self.json.push(b']');
        Ok(Encoded::batch(self.json, self.events, self.untraced))
    }
}

impl sealed::Encode for Vec<CloudEvent> {
    fn encode(self) -> crate::Result<Encoded> {
        EventBatch::try_from(self)?.encode()
    }
}

impl<const N: usize> sealed::Encode for [CloudEvent; N] {
    fn encode(self) -> crate::Result<Encoded> {
        Vec::from(self).encode()
    }
}

/// Is returned when an event could not be added to a batch. Contains the event and the reason.
#[derive(thiserror::Error)]
#[error("could not add event {} (id {:?}) to the batch: {}", .0.index, .0.event.id(), .0.reason)]
pub struct NotAdded(Box<Inner>);

struct Inner {
    event: CloudEvent,
    index: usize,
    reason: Reason,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("the batch holds {max} events, the maximum", max = EventBatch::MAX_EVENTS)]
    Count,
    /// The size of the event in bytes.
    #[error("its {0} bytes would make the batch larger than {max} bytes", max = EventBatch::MAX_BYTES)]
    Bytes(usize),
    #[error("its {0} bytes and the {BRACKETS} brackets of a batch exceed the maximum of {max} bytes", max = EventBatch::MAX_BYTES)]
    TooLarge(usize),
    #[error("{0}")]
    Invalid(InvalidEvent),
}

impl Reason {
    /// Returns whether only this batch is full.
    pub(crate) fn fits_in_another(&self) -> bool {
        matches!(self, Self::Count | Self::Bytes(_))
    }
}

impl NotAdded {
    pub(crate) fn new(event: CloudEvent, index: usize, reason: Reason) -> Self {
        Self(Box::new(Inner { event, index, reason }))
    }

    pub(crate) fn to_error(&self) -> Error {
        Error::new(ErrorKind::InvalidInput, self.to_string()).with_delivery(crate::Delivery::NotSent)
    }

    /// Returns the event that was not added.
    #[must_use]
    pub fn event(&self) -> &CloudEvent {
        &self.0.event
    }

    /// Returns the event by value, so that it can be added to another batch.
    #[must_use]
    pub fn into_event(self) -> CloudEvent {
        self.0.event
    }

    /// Returns the index, starting at 0, that the event would have had in the batch.
    #[must_use]
    pub fn index(&self) -> usize {
        self.0.index
    }

    /// Returns `true` if only this batch is full, so that the event fits into an empty one.
    ///
    /// If `false`, the event is larger than any batch, or the service would reject it.
    #[must_use]
    pub fn fits_in_another(&self) -> bool {
        self.0.reason.fits_in_another()
    }
}

impl fmt::Debug for NotAdded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotAdded({self})")
    }
}

impl From<NotAdded> for Error {
    fn from(not_added: NotAdded) -> Self {
        not_added.to_error()
    }
}
