//! Responses of Event Grid to receive and settle calls: no event and no lock token of a response is lost.

use std::sync::Arc;

use bytes::Bytes;
use eventgrid_namespaces::testing::{ManualClock, ScriptedTransport};
use eventgrid_namespaces::{
    CloudEvent, Credential, Delivery, NamespaceClient, ReceivedEvent, Receiver, Result, RetryOptions,
    SettleResult,
};
use http::Response;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::block_on;

fn receiver(script: &ScriptedTransport) -> Receiver {
    let clock = ManualClock::jumping(std::time::SystemTime::UNIX_EPOCH);
    let namespace = NamespaceClient::builder("name.example", Credential::access_key("a2V5"))
        .transport(Arc::new(script.clone()))
        .clock(Arc::new(clock))
        .retry(RetryOptions::default())
        .build();
    namespace.unwrap().receiver("orders", "billing")
}

fn json(body: impl Into<Bytes>) -> Response<Bytes> {
    Response::builder().header("content-type", "application/json").body(body.into()).unwrap()
}

/// The list of a response, entry by entry, for JSON in which nothing is repeated.
#[derive(Deserialize)]
struct Entries<'a> {
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
}

/// A response to `receive`.
pub(super) fn receive(data: &[u8]) {
    let received = read(data.to_vec());
    let Ok(Entries { value }) = serde_json::from_slice::<Entries<'_>>(data) else { return };
    let events = received.expect("a list in valid JSON is read");
    assert_eq!(events.len(), value.len(), "an event was lost");
    let entries: Vec<_> = value.iter().map(|entry| entry.get()).collect();
    // A number is no event. With one, the client reads the entries one by one.
    let again = read(format!("{{\"value\":[{}]}}", [&entries[..], &["7"]].concat().join(","))).unwrap();
    assert_eq!(again.len(), events.len() + 1);
    assert!(again.last().unwrap().event.is_err());
    for (one, other) in events.iter().zip(&again) {
        assert_eq!(shown(one), shown(other), "two ways to read an entry differ");
    }
    for (received, entry) in events.iter().zip(&entries) {
        let parts = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(entry);
        if let (Ok(parts), Err(error)) = (parts, &received.event) {
            // An event that can be read alone can be read in a response.
            let alone = parts.get("event").map(|event| CloudEvent::from_json(event.to_string().as_bytes()));
            let repeated = entry.matches("\"event\"").count() > 1 || entry.contains('\\');
            assert!(repeated || alone.is_none_or(|alone| alone.is_err()), "{error:?} in {entry}");
        }
    }
}

fn read(body: impl Into<Bytes>) -> Result<Vec<ReceivedEvent>> {
    let script = ScriptedTransport::new();
    script.respond(json(body));
    block_on(receiver(&script).receive().max_events(100).into_future())
}

fn shown(received: &ReceivedEvent) -> String {
    let event = received.event.as_ref().map_err(|error| (error.reason().to_string(), error.json().clone()));
    format!("{event:?} {:?} {}", received.lock_token, received.delivery_count)
}

/// A response to one of the settle calls, which the first byte selects.
pub(super) fn settle(data: &[u8]) {
    let Some((&first, body)) = data.split_first() else { return };
    let tokens = ["a", "b", "token \"3\"", "\u{e9}", "a"];
    let sent = ["a", "b", "token \"3\"", "\u{e9}"];
    let script = ScriptedTransport::new();
    let after_unknown = first & 0x80 != 0;
    if after_unknown {
        script.fail(Delivery::Unknown);
    }
    script.respond(json(body.to_vec()));
    let receiver = receiver(&script);
    let result: Result<SettleResult> = block_on(async {
        match first & 0x7f {
            b'r' => receiver.release(tokens).await,
            b'j' => receiver.reject(tokens).await,
            b'l' => receiver.renew_locks(tokens).await,
            _ => receiver.acknowledge(tokens).await,
        }
    });
    let Ok(result) = result else { return };
    assert!(result.interrupted.is_none());
    let failed: Vec<_> = result.failed.iter().chain(&result.maybe_settled).collect();
    for token in sent {
        let failed = failed.iter().any(|failed| failed.lock_token == token);
        assert!(failed || result.succeeded.iter().any(|other| other == token), "the token {token} was lost");
    }
    let complete = failed.is_empty();
    if !after_unknown {
        let missing = |token: &&eventgrid_namespaces::FailedToken| token.code.as_str().is_empty();
        let unmentioned = result.maybe_settled.iter().all(|token| missing(&token));
        assert!(unmentioned, "an outcome is uncertain although there was one attempt");
    }
    assert_eq!(result.into_result().is_ok(), complete, "a failed token is not an error");
}
