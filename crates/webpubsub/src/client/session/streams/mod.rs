//! The streams that the program sends and receives (previews, section 3).

mod incoming;
mod publisher;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use service_core::{Delivery, Error, ErrorKind};
use tokio_tungstenite::tungstenite::Message;

use super::outbox::BLAMING;
use super::{Session, Upstream};
use crate::client::frame::Rejection;
use crate::client::frame::preview::{self, StreamEndError};
use crate::client::streams::{Failure, Opening, StreamCommand};
use publisher::Publisher;

pub(super) use incoming::Incoming;

/// The number of ids of streams that were given up and not closed by the service, of which the newest are kept.
const MAX_GIVEN_UP: usize = 100;

/// The streams that the program sends.
#[derive(Debug, Default)]
pub(super) struct Publishers {
    streams: BTreeMap<u64, Publisher>,
    by_id: HashMap<String, u64>,
    /// The ids of the streams that the client ended itself and that the service has not closed yet. What it still sends for them
    /// must not be taken for a response to a new stream.
    given_up: VecDeque<String>,
    /// The streams that may have something to write, in turn. A stream that has ended may still be in it.
    ready: VecDeque<u64>,
    /// When something is due for a stream, or earlier.
    deadlines: BTreeSet<(Duration, u64)>,
    registered: HashMap<u64, Duration>,
}

impl Publishers {
    /// Adds a stream. Returns it if another one has the same id.
    fn open(&mut self, opening: Box<Opening>) -> Result<(), Box<Opening>> {
        if self.by_id.contains_key(&opening.id) || self.given_up.contains(&opening.id) {
            return Err(opening);
        }
        let key = opening.key;
        self.by_id.insert(opening.id.clone(), key);
        self.streams.insert(key, Publisher::new(*opening));
        self.changed(key);
        Ok(())
    }

    fn give_up(&mut self, id: &str) {
        if self.given_up.len() >= MAX_GIVEN_UP {
            self.given_up.pop_front();
        }
        self.given_up.push_back(id.to_owned());
    }

    /// Returns whether the service has closed a stream that was given up. Its id can be used again.
    fn is_end_of_given_up(&mut self, id: &str) -> bool {
        let at = self.given_up.iter().position(|known| known == id);
        at.and_then(|at| self.given_up.remove(at)).is_some()
    }

    fn remove(&mut self, key: u64) -> Option<Publisher> {
        let stream = self.streams.remove(&key)?;
        self.by_id.remove(stream.id());
        if let Some(at) = self.registered.remove(&key) {
            self.deadlines.remove(&(at, key));
        }
        Some(stream)
    }

    /// Lets a stream write what it has, and registers its deadline if it is earlier than before.
    fn changed(&mut self, key: u64) {
        let Some(stream) = self.streams.get_mut(&key) else { return };
        if !std::mem::replace(&mut stream.is_ready, true) {
            self.ready.push_back(key);
        }
        let Some(at) = stream.deadline() else { return };
        let known = self.registered.get(&key).copied();
        if known.is_none_or(|known| at < known) {
            if let Some(known) = known {
                self.deadlines.remove(&(known, key));
            }
            self.deadlines.insert((at, key));
            self.registered.insert(key, at);
        }
    }

    /// Returns the next frame. Streams take turns, so that none waits for the others.
    pub(super) fn next_frame(&mut self, now: Duration) -> Option<Message> {
        while let Some(key) = self.ready.pop_front() {
            let Some(stream) = self.streams.get_mut(&key) else { continue };
            stream.is_ready = false;
            if let Some(frame) = stream.next_frame(now) {
                self.changed(key);
                return Some(frame);
            }
        }
        None
    }

    /// Removes the streams for which `ends` returns `true`.
    fn take(&mut self, mut ends: impl FnMut(&mut Publisher) -> bool) -> Vec<Publisher> {
        let ended = self.streams.iter_mut().filter_map(|(key, stream)| ends(stream).then_some(*key));
        let ended: Vec<_> = ended.collect();
        ended.into_iter().filter_map(|key| self.remove(key)).collect()
    }

    fn all_changed(&mut self) {
        let keys: Vec<_> = self.streams.keys().copied().collect();
        keys.into_iter().for_each(|key| self.changed(key));
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Returns whether the service has not confirmed the end of a stream yet.
    pub(super) fn is_ending(&self) -> bool {
        self.streams.values().any(Publisher::is_ending)
    }

    pub(super) fn fail_all(&mut self, failure: &Failure) {
        self.take(|_| true).into_iter().for_each(|stream| stream.fail(failure.clone()));
    }

    fn key(&self, id: &str) -> Option<u64> {
        let key = self.by_id.get(id).copied();
        if key.is_none() {
            tracing::debug!(id, "ignored a frame for a stream that is not open");
        }
        key
    }
}

/// Fails all streams, however the client ends. Otherwise writers would wait indefinitely.
impl Drop for Publishers {
    fn drop(&mut self) {
        self.fail_all(&aborted());
    }
}

impl Session {
    /// Handles what a writer asks for.
    pub(in crate::client) fn stream(&mut self, command: StreamCommand, now: Duration) {
        match command {
            StreamCommand::Open(opening) => self.open_stream(opening),
            StreamCommand::Part { key, frame } => {
                if let Some(stream) = self.publishers.streams.get_mut(&key) {
                    stream.part(frame);
                    self.publishers.changed(key);
                }
            }
            // For a stream that has failed, the writer knows the reason.
            StreamCommand::End { key, frame, done } => {
                let Some(stream) = self.publishers.streams.get_mut(&key) else { return };
                if stream.end(frame, done, now) {
                    self.publishers.changed(key);
                } else {
                    self.publishers.remove(key);
                }
            }
        }
    }

    fn open_stream(&mut self, opening: Box<Opening>) {
        if self.lifecycle.is_ending() {
            let failure = Failure::new(ErrorKind::Transport, "the client is closed", Delivery::NotSent);
            return Publisher::new(*opening).fail(failure);
        }
        if let Err(opening) = self.publishers.open(opening) {
            let rule = "must not be that of another open stream of this client";
            let error = Error::invalid_input("stream id", rule, Some(&opening.id));
            let _ = opening.opened.send(Err(error));
        }
    }

    pub(super) fn stream_acked(&mut self, id: &str, expected: u64, now: Duration) {
        self.stream_responded(id, |stream| stream.acked(expected, now));
    }

    pub(super) fn stream_rejected(&mut self, id: &str, rejection: &Rejection, expected: u64, now: Duration) {
        tracing::debug!(id, expected, name = rejection.name, "parts of a stream are resent");
        self.stream_responded(id, |stream| stream.rejected(expected, now));
    }

    fn stream_responded(&mut self, id: &str, handle: impl FnOnce(&mut Publisher) -> Result<(), Failure>) {
        let Some(key) = self.publishers.key(id) else { return };
        let Some(stream) = self.publishers.streams.get_mut(&key) else { return };
        match handle(stream) {
            Ok(()) => {
                self.publishers.changed(key);
                self.progressed();
            }
            Err(failure) => self.fail_stream(key, failure, Some("ProtocolViolation")),
        }
    }

    pub(super) fn stream_closed(&mut self, id: &str, rejection: Option<Rejection>, now: Duration) {
        if self.publishers.is_end_of_given_up(id) {
            return;
        }
        let Some(stream) = self.publishers.key(id).and_then(|key| self.publishers.remove(key)) else {
            return;
        };
        self.progressed();
        stream.closed(rejection, now);
    }

    /// Fails a stream that the service may still have, so that its subscribers are notified.
    fn fail_stream(&mut self, key: u64, failure: Failure, code: Option<&str>) {
        let Some(stream) = self.publishers.remove(key) else { return };
        if self.is_connected() && !stream.is_unstarted() {
            let error = Some(StreamEndError { message: Some("the sender gave up the stream"), code });
            let frame = Upstream::Preview(preview::Upstream::StreamEnd { id: stream.id(), error });
            self.control.push_back(self.settings.protocol.encode(&frame));
            self.publishers.give_up(stream.id());
        }
        stream.fail(failure);
    }

    /// Pauses the streams, since the socket has ended.
    pub(super) fn streams_interrupted(&mut self, code: Option<u16>, now: Duration) {
        // What the service sent for them is lost with the socket.
        self.publishers.given_up.clear();
        let blames = code.is_some_and(|code| BLAMING.contains(&code));
        let mut reasons = Vec::new();
        let ended = self
            .publishers
            .take(|stream| stream.interrupted(blames, now).map_err(|why| reasons.push(why)).is_err());
        ended.into_iter().zip(reasons).for_each(|(stream, reason)| stream.fail(lost(reason)));
    }

    /// Continues the streams on a recovered connection.
    pub(super) fn streams_recovered(&mut self, now: Duration) {
        self.publishers.streams.values_mut().for_each(|stream| stream.recovered(now));
        self.publishers.all_changed();
        self.incoming.recovered(now);
    }

    /// Ends the streams of a connection that could not be recovered. Those that were not started wait for the next one.
    pub(super) fn streams_lost(&mut self) {
        self.publishers.given_up.clear();
        let failure = lost("the connection was lost and could not be recovered");
        for stream in self.publishers.take(|stream| !stream.is_unstarted()) {
            stream.fail(failure.clone());
        }
        self.publishers.streams.values_mut().for_each(Publisher::resume);
        self.publishers.all_changed();
    }

    /// Handles everything that is due for the streams.
    pub(super) fn streams_tick(&mut self, now: Duration) {
        while let Some((at, key)) = self.publishers.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            self.publishers.deadlines.remove(&(at, key));
            self.publishers.registered.remove(&key);
            let Some(stream) = self.publishers.streams.get_mut(&key) else { continue };
            match stream.tick(now) {
                Ok(()) => self.publishers.changed(key),
                Err(failure) => self.fail_stream(key, failure, None),
            }
        }
        if self.is_connected() {
            self.incoming.tick(now);
        }
    }

    /// Returns when something is due for the streams.
    pub(super) fn streams_deadline(&self) -> Option<Duration> {
        let incoming = self.incoming.deadline().filter(|_| self.is_connected());
        self.publishers.deadline().into_iter().chain(incoming).min()
    }

    pub(super) fn fail_streams(&mut self) {
        self.publishers.fail_all(&lost("the client was closed before the stream was finished"));
    }
}

fn lost(text: &str) -> Failure {
    Failure::new(ErrorKind::Transport, text, Delivery::Unknown)
}

fn aborted() -> Failure {
    lost("the client's task was aborted")
}
