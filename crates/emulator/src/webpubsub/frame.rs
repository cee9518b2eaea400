//! What the frames of the pub/sub protocols say, whatever they look like: those of a client, and those it is told.

use std::time::Duration;

use super::delivery::{self, Data, Delivery};

/// What a client's frame asks for.
#[derive(Debug)]
pub(super) enum Frame {
    Ping,
    /// Everything up to this number has arrived.
    SequenceAck(u64),
    Request {
        ack_id: Option<u64>,
        action: Action,
    },
}

/// What is carried out once, and acknowledged when the client has asked for that.
#[derive(Debug)]
pub(super) enum Action {
    Join(String),
    Leave(String),
    Send { group: String, data: Data, no_echo: bool, time_to_live: Option<Duration> },
    Event { name: String, data: Data },
}

/// What a client is told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Told<'a> {
    Connected {
        connection: &'a str,
        user: Option<&'a str>,
        /// With what a client of a reliable protocol comes back.
        reconnection: Option<&'a str>,
    },
    Disconnected {
        reason: Option<&'a str>,
    },
    /// How its request ended.
    Ack {
        id: u64,
        failure: Option<&'a Failure>,
    },
    Pong,
    Message {
        delivery: &'a Delivery,
        /// Its number on a reliable protocol.
        id: Option<u64>,
    },
}

/// Why a frame was not carried out, as its ack tells.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) name: &'static str,
    pub(super) message: String,
}

/// Ends the connection: the frame is none that the protocol knows.
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
