//! Publishing any number of events: requests are filled from an iterator or a stream, and several of them may be in flight.

mod result;
mod source;

use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use service_core::CallOptions;

use self::source::Events;
use crate::{CallFuture, CloudEvent, Error, EventBatch, NotAdded, Result, Sender};

pub use result::{FailedEvents, SendAllResult};
pub use source::IntoEvents;

/// A call that publishes all events of an iterator or a stream. Is returned by [`Sender::send_all`].
///
/// Awaiting it publishes everything and returns one result. [`next`](Self::next) returns the outcome of one request at a time
/// instead, which shows the progress, bounds the memory that failures need, and allows to stop early.
///
/// The overrides of a call, such as [`deadline`](Self::deadline), apply to each request.
///
/// # Examples
///
/// Stops at the first failure:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # emulator.eventgrid().declare("orders", "billing");
/// # let (endpoint, key) = (emulator.endpoint(), emulator.eventgrid().key());
/// # use eventgrid_namespaces::{CloudEvent, Credential, Sender};
/// # let sender = Sender::new(&endpoint, "orders", Credential::access_key(key))?;
/// # let events: Result<Vec<_>, _> = (0..2500).map(|n| CloudEvent::new("/orders", "com.example.order", &n)).collect();
/// # let events = events?;
/// let mut sending = sender.send_all(events).concurrency(4);
/// let mut published = 0;
/// while let Some(outcome) = sending.next().await {
///     published += outcome?;
///     println!("{published} events published");
/// }
/// # assert_eq!((published, emulator.eventgrid().waiting("orders", "billing")), (2500, 2500));
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
pub struct SendAll {
    sender: Sender,
    events: Events,
    /// Whether `events` has ended.
    ended: bool,
    /// The number of events that were taken from `events`.
    taken: usize,
    filling: Request,
    /// An event that did not fit into the request that is being filled.
    next: Option<(usize, CloudEvent)>,
    in_flight: Vec<InFlight>,
    concurrency: usize,
    call: Overrides,
}

/// The overrides of all requests.
#[derive(Default)]
struct Overrides(CallOptions);

impl Overrides {
    fn options_mut(&mut self) -> &mut CallOptions {
        &mut self.0
    }
}

/// A request that is being filled. The events are kept so that they can be returned if the request fails.
#[derive(Default)]
struct Request {
    batch: EventBatch,
    events: Vec<(usize, CloudEvent)>,
}

struct InFlight {
    call: CallFuture<()>,
    events: Vec<(usize, CloudEvent)>,
}

/// Why no more events are added to a request for now.
enum Filled {
    /// The request is full, or there are no more events.
    Complete,
    /// The stream has no event at the moment.
    Pending,
    /// An event cannot be published at all.
    Invalid(FailedEvents),
}

impl SendAll {
    pub(crate) fn new<M>(sender: &Sender, events: impl IntoEvents<M>) -> Self {
        Self {
            sender: sender.clone(),
            events: events.into_events(),
            ended: false,
            taken: 0,
            filling: Request::default(),
            next: None,
            in_flight: Vec::new(),
            concurrency: 1,
            call: Overrides::default(),
        }
    }

    /// Sets the maximum number of requests that are in flight at a time. Default: 1.
    ///
    /// Up to 1 MiB of events is held per request, and the next request is filled meanwhile.
    pub fn concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests;
        self
    }

    /// Waits until a request has ended, and returns the number of events that it published. Returns `None` once everything has
    /// been sent.
    ///
    /// Publishing only proceeds while this method is polled. Cancel safe: if the returned future is dropped, the requests stay in
    /// flight until the next call. Dropping the [`SendAll`] aborts them.
    ///
    /// # Errors
    ///
    /// Returns the events of a failed request with its error, or one event that is invalid or too large for any request. Events
    /// after those are still published by further calls.
    pub async fn next(&mut self) -> Option<Result<usize, FailedEvents>> {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<usize, FailedEvents>>> {
        loop {
            let filled = self.fill(context);
            if let Filled::Invalid(failed) = filled {
                return Poll::Ready(Some(Err(failed)));
            }
            // A request that could still grow is sent rather than kept until the stream continues.
            let is_empty = self.filling.events.is_empty();
            let starts = !is_empty && self.in_flight.len() < self.concurrency.max(1);
            if starts {
                self.start();
            }
            // A request that has just started is sent before the next one is filled.
            let from = if starts { self.in_flight.len() - 1 } else { 0 };
            match self.poll_in_flight(from, context) {
                Some(outcome) => return Poll::Ready(Some(outcome)),
                None if starts => {}
                None if is_empty && self.in_flight.is_empty() && matches!(filled, Filled::Complete) => {
                    return Poll::Ready(None);
                }
                None => return Poll::Pending,
            }
        }
    }

    /// Returns the outcome of a request that has ended, starting at an index.
    fn poll_in_flight(
        &mut self,
        from: usize,
        context: &mut Context<'_>,
    ) -> Option<Result<usize, FailedEvents>> {
        for at in from..self.in_flight.len() {
            if let Poll::Ready(outcome) = self.in_flight[at].call.as_mut().poll(context) {
                let events = self.in_flight.swap_remove(at).events;
                return Some(match outcome {
                    Ok(()) => Ok(events.len()),
                    Err(error) => Err(FailedEvents { error, events }),
                });
            }
        }
        None
    }

    /// Adds events to the request until it is full or no event is available.
    fn fill(&mut self, context: &mut Context<'_>) -> Filled {
        // The next event did not fit into this request.
        if self.next.is_some() && !self.filling.events.is_empty() {
            return Filled::Complete;
        }
        loop {
            let (index, event) = match self.take(context) {
                Poll::Ready(Some(next)) => next,
                Poll::Ready(None) => return Filled::Complete,
                Poll::Pending => return Filled::Pending,
            };
            match self.filling.batch.add(&event) {
                Ok(()) => self.filling.events.push((index, event)),
                Err(reason) if reason.fits_in_another() => {
                    self.next = Some((index, event));
                    return Filled::Complete;
                }
                Err(reason) => {
                    let not_added = NotAdded::new(event, index, reason);
                    let error = not_added.to_error();
                    let events = vec![(index, not_added.into_event())];
                    return Filled::Invalid(FailedEvents { error, events });
                }
            }
        }
    }

    /// Takes the next event and its index.
    fn take(&mut self, context: &mut Context<'_>) -> Poll<Option<(usize, CloudEvent)>> {
        if self.next.is_some() || self.ended {
            return Poll::Ready(self.next.take());
        }
        self.events.as_mut().poll_next(context).map(|event| {
            self.ended = event.is_none();
            let index = self.taken;
            self.taken += usize::from(!self.ended);
            event.map(|event| (index, event))
        })
    }

    fn start(&mut self) {
        let Request { batch, events } = mem::take(&mut self.filling);
        let mut send = self.sender.send_batch(batch);
        let call = send.call_mut();
        call.set_options(self.call.0.clone());
        if self.concurrency == 0 {
            call.check(Err(Error::invalid_input("concurrency", "must be at least 1", Some("0"))));
        }
        self.in_flight.push(InFlight { call: send.into_future(), events });
    }
}

service_core::call_setters!(SendAll);

impl IntoFuture for SendAll {
    type Output = SendAllResult;
    type IntoFuture = Pin<Box<dyn Future<Output = SendAllResult> + Send>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut result = SendAllResult::default();
            while let Some(outcome) = self.next().await {
                match outcome {
                    Ok(events) => result.sent += events,
                    Err(failed) => result.failed.push(failed),
                }
            }
            result
        })
    }
}

impl fmt::Debug for SendAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendAll")
            .field("sender", &self.sender)
            .field("concurrency", &self.concurrency)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}
