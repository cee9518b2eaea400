//! The instruments of this crate, in one list for those who create them in advance.

use service_core::{CallInstruments, HTTP_REQUEST_DURATION, Instrument, LATENCY_BOUNDS};

pub(crate) static CALLS: CallInstruments = service_core::call_instruments!("eventgrid");

pub(crate) static OPERATION_DURATION: Instrument = Instrument::histogram(
    "messaging.client.operation.duration",
    "s",
    "Duration of publish, receive, settle, and renew calls, including retries and the wait for events.",
    LATENCY_BOUNDS,
);
pub(crate) static SENT_MESSAGES: Instrument =
    Instrument::counter("messaging.client.sent.messages", "{message}", "Events that publish calls sent.");
pub(crate) static CONSUMED_MESSAGES: Instrument = Instrument::counter(
    "messaging.client.consumed.messages",
    "{message}",
    "Events that were received, or pushed and passed to a handler.",
);
pub(crate) static PROCESS_DURATION: Instrument = Instrument::histogram(
    "messaging.process.duration",
    "s",
    "Duration of the handling of one event.",
    LATENCY_BOUNDS,
);

pub(crate) static EVENTS_HELD: Instrument =
    Instrument::up_down_counter("eventgrid.processor.events.held", "{event}", "Events that are held.");
pub(crate) static EVENT_AGE: Instrument = Instrument::histogram(
    "eventgrid.processor.event.age",
    "s",
    "Age of events when they are received, counted from their attribute `time`.",
    &[0.01, 0.1, 1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0],
);
pub(crate) static SETTLED: Instrument = Instrument::counter(
    "eventgrid.processor.settled",
    "{event}",
    "Events whose settling has ended, with the reason if it failed.",
);
pub(crate) static LOCKS_LOST: Instrument = Instrument::counter(
    "eventgrid.processor.locks.lost",
    "{lock}",
    "Locks that were lost before their events were settled.",
);
pub(crate) static RECEIVES: Instrument =
    Instrument::counter("eventgrid.processor.receives", "{call}", "Receive calls that succeeded.");
pub(crate) static FULL_RECEIVES: Instrument = Instrument::counter(
    "eventgrid.processor.receives.full",
    "{call}",
    "Receive calls that returned as many events as they asked for.",
);

pub(crate) static PUSH_REQUESTS: Instrument =
    Instrument::counter("eventgrid.push.requests", "{request}", "Requests that a webhook responded to.");

/// Lists the metrics that a [`Meter`](crate::Meter) receives, with their units and bounds.
///
/// The README has a table of them with their attributes.
pub const INSTRUMENTS: &[&Instrument] = &[
    &HTTP_REQUEST_DURATION,
    &CALLS.duration,
    &CALLS.retries,
    &CALLS.token,
    &OPERATION_DURATION,
    &SENT_MESSAGES,
    &CONSUMED_MESSAGES,
    &PROCESS_DURATION,
    &EVENTS_HELD,
    &EVENT_AGE,
    &SETTLED,
    &LOCKS_LOST,
    &RECEIVES,
    &FULL_RECEIVES,
    &PUSH_REQUESTS,
];
