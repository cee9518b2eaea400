//! A WebSocket client whose service is a script: frames, control frames, bytes, losses, and the calls of a program, in virtual time.

mod peer;
mod script;
mod upstream;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;
use webpubsub::Client;
use webpubsub::client::{Event, Events, Protocol};
use webpubsub::testing::ManualClock;

use self::peer::Peer;
use self::script::{Call, Step};
use super::{block_on_task, frames, settle, text};

/// Longer than every wait of a client.
const PATIENCE: Duration = Duration::from_secs(3600);
/// The maximum number of steps of a script.
const MAX_STEPS: usize = 64;

/// A script for the two JSON subprotocols: each line is a frame, or a word that starts with `!`. The first line selects.
pub(super) fn json(data: &[u8]) {
    let (protocol, lines) = match data.strip_prefix(b"!plain\n") {
        Some(lines) => (Protocol::Json, lines),
        None => (Protocol::JsonReliable, data),
    };
    play(protocol, script::lines(lines));
}

/// A script for the two protobuf subprotocols, which the first byte selects.
pub(super) fn protobuf(data: &[u8]) {
    let Some((first, records)) = data.split_first() else { return };
    let protocol = if first % 2 == 0 { Protocol::ProtobufReliable } else { Protocol::Protobuf };
    play(protocol, script::records(records));
}

/// Plays a script. Returns the events, and the frames that the client sent.
fn play(protocol: Protocol, mut steps: Vec<Step>) -> (Vec<String>, Vec<String>) {
    steps.truncate(MAX_STEPS);
    block_on_task(async move {
        let mut run = Run::new(protocol);
        run.play(&steps).await;
        (run.shown, run.peer.sent())
    })
}

/// A JSON frame in two forms, of which only the first can be read in one pass: they have the same effect.
pub(super) fn json_reader(data: &[u8]) {
    let Some(frame) = text(data).filter(|frame| !frame.starts_with('\u{feff}')) else { return };
    let effect = |frame: String| {
        let steps = vec![Step::Call(Call::Join, "lobby".to_owned()), Step::Frame(frame.into_bytes())];
        play(Protocol::JsonReliable, steps)
    };
    let one_pass = effect(frame.to_owned());
    let by_serde_json = effect(format!("{frame} "));
    assert_eq!(one_pass, by_serde_json, "the frame is read in two ways");
    if let Some(expected) = expected_message(frame) {
        assert!(one_pass.0.contains(&expected), "{expected} is missing in {:?}", one_pass.0);
    }
}

/// What a text message with the usual members looks like as an event, according to serde_json alone.
fn expected_message(frame: &str) -> Option<String> {
    let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(frame).ok()?;
    let names = ["type", "from", "group", "dataType", "data"];
    let texts: Vec<_> = names.iter().map(|name| members.get(*name)?.as_str()).collect::<Option<_>>()?;
    let is_usual =
        members.len() == names.len() && frame.matches("\":").count() == names.len() && !frame.contains('\\');
    match texts[..] {
        ["message", "group", group, "text", data] if is_usual => {
            Some(format!("group {group:?} None {data:?}"))
        }
        _ => None,
    }
}

/// A client, its service, and what the program received.
struct Run {
    clock: ManualClock,
    peer: Peer,
    client: Option<Client>,
    events: Option<Events>,
    tasks: Vec<JoinHandle<()>>,
    is_paused: bool,
    shown: Vec<String>,
    protocol: Protocol,
}

impl Run {
    fn new(protocol: Protocol) -> Self {
        let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30));
        let (client, events, tasks, shown) = (None, None, Vec::new(), Vec::new());
        Self { clock, peer: Peer::new(protocol), client, events, tasks, is_paused: false, shown, protocol }
    }

    async fn play(&mut self, steps: &[Step]) {
        if !self.connect().await {
            return;
        }
        for step in steps {
            self.step(step).await;
            self.progress().await;
        }
        self.end(steps.iter().map(Step::weight).sum()).await;
    }

    async fn connect(&mut self) -> bool {
        let builder = Client::builder("wss://name.example/client/hubs/chat?access_token=planted")
            .protocol(self.protocol)
            .transport(Arc::new(self.peer.transport()))
            .clock(Arc::new(self.clock.clone()))
            .event_capacity(8)
            .max_pending(4);
        let connecting = tokio::spawn(builder.connect());
        self.progress().await;
        let client = connecting.now_or_never().and_then(Result::ok).and_then(Result::ok);
        self.events = client.as_ref().map(Client::events);
        self.client = client;
        self.client.is_some()
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Frame(payload) => self.peer.frame(payload).await,
            Step::Control(kind, payload) => self.peer.control(*kind, payload).await,
            Step::Raw(bytes) => self.peer.raw(bytes).await,
            Step::Drop => self.peer.disconnect(),
            Step::Wait(wait) => self.clock.advance(*wait),
            Step::Pause => self.is_paused = true,
            Step::Resume => self.is_paused = false,
            Step::Call(call, argument) => {
                if let Some(client) = &self.client {
                    self.tasks.push(tokio::spawn(call.run(client, argument)));
                }
            }
        }
    }

    /// Lets the client run until it waits, and checks what it did.
    async fn progress(&mut self) {
        for _ in 0..3 {
            settle().await;
            self.peer.exchange().await;
        }
        while !self.is_paused
            && let Some(Some(event)) = self.events.as_mut().and_then(|events| events.next().now_or_never())
        {
            self.shown.push(shown(&event));
        }
        settle().await;
    }

    /// Closes the client: whatever happened before, all calls and the events end.
    ///
    /// `weight` bounds the number of frames that the service sent.
    async fn end(&mut self, weight: usize) {
        self.is_paused = true;
        let client = self.client.take().unwrap();
        let closing = tokio::spawn(async move { client.close().await });
        self.progress().await;
        self.peer.disconnect();
        for _ in 0..3 {
            self.clock.advance(PATIENCE);
            self.progress().await;
        }
        let mut events = self.events.take().unwrap();
        let mut last = None;
        loop {
            match events.next().now_or_never() {
                Some(Some(event)) => {
                    assert!(!matches!(last, Some(Event::Stopped(_))), "an event after the last one");
                    self.shown.push(shown(&event));
                    last = Some(event);
                }
                Some(None) => break,
                None => panic!("the events of a closed client do not end"),
            }
        }
        assert!(matches!(last, Some(Event::Stopped(_))), "the last event is {last:?}");
        settle().await;
        assert!(closing.is_finished(), "closing does not end");
        let unfinished = self.tasks.iter().filter(|task| !task.is_finished()).count();
        assert_eq!(unfinished, 0, "calls of a closed client do not end");
        let bound = 8 * (weight + self.peer.connections() + 4);
        assert!(self.shown.len() <= bound, "more events than frames: {:?}", self.shown);
        let sent = self.peer.sent().len();
        assert!(sent <= 4 * bound, "{sent} frames are too many");
    }
}

/// An event as text: data in full, and errors with their texts.
fn shown(event: &Event) -> String {
    match event {
        Event::GroupMessage(message) => match message.data.as_text() {
            Some(data) => format!("group {:?} {:?} {data:?}", message.group, message.from_user_id),
            None => format!("{message:?}"),
        },
        other => format!("{other:?}"),
    }
}
