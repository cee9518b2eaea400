//! The background task of a client. It moves frames between the WebSocket and the session, moves events to the program, and
//! drives the session's timers. A full event queue does not stop acks, pings or sends.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, Stream};
use service_core::{Clock, Error, Result};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};

use super::codec::Protocol;
use super::connector::Connector;
use super::event::{Event, Stopped};
use super::measure::Measure;
use super::queue::Queue;
use super::session::{Action, Attempt, DRAIN, Loss, Op, Session};
use super::socket::{self, Socket};
use super::state::{State, StateCell};
use super::stats::Numbers;
#[cfg(feature = "preview")]
use super::streams::StreamCommand;

/// A command from a handle to the task.
#[derive(Debug)]
pub(super) enum Command {
    /// Boxed, since the channel has room for 32 commands from the start. So are streams.
    Send(Box<Op>),
    #[cfg(feature = "preview")]
    CancelInvocation(u64),
    #[cfg(feature = "preview")]
    Stream(Box<StreamCommand>),
    Close,
}

pub(super) struct Task {
    pub(super) session: Session,
    pub(super) protocol: Protocol,
    pub(super) connector: Arc<Connector>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) queue: Arc<Queue>,
    pub(super) state: Arc<StateCell>,
    pub(super) numbers: Arc<Numbers>,
    pub(super) measure: Measure,
    /// Receives the outcome of the first connection attempt.
    pub(super) first: Option<oneshot::Sender<Result<()>>>,
    pub(super) io: Network,
    /// The previous WebSocket, while its close frame is transmitted.
    pub(super) ending: Option<Pending<()>>,
    pub(super) timer: Option<Timer>,
}

type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The state of the network connection.
pub(super) enum Network {
    None,
    Opening(Attempt, Pending<Result<Socket>>),
    Open(Box<OpenSocket>),
}

/// An open WebSocket.
pub(super) struct OpenSocket {
    socket: Socket,
    /// Whether something was written that may still be in a buffer.
    unflushed: bool,
    close_sent: bool,
    /// Whether the last batch of frames was a full one.
    has_more: bool,
    /// Set once the WebSocket ends with a close frame that remains to be transmitted: its code, or `None` for the response to
    /// the service's own.
    last: Option<Option<CloseCode>>,
}

/// A running timer.
pub(super) struct Timer {
    at: Duration,
    sleep: Pending<()>,
}

/// The maximum number of commands, and of frames, that are processed before other work gets its turn.
const BATCH: usize = 64;

impl Task {
    /// Runs until the client is closed, its last handle is dropped, or it gives up reconnecting.
    ///
    /// Boxed, since a future contains an argument that is moved twice.
    pub(super) async fn run(mut self: Box<Self>) {
        poll_fn(|context| self.poll(context)).await;
        let error = self.session.take_error();
        let now = self.clock.elapsed();
        let error = match self.first.take() {
            Some(first) => {
                let error = error.unwrap_or_else(closed_before_connected);
                let _ = first.send(Err(error));
                None
            }
            None => error,
        };
        let Self { session, queue, commands, .. } = &mut *self;
        let last = std::iter::from_fn(|| session.take_event(now));
        queue.close(last.chain([Event::Stopped(Stopped { error })]));
        // Commands that are still queued were not sent; the session fails them accordingly.
        commands.close();
        while let Ok(command) = commands.try_recv() {
            match command {
                Command::Send(op) => session.submit(op),
                #[cfg(feature = "preview")]
                Command::Stream(command) => session.stream(*command, now),
                #[cfg(feature = "preview")]
                Command::CancelInvocation(_) => {}
                Command::Close => {}
            }
        }
        if let Some(ending) = self.ending.take() {
            ending.await;
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BATCH {
            let now = self.clock.elapsed();
            let mut busy = self.take_commands(context, now);
            self.session.tick(now);
            busy |= self.poll_network(context, now);
            // When the last ack has arrived, the closing handshake follows immediately.
            busy |= self.session.is_drained();
            // Before the events, so that the state is never older than they are.
            self.state.set(self.session.state());
            self.session.measure_state();
            self.report_connected();
            let session = &mut self.session;
            busy |= self.queue.fill(context, || session.take_event(now));
            self.numbers.set(session.counts());
            if self.session.action() == Action::Stop {
                return Poll::Ready(());
            }
            if !busy && self.poll_timer(context, now) {
                return Poll::Pending;
            }
            // Lets the program receive what was read before more is read: memory that was just freed is the fastest.
            if matches!(&self.io, Network::Open(open) if open.has_more) {
                break;
            }
        }
        // Lets other tasks on this thread run.
        let _ = pin!(tokio::task::yield_now()).poll(context);
        Poll::Pending
    }

    fn take_commands(&mut self, context: &mut Context<'_>, now: Duration) -> bool {
        for taken in 0..BATCH {
            match self.commands.poll_recv(context) {
                Poll::Ready(Some(Command::Send(op))) => self.session.submit(op),
                #[cfg(feature = "preview")]
                Poll::Ready(Some(Command::CancelInvocation(id))) => self.session.cancel_invocation(id),
                #[cfg(feature = "preview")]
                Poll::Ready(Some(Command::Stream(command))) => self.session.stream(*command, now),
                Poll::Ready(Some(Command::Close)) => self.session.close(now),
                // No handle is left, so no caller is waiting either.
                Poll::Ready(None) => {
                    self.session.close(now);
                    return taken > 0;
                }
                Poll::Pending => return taken > 0,
            }
        }
        true
    }

    /// Completes `connect` once the first connection is established.
    fn report_connected(&mut self) {
        if self.session.has_connected()
            && let Some(first) = self.first.take()
        {
            let _ = first.send(Ok(()));
        }
    }

    fn poll_network(&mut self, context: &mut Context<'_>, now: Duration) -> bool {
        self.ending.take_if(|ending| ending.as_mut().poll(context).is_ready());
        match self.session.action() {
            Action::Wait | Action::Stop => {
                self.io = Network::None;
                false
            }
            Action::Connect(attempt) => self.poll_opening(attempt, context, now),
            Action::Exchange | Action::Close => self.poll_socket(context, now),
        }
    }

    fn poll_opening(&mut self, attempt: Attempt, context: &mut Context<'_>, now: Duration) -> bool {
        let opening = match &mut self.io {
            Network::Opening(same, opening) if *same == attempt => opening,
            _ => {
                self.io = Network::Opening(attempt, self.opening(attempt));
                return true;
            }
        };
        let Poll::Ready(outcome) = opening.as_mut().poll(context) else { return false };
        match outcome {
            Ok(socket) => {
                self.measure.hub(|| self.connector.hub());
                self.io = Network::Open(Box::new(OpenSocket::new(socket)));
                self.session.opened(attempt, now);
            }
            Err(error) => {
                self.io = Network::None;
                self.session.failed(error, now);
            }
        }
        true
    }

    fn opening(&self, attempt: Attempt) -> Pending<Result<Socket>> {
        let connector = Arc::clone(&self.connector);
        match self.session.connection().filter(|_| attempt == Attempt::Recovery).cloned() {
            Some(connection) => Box::pin(async move { connector.recover(&connection).await }),
            None => Box::pin(async move { connector.connect().await }),
        }
    }

    fn poll_socket(&mut self, context: &mut Context<'_>, now: Duration) -> bool {
        let Network::Open(open) = &mut self.io else { return false };
        let read = open.read(&mut self.session, self.protocol, context, now);
        open.has_more = matches!(read, Ok(true));
        let outcome = read.and_then(|read| Ok(read | open.write(&mut self.session, context, now)?));
        outcome.unwrap_or_else(|loss| {
            if let Network::Open(open) = std::mem::replace(&mut self.io, Network::None) {
                self.ending = open.end(&self.clock).or(self.ending.take());
            }
            self.session.lost(loss, now);
            true
        })
    }

    /// Returns whether the task can sleep until the session's next deadline; `false` if the deadline has passed.
    fn poll_timer(&mut self, context: &mut Context<'_>, now: Duration) -> bool {
        let Some(at) = self.session.deadline() else {
            self.timer = None;
            return true;
        };
        // A timer whose deadline moved further away is kept and re-armed when it fires.
        let timer = match &mut self.timer {
            Some(timer) if timer.at <= at => timer,
            timer => {
                let clock = Arc::clone(&self.clock);
                let wait = at.saturating_sub(now);
                timer.insert(Timer { at, sleep: Box::pin(async move { clock.sleep(wait).await }) })
            }
        };
        let pending = timer.sleep.as_mut().poll(context).is_pending();
        if !pending {
            self.timer = None;
        }
        pending
    }
}

/// Closes the queue if the task does not run to its end, because the program's access function panics or the runtime shuts
/// down. Otherwise receivers would wait indefinitely.
impl Drop for Task {
    fn drop(&mut self) {
        let error = Error::new(service_core::ErrorKind::Transport, "the client's task was aborted");
        self.state.set(State::Stopped);
        self.queue.close([Event::Stopped(Stopped { error: Some(error) })].into_iter());
    }
}

impl OpenSocket {
    fn new(socket: Socket) -> Self {
        Self { socket, unflushed: false, close_sent: false, has_more: false, last: None }
    }

    /// Transmits the close frame that remains, if there is one.
    fn end(self, clock: &Arc<dyn Clock>) -> Option<Pending<()>> {
        let clock = Arc::clone(clock);
        let ending = socket::end(self.socket, self.last?);
        Some(Box::pin(async move { service_core::timeout(&*clock, DRAIN, ending).await.unwrap_or_default() }))
    }

    /// Reads a batch of the available frames. Returns whether there may be more.
    fn read(
        &mut self,
        session: &mut Session,
        protocol: Protocol,
        context: &mut Context<'_>,
        now: Duration,
    ) -> Result<bool, Loss> {
        for _ in 0..BATCH {
            match Pin::new(&mut self.socket).poll_next(context) {
                Poll::Pending => return Ok(false),
                Poll::Ready(Some(Ok(message))) => {
                    session.heard(now);
                    if let Message::Close(frame) = &message {
                        return Err(self.closed(frame.as_ref()));
                    }
                    // The library has queued a pong.
                    self.unflushed |= message.is_ping();
                    match protocol.decode(&message) {
                        Some(frame) => session.receive(frame, message.len(), now),
                        None => session.receive_control(),
                    }
                }
                Poll::Ready(Some(Err(error))) => return Err(self.unreadable(&error)),
                Poll::Ready(None) => return Err(lost_without_code("the connection was closed")),
            }
        }
        Ok(true)
    }

    /// Handles a close frame of the service.
    fn closed(&mut self, frame: Option<&CloseFrame>) -> Loss {
        // Otherwise, it is the response to the client's own.
        self.last = (!self.close_sent).then_some(None);
        match frame {
            Some(frame) => {
                let code = u16::from(frame.code);
                let reason = match frame.reason.as_str() {
                    "" => format!("the service closed the connection with code {code}"),
                    reason => reason.to_owned(),
                };
                Loss { code: Some(code), reason }
            }
            None => lost_without_code("the service closed the connection"),
        }
    }

    /// Handles an error while reading, which is closed with the code for what the service violated (RFC 6455, section 7.1.7).
    fn unreadable(&mut self, error: &tungstenite::Error) -> Loss {
        self.last = close_code(error).filter(|_| !self.close_sent).map(Some);
        socket_error(error)
    }

    /// Writes the pending frames. Returns whether something was written.
    fn write(
        &mut self,
        session: &mut Session,
        context: &mut Context<'_>,
        now: Duration,
    ) -> Result<bool, Loss> {
        let mut wrote = false;
        let mut socket = Pin::new(&mut self.socket);
        while !self.close_sent
            && socket.as_mut().poll_ready(context).map_err(|error| socket_error(&error))?.is_ready()
        {
            let frame = match session.next_frame(now) {
                Some(frame) => frame,
                None if session.action() == Action::Close => {
                    self.close_sent = true;
                    Message::Close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))
                }
                None => break,
            };
            socket.as_mut().start_send(frame).map_err(|error| socket_error(&error))?;
            (wrote, self.unflushed) = (true, true);
        }
        if self.unflushed && socket.poll_flush(context).map_err(|error| socket_error(&error))?.is_ready() {
            self.unflushed = false;
            session.flushed();
        }
        Ok(wrote)
    }
}

/// Returns the code that names a violation of the protocol, and `None` if the connection is gone.
fn close_code(error: &tungstenite::Error) -> Option<CloseCode> {
    match error {
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        tungstenite::Error::Protocol(_) => Some(CloseCode::Protocol),
        tungstenite::Error::Utf8(_) => Some(CloseCode::Invalid),
        tungstenite::Error::Capacity(_) => Some(CloseCode::Size),
        _ => None,
    }
}

fn socket_error(error: &tungstenite::Error) -> Loss {
    lost_without_code(&error.to_string())
}

fn lost_without_code(reason: &str) -> Loss {
    Loss { code: None, reason: reason.to_owned() }
}

/// Returns the error for a client that was closed or dropped before its first connection was established.
fn closed_before_connected() -> Error {
    Error::new(service_core::ErrorKind::Transport, "the client was closed before it was connected")
}
