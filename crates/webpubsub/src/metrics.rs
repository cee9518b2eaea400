//! The instruments of this crate, in one list for those who create them in advance.

#[cfg(feature = "client")]
use service_core::LATENCY_BOUNDS;
use service_core::{CallInstruments, HTTP_REQUEST_DURATION, Instrument};

pub(crate) static CALLS: CallInstruments = service_core::call_instruments!("webpubsub");

#[cfg(feature = "client")]
pub(crate) static CONNECTIONS: Instrument = Instrument::up_down_counter(
    "webpubsub.client.connections",
    "{connection}",
    "Connections of WebSocket clients, including those that are being restored.",
);
#[cfg(feature = "client")]
pub(crate) static RECONNECTS: Instrument = Instrument::counter(
    "webpubsub.client.reconnects",
    "{attempt}",
    "Attempts to recover or to replace a lost connection that have ended.",
);
#[cfg(feature = "client")]
pub(crate) static SENT: Instrument = Instrument::counter(
    "webpubsub.client.messages.sent",
    "{message}",
    "Messages to groups and events whose outcome is known.",
);
#[cfg(feature = "client")]
pub(crate) static RECEIVED: Instrument = Instrument::counter(
    "webpubsub.client.messages.received",
    "{message}",
    "Messages that were received from groups and from the server.",
);
#[cfg(feature = "client")]
pub(crate) static ACK_DURATION: Instrument = Instrument::histogram(
    "webpubsub.client.ack.duration",
    "s",
    "Time from the start of a request to its acknowledgment or timeout, including the wait for a connection.",
    LATENCY_BOUNDS,
);
#[cfg(feature = "client")]
pub(crate) static QUEUE_MESSAGES: Instrument = Instrument::up_down_counter(
    "webpubsub.client.queue.messages",
    "{message}",
    "Events in the queue of a WebSocket client that the program has not received.",
);

/// Lists the metrics that a [`Meter`](crate::Meter) receives, with their units and bounds.
pub const INSTRUMENTS: &[&Instrument] = &[
    &HTTP_REQUEST_DURATION,
    &CALLS.duration,
    &CALLS.retries,
    &CALLS.token,
    #[cfg(feature = "client")]
    &CONNECTIONS,
    #[cfg(feature = "client")]
    &RECONNECTS,
    #[cfg(feature = "client")]
    &SENT,
    #[cfg(feature = "client")]
    &RECEIVED,
    #[cfg(feature = "client")]
    &ACK_DURATION,
    #[cfg(feature = "client")]
    &QUEUE_MESSAGES,
];
