//! The steps of a script, read from text or from bytes, and the calls of a program.

use std::time::Duration;

use webpubsub::Client;
use webpubsub::client::{Data, UserError};

use super::frames;
use crate::fuzz::split_once;

/// A step of a script.
pub(super) enum Step {
    /// A data frame of the subprotocol.
    Frame(Vec<u8>),
    /// A control frame of this kind.
    Control(u8, Vec<u8>),
    /// Bytes without framing.
    Raw(Vec<u8>),
    /// The connection is lost.
    Drop,
    Wait(Duration),
    /// The program receives no events, or receives them again.
    Pause,
    Resume,
    Call(Call, String),
}

impl Step {
    /// The maximum number of frames that the step sends. Bytes can be any number of them.
    pub(super) fn weight(&self) -> usize {
        if let Self::Raw(bytes) = self { bytes.len() } else { 1 }
    }
}

/// A call of the program.
#[derive(Clone, Copy)]
pub(super) enum Call {
    Join,
    Leave,
    Send,
    SendAndForget,
    Event,
    Invoke,
    Subscribe,
    Write,
    Read,
    SetState,
    States,
}

/// The words, in the order of the bytes that stand for them.
const WORDS: [&str; 20] = [
    "frame",
    "ping",
    "pong",
    "close",
    "raw",
    "drop",
    "wait",
    "pause",
    "resume",
    "join",
    "leave",
    "send",
    "forget",
    "event",
    "invoke",
    "subscribe",
    "write",
    "read",
    "set",
    "states",
];

/// A text: each line is a step.
pub(super) fn lines(data: &[u8]) -> Vec<Step> {
    let line = |line: &[u8]| {
        let command = line.strip_prefix(b"!").map(|rest| split_once(rest, b" "));
        let found = command.and_then(|(word, rest)| {
            let known = WORDS.iter().find(|known| known.as_bytes() == word);
            known.map(|known| step(known, rest))
        });
        found.unwrap_or_else(|| Step::Frame(line.to_vec()))
    };
    data.split(|byte| *byte == b'\n').map(line).collect()
}

/// Records: the number of a word, the length in two bytes, little-endian, and the payload.
pub(super) fn records(data: &[u8]) -> Vec<Step> {
    let (mut steps, mut rest) = (Vec::new(), data);
    while let [word, low, high, after @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (payload, after) = after.split_at(length);
        steps.push(step(WORDS[usize::from(*word) % WORDS.len()], payload));
        rest = after;
    }
    steps
}

fn step(word: &str, rest: &[u8]) -> Step {
    let text = || String::from_utf8_lossy(rest).into_owned();
    let call = match word {
        "frame" => return Step::Frame(rest.to_vec()),
        "ping" => return Step::Control(frames::PING, rest.to_vec()),
        "pong" => return Step::Control(frames::PONG, rest.to_vec()),
        "close" => return Step::Control(frames::CLOSE, code(rest)),
        "raw" => return Step::Raw(rest.to_vec()),
        "drop" => return Step::Drop,
        "wait" => return Step::Wait(Duration::from_secs(text().trim().parse::<u8>().unwrap_or(30).into())),
        "pause" => return Step::Pause,
        "resume" => return Step::Resume,
        "join" => Call::Join,
        "leave" => Call::Leave,
        "send" => Call::Send,
        "forget" => Call::SendAndForget,
        "event" => Call::Event,
        "invoke" => Call::Invoke,
        "subscribe" => Call::Subscribe,
        "write" => Call::Write,
        "read" => Call::Read,
        "set" => Call::SetState,
        _ => Call::States,
    };
    Step::Call(call, text())
}

/// A number and a reason as the payload of a close frame. Anything else is the payload itself.
fn code(rest: &[u8]) -> Vec<u8> {
    let (number, reason) = split_once(rest, b" ");
    let number = std::str::from_utf8(number).ok().and_then(|number| number.parse::<u16>().ok());
    number.map_or_else(|| rest.to_vec(), |number| [&number.to_be_bytes(), reason].concat())
}

impl Call {
    /// Makes the call, and receives what it returns until it ends.
    pub(super) fn run(self, client: &Client, argument: &str) -> impl Future<Output = ()> + Send + 'static {
        let (client, name) = (client.clone(), argument.to_owned());
        async move {
            let group = client.group(name.clone());
            // The outcome of a call depends on the script. That there is one does not.
            match self {
                Self::Join => drop(client.join_group(name).await),
                Self::Leave => drop(client.leave_group(name).await),
                Self::Send => drop(group.send(name).with_receipt().await),
                Self::SendAndForget => {
                    drop(group.send(Data::Binary(name.into_bytes().into())).fire_and_forget().await);
                }
                Self::Event => drop(client.send_event(name.clone(), name).await),
                Self::Invoke => drop(client.invoke(name.clone(), &name).await),
                Self::Subscribe => {
                    let Ok(mut messages) = group.subscribe().capacity(2).await else { return };
                    while messages.next().await.is_some() {}
                }
                Self::Write => {
                    let Ok(mut writer) = group.open_stream().stream_id(name.clone()).capacity(2).await else {
                        return;
                    };
                    let sent = (writer.send(name.clone()).await, writer.send(name.clone()).await);
                    let end = writer.id().len() % 2;
                    drop(if end == 0 {
                        writer.finish().await
                    } else {
                        writer.abort(UserError::new(name)).await
                    });
                    drop(sent);
                }
                Self::Read => {
                    let Ok(mut streams) = group.streams().capacity(2).await else { return };
                    while let Some(mut reader) = streams.next().await {
                        while reader.next().await.is_some() {}
                    }
                }
                Self::SetState => {
                    let set = group.set_state([(name.clone(), name)]).await;
                    drop((set, group.clear_state().await));
                }
                Self::States => {
                    let Ok(mut states) = group.states().await else { return };
                    while states.next().await.is_some() {}
                    assert!(states.current().len() < 1 << 16);
                }
            }
        }
    }
}
