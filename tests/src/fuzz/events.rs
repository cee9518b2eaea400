//! CloudEvents in the three modes: what was decoded is encoded and decoded again, and is equal.

use std::sync::Arc;

use bytes::Bytes;
use eventgrid_namespaces::testing::ScriptedTransport;
use eventgrid_namespaces::{CloudEvent, Credential, Data, EventBatch, NamespaceClient};
use http::Response;

use super::{block_on, message};

/// Mode `structured`: one event as JSON.
pub(super) fn structured(data: &[u8]) {
    let Ok(event) = CloudEvent::from_json(data) else {
        // The other way to read an event has the same rules, but no byte order mark.
        assert!(
            serde_json::from_slice::<CloudEvent>(data).is_err(),
            "only one of two readers rejects the event"
        );
        return;
    };
    reads_as(&serde_json::to_vec(&event).unwrap(), &event);
    // What the builder accepts, the service reads as built.
    if let Ok(built) = event.clone().into_builder().build() {
        reads_as(&serde_json::to_vec(&built).unwrap(), &built);
        assert_eq!((built.id(), built.source(), built.data()), (event.id(), event.source(), event.data()));
    }
    let _ = (event.time(), event.trace_context(), event.data_as::<serde_json::Value>());
    in_binary_mode(&event);
}

fn reads_as(json: &[u8], event: &CloudEvent) {
    let again = CloudEvent::from_json(json).expect("an encoded event is valid");
    assert_eq!(&again, event);
}

/// Mode `batch`: an array of events, which is sent in one request.
pub(super) fn batch(data: &[u8]) {
    let Ok(events) = serde_json::from_slice::<Vec<CloudEvent>>(data) else { return };
    let mut batch = EventBatch::new();
    let mut added = Vec::new();
    for event in events {
        match batch.try_add(event.clone()) {
            Ok(()) => added.push(event),
            Err(rejected) => assert_eq!(rejected.event(), &event),
        }
    }
    assert_eq!(batch.len(), added.len());
    if added.is_empty() {
        return;
    }
    let bytes = batch.bytes();
    let script = ScriptedTransport::new();
    script.respond(Response::builder().header("content-type", "application/json").body("{}").unwrap());
    let namespace = NamespaceClient::builder("name.example", Credential::access_key("a2V5"));
    let namespace = namespace.transport(Arc::new(script.clone())).build().unwrap();
    block_on(namespace.sender("orders").send_batch(batch).into_future()).unwrap();
    let body = script.sent()[0].body().clone();
    assert_eq!(bytes, body.len(), "a batch knows its size");
    let again: Vec<CloudEvent> = serde_json::from_slice(&body).unwrap();
    assert_eq!(again, added);
}

/// Mode `binary`: attributes as headers.
pub(super) fn binary(data: &[u8]) {
    let (headers, body) = message::headers_and_body(data);
    let Ok(event) = CloudEvent::from_http(&headers, body) else { return };
    in_binary_mode(&event);
    reads_as(&serde_json::to_vec(&event).unwrap(), &event);
}

fn in_binary_mode(event: &CloudEvent) {
    let Ok((headers, body)) = event.to_http() else { return };
    let again = CloudEvent::from_http(&headers, body).expect("an encoded event is valid");
    assert_eq!(attributes(&again), attributes(event));
    assert_eq!(bytes(again.data()), bytes(event.data()));
    let (more, _) = again.to_http().expect("what was received can be passed on");
    assert_eq!(more, headers);
}

/// The attributes as text: extensions lose their types in headers. Without the media type, which JSON data implies.
fn attributes(event: &CloudEvent) -> Vec<(String, String)> {
    let mut all: Vec<_> =
        [("specversion", event.specversion()), ("id", event.id()), ("source", event.source())]
            .into_iter()
            .chain([("type", event.event_type())])
            .chain(event.subject().map(|value| ("subject", value)))
            .chain(event.time_text().map(|value| ("time", value)))
            .chain(event.dataschema().map(|value| ("dataschema", value)))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
    all.extend(event.extensions().map(|(name, value)| (name.to_owned(), value.to_string())));
    all.sort();
    all
}

fn bytes(data: Option<&Data>) -> Bytes {
    match data {
        None => Bytes::new(),
        Some(Data::Json(json)) => Bytes::copy_from_slice(json.as_str().as_bytes()),
        Some(Data::Text(text)) => Bytes::copy_from_slice(text.as_bytes()),
        Some(Data::Binary(bytes)) => bytes.clone(),
        Some(other) => panic!("unknown data: {other:?}"),
    }
}
