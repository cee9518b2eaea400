//! The one task of a client: moves frames between its WebSocket and its session, events to the program, and gives the
//! session its time. Whatever waits, everything else goes on: a full event queue stops no ack, no ping and no send.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, Stream};
use service_core::{Clock, Error, Result};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};

use super::codec::Protocol;
use super::connector::Connector;
use super::event::{Event, Stopped};
use super::queue::Queue;
use super::session::{Attempt, Loss, Op, Session, Step};
use super::socket::Socket;

/// What handles ask of the task.
#[derive(Debug)]
pub(super) enum Command {
    Send(Op),
    Close,
}

pub(super) struct Task {
    pub(super) session: Session,
    pub(super) protocol: Protocol,
    pub(super) connector: Arc<Connector>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) queue: Arc<Queue>,
    /// Told of the first connection, or why there is none.
    pub(super) first: Option<oneshot::Sender<Result<()>>>,
    pub(super) io: Network,
    pub(super) alarm: Option<Alarm>,
}

type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What stands between the client and the service.
pub(super) enum Network {
    None,
    Opening(Attempt, Pending<Result<Socket>>),
    Open(Box<Line>),
}

/// An open WebSocket.
pub(super) struct Line {
    socket: Socket,
    /// Something was written that may still be in a buffer.
    unflushed: bool,
    close_sent: bool,
}

/// A sleep that is under way.
pub(super) struct Alarm {
    at: Duration,
    sleep: Pending<()>,
}

/// How many commands, and how many frames, are taken before the others have their turn.
const BATCH: usize = 64;

impl Task {
    /// Runs until the client is closed, has no handle any more, or gives up.
    pub(super) async fn run(mut self) {
        poll_fn(|context| self.poll(context)).await;
        let error = self.session.verdict();
        let now = self.clock.elapsed();
        let error = match self.first.take() {
            Some(first) => {
                let error = error.unwrap_or_else(closed);
                let _ = first.send(Err(error));
                None
            }
            None => error,
        };
        let Self { session, queue, commands, .. } = &mut self;
        let last = std::iter::from_fn(|| session.take_event(now));
        queue.close(last.chain([Event::Stopped(Stopped { error })]));
        // What was handed over and not taken yet has not been sent: the session says so.
        commands.close();
        while let Ok(command) = commands.try_recv() {
            if let Command::Send(op) = command {
                session.submit(op, now);
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BATCH {
            let now = self.clock.elapsed();
            let mut busy = self.take_commands(context, now);
            self.session.tick(now);
            busy |= self.work(context, now);
            // The last ack has come: the closing handshake is next, and no time has to pass for it.
            busy |= self.session.is_drained();
            self.greet();
            let session = &mut self.session;
            busy |= self.queue.fill(context, || session.take_event(now));
            if self.session.step() == Step::Stop {
                return Poll::Ready(());
            }
            if !busy && self.sleeps(context, now) {
                return Poll::Pending;
            }
        }
        // The others on this thread have their turn.
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn take_commands(&mut self, context: &mut Context<'_>, now: Duration) -> bool {
        for taken in 0..BATCH {
            match self.commands.poll_recv(context) {
                Poll::Ready(Some(Command::Send(op))) => self.session.submit(op, now),
                Poll::Ready(Some(Command::Close)) => self.session.close(now),
                // No handle is left, so nobody waits for anything either.
                Poll::Ready(None) => {
                    self.session.close(now);
                    return taken > 0;
                }
                Poll::Pending => return taken > 0,
            }
        }
        true
    }

    /// The first caller learns that the connection stands.
    fn greet(&mut self) {
        if self.session.is_greeted()
            && let Some(first) = self.first.take()
        {
            let _ = first.send(Ok(()));
        }
    }

    fn work(&mut self, context: &mut Context<'_>, now: Duration) -> bool {
        match self.session.step() {
            Step::Pause | Step::Stop => {
                self.io = Network::None;
                false
            }
            Step::Connect(attempt) => self.open(attempt, context, now),
            Step::Talk | Step::Finish => self.talk(context, now),
        }
    }

    fn open(&mut self, attempt: Attempt, context: &mut Context<'_>, now: Duration) -> bool {
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
                self.io = Network::Open(Box::new(Line { socket, unflushed: false, close_sent: false }));
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

    fn talk(&mut self, context: &mut Context<'_>, now: Duration) -> bool {
        let Network::Open(line) = &mut self.io else { return false };
        let read = line.read(&mut self.session, self.protocol, context, now);
        let outcome = read.and_then(|read| Ok(read | line.write(&mut self.session, context, now)?));
        outcome.unwrap_or_else(|loss| {
            self.io = Network::None;
            self.session.lost(loss, now);
            true
        })
    }

    /// Waits for the session's next deadline; `false` when it has passed meanwhile.
    fn sleeps(&mut self, context: &mut Context<'_>, now: Duration) -> bool {
        let Some(at) = self.session.deadline() else {
            self.alarm = None;
            return true;
        };
        // A deadline that moved away is looked at when the old one has come.
        let alarm = match &mut self.alarm {
            Some(alarm) if alarm.at <= at => alarm,
            alarm => {
                let clock = Arc::clone(&self.clock);
                let wait = at.saturating_sub(now);
                alarm.insert(Alarm { at, sleep: Box::pin(async move { clock.sleep(wait).await }) })
            }
        };
        let sleeps = alarm.sleep.as_mut().poll(context).is_pending();
        if !sleeps {
            self.alarm = None;
        }
        sleeps
    }
}

/// A task may not get to its end: the program's own access panics in it, or its runtime shuts down. Nobody is to wait for
/// events then.
impl Drop for Task {
    fn drop(&mut self) {
        let error = Error::new(service_core::ErrorKind::Transport, "the client's task was broken off");
        self.queue.close([Event::Stopped(Stopped { error: Some(error) })].into_iter());
    }
}

impl Line {
    /// Reads what is there; `true` when there may be more.
    fn read(
        &mut self,
        session: &mut Session,
        protocol: Protocol,
        context: &mut Context<'_>,
        now: Duration,
    ) -> Result<bool, Loss> {
        for _ in 0..BATCH {
            if session.is_full() {
                return Ok(false);
            }
            match Pin::new(&mut self.socket).poll_next(context) {
                Poll::Pending => return Ok(false),
                Poll::Ready(Some(Ok(message))) => {
                    session.heard(now);
                    if let Message::Close(frame) = &message {
                        return Err(self.closed(frame.as_ref(), context));
                    }
                    // A pong has been queued for it.
                    self.unflushed |= message.is_ping();
                    if let Some(frame) = protocol.decode(&message) {
                        session.receive(frame, message.len(), now);
                    }
                }
                Poll::Ready(Some(Err(error))) => return Err(broken(&error)),
                Poll::Ready(None) => return Err(ended("the connection was closed")),
            }
        }
        Ok(true)
    }

    /// The service has closed: its close frame is answered, as far as that goes without waiting.
    fn closed(&mut self, frame: Option<&CloseFrame>, context: &mut Context<'_>) -> Loss {
        let _ = Pin::new(&mut self.socket).poll_flush(context);
        match frame {
            Some(frame) => {
                let code = u16::from(frame.code);
                let reason = match frame.reason.as_str() {
                    "" => format!("the service closed the connection with code {code}"),
                    reason => reason.to_owned(),
                };
                Loss { code: Some(code), reason }
            }
            None => ended("the service closed the connection"),
        }
    }

    /// Writes what there is to write; `true` when something was written.
    fn write(
        &mut self,
        session: &mut Session,
        context: &mut Context<'_>,
        now: Duration,
    ) -> Result<bool, Loss> {
        let mut wrote = false;
        let mut socket = Pin::new(&mut self.socket);
        while !self.close_sent
            && socket.as_mut().poll_ready(context).map_err(|error| broken(&error))?.is_ready()
        {
            let frame = match session.next_frame(now) {
                Some(frame) => frame,
                None if session.step() == Step::Finish => {
                    self.close_sent = true;
                    Message::Close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() }))
                }
                None => break,
            };
            socket.as_mut().start_send(frame).map_err(|error| broken(&error))?;
            (wrote, self.unflushed) = (true, true);
        }
        if self.unflushed && socket.poll_flush(context).map_err(|error| broken(&error))?.is_ready() {
            self.unflushed = false;
            session.flushed();
        }
        Ok(wrote)
    }
}

fn broken(error: &tungstenite::Error) -> Loss {
    ended(&error.to_string())
}

fn ended(reason: &str) -> Loss {
    Loss { code: None, reason: reason.to_owned() }
}

/// The client was dropped or closed before its first connection stood.
fn closed() -> Error {
    Error::new(service_core::ErrorKind::Transport, "the client was closed before it was connected")
}
