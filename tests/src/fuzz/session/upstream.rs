//! What must be true of each frame that a client sends.

use std::collections::HashMap;

use serde_json::Value;

use super::frames;

const TYPES: [&str; 13] = [
    "joinGroup",
    "leaveGroup",
    "sendToGroup",
    "event",
    "sequenceAck",
    "ping",
    "invoke",
    "cancelInvocation",
    "streamData",
    "streamEnd",
    "setGroupState",
    "subscribeGroupState",
    "unsubscribeGroupState",
];

/// The frames of one client.
pub(super) struct Checks {
    pub(super) is_text: bool,
    pub(super) sent: Vec<String>,
    /// The frame of each ack id.
    acks: HashMap<u64, String>,
    /// The highest sequence id that the service sent, and the highest one that was acknowledged on this connection.
    highest: u64,
    acknowledged: u64,
    is_closed: bool,
}

impl Checks {
    pub(super) fn new(is_text: bool) -> Self {
        Self {
            is_text,
            sent: Vec::new(),
            acks: HashMap::new(),
            highest: 0,
            acknowledged: 0,
            is_closed: false,
        }
    }

    pub(super) fn opened(&mut self, is_recovery: bool) {
        self.is_closed = false;
        if !is_recovery {
            self.acknowledged = 0;
        }
    }

    /// The service sends this frame.
    pub(super) fn will_send(&mut self, payload: &[u8]) {
        let found = match self.is_text {
            true => sequence_ids(payload).into_iter().max(),
            false => numbers(payload, &[(2, 4), (9, 3), (10, 3)]).into_iter().max(),
        };
        self.highest = self.highest.max(found.unwrap_or_default());
    }

    /// The service sends bytes that may contain any frame.
    pub(super) fn will_send_anything(&mut self) {
        self.highest = u64::MAX;
    }

    /// The client sent this frame.
    pub(super) fn received(&mut self, kind: u8, payload: &[u8]) {
        assert!(!self.is_closed, "a frame after a close frame");
        self.is_closed = kind == frames::CLOSE;
        if kind >= frames::CLOSE {
            return;
        }
        assert_eq!(kind == frames::TEXT, self.is_text, "a frame of the other kind");
        let (ack_id, sequence_id, shown) = if self.is_text { json(payload) } else { protobuf(payload) };
        if let Some(id) = ack_id {
            let first = self.acks.entry(id).or_insert_with(|| shown.clone());
            assert_eq!(*first, shown, "the ack id {id} was used twice");
        }
        if let Some(id) = sequence_id {
            assert!(id <= self.highest, "the client acknowledges {id}, but {} was the highest", self.highest);
            assert!(id >= self.acknowledged, "the client acknowledges {id} after {}", self.acknowledged);
            self.acknowledged = id;
        }
        self.sent.push(shown);
    }
}

/// Every number that follows a member of this name, wherever it is.
fn sequence_ids(payload: &[u8]) -> Vec<u64> {
    let text = String::from_utf8_lossy(payload);
    let after = text.split("equenceId").skip(1);
    let numbers = after.map(|rest| rest.trim_start_matches(|c: char| !c.is_ascii_digit()));
    let numbers = numbers.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default());
    let all = numbers.map(|number| number.parse().unwrap_or_default()).collect();
    // A name can be written with escapes.
    if text.contains("\\u") { vec![u64::MAX] } else { all }
}

fn json(payload: &[u8]) -> (Option<u64>, Option<u64>, String) {
    let text = std::str::from_utf8(payload).expect("a text frame is UTF-8");
    let frame: Value = serde_json::from_str(text).expect("a frame is JSON");
    let kind = frame["type"].as_str().expect("a frame has a type");
    assert!(TYPES.contains(&kind), "{text}");
    let sequence_id =
        (kind == "sequenceAck").then(|| frame["sequenceId"].as_u64().expect("an ack has an id"));
    (frame["ackId"].as_u64(), sequence_id, text.to_owned())
}

fn protobuf(payload: &[u8]) -> (Option<u64>, Option<u64>, String) {
    let mut whole = payload;
    let tags: Vec<_> = std::iter::from_fn(|| field(&mut whole)).map(|(tag, _)| tag).collect();
    assert!(whole.is_empty() && tags.len() == 1, "a frame is one field, not {tags:?}");
    let ack_id = numbers(payload, &[(1, 2), (5, 3), (6, 2), (7, 2), (15, 2), (16, 2), (17, 2)]).pop();
    let sequence_ids = numbers(payload, &[(8, 1)]);
    // A number of zero is left out.
    let sequence_id = (tags == [8]).then(|| sequence_ids.last().copied().unwrap_or_default());
    (ack_id, sequence_id, format!("{payload:02x?}"))
}

/// The value of a protobuf field.
enum Value64<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The numbers in these fields of these fields of a message.
fn numbers(message: &[u8], wanted: &[(u64, u64)]) -> Vec<u64> {
    let (mut message, mut found) = (message, Vec::new());
    while let Some((tag, value)) = field(&mut message) {
        let Value64::Bytes(mut inner) = value else { continue };
        while let Some((inner_tag, value)) = field(&mut inner) {
            if let Value64::Number(number) = value
                && wanted.contains(&(tag, inner_tag))
            {
                found.push(number);
            }
        }
    }
    found
}

/// Takes the next field of a message. `None` at its end, and where it is malformed.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Value64<'a>)> {
    let mut at = *rest;
    let key = varint(&mut at)?;
    let value = match key & 7 {
        0 => Value64::Number(varint(&mut at)?),
        1 | 5 => Value64::Bytes(take(&mut at, if key & 7 == 1 { 8 } else { 4 })?),
        2 => {
            let length = usize::try_from(varint(&mut at)?).ok()?;
            Value64::Bytes(take(&mut at, length)?)
        }
        _ => return None,
    };
    *rest = at;
    Some((key >> 3, value))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let byte = take(rest, 1)?[0];
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// A field that contains bytes, fewer than 128.
pub(super) fn bytes_field(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[tag << 3 | 2, bytes.len() as u8], bytes].concat()
}
