//! Tests of the session in virtual time and without a network. Frames are JSON, times are numbers of seconds.

mod blame;
mod connections;
mod endings;
mod ids;
#[cfg(feature = "preview")]
mod invocations;
#[cfg(feature = "preview")]
mod publishers;
#[cfg(feature = "preview")]
mod readers;
mod recovery;
mod sends;
mod sequence;
mod slow;
mod storm;
mod subscriptions;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use service_core::{Delivery, Error, ErrorKind, Result};
use tokio::sync::oneshot;

use super::*;
use crate::client::data::Data;

struct Rig {
    session: Session,
    now: Duration,
    ids: Arc<AtomicU64>,
}

fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Returns a session that waits for its first connection. `change` adjusts the default settings.
fn rig(change: impl FnOnce(&mut Settings)) -> Rig {
    let mut settings = Settings {
        protocol: Protocol::JsonReliable,
        reconnect: Reconnect::default(),
        ack_timeout: secs(60.0),
        max_pending: 256,
        attempt_timeout: secs(30.0),
        ping_interval: Duration::ZERO,
        idle_timeout: Duration::ZERO,
        resend: false,
        rejoin: true,
        wants_events: true,
        fixed_access: false,
    };
    change(&mut settings);
    let (ids, now) = (Arc::new(AtomicU64::new(1)), secs(1000.0));
    let session = Session::new(settings, Arc::clone(&ids), Box::new(|bound| bound), now);
    Rig { session, now, ids }
}

/// Returns a session with the established connection `c1`.
fn online(change: impl FnOnce(&mut Settings)) -> Rig {
    let mut rig = rig(change);
    rig.connect("c1");
    assert_eq!(rig.events(), ["connected c1"]);
    rig
}

impl Rig {
    fn connect(&mut self, id: &str) {
        assert_eq!(self.session.action(), Action::Connect(Attempt::New));
        self.session.opened(Attempt::New, self.now);
        self.connected(id, "t1");
    }

    fn connected(&mut self, id: &str, token: &str) {
        let rest = format!(r#""connectionId":"{id}","reconnectionToken":"{token}"}}"#);
        self.text(&format!(r#"{{"type":"system","event":"connected",{rest}"#));
    }

    /// Receives a frame.
    fn text(&mut self, text: &str) {
        let Some(frame) = self.session.settings.protocol.decode(&Message::text(text)) else {
            panic!("{text}")
        };
        self.session.heard(self.now);
        self.session.receive(frame, text.len(), self.now);
    }

    /// Receives a message with a sequence id.
    fn message(&mut self, sequence_id: u64) {
        self.text(&format!(
            r#"{{"type":"message","from":"server","dataType":"text","data":"{sequence_id}","sequenceId":{sequence_id}}}"#
        ));
    }

    fn ack(&mut self, id: u64) {
        self.text(&format!(r#"{{"type":"ack","ackId":{id},"success":true}}"#));
    }

    fn reject(&mut self, id: u64, name: &str) {
        self.text(&format!(
            r#"{{"type":"ack","ackId":{id},"success":false,"error":{{"name":"{name}","message":"test rejection"}}}}"#
        ));
    }

    /// Sends to a group without echo.
    fn send(&mut self) -> Outcome {
        let data = Data::from("x");
        let id = Some(self.ids.fetch_add(1, Ordering::Relaxed));
        let frame = Upstream::SendToGroup {
            group: "g",
            ack_id: id,
            no_echo: true,
            ttl_seconds: None,
            data: &data,
            metadata: None,
        };
        self.submit("sendToGroup", id, Effect::None, &frame)
    }

    fn join(&mut self, group: &str) -> Outcome {
        let id = Some(self.ids.fetch_add(1, Ordering::Relaxed));
        self.submit("joinGroup", id, Effect::Join(group.into()), &Upstream::JoinGroup { group, ack_id: id })
    }

    fn leave(&mut self, group: &str) -> Outcome {
        let id = Some(self.ids.fetch_add(1, Ordering::Relaxed));
        self.submit(
            "leaveGroup",
            id,
            Effect::Leave(group.into()),
            &Upstream::LeaveGroup { group, ack_id: id },
        )
    }

    /// Sends an event without an ack id.
    fn fire(&mut self) -> Outcome {
        let data = Data::from("x");
        let frame = Upstream::Event { name: "e", ack_id: None, data: &data, metadata: None };
        self.submit("event", None, Effect::None, &frame)
    }

    fn submit(
        &mut self,
        name: &'static str,
        ack_id: Option<u64>,
        effect: Effect,
        frame: &Upstream<'_>,
    ) -> Outcome {
        let (sender, receiver) = oneshot::channel();
        let timeout = self.session.settings.ack_timeout;
        let frame = self.session.settings.protocol.encode(frame);
        let (deadline, done) = (self.now + timeout, Done::Caller(sender));
        self.session.submit(Op {
            name,
            ack_id,
            frame,
            effect,
            timeout,
            deadline,
            written: false,
            in_flight: false,
            closes: 0,
            done,
        });
        Outcome(receiver)
    }

    /// Writes all pending frames without flushing them, and returns those of the subprotocol.
    fn written(&mut self) -> Vec<String> {
        let frames = std::iter::from_fn(|| self.session.next_frame(self.now));
        frames.filter(|frame| !frame.is_ping()).map(|frame| frame.to_string()).collect()
    }

    /// Writes all pending frames, which must be sequence acks, and returns their ids.
    fn sequence_acks(&mut self) -> Vec<String> {
        let prefix = r#"{"type":"sequenceAck","sequenceId":"#;
        let id = |frame: String| frame.strip_prefix(prefix).unwrap().trim_end_matches('}').to_owned();
        self.written().into_iter().map(id).collect()
    }

    /// Receives all pending events, and returns those other than `Recovering` and `Recovered`.
    fn events(&mut self) -> Vec<String> {
        self.all_events().into_iter().filter(|event| !event.starts_with("recover")).collect()
    }

    /// Receives all pending events.
    fn all_events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.take_event(self.now)).map(|event| shown(&event)).collect()
    }

    fn drop_with(&mut self, code: Option<u16>) {
        self.session.lost(Loss { code, reason: "cut".to_owned() }, self.now);
    }

    fn pass(&mut self, seconds: f64) {
        self.now += secs(seconds);
        self.session.tick(self.now);
    }

    /// Advances the time to the next deadline, and returns by how much.
    fn wait(&mut self) -> Duration {
        let wait = self.session.deadline().unwrap().saturating_sub(self.now);
        self.now += wait;
        self.session.tick(self.now);
        wait
    }

    fn cut_and_recover(&mut self) {
        self.drop_with(None);
        self.wait();
        self.recover();
    }

    /// Recovers the connection, on which the service responds to a ping.
    fn recover(&mut self) {
        assert_eq!(self.session.action(), Action::Connect(Attempt::Recovery));
        self.session.opened(Attempt::Recovery, self.now);
        self.pong();
    }

    /// Receives a pong at the level of the WebSocket.
    fn pong(&mut self) {
        self.session.heard(self.now);
        self.session.receive_control();
    }

    /// Loses the connection without a recovery, and makes a new one.
    fn replace(&mut self, id: &str) {
        self.drop_with(Some(1008));
        self.wait();
        self.connect(id);
    }
}

fn shown(event: &Event) -> String {
    match event {
        Event::Connected(connected) => format!("connected {}", connected.connection_id),
        Event::GroupMessage(message) => format!("{}: {}", message.group, message.data.as_text().unwrap()),
        Event::ServerMessage(message) => message.data.as_text().unwrap().to_owned(),
        Event::Recovering(gone) => format!("recovering {}: {}", gone.connection_id, gone.reason),
        Event::Recovered(back) => format!("recovered {}", back.connection_id),
        Event::Disconnected(gone) => format!("disconnected {}: {}", gone.connection_id, gone.reason),
        Event::Dropped(dropped) => format!("dropped {}", dropped.messages),
        Event::RejoinFailed(failed) => format!("not rejoined {}: {}", failed.group, failed.error),
        Event::Stopped(_) => "stopped".to_owned(),
    }
}

/// The outcome of a request.
struct Outcome(oneshot::Receiver<Result<bool>>);

impl Outcome {
    fn is_open(&mut self) -> bool {
        matches!(self.0.try_recv(), Err(oneshot::error::TryRecvError::Empty))
    }

    fn get(self) -> Result<()> {
        self.duplicate().map(drop)
    }

    fn duplicate(mut self) -> Result<bool> {
        self.0.try_recv().expect("the request is still pending")
    }
}

fn rejected(status: u16) -> Error {
    let status = http::StatusCode::from_u16(status).unwrap();
    Error::new(ErrorKind::Service, "test rejection").with_head(status, http::HeaderMap::new())
}

fn unreachable_service() -> Error {
    Error::new(ErrorKind::Transport, "connection refused").with_delivery(Delivery::NotSent)
}
