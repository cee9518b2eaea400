//! Adds the trace context of a publish to its events that carry none. The caller's events are not changed: the context belongs
//! to this publish only.

use bytes::Bytes;
use http::Request;
use service_core::TraceContext;

use super::Encoded;
use crate::{CloudEvent, EventBatch, Result};

/// Encodes the event again, with the context.
pub(super) fn event(
    mut event: Box<CloudEvent>,
    encode: fn(&CloudEvent) -> Result<Encoded>,
    context: &TraceContext,
    request: &mut Request<Bytes>,
) {
    event.set_trace_context(context);
    // The event itself is valid, so only its size can be the reason.
    let Ok(encoded) = encode(&event) else { return too_large() };
    *request.body_mut() = encoded.body;
    for (name, value) in encoded.headers.iter() {
        request.headers_mut().entry(name).or_insert_with(|| value.clone());
    }
}

/// Inserts the context at these positions of a batch.
pub(super) fn batch(untraced: &[usize], context: &TraceContext, request: &mut Request<Bytes>) {
    let Ok(members) = members(context) else { return };
    let json = request.body();
    let bytes = json.len() + untraced.len() * members.len();
    if bytes > EventBatch::MAX_BYTES {
        return too_large();
    }
    let mut with_context = Vec::with_capacity(bytes);
    let mut from = 0;
    for &end in untraced {
        with_context.extend_from_slice(&json[from..end]);
        with_context.extend_from_slice(members.as_bytes());
        from = end;
    }
    with_context.extend_from_slice(&json[from..]);
    *request.body_mut() = with_context.into();
}

/// The members that follow the last one of an event.
fn members(context: &TraceContext) -> serde_json::Result<String> {
    let mut members = format!(",\"traceparent\":{}", serde_json::to_string(context.traceparent())?);
    if let Some(state) = context.tracestate() {
        members.push_str(&format!(",\"tracestate\":{}", serde_json::to_string(state)?));
    }
    Ok(members)
}

fn too_large() {
    tracing::debug!(
        "published without a trace context: the request would exceed {} bytes",
        EventBatch::MAX_BYTES
    );
}
