//! Publishing in its three modes, distinguished by the content type: one event, a batch, or an event in headers.

use std::sync::Arc;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::EventGrid;
use super::errors::{Rejection, SETTLED, text};
use super::{event, names};
use crate::message::{Request, Response, json_from_slice};

/// 1 MB: the maximum size of an event, and of a request.
const MAX_BYTES: usize = 1_048_576;
const MAX_EVENTS: usize = 1_000;

pub(super) fn publish(grid: &EventGrid, topic: &str, request: &Request) -> Result<Response, Rejection> {
    // Observed: an unknown topic is reported before any error in the event.
    grid.namespace().topic(topic)?;
    if request.body.len() > MAX_BYTES {
        return Err(Rejection::too_large("Message size cannot exceed 1Mb bytes"));
    }
    let events = read(request)?;
    enqueue(grid, topic, &events)?;
    Ok(text(SETTLED, "{}"))
}

/// Publishes one event that no request contains.
pub(super) fn publish_value(grid: &EventGrid, topic: &str, event: Value) -> Result<(), Rejection> {
    if !names::allowed(topic) {
        return Err(Rejection::bad_request(format!("a name must be {}, not '{topic}'", names::RULE)));
    }
    grid.namespace().topic(topic)?;
    enqueue(grid, topic, &[event::structured(event)?])
}

/// CloudEvents HTTP binding, section 3: the prefix of the content type decides the mode, regardless of case.
fn read(request: &Request) -> Result<Vec<Arc<str>>, Rejection> {
    let content_type =
        request.header(CONTENT_TYPE).ok_or_else(|| Rejection::bad_request("CONTENT-TYPE is not provided"))?;
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/cloudevents+json" => {
            let event = json_from_slice(&request.body).map_err(|_| Rejection::not_json())?;
            Ok(vec![event::structured(event)?])
        }
        "application/cloudevents-batch+json" => batch(&request.body),
        other if other.starts_with("application/cloudevents") => {
            Err(Rejection::unsupported_media_type(content_type))
        }
        _ => Ok(vec![event::binary(&request.headers, content_type, &request.body)?]),
    }
}

fn batch(body: &[u8]) -> Result<Vec<Arc<str>>, Rejection> {
    let events: Vec<Value> = json_from_slice(body).map_err(|_| Rejection::not_json())?;
    if events.is_empty() {
        return Err(Rejection::bad_request("At least one event is required"));
    }
    if events.len() > MAX_EVENTS {
        return Err(Rejection::too_large("Number of events cannot exceed 1000"));
    }
    events.into_iter().map(event::structured).collect()
}

/// All or nothing: if one subscription has no room, no subscription receives any of the events.
fn enqueue(grid: &EventGrid, topic: &str, events: &[Arc<str>]) -> Result<(), Rejection> {
    let bytes = events.iter().map(|event| event.len()).sum();
    let now = grid.clock().now();
    let mut namespace = grid.namespace();
    let subscriptions = namespace.topic(topic)?;
    for (name, queue) in subscriptions.iter_mut() {
        if !queue.change(now, |held| held.has_room(events.len(), bytes)) {
            let message = format!("Event subscription '{name}' is full");
            return Err(Rejection::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message));
        }
    }
    for queue in subscriptions.values_mut() {
        queue.change(now, |held| events.iter().for_each(|event| held.add(Arc::clone(event), now)));
    }
    Ok(())
}
