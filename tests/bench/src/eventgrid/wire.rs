//! The events of the benchmark as they go over the wire: what raw contenders write and read with serde_json, and the ready
//! responses of the server.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Result;

/// How many events a request carries.
pub const EVENTS: usize = 100;
/// About how many bytes of data each has.
const DATA: usize = 1024;

/// The data of an event: 1 KiB as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    number: u32,
    text: String,
}

impl Order {
    /// An order with this number.
    #[must_use]
    pub fn new(number: u32) -> Self {
        Self::of_size(number, DATA)
    }

    /// An order with this number, of about this many bytes as JSON, which are at least 24.
    #[must_use]
    pub fn of_size(number: u32, size: usize) -> Self {
        Self { number, text: "x".repeat(size - 24) }
    }
}

/// An event as raw contenders write it.
#[derive(Debug, Serialize)]
pub struct Outgoing<'a> {
    /// Always `1.0`.
    pub specversion: &'a str,
    /// The event's id.
    pub id: &'a str,
    /// Where it comes from.
    pub source: &'a str,
    /// What it is.
    #[serde(rename = "type")]
    pub ty: &'a str,
    /// The data.
    pub data: &'a Order,
}

/// A page of received events as raw contenders read it.
#[derive(Debug, Deserialize)]
pub struct Received {
    /// The events.
    pub value: Vec<Details>,
}

/// An event with what the broker says of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// What the broker says.
    pub broker_properties: BrokerProperties,
    /// The event.
    pub event: Incoming,
}

/// What the broker says of an event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerProperties {
    /// What settles it.
    pub lock_token: String,
    /// How often it was handed out.
    pub delivery_count: i32,
}

/// An event as raw contenders read it: its attributes and the raw data.
#[derive(Debug, Deserialize)]
pub struct Incoming {
    /// Always `1.0`.
    pub specversion: String,
    /// The event's id.
    pub id: String,
    /// Where it comes from.
    pub source: String,
    /// What it is.
    #[serde(rename = "type")]
    pub ty: String,
    /// When it happened.
    pub time: Option<String>,
    /// The data's type.
    pub datacontenttype: Option<String>,
    /// The data.
    pub data: Box<RawValue>,
}

/// The tokens to settle, or those that were.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LockTokens<T> {
    /// Tokens.
    pub lock_tokens: Vec<T>,
}

/// The settlement on each token.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settled {
    /// The settled ones.
    pub succeeded_lock_tokens: Vec<String>,
    /// The others.
    pub failed_lock_tokens: Vec<serde_json::Value>,
}

/// An event of 409 bytes as a receiver gets it.
#[must_use]
pub fn small_event() -> String {
    let head = r#"{"specversion":"1.0","id":"2f3a9c1e-7b54-4d0a-9c3e-5b8f1d2e6a70","source":"/warehouses/hamburg/scanners/17","type":"com.example.parcel.scanned","time":"2026-11-22T09:30:15.2525Z","subject":"parcels/00340434161094015902","datacontenttype":"application/json","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","data":{"weight":2.5,"size":"M","text":""#;
    let tail = r#""}}"#;
    format!("{head}{}{tail}", "x".repeat(409 - head.len() - tail.len()))
}

/// An entry of a receive's response.
#[must_use]
pub fn received_event(number: usize, lock_token: &str) -> String {
    let data = format!(r#"{{"number":{number},"text":"{}"}}"#, "x".repeat(DATA - 24));
    format!(
        r#"{{"brokerProperties":{{"lockToken":"{lock_token}","deliveryCount":1}},"event":{{"specversion":"1.0","id":"order-{number}","source":"/orders/{number}","type":"com.example.order.created","time":"2026-11-22T09:30:15.2525Z","datacontenttype":"application/json","data":{data}}}}}"#
    )
}

/// The server's response to a receive.
#[must_use]
pub fn receive_response() -> String {
    let event = |number: usize| received_event(number, &lock_token(number));
    format!(r#"{{"value":[{}]}}"#, (0..EVENTS).map(event).collect::<Vec<_>>().join(","))
}

/// The server's response to an acknowledgement of all events that it sends.
#[must_use]
pub fn acknowledge_response() -> String {
    let tokens: Vec<_> = (0..EVENTS).map(|number| format!(r#""{}""#, lock_token(number))).collect();
    format!(r#"{{"succeededLockTokens":[{}],"failedLockTokens":[]}}"#, tokens.join(","))
}

/// 80 characters of base64, as the service's tokens are.
#[must_use]
pub fn lock_token(number: usize) -> String {
    format!("CiYKJDUwNjE4QTFFLUNDODQtNDZBQy1BN0Y4LUE5QkE3NjEwNzQxMxISChDXYS23Z+5H{number:010}==")
}

/// Whether as many events came, or were settled, as there are.
///
/// # Errors
///
/// Another number.
pub fn all(count: usize) -> Result<()> {
    if count == EVENTS { Ok(()) } else { Err(format!("{count} events in place of {EVENTS}").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prepared_responses_are_what_a_receiver_reads() {
        let received: Received = serde_json::from_str(&receive_response()).unwrap();
        let settled: Settled = serde_json::from_str(&acknowledge_response()).unwrap();
        let tokens: Vec<_> =
            received.value.into_iter().map(|details| details.broker_properties.lock_token).collect();
        assert_eq!((tokens.len(), &tokens), (EVENTS, &settled.succeeded_lock_tokens));
        assert!(settled.failed_lock_tokens.is_empty() && tokens.iter().all(|token| token.len() == 80));
    }

    #[test]
    fn the_small_event_has_the_size_that_its_name_says() {
        assert_eq!(small_event().len(), 409);
        let event: Incoming = serde_json::from_str(&small_event()).unwrap();
        assert_eq!(event.ty, "com.example.parcel.scanned");
    }
}
