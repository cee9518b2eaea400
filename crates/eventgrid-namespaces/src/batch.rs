//! Batches: events that go in one request, counted against the service's limits while they are added.

use std::fmt;

use crate::publish::{Encoded, check_data};
use crate::{CloudEvent, Data, Error, ErrorKind, InvalidEvent};

/// Events that are sent in one request: up to 1 MiB (1,048,576 bytes) of JSON, and up to 1,000 of them.
///
/// ```no_run
/// # use eventgrid_namespaces::{CloudEvent, EventBatch, Sender};
/// # async fn run(sender: Sender, events: Vec<CloudEvent>) -> eventgrid_namespaces::Result<()> {
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
/// sender.send_batch(batch).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
pub struct EventBatch {
    /// The JSON array without its last bracket; nothing while there is no event.
    json: Vec<u8>,
    events: usize,
}

impl EventBatch {
    /// The most bytes of a request's body: 1 MiB. Also the most that one event can have.
    pub const MAX_BYTES: usize = 1_048_576;
    /// The most events of one request.
    pub const MAX_EVENTS: usize = 1_000;

    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event, if it fits.
    ///
    /// # Errors
    ///
    /// The event comes back, with the reason: the batch is full, the event fits into no batch, or the service takes no such
    /// event. The batch is as it was.
    pub fn try_add(&mut self, event: CloudEvent) -> Result<(), NotAdded> {
        let refused = match self.add(&event) {
            Ok(()) => return Ok(()),
            Err(reason) => reason,
        };
        Err(NotAdded(Box::new(Inner { event, index: self.events, reason: refused })))
    }

    fn add(&mut self, event: &CloudEvent) -> Result<(), Reason> {
        check_data(event).map_err(Reason::Invalid)?;
        if self.events == Self::MAX_EVENTS {
            return Err(Reason::Count);
        }
        let before = self.json.len();
        self.make_room(event);
        self.json.push(if before == 0 { b'[' } else { b',' });
        let start = self.json.len();
        let written = event.write_json(&mut self.json);
        let bytes = self.json.len() - start;
        let refused = match written {
            Err(_) => Reason::Invalid(InvalidEvent::new("the event cannot be written as JSON")),
            Ok(()) if self.bytes() <= Self::MAX_BYTES => {
                self.events += 1;
                return Ok(());
            }
            Ok(()) if bytes + BRACKETS > Self::MAX_BYTES => Reason::TooLarge(bytes),
            Ok(()) => Reason::Bytes(bytes),
        };
        self.json.truncate(before);
        Err(refused)
    }

    /// Grows in few and large steps, since each of them copies what is there; what is not used of them costs no memory but
    /// addresses.
    fn make_room(&mut self, event: &CloudEvent) {
        let needed = event.data().map_or(0, Data::len) + ATTRIBUTES;
        if self.json.capacity() - self.json.len() < needed {
            let growth = (3 * self.json.len()).min(Self::MAX_BYTES.saturating_sub(self.json.len()));
            self.json.reserve_exact(needed.max(growth));
        }
    }

    /// How many events are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events
    }

    /// Whether there is none in it; such a batch cannot be sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// How many bytes its request's body has so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.json.len().max(1) + 1
    }
}

/// `[` and `]`.
const BRACKETS: usize = 2;
/// About what an event has besides its data.
const ATTRIBUTES: usize = 512;

/// All of the events, or none.
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

/// What [`Sender::send_batch`](crate::Sender::send_batch) takes: a batch, or events that make one.
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
        Ok(Encoded::batch(self.json))
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

/// An event that was not added to a batch, and why.
pub struct NotAdded(Box<Inner>);

struct Inner {
    event: CloudEvent,
    index: usize,
    reason: Reason,
}

enum Reason {
    Count,
    /// The event's bytes.
    Bytes(usize),
    TooLarge(usize),
    Invalid(InvalidEvent),
}

impl NotAdded {
    /// The event.
    #[must_use]
    pub fn event(&self) -> &CloudEvent {
        &self.0.event
    }

    /// The event, to be added elsewhere.
    #[must_use]
    pub fn into_event(self) -> CloudEvent {
        self.0.event
    }

    /// Which place in the batch it would have had, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.0.index
    }

    /// Whether only this batch is full, so that the event can go into the next one. Otherwise the event is larger than any
    /// batch, or one that the service does not take.
    #[must_use]
    pub fn fits_in_another(&self) -> bool {
        matches!(self.0.reason, Reason::Count | Reason::Bytes(_))
    }
}

impl fmt::Display for NotAdded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { event, index, reason } = &*self.0;
        write!(f, "event {index} (id {:?}) does not fit into the batch: ", event.id())?;
        let most = EventBatch::MAX_BYTES;
        match reason {
            Reason::Count => write!(f, "it holds {} events, the most of one request", EventBatch::MAX_EVENTS),
            Reason::Bytes(bytes) => {
                write!(f, "with its {bytes} bytes the request would be over {most} bytes")
            }
            Reason::TooLarge(bytes) => write!(f, "its {bytes} bytes are over the {most} bytes of a request"),
            Reason::Invalid(rule) => rule.fmt(f),
        }
    }
}

impl fmt::Debug for NotAdded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotAdded({self})")
    }
}

impl std::error::Error for NotAdded {}

impl From<NotAdded> for Error {
    fn from(refused: NotAdded) -> Self {
        Error::new(ErrorKind::InvalidInput, refused.to_string()).with_delivery(crate::Delivery::NotSent)
    }
}
