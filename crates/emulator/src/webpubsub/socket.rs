//! A WebSocket from the 101 response to its end: one side reads frames, the other writes the queue, and both end in
//! order when either side closes.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::connection::{Identity, Protocol};
use super::conversation::Conversation;
use super::cut::Cut;
use super::frame::ServerFrame;
use super::invocations::Invocations;
use super::keep_alive::KeepAlive;
use super::membership::Membership;
use super::outbox::{Closing, Outbox, Pending};
use super::simple;
use crate::clock::Clock;
use crate::faults::sockets::{Loss, SocketFaults, Struck};
use crate::message::Upgraded;

type Sink = SplitSink<WebSocketStream<Cut>, Message>;
type Source = SplitStream<WebSocketStream<Cut>>;

const MAX_BYTES: usize = 1024 * 1024;
/// Kept for each socket, also for an idle one, so it is small. Larger frames take several reads.
const READ_BUFFER: usize = 4 * 1024;
/// The time limit for closing a connection, so that an unresponsive client cannot hold it.
const GRACE: Duration = Duration::from_secs(5);

/// How long a half-open socket is held after the service has given it up.
const HALF_OPEN_TIMEOUT: Duration = Duration::from_secs(600);

/// What a socket needs.
pub(super) struct Session {
    pub(super) identity: Identity,
    pub(super) membership: Membership,
    pub(super) outbox: Outbox,
    pub(super) pending: Pending,
    pub(super) faults: SocketFaults,
    pub(super) clock: Clock,
}

/// The reason why a socket is no longer read.
#[derive(PartialEq, Eq)]
enum End {
    /// The client is gone. With a reliable protocol, it may recover the connection.
    Gone,
    /// The client closed in order and will not recover the connection.
    Closed,
    /// The received data can no longer be read as frames.
    Broken,
    /// A fault occurred.
    Lost(Loss),
}

/// Serves a client until it disconnects. The membership ends with it.
pub(super) async fn run(stream: Upgraded, session: Session) {
    let Session { identity, membership, outbox, pending, faults, clock } = session;
    let (mut sink, mut source) = open(Cut::new(stream, faults.clone())).await.split();
    let keep_alive = KeepAlive::default();
    let end = {
        let mut writing = std::pin::pin!(write(&mut sink, pending, &identity, &faults, &clock));
        let conversation = Conversation {
            identity: &identity,
            membership: &membership,
            outbox: &outbox,
            faults: &faults,
            invocations: Invocations::default(),
        };
        let mut reading = std::pin::pin!(read(&mut source, &conversation, &keep_alive));
        tokio::select! {
            lost = &mut writing => match lost {
                Some(loss) => End::Lost(loss),
                None => within_grace(&clock, reading).await.unwrap_or(End::Gone),
            },
            end = &mut reading => {
                if end == End::Broken {
                    within_grace(&clock, writing).await;
                }
                end
            }
            loss = outbox.lost() => End::Lost(loss),
            never = end_when_lost(&keep_alive, &membership.connection, &outbox, &clock) => match never {},
        }
    };
    match end {
        End::Closed => membership.end(),
        End::Gone | End::Lost(Loss::Dropped) => membership.lose(),
        End::Broken => {
            membership.end();
            within_grace(&clock, discard_input(sink, source)).await;
        }
        End::Lost(Loss::HalfOpen) => {
            tokio::select! {
                () = outbox.closed() => {}
                never = end_when_lost(&keep_alive, &membership.connection, &outbox, &clock) => match never {},
            }
            membership.lose();
            // The socket is dropped when this returns: the client must notice without being notified.
            clock.sleep(HALF_OPEN_TIMEOUT).await;
        }
    }
}

/// Closes the connection if the client does not respond to pings. The reader and writer carry out the close.
async fn end_when_lost(
    keep_alive: &KeepAlive,
    connection: &str,
    outbox: &Outbox,
    clock: &Clock,
) -> Infallible {
    keep_alive.lost(connection, outbox, clock).await;
    outbox.close(Closing::ping_timeout());
    std::future::pending().await
}

/// Notifies a client that its connection cannot be recovered.
pub(super) async fn reject_recovery(stream: Upgraded, clock: Clock) {
    let mut socket = open(stream).await;
    let reason = "The connection could not be recovered.".into();
    within_grace(&clock, async {
        let _ = socket.send(Message::Close(Some(CloseFrame { code: CloseCode::Policy, reason }))).await;
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
}

async fn open<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> WebSocketStream<S> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(MAX_BYTES))
        .max_frame_size(Some(MAX_BYTES));
    WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await
}

/// Reads and handles frames. Once the connection is closing, frames are ignored until the client's close frame.
async fn read(source: &mut Source, conversation: &Conversation<'_>, keep_alive: &KeepAlive) -> End {
    let outbox = conversation.outbox;
    let mut end = End::Gone;
    while let Some(frame) = source.next().await {
        keep_alive.received();
        match frame {
            Ok(Message::Close(close)) => {
                if close.is_some_and(|close| close.code == CloseCode::Normal) {
                    end = End::Closed;
                }
            }
            Ok(frame) if is_data(&frame) && !outbox.is_closing() => {
                keep_alive.handling(true);
                let loss = take(frame, conversation).await;
                keep_alive.handling(false);
                if let Some(loss) = loss {
                    return End::Lost(loss);
                }
            }
            Ok(_) => {}
            Err(error) => match fault(&error) {
                Some(closing) => {
                    outbox.close(closing);
                    return End::Broken;
                }
                None => return end,
            },
        }
    }
    end
}

/// Handles a frame, unless a fault occurs before. If one does, returns how the socket is lost.
async fn take(frame: Message, conversation: &Conversation<'_>) -> Option<Loss> {
    let struck = conversation.faults.received();
    if let Some(Struck { loss, after_processing: false }) = struck {
        return Some(loss);
    }
    let Conversation { identity, membership, outbox, .. } = conversation;
    let outcome = match &identity.protocol {
        Protocol::Simple { mode, .. } => simple::receive(mode, identity, membership, frame).await,
        _ => conversation.receive(&frame).await,
    };
    if let Err(closing) = outcome {
        outbox.close(closing);
    }
    struck.map(|struck| struck.loss)
}

fn is_data(frame: &Message) -> bool {
    matches!(frame, Message::Text(_) | Message::Binary(_))
}

/// How to close after an unreadable frame. `None` if the client is gone.
fn fault(error: &Error) -> Option<Closing> {
    match error {
        Error::Capacity(_) => Some(Closing::for_fault(CloseCode::Size, "The client message is too large.")),
        Error::Utf8(_) => Some(Closing::for_fault(CloseCode::Invalid, "the text is not UTF-8")),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some(Closing::for_fault(CloseCode::Protocol, "The client frame is invalid.")),
        _ => None,
    }
}

/// Writes the queue until the connection closes, then the last frames. Returns once they are sent, once sending fails,
/// or with the way in which a fault loses the socket.
async fn write(
    sink: &mut Sink,
    mut pending: Pending,
    identity: &Identity,
    faults: &SocketFaults,
    clock: &Clock,
) -> Option<Loss> {
    let mut requested = pending.closing.clone();
    let closing = tokio::select! {
        biased;
        closing = requested.wait_for(Option::is_some) => closing.ok().and_then(|closing| closing.clone()),
        lost = write_queued(sink, &mut pending, faults) => return lost,
    };
    if let Some(closing) = closing {
        within_grace(clock, write_last(sink, &mut pending, identity, &closing)).await;
    }
    None
}

async fn write_queued(sink: &mut Sink, pending: &mut Pending, faults: &SocketFaults) -> Option<Loss> {
    loop {
        let message = pending.next().await;
        let counts = is_data(&message);
        if sink.send(message).await.is_err() {
            return None;
        }
        let lost = if counts { faults.sent() } else { None };
        if lost.is_some() {
            return lost;
        }
    }
}

async fn write_last(sink: &mut Sink, pending: &mut Pending, identity: &Identity, closing: &Closing) {
    while let Some(message) = pending.next_at_close() {
        if closing.drained && sink.send(message).await.is_err() {
            return;
        }
    }
    let frame = ServerFrame::Disconnected { reason: closing.reason.as_deref() };
    if let Some(frame) = identity.protocol.encode(&frame).filter(|_| closing.announced) {
        let _ = sink.send(frame).await;
    }
    let reason = close_text(closing.reason.as_deref().unwrap_or(""));
    let _ = sink.send(Message::Close(Some(CloseFrame { code: closing.code, reason: reason.into() }))).await;
}

/// Reads and discards: closing a socket with unread bytes resets it, and the close frame would be lost.
async fn discard_input(sink: Sink, source: Source) {
    let Ok(mut socket) = sink.reunite(source) else { return };
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(1..) = socket.get_mut().read(&mut buffer).await {}
}

async fn within_grace<T>(clock: &Clock, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        output = future => Some(output),
        () = clock.sleep(GRACE) => None,
    }
}

/// A close frame contains at most 123 bytes of text (RFC 6455, section 5.5). The cut is between characters.
fn close_text(reason: &str) -> &str {
    let fits = (0..=reason.len().min(123)).rev().find(|end| reason.is_char_boundary(*end));
    &reason[..fits.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(close_text("bye"), "bye");
        assert_eq!(close_text(&"a".repeat(200)).len(), 123);
        assert_eq!(close_text(&"€".repeat(50)), "€".repeat(41));
        assert_eq!(close_text(&format!("a{}", "€".repeat(50))).len(), 121);
    }
}
