//! The service's side of group streams: opens them, accepts their fragments, and ends them.

use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use super::{
    Background, IDLE_TIMEOUT, MAX_ID, Reply, Stream, StreamInfo, cancelled, stream_error, user_error,
};
use crate::faults::StreamNack;
use crate::webpubsub::delivery::{Data, StreamError};
use crate::webpubsub::errors;
use crate::webpubsub::frame::{Failure, ServerFrame, StreamPart, StreamStart};
use crate::webpubsub::hub::{Hubs, State};
use crate::webpubsub::limits::PreviewLimits;
use crate::webpubsub::member::Member;
use crate::webpubsub::names;
use crate::webpubsub::roles::Permission;

/// A connection and one of its streams.
#[derive(Debug, Clone, Copy)]
pub(in crate::webpubsub) struct StreamPlace<'a> {
    pub(in crate::webpubsub) hub: &'a str,
    pub(in crate::webpubsub) connection: &'a str,
    pub(in crate::webpubsub) id: &'a str,
}

impl Hubs {
    /// Opens a stream. If its id is already in use, both the request and the open stream fail: the client has to forget
    /// the id.
    pub(in crate::webpubsub) fn start_stream(
        self: &Arc<Self>,
        hub: &str,
        connection: &str,
        start: &StreamStart,
    ) -> Result<(), Failure> {
        let (limits, now) = (self.limits(), self.clock.now());
        let place = StreamPlace { hub, connection, id: &start.id };
        let mut state = self.lock();
        let number = state.next_stream();
        let Some(member) = state.member(hub, connection) else { return Err(Failure::internal()) };
        let accepted = check(member, start, &limits);
        if let Err(failure) = accepted {
            let news = member.end_stream(connection, &start.id, Some(cancelled()));
            state.publish(hub, news.into_iter().collect());
            return Err(failure);
        }
        let idle_timeout = idle_timeout(start);
        let expires = now + idle_timeout;
        let timer = self.watch(place, number, expires);
        let stream = Stream {
            number,
            group: start.group.clone(),
            no_echo: start.no_echo,
            expected: 1,
            idle_timeout,
            expires,
            _timer: timer,
        };
        member.streams.0.insert(start.id.clone(), stream);
        Ok(())
    }

    /// Handles a frame of a publisher. `fault` is asked for each fragment that would be accepted.
    pub(in crate::webpubsub) fn stream_part(
        &self,
        place: StreamPlace<'_>,
        part: StreamPart,
        fault: impl FnOnce() -> Option<StreamNack>,
    ) -> Reply {
        let now = self.clock.now();
        let mut state = self.lock();
        let Some(stream) = state.stream(place) else { return Reply::not_found() };
        if stream.expires <= now {
            return state.fail(place, idle());
        }
        match part {
            StreamPart::Data { sequence_id, data } => state.accept(place, sequence_id, data, now, fault),
            StreamPart::KeepAlive => {
                stream.expires = now + stream.idle_timeout;
                Reply::Nothing
            }
            StreamPart::End { error } => {
                state.end(place, error.map(user_error));
                Reply::Closed(None)
            }
            StreamPart::Incomplete => {
                state.fail(place, bad_request("A fragment needs streamSequenceId, dataType, and data."))
            }
        }
    }

    /// The open streams of a hub, sorted by connection and stream id.
    pub(in crate::webpubsub) fn streams(&self, hub: &str) -> Vec<StreamInfo> {
        let state = self.lock();
        let members = state.members(hub);
        let info = |connection: &str, id: &str, stream: &Stream| StreamInfo {
            stream_id: id.to_owned(),
            connection_id: connection.to_owned(),
            group: stream.group.clone(),
            expected_sequence_id: stream.expected,
        };
        members
            .flat_map(|(connection, member)| {
                member.streams.0.iter().map(move |(id, stream)| info(connection, id, stream))
            })
            .collect()
    }

    /// Ends the stream once it is idle for too long.
    fn watch(self: &Arc<Self>, place: StreamPlace<'_>, number: u64, expires: SystemTime) -> Background {
        let (hub, connection, id) = (place.hub.to_owned(), place.connection.to_owned(), place.id.to_owned());
        let (hubs, clock, mut until) = (Arc::downgrade(self), self.clock.clone(), expires);
        tokio::spawn(async move {
            loop {
                clock.sleep_until(until).await;
                let place = StreamPlace { hub: &hub, connection: &connection, id: &id };
                let Some(hubs) = Weak::upgrade(&hubs) else { return };
                match hubs.end_if_idle(place, number) {
                    Some(later) => until = later,
                    None => return,
                }
            }
        })
        .into()
    }

    /// Ends a stream if it is still the same and idle. Returns when to look again.
    fn end_if_idle(&self, place: StreamPlace<'_>, number: u64) -> Option<SystemTime> {
        let now = self.clock.now();
        let mut state = self.lock();
        let stream = state.stream(place).filter(|stream| stream.number == number)?;
        if stream.expires > now {
            return Some(stream.expires);
        }
        let (stream, failure) = (place.id, idle());
        if let Some(member) = state.member(place.hub, place.connection) {
            member.push_once(&ServerFrame::StreamClosed { stream, failure: Some(&failure.0) });
        }
        state.fail(place, failure);
        None
    }
}

impl State {
    fn stream(&mut self, place: StreamPlace<'_>) -> Option<&mut Stream> {
        self.member(place.hub, place.connection)?.streams.0.get_mut(place.id)
    }

    fn accept(
        &mut self,
        place: StreamPlace<'_>,
        sequence_id: u64,
        data: Data,
        now: SystemTime,
        fault: impl FnOnce() -> Option<StreamNack>,
    ) -> Reply {
        let Some(member) = self.member(place.hub, place.connection) else { return Reply::not_found() };
        let Some(stream) = member.streams.0.get_mut(place.id) else { return Reply::not_found() };
        if !member.roles.allow(Permission::SendToGroup, &stream.group) {
            return self.fail(place, forbidden());
        }
        let expected = stream.expected;
        match sequence_id {
            0 => return self.fail(place, bad_request("streamSequenceId starts at 1.")),
            duplicate if duplicate < expected => return Reply::Ack(expected),
            early if early > expected => return nack(StreamNack::InvalidSequenceId, expected),
            _ => {}
        }
        if let Some(name) = fault() {
            return nack(name, expected);
        }
        let news = stream.news(place.connection, member.user.clone(), place.id, data, None);
        stream.expected += 1;
        stream.expires = now + stream.idle_timeout;
        let reply = Reply::Ack(stream.expected);
        self.publish(place.hub, vec![news]);
        reply
    }

    fn end(&mut self, place: StreamPlace<'_>, error: Option<StreamError>) {
        let member = self.member(place.hub, place.connection);
        let news = member.and_then(|member| member.end_stream(place.connection, place.id, error));
        self.publish(place.hub, news.into_iter().collect());
    }

    /// Ends a stream with an error at both ends.
    fn fail(&mut self, place: StreamPlace<'_>, (failure, error): (Failure, StreamError)) -> Reply {
        self.end(place, Some(error));
        Reply::Closed(Some(failure))
    }
}

fn check(member: &Member, start: &StreamStart, limits: &PreviewLimits) -> Result<(), Failure> {
    if !names::is_group(&start.group) {
        return Err(Failure::new("BadRequest", errors::GROUP_NAME));
    }
    if !member.roles.allow(Permission::SendToGroup, &start.group) {
        return Err(forbidden().0);
    }
    let reason = if start.has_data {
        "A stream starts without data."
    } else if start.id.len() > MAX_ID {
        "The id of the stream is too long."
    } else if start.idle_timeout == Some(0) || idle_timeout(start) > limits.stream_idle_timeout {
        "The idle timeout is out of range."
    } else if member.streams.0.contains_key(&start.id) {
        "The id of the stream is already in use."
    } else if member.streams.0.len() >= limits.open_streams {
        "The connection has too many open streams."
    } else {
        return Ok(());
    };
    Err(Failure::new("BadRequest", reason))
}

fn idle_timeout(start: &StreamStart) -> Duration {
    start.idle_timeout.map_or(IDLE_TIMEOUT, |milliseconds| Duration::from_millis(milliseconds.into()))
}

fn nack(name: StreamNack, expected: u64) -> Reply {
    let failure = match name {
        StreamNack::InvalidSequenceId => {
            Failure::new("InvalidSequenceId", format!("Expected the fragment {expected}."))
        }
        StreamNack::TransientError => Failure::new("TransientError", "Send the fragment again."),
    };
    Reply::Nack(failure, expected)
}

fn idle() -> (Failure, StreamError) {
    let message = "The stream was idle for too long.";
    (Failure::new("IdleTimeout", message), stream_error("IdleTimeout", message))
}

fn forbidden() -> (Failure, StreamError) {
    let message = "The client does not have permission to send to the group.";
    (Failure::new("Forbidden", message), stream_error("Forbidden", message))
}

fn bad_request(message: &str) -> (Failure, StreamError) {
    (Failure::new("BadRequest", message), cancelled())
}
