//! The requests to a webhook: the handshake, and deliveries in their forms (push delivery, sections A2 and A3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value};

use super::settings::{PushContent, PushSettings};
use crate::eventgrid::lock_token::guid;
use crate::eventgrid::subscription::Delivery;

const REQUEST_ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
/// CloudEvents HTTP binding, section 3.1.3.2.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// The headers of the handshake. Namespaces ask for no rate, and offer no callback.
pub(super) fn handshake(settings: &PushSettings) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, REQUEST_ORIGIN, &settings.origin);
    headers
}

/// Whether a response to the handshake allows deliveries. An error is the reason why not.
pub(super) fn consent(response: &Response<Bytes>, settings: &PushSettings) -> Result<(), String> {
    if response.status() != StatusCode::OK {
        return Err(format!("the status {} is not 200", response.status().as_u16()));
    }
    let mut allowed = response.headers().get_all(ALLOWED_ORIGIN).iter();
    match (allowed.next(), allowed.next()) {
        (Some(origin), None) if origin == "*" => Ok(()),
        (Some(origin), None) if origin.as_bytes().eq_ignore_ascii_case(settings.origin.as_bytes()) => Ok(()),
        (None, _) => Err("the response has no WebHook-Allowed-Origin".to_owned()),
        _ => Err(format!("WebHook-Allowed-Origin does not name {}", settings.origin)),
    }
}

/// The headers and the body of a delivery, without those that authenticate it.
pub(super) fn delivery(
    settings: &PushSettings,
    subscription: &str,
    events: &[Delivery],
) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    let body = match settings.content {
        PushContent::Binary => match events.first().and_then(|one| binary(&one.event, &mut headers)) {
            Some(body) => body,
            // An event whose content type no header may have.
            None => structured(settings, events, &mut headers),
        },
        PushContent::Structured => structured(settings, events, &mut headers),
    };
    if settings.hints {
        let attempts = events.iter().map(|event| event.count).max().unwrap_or(1);
        let count = if settings.count_from_one { attempts } else { attempts - 1 };
        for (name, value) in [
            ("aeg-event-type", "Notification"),
            ("aeg-subscription-name", subscription),
            ("aeg-delivery-count", &count.to_string()),
            ("aeg-metadata-version", "1.0"),
            ("aeg-output-event-id", &guid().to_lowercase()),
        ] {
            set(&mut headers, HeaderName::from_static(name), value);
        }
        set(&mut headers, ORIGIN, &settings.origin);
        set(&mut headers, REQUEST_ORIGIN, &settings.origin);
    }
    (headers, body)
}

fn structured(settings: &PushSettings, events: &[Delivery], headers: &mut HeaderMap) -> Bytes {
    headers.clear();
    let mut texts = events.iter().map(|event| &*event.event);
    if settings.is_batched() {
        set(headers, CONTENT_TYPE, "application/cloudevents-batch+json; charset=utf-8");
        return format!("[{}]", texts.collect::<Vec<_>>().join(",")).into();
    }
    set(headers, CONTENT_TYPE, "application/cloudevents+json; charset=utf-8");
    texts.next().unwrap_or_default().to_owned().into()
}

/// The attributes as headers. Returns the data, or `None` if the content type is not the value of a header.
fn binary(event: &str, headers: &mut HeaderMap) -> Option<Bytes> {
    let mut members: Map<String, Value> = serde_json::from_str(event).ok()?;
    let (data, base64) = (members.remove("data"), members.remove("data_base64"));
    let content_type = members.remove("datacontenttype");
    let content_type = content_type.as_ref().and_then(Value::as_str).unwrap_or("application/json");
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).ok()?);
    for (name, value) in &members {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let name = HeaderName::from_bytes(format!("ce-{name}").as_bytes()).ok()?;
        set(headers, name, &utf8_percent_encode(&text, ESCAPED).to_string());
    }
    match (data, base64) {
        (_, Some(base64)) => Some(STANDARD.decode(base64.as_str()?).ok()?.into()),
        (Some(Value::String(text)), None) if !is_json(content_type) => Some(text.into()),
        (Some(data), None) => Some(data.to_string().into()),
        (None, None) => Some(Bytes::new()),
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// What the log says about the events of a request.
pub(super) fn subject(events: &[Delivery]) -> String {
    #[derive(serde::Deserialize)]
    struct Id {
        id: String,
    }
    let attempt = events.iter().map(|event| event.count).max().unwrap_or(1);
    match events {
        [one] => {
            let id = serde_json::from_str::<Id>(&one.event).map(|event| event.id).unwrap_or_default();
            format!("event {id}, attempt {attempt}")
        }
        many => format!("{} events, attempt {attempt}", many.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(content: PushContent, event: &str) -> (HeaderMap, String) {
        let settings = PushSettings::new("http://h/").content(content).hint_headers(false);
        let event = Delivery { token: String::new(), count: 1, event: event.into() };
        let (headers, body) = delivery(&settings, "billing", &[event]);
        (headers, String::from_utf8(body.to_vec()).unwrap())
    }

    #[test]
    fn the_attributes_of_binary_mode_are_escaped_headers() {
        let event = r#"{"specversion":"1.0","id":"e 1","source":"/ü","type":"100%","n":7,"b":true,"data":{"total":5}}"#;
        let (headers, body) = pushed(PushContent::Binary, event);
        for (name, value) in [
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-id", "e%201"),
            ("ce-source", "/%C3%BC"),
            ("ce-type", "100%25"),
            ("ce-n", "7"),
            ("ce-b", "true"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
        assert_eq!((headers.len(), body.as_str()), (7, r#"{"total":5}"#));
    }

    #[test]
    fn the_data_of_binary_mode_is_what_the_content_type_says() {
        for (members, expected) in [
            (r#""datacontenttype":"text/plain","data":"hello""#, "hello"),
            (r#""datacontenttype":"application/json","data":"hello""#, r#""hello""#),
            (r#""data":[1]"#, "[1]"),
            (r#""datacontenttype":"application/octet-stream","data_base64":"aGVsbG8=""#, "hello"),
        ] {
            assert_eq!(pushed(PushContent::Binary, &format!("{{{members}}}")).1, expected, "{members}");
        }
    }

    #[test]
    fn an_event_whose_content_type_is_no_header_is_pushed_in_structured_mode() {
        let event = r#"{"id":"1","datacontenttype":"a\nb","data":1}"#;
        let (headers, body) = pushed(PushContent::Binary, event);
        assert_eq!(headers["content-type"], "application/cloudevents+json; charset=utf-8");
        assert_eq!((headers.len(), body.as_str()), (1, event));
    }

    #[test]
    fn only_a_200_that_names_the_origin_or_all_is_consent() {
        let settings = PushSettings::new("http://h/");
        let response = |status: u16, allowed: &[&str]| {
            let mut builder = Response::builder().status(status);
            for origin in allowed {
                builder = builder.header(ALLOWED_ORIGIN, *origin);
            }
            builder.body(Bytes::new()).unwrap()
        };
        for (status, allowed, expected) in [
            (200, &["*"][..], true),
            (200, &["EventGrid.azure.net"], true),
            (200, &[], false),
            (200, &["example.com"], false),
            (200, &["example.com", "*"], false),
            (204, &["*"], false),
            (302, &["*"], false),
            (405, &["*"], false),
        ] {
            assert_eq!(
                consent(&response(status, allowed), &settings).is_ok(),
                expected,
                "{status} {allowed:?}"
            );
        }
    }
}
