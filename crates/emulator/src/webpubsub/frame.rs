//! The content of pub/sub frames, independent of their encoding: those from a client, and those to it.

use std::time::Duration;

use super::delivery::{self, Data, Delivery};

/// A request of a client.
#[derive(Debug)]
pub(super) enum Frame {
    Ping,
    /// Everything up to this number was received.
    SequenceAck(u64),
    Request {
        ack_id: Option<u64>,
        action: Action,
    },
}

/// An action that is executed once, and acknowledged if the client requests it.
#[derive(Debug)]
pub(super) enum Action {
    Join(String),
    Leave(String),
    Send { group: String, data: Data, no_echo: bool, time_to_live: Option<Duration> },
    Event { name: String, data: Data },
}

/// A frame for a client.
#[derive(Debug, Clone, Copy)]
pub(super) enum ServerFrame<'a> {
    Connected {
        connection: &'a str,
        user: Option<&'a str>,
        /// The token with which a client of a reliable protocol recovers the connection.
        reconnection: Option<&'a str>,
    },
    Disconnected {
        reason: Option<&'a str>,
    },
    /// The outcome of the client's request.
    Ack {
        id: u64,
        failure: Option<&'a Failure>,
    },
    Pong,
    Message {
        delivery: &'a Delivery,
        /// Its sequence number on a reliable protocol.
        id: Option<u64>,
    },
}

/// The reason, in its ack, why a frame was not executed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) name: &'static str,
    pub(super) message: String,
}

/// Closes the connection: the protocol has no such frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Invalid(pub(super) &'static str);

pub(super) const MISSING_DATA: Invalid = Invalid("data is missing");

impl Failure {
    pub(super) fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into() }
    }
}

/// Reads the time to live of a frame.
pub(super) fn time_to_live(seconds: Option<u32>) -> Result<Option<Duration>, Invalid> {
    delivery::time_to_live(seconds.unwrap_or(0)).ok_or(Invalid("ttlSeconds is not within 0 to 300"))
}
