//! A one-pass reader of the JSON frames that make up the traffic: messages and acks in their usual form. It is separate from
//! `json`, which reads all other frames, and whose result it must match.

use serde_json::value::RawValue;

use crate::client::data::{Data, Json};
use crate::client::event::{GroupMessage, ServerMessage};
use crate::client::frame::{Downstream, Incoming};

/// The members of a frame in its usual form.
#[derive(Default)]
struct Plain<'a> {
    r#type: Option<&'a str>,
    from: Option<&'a str>,
    group: Option<&'a str>,
    from_user_id: Option<&'a str>,
    data_type: Option<&'a str>,
    text: Option<&'a str>,
    json: Option<&'a RawValue>,
    sequence_id: Option<u64>,
    ack_id: Option<u64>,
    success: Option<()>,
}

/// Decodes a message or an ack. Returns `None` for a frame with whitespace, escapes, repeated or other members, or anything else
/// that is unusual or invalid.
pub(super) fn decode(frame: &str) -> Option<Downstream> {
    let plain = members(frame)?;
    match (plain.r#type?, plain.ack_id, plain.success) {
        ("message", None, None) => {
            let sequence_id = plain.sequence_id;
            Some(Downstream::Message { sequence_id, message: message(&plain)? })
        }
        ("ack", Some(id), Some(())) => Some(Downstream::Ack { id, rejection: None }),
        _ => None,
    }
}

fn message(plain: &Plain<'_>) -> Option<Incoming> {
    let data = match (plain.data_type?, plain.text, plain.json) {
        ("text", Some(text), None) => Data::Text(text.to_owned()),
        ("json", None, Some(json)) => Data::Json(Json::from_raw(json)),
        _ => return None,
    };
    match plain.from? {
        "group" => Some(Incoming::Group(GroupMessage {
            group: plain.group?.to_owned(),
            from_user_id: plain.from_user_id.map(str::to_owned),
            data,
            stream: None,
            metadata: None,
        })),
        "server" => Some(Incoming::Server(ServerMessage { data, metadata: None })),
        _ => None,
    }
}

fn members(frame: &str) -> Option<Plain<'_>> {
    let mut plain = Plain::default();
    let mut rest = frame.strip_prefix('{')?;
    loop {
        let name = name(&mut rest)?;
        match name {
            "type" => once(&mut plain.r#type, string(&mut rest)?)?,
            "from" => once(&mut plain.from, string(&mut rest)?)?,
            "group" => once(&mut plain.group, string(&mut rest)?)?,
            "fromUserId" => once(&mut plain.from_user_id, string(&mut rest)?)?,
            "dataType" => once(&mut plain.data_type, string(&mut rest)?)?,
            "data" if rest.starts_with('"') => once(&mut plain.text, string(&mut rest)?)?,
            "data" => once(&mut plain.json, value(&mut rest)?)?,
            "sequenceId" => once(&mut plain.sequence_id, number(&mut rest)?)?,
            "ackId" => once(&mut plain.ack_id, number(&mut rest)?)?,
            "success" => once(&mut plain.success, rest.strip_prefix("true").map(|after| rest = after)?)?,
            _ => return None,
        }
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => return (rest == "}").then_some(plain),
        }
    }
}

fn once<T>(member: &mut Option<T>, value: T) -> Option<()> {
    member.replace(value).is_none().then_some(())
}

/// Takes the name of a member and the colon. The known names contain nothing that ends a string early.
fn name<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let inner = rest.strip_prefix('"')?;
    let (name, end) = inner.split_at_checked(inner.bytes().position(|byte| byte == b'"')?)?;
    *rest = end.strip_prefix("\":")?;
    Some(name)
}

/// Takes a string without escapes.
fn string<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let inner = rest.strip_prefix('"')?;
    let (string, end) = inner.split_at_checked(plain_bytes(inner.as_bytes()))?;
    *rest = end.strip_prefix('"')?;
    Some(string)
}

/// Returns how many bytes precede the first quote, backslash or control character.
pub(super) fn plain_bytes(bytes: &[u8]) -> usize {
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
    // One comparison for a whole chunk, without an early exit, so that it is vectorized: what ends the string becomes 0.
    let least =
        |least: u8, byte: &u8| least.min(byte ^ b'"').min(byte ^ b'\\').min(byte.saturating_sub(b' ' - 1));
    let is_plain = |chunk: &&[u8]| chunk.iter().fold(u8::MAX, least) > 0;
    let plain = 32 * bytes.chunks_exact(32).take_while(is_plain).count();
    let rest = &bytes[plain..];
    plain + rest.iter().position(ends).unwrap_or(rest.len())
}

/// Takes an integer.
fn number(rest: &mut &str) -> Option<u64> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, end) = rest.split_at_checked(digits)?;
    // Leading zeros are invalid JSON.
    let number = number.parse().ok().filter(|_| digits == 1 || !number.starts_with('0'))?;
    *rest = end;
    Some(number)
}

/// Takes an object or an array.
fn value<'a>(rest: &mut &'a str) -> Option<&'a RawValue> {
    if !rest.starts_with(['{', '[']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(rest).into_iter();
    let value: &'a RawValue = values.next()?.ok()?;
    *rest = rest.get(values.byte_offset()..)?;
    Some(value)
}
