//! A single fault of open WebSockets: which sockets it affects, what it does to them, and at which of their frames.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::faults::FaultId;

/// Describes what goes wrong with open WebSockets, and with which of them.
///
/// One of the kinds creates it: [`drop_connection`](Self::drop_connection), [`half_open`](Self::half_open),
/// [`delay_ack`](Self::delay_ack), [`lose_ack`](Self::lose_ack), [`ignore_sequence_ack`](Self::ignore_sequence_ack),
/// [`reject_recovery`](Self::reject_recovery), [`lose_stream_ack`](Self::lose_stream_ack),
/// [`nack_stream_data`](Self::nack_stream_data), or [`delay_invoke_response`](Self::delay_invoke_response). Without
/// further setters, it affects the next socket on which such an event happens, once. The opening handshake is a request,
/// so a [`Fault`](crate::Fault) affects it.
///
/// Frames are those of the client's protocol: text and binary frames, including the `connected` frame, but no control
/// frames. A fault that counts bytes can also occur within a frame.
///
/// # Examples
///
/// ```
/// use service_emulator::{Emulator, SocketFault};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let emulator = Emulator::start().await?;
/// let faults = emulator.faults();
/// // The second socket of the hub is dropped at its third frame. The frame is processed, but its ack is lost.
/// faults.push_socket(SocketFault::drop_connection().at_received(3).after_processing().hub("chat").nth(2));
/// // The client cannot recover the connection, so it has to establish a new one.
/// faults.push_socket(SocketFault::reject_recovery().hub("chat"));
/// assert_eq!(faults.pending(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "does nothing until pushed"]
pub struct SocketFault {
    /// Assigned when it is scheduled.
    pub(in crate::faults) id: FaultId,
    pub(super) kind: Kind,
    pub(super) occasion: Occasion,
    pub(super) after_processing: bool,
    hub: Option<String>,
    connection: Option<String>,
    /// The number of openings that remain before the fault is bound to a socket.
    openings: Option<u32>,
    bound: Option<u64>,
    /// The frame, or the byte, at which the fault occurs.
    pub(super) at: u64,
    pub(super) seen: u64,
    pub(in crate::faults) times: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Drop,
    HalfOpen,
    DelayAck(Duration),
    LoseAck,
    IgnoreSequenceAck,
    RejectRecovery,
    LoseStreamAck,
    NackStream(StreamNack),
    DelayInvokeResponse(Duration),
}

/// Says why the service does not accept a fragment of a group stream. The stream stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamNack {
    /// The number of the fragment is not the expected one.
    InvalidSequenceId,
    /// The service could not accept the fragment at the moment.
    TransientError,
}

/// The event at which a fault may occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    Received,
    ReceivedBytes,
    Sent,
    SentBytes,
    Ack,
    SequenceAck,
    Recovery,
    StreamAck,
    Fragment,
    InvokeResponse,
}

impl Kind {
    /// The name in the settings file, and the delay.
    fn settings(self) -> (&'static str, Option<Duration>) {
        match self {
            Self::Drop => ("drop", None),
            Self::HalfOpen => ("half_open", None),
            Self::DelayAck(by) => ("delay_ack", Some(by)),
            Self::LoseAck => ("lose_ack", None),
            Self::IgnoreSequenceAck => ("ignore_sequence_ack", None),
            Self::RejectRecovery => ("reject_recovery", None),
            Self::LoseStreamAck => ("lose_stream_ack", None),
            Self::NackStream(_) => ("nack_stream_data", None),
            Self::DelayInvokeResponse(by) => ("delay_invoke_response", Some(by)),
        }
    }
}

impl StreamNack {
    /// The name in the settings file.
    fn setting(self) -> &'static str {
        match self {
            Self::InvalidSequenceId => "invalid_sequence_id",
            Self::TransientError => "transient_error",
        }
    }
}

impl Occasion {
    /// The key in the settings file that counts such events, or an empty text.
    fn setting(self) -> &'static str {
        match self {
            Self::Received => "at_received",
            Self::ReceivedBytes => "at_received_bytes",
            Self::Sent => "after_sent",
            Self::SentBytes => "after_sent_bytes",
            Self::Ack
            | Self::SequenceAck
            | Self::Recovery
            | Self::StreamAck
            | Self::Fragment
            | Self::InvokeResponse => "",
        }
    }
}

impl SocketFault {
    /// Creates a fault that ends the connection without a close frame. By default, it occurs at the next frame
    /// received, which is not processed.
    pub fn drop_connection() -> Self {
        Self::new(Kind::Drop, Occasion::Received)
    }

    /// Creates a fault that keeps the socket open without reading or writing anything. By default, it occurs at the
    /// next frame received, which is not processed.
    ///
    /// The service gives the socket up as it would after a lost network connection. Ten minutes later, on the
    /// emulator's clock, the socket is closed.
    pub fn half_open() -> Self {
        Self::new(Kind::HalfOpen, Occasion::Received)
    }

    /// Creates a fault that delays the next ack to a client by this much time on the emulator's clock. Other frames are
    /// sent before it.
    pub fn delay_ack(by: Duration) -> Self {
        Self::new(Kind::DelayAck(by), Occasion::Ack)
    }

    /// Creates a fault that processes the request but does not send its ack.
    pub fn lose_ack() -> Self {
        Self::new(Kind::LoseAck, Occasion::Ack)
    }

    /// Creates a fault that ignores the next sequence ack: after a recovery, the client receives messages again that it
    /// has already acknowledged.
    pub fn ignore_sequence_ack() -> Self {
        Self::new(Kind::IgnoreSequenceAck, Occasion::SequenceAck)
    }

    /// Creates a fault that rejects a recovery that would have succeeded: the socket is closed with code 1008, and the
    /// connection no longer exists.
    pub fn reject_recovery() -> Self {
        Self::new(Kind::RejectRecovery, Occasion::Recovery)
    }

    /// Creates a fault that does not send the next ack of a group stream. What it acknowledges was accepted. Acks are
    /// cumulative, so a later one makes up for it.
    pub fn lose_stream_ack() -> Self {
        Self::new(Kind::LoseStreamAck, Occasion::StreamAck)
    }

    /// Creates a fault that rejects the next valid fragment of a group stream: it is not published, and the publisher has
    /// to send it again.
    pub fn nack_stream_data(reason: StreamNack) -> Self {
        Self::new(Kind::NackStream(reason), Occasion::Fragment)
    }

    /// Creates a fault that delays the next response to an invocation by this much time on the emulator's clock. It is sent
    /// even if the client has canceled the invocation in the meantime, and lost if the connection ends.
    pub fn delay_invoke_response(by: Duration) -> Self {
        Self::new(Kind::DelayInvokeResponse(by), Occasion::InvokeResponse)
    }

    /// Lets the fault occur at the `frames`-th frame received from now on. 0 counts as 1.
    ///
    /// For [`drop_connection`](Self::drop_connection) and [`half_open`](Self::half_open). Ignored for any other kind.
    pub fn at_received(self, frames: u32) -> Self {
        self.at(Occasion::Received, frames.into())
    }

    /// Lets the fault occur once the `bytes`-th byte from now on has been received, even within a frame. 0 counts as 1.
    ///
    /// A frame that is complete by then is processed. The bytes of all frames count, including control frames and frame
    /// headers. For [`drop_connection`](Self::drop_connection). Ignored for any other kind.
    pub fn at_received_bytes(self, bytes: u64) -> Self {
        self.at(Occasion::ReceivedBytes, bytes)
    }

    /// Lets the fault occur once the `frames`-th frame from now on has been sent. 0 counts as 1.
    ///
    /// For [`drop_connection`](Self::drop_connection) and [`half_open`](Self::half_open). Ignored for any other kind.
    pub fn after_sent(self, frames: u32) -> Self {
        self.at(Occasion::Sent, frames.into())
    }

    /// Lets the fault occur once the `bytes`-th byte from now on has been sent, even within a frame. 0 counts as 1.
    ///
    /// The bytes of all frames count, including control frames and frame headers. For
    /// [`drop_connection`](Self::drop_connection). Ignored for any other kind.
    pub fn after_sent_bytes(self, bytes: u64) -> Self {
        self.at(Occasion::SentBytes, bytes)
    }

    /// Lets the fault occur after the received frame has been processed: its effects remain, but its ack is not sent.
    pub fn after_processing(mut self) -> Self {
        self.after_processing = true;
        self
    }

    /// Limits the fault to sockets of this hub. The case of letters does not matter.
    pub fn hub(mut self, name: impl Into<String>) -> Self {
        self.hub = Some(name.into());
        self
    }

    /// Limits the fault to sockets of the connection with this id, including those of its recoveries.
    pub fn connection(mut self, id: impl Into<String>) -> Self {
        self.connection = Some(id.into());
        self
    }

    /// Limits the fault to the n-th socket that opens from now on, starting at 1. 0 counts as 1.
    ///
    /// Only sockets that match [`hub`](Self::hub) and [`connection`](Self::connection) are counted. Recoveries count as
    /// openings.
    pub fn nth(mut self, n: u32) -> Self {
        self.openings = Some(n.max(1));
        self
    }

    /// Sets how many times the fault occurs. Default: 1. Frames and bytes are counted from the start each time. With 0,
    /// [`push_socket`](crate::Faults::push_socket) ignores the fault.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The fault as a table of the settings file. `nth` counts the openings that remain.
    pub(in crate::faults) fn settings(&self) -> Value {
        let mut table = Map::new();
        let (kind, delay) = self.kind.settings();
        table.insert("kind".to_owned(), kind.into());
        let delay = delay.map(|delay| u64::try_from(delay.as_millis()).unwrap_or(u64::MAX).into());
        let nack = if let Kind::NackStream(nack) = self.kind { Some(nack.setting().into()) } else { None };
        let nth = self.openings.filter(|openings| *openings > 0).map(Value::from);
        for (name, value) in [
            ("delay_ms", delay),
            ("nack", nack),
            (
                self.occasion.setting(),
                (self.at > 1 || self.occasion != Occasion::Received).then(|| self.at.into()),
            ),
            ("after_processing", self.after_processing.then(|| true.into())),
            ("hub", self.hub.clone().map(Value::from)),
            ("connection", self.connection.clone().map(Value::from)),
            ("nth", nth),
        ] {
            if let Some(value) = value.filter(|_| !name.is_empty()) {
                table.insert(name.to_owned(), value);
            }
        }
        Value::Object(table)
    }

    fn new(kind: Kind, occasion: Occasion) -> Self {
        Self {
            id: FaultId::default(),
            kind,
            occasion,
            after_processing: false,
            hub: None,
            connection: None,
            openings: None,
            bound: None,
            at: 1,
            seen: 0,
            times: 1,
        }
    }

    fn at(mut self, occasion: Occasion, count: u64) -> Self {
        let counts = match occasion {
            Occasion::ReceivedBytes | Occasion::SentBytes => self.kind == Kind::Drop,
            _ => matches!(self.kind, Kind::Drop | Kind::HalfOpen),
        };
        if counts {
            self.occasion = occasion;
            self.at = count.max(1);
        }
        self
    }

    /// Counts an opening and binds the fault to the one that it waits for.
    pub(super) fn note_opening(&mut self, hub: &str, connection: &str, number: u64) {
        if self.is_of(hub, connection)
            && let Some(openings) = self.openings.filter(|openings| *openings > 0)
        {
            self.openings = Some(openings - 1);
            self.bound = (openings == 1).then_some(number);
        }
    }

    pub(super) fn is_for(&self, hub: &str, connection: &str, number: u64) -> bool {
        let chosen = self.openings.is_none() || self.bound == Some(number);
        chosen && self.is_of(hub, connection)
    }

    fn is_of(&self, hub: &str, connection: &str) -> bool {
        self.hub.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(hub))
            && self.connection.as_ref().is_none_or(|wanted| wanted == connection)
    }
}
