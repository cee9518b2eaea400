//! Reads the events of a delivery: one object, an array, or binary mode. Each event is decoded on its own, so that an unreadable
//! one does not affect others.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::rejection::Rejection;
use crate::event::without_bom;
use crate::{CloudEvent, InvalidEvent, split};

const JSON: [&str; 3] =
    ["application/cloudevents+json", "application/cloudevents-batch+json", "application/json"];

pub(super) type Decoded = Vec<Result<CloudEvent, InvalidEvent>>;

pub(super) fn decode(headers: &HeaderMap, body: Bytes) -> Result<Decoded, Rejection> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    // The service sends either form under any of the types. Only binary mode has the header, with the type of the data.
    let cloudevents = media_type.to_ascii_lowercase().starts_with("application/cloudevents");
    if headers.contains_key("ce-specversion") && !cloudevents {
        return Ok(vec![CloudEvent::from_http(headers, body)]);
    }
    if !JSON.iter().any(|json| media_type.eq_ignore_ascii_case(json)) {
        return Err(Rejection::bad_request("the Content-Type is not that of CloudEvents"));
    }
    let json = without_bom(&body).trim_ascii();
    if json.first() != Some(&b'[') {
        return Ok(vec![event(json)]);
    }
    let elements =
        split::elements(json).ok_or_else(|| Rejection::bad_request("the body is not a JSON array"))?;
    Ok(elements.into_iter().map(event).collect())
}

fn event(json: &[u8]) -> Result<CloudEvent, InvalidEvent> {
    CloudEvent::from_json(json).map_err(|error| {
        let members = split::members(json).unwrap_or_default();
        let has = |name| split::member(&members, name).is_some();
        if has("eventType") && !has("specversion") {
            return InvalidEvent::new(
                "the event has the Event Grid schema; set the subscription's delivery schema to CloudEvents",
            );
        }
        error
    })
}
