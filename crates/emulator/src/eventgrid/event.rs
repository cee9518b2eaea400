//! A CloudEvent: read in structured or binary mode, checked as the service does, and written once as the JSON that
//! receivers get.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use percent_encoding::percent_decode;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::errors::Rejection;
use crate::message::json_from_slice;

const REQUIRED: [&str; 4] = ["id", "source", "type", "specversion"];
const OPTIONAL: [&str; 3] = ["datacontenttype", "dataschema", "subject"];

/// The data of an event, for the member in which it is delivered.
enum Data {
    Json(Value),
    Base64(String),
}

/// Reads an event in the JSON format. The buffer saves memory allocations.
pub(super) fn structured(event: Value, buffer: &mut Vec<u8>) -> Result<Arc<str>, Rejection> {
    let Value::Object(mut members) = event else { return Err(Rejection::not_json()) };
    let data = members.remove("data");
    let base64 = members.remove("data_base64").filter(|value| !value.is_null());
    // JSON format, section 2.1: a null attribute counts as absent.
    members.retain(|_, value| !value.is_null());
    let attributes = members;
    check_present(&attributes)?;
    let data = match (data, base64) {
        (None, None) => return Err(Rejection::bad_request("'data' attribute is required")),
        (Some(_), Some(_)) => {
            return Err(Rejection::bad_request("Only one of 'data' and 'data_base64' is allowed"));
        }
        (Some(Value::Null), None) => return Err(null_data()),
        (Some(data), None) => Data::Json(data),
        (None, Some(Value::String(text))) if STANDARD.decode(&text).is_ok() => Data::Base64(text),
        (None, Some(_)) => return Err(Rejection::not_json()),
    };
    finish(attributes, data, buffer)
}

/// Reads an event whose attributes are `ce-` headers and whose data is the body.
pub(super) fn binary(headers: &HeaderMap, content_type: &str, body: &[u8]) -> Result<Arc<str>, Rejection> {
    let mut attributes = Map::new();
    for (name, value) in headers {
        if let Some(name) = name.as_str().strip_prefix("ce-") {
            attributes.insert(name.to_owned(), Value::String(header_text(value.as_bytes())?));
        }
    }
    if attributes.contains_key("datacontenttype") {
        return Err(Rejection::bad_request("The header ce-datacontenttype is not allowed"));
    }
    check_present(&attributes)?;
    let data = binary_data(content_type, body)?;
    attributes.insert("datacontenttype".to_owned(), content_type.into());
    finish(attributes, data, &mut Vec::with_capacity(2 * body.len()))
}

fn check_present(attributes: &Map<String, Value>) -> Result<(), Rejection> {
    match REQUIRED.iter().find(|name| !attributes.contains_key(**name)) {
        Some(name) => Err(Rejection::bad_request(format!("`{name}` attribute is required"))),
        None => Ok(()),
    }
}

fn null_data() -> Rejection {
    Rejection::bad_request("Event data must be encoded as json string or object")
}

/// JSON and text are delivered in `data` (documented), anything else in base64 (observed).
fn binary_data(content_type: &str, body: &[u8]) -> Result<Data, Rejection> {
    if body.is_empty() {
        return Err(Rejection::bad_request("'data' attribute is required"));
    }
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let undecodable = || Rejection::bad_request("cannot deserialize input value");
    if essence.ends_with("/json") || essence.ends_with("+json") {
        return match json_from_slice(body).map_err(|_| undecodable())? {
            Value::Null => Err(null_data()),
            data => Ok(Data::Json(data)),
        };
    }
    if essence.starts_with("text/") {
        let text = std::str::from_utf8(body).map_err(|_| undecodable())?;
        return Ok(Data::Json(text.into()));
    }
    Ok(Data::Base64(STANDARD.encode(body)))
}

/// CloudEvents HTTP binding, section 3.1.3.2: undo a quoted string, then percent-decode once.
fn header_text(value: &[u8]) -> Result<String, Rejection> {
    let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    let bytes: Vec<u8> = match quoted {
        Some(inner) => unescape(inner),
        None => value.to_vec(),
    };
    let text = percent_decode(&bytes).decode_utf8();
    let text = text.map_err(|_| Rejection::bad_request("A ce- header is not UTF-8 after decoding"))?;
    Ok(text.into_owned())
}

fn unescape(quoted: &[u8]) -> Vec<u8> {
    let mut bytes = quoted.iter();
    let mut plain = Vec::with_capacity(quoted.len());
    while let Some(byte) = bytes.next() {
        plain.push(if *byte == b'\\' { *bytes.next().unwrap_or(byte) } else { *byte });
    }
    plain
}

/// Performs the checks that both modes share, and writes the event as it will be delivered.
fn finish(
    mut attributes: Map<String, Value>,
    data: Data,
    buffer: &mut Vec<u8>,
) -> Result<Arc<str>, Rejection> {
    for (name, value) in &attributes {
        check_attribute(name, value)?;
    }
    if let Some(time) = attributes.get_mut("time") {
        let utc = time.as_str().and_then(utc_time);
        *time = utc.ok_or_else(|| invalid("time"))?.into();
    }
    let mut event = Delivered { attributes, data };
    if let Data::Json(data) = &mut event.data {
        // Observed, so a client must not depend on the order: the members of data objects are delivered sorted.
        data.sort_all_objects();
    }
    buffer.clear();
    serde_json::to_writer(&mut *buffer, &event).map_err(|_| Rejection::server_error())?;
    let text = std::str::from_utf8(buffer).map_err(|_| Rejection::server_error())?;
    Ok(text.into())
}

fn check_attribute(name: &str, value: &Value) -> Result<(), Rejection> {
    let valid = match name {
        "specversion" => value == "1.0",
        "time" => value.is_string(),
        name if REQUIRED.contains(&name) => value.as_str().is_some_and(|text| !text.is_empty()),
        name if OPTIONAL.contains(&name) => value.is_string(),
        // CloudEvents, section 3.1: lowercase letters and digits. In JSON, the value is a Boolean, a 32-bit Integer, or
        // a String.
        name => {
            let named = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
            let integer = || value.as_i64().is_some_and(|number| i32::try_from(number).is_ok());
            named && (value.is_string() || value.is_boolean() || integer())
        }
    };
    if valid { Ok(()) } else { Err(invalid(name)) }
}

fn invalid(name: &str) -> Rejection {
    Rejection::bad_request(format!("`{name}` attribute is invalid"))
}

/// Converts a time to UTC, with at most 7 fraction digits and no trailing zeros. Observed: a space is accepted instead
/// of the `T`.
fn utc_time(text: &str) -> Option<String> {
    let text = if text.get(10..11) == Some(" ") { text.replacen(' ', "T", 1) } else { text.to_owned() };
    let utc = OffsetDateTime::parse(&text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
    if utc.year() < 0 {
        return None;
    }
    let (date, time) = (utc.date(), utc.time());
    let fraction = format!(".{:07}", time.nanosecond() / 100);
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    Some(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
    ))
}

/// Attributes first, data last: the order in which the service always writes them, as observed.
struct Delivered {
    attributes: Map<String, Value>,
    data: Data,
}

impl Serialize for Delivered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.attributes.len() + 1))?;
        for (name, value) in &self.attributes {
            map.serialize_entry(name, value)?;
        }
        match &self.data {
            Data::Json(value) => map.serialize_entry("data", value)?,
            Data::Base64(text) => map.serialize_entry("data_base64", text)?,
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    /// The event as delivered, or the error message.
    fn outcome(result: Result<Arc<str>, Rejection>) -> String {
        match result {
            Ok(event) => event.to_string(),
            Err(failure) => {
                let body = failure.into_response(std::time::SystemTime::UNIX_EPOCH).into_body();
                let body: Value = serde_json::from_slice(body.as_ref()).unwrap();
                body["error"]["message"].as_str().unwrap().to_owned()
            }
        }
    }

    /// A valid event with these members replaced. `null` removes one, as in the JSON format.
    fn structured_with(members: Value) -> String {
        let mut event = json!({"id": "1", "source": "/s", "type": "t", "specversion": "1.0", "data": {}});
        let Value::Object(members) = members else { panic!("members") };
        event.as_object_mut().unwrap().extend(members);
        outcome(structured(event, &mut Vec::new()))
    }

    fn binary_with(content_type: &str, body: &[u8], headers: &[(&str, &[u8])]) -> String {
        let required: [(&str, &[u8]); 4] =
            [("ce-id", b"1"), ("ce-source", b"/s"), ("ce-type", b"t"), ("ce-specversion", b"1.0")];
        let mut map = HeaderMap::new();
        for (name, value) in required.iter().chain(headers) {
            let name: HeaderName = name.parse().unwrap();
            map.insert(name, HeaderValue::from_bytes(value).unwrap());
        }
        outcome(binary(&map, content_type, body))
    }

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn times_become_utc_without_trailing_zeros() {
        for (sent, delivered) in [
            ("2024-04-10T10:12:46.2525140-07:00", "2024-04-10T17:12:46.252514Z"),
            ("2024-04-11T23:38:34.000Z", "2024-04-11T23:38:34Z"),
            ("2023-11-17T02:44:05.316193500Z", "2023-11-17T02:44:05.3161935Z"),
            ("2023-11-05 16:19:47.492781+00:00", "2023-11-05T16:19:47.492781Z"),
            ("2024-01-01T00:30:00+01:00", "2023-12-31T23:30:00Z"),
            ("2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.1234567Z"),
        ] {
            assert_eq!(utc_time(sent).as_deref(), Some(delivered), "{sent}");
        }
        for junk in [
            "",
            "yesterday",
            "2024-01-01",
            "0000-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "2024-01-01é00:00:00Z",
        ] {
            assert_eq!(utc_time(junk), None, "{junk}");
        }
    }

    #[test]
    fn the_members_of_data_are_delivered_sorted_and_data_last() {
        let event = structured_with(
            json!({"zzz": true, "data": {"Name": "Bob", "Age": 18, "in": [{"b": 1, "a": 2}]}}),
        );
        assert!(event.ends_with(r#","data":{"Age":18,"Name":"Bob","in":[{"a":2,"b":1}]}}"#), "{event}");
    }

    #[test]
    fn structured_attributes_and_extensions_keep_their_types() {
        let members = json!({
            "subject": "s", "dataschema": "#", "datacontenttype": "text/plain", "number": -5, "flag": false,
            "word": "w", "gone": null, "data": {"not": "text"},
        });
        let event = parsed(&structured_with(members.clone()));
        for (name, value) in members.as_object().unwrap() {
            assert_eq!(event.get(name), Some(value).filter(|value| !value.is_null()), "{name}");
        }
    }

    #[test]
    fn a_missing_attribute_is_named_before_missing_data() {
        for name in ["id", "source", "type", "specversion"] {
            let expected = format!("`{name}` attribute is required");
            assert_eq!(structured_with(json!({name: null})), expected);
        }
        let empty = json!({"id": "", "source": "", "specversion": "", "type": ""});
        assert_eq!(outcome(structured(empty, &mut Vec::new())), "'data' attribute is required");
    }

    #[test]
    fn data_appears_once_and_is_not_null() {
        assert_eq!(
            structured_with(json!({"data": null})),
            "Event data must be encoded as json string or object"
        );
        assert!(structured_with(json!({"data_base64": "AQID"})).contains("Only one of"));
        let event =
            json!({"id": "1", "source": "/s", "type": "t", "specversion": "1.0", "data_base64": "AQID"});
        assert!(outcome(structured(event.clone(), &mut Vec::new())).ends_with(r#","data_base64":"AQID"}"#));
        let mut bad = event;
        bad["data_base64"] = "no base64!".into();
        assert_eq!(outcome(structured(bad, &mut Vec::new())), "Json deserialize error");
    }

    #[test]
    fn attributes_that_cloudevents_forbids_are_rejected() {
        for (name, value) in [
            ("id", json!("")),
            ("source", json!("")),
            ("type", json!(1)),
            ("specversion", json!("0.3")),
            ("time", json!("now")),
            ("subject", json!(1)),
            ("Upper", json!("x")),
            ("with-hyphen", json!("x")),
            ("big", json!(2_147_483_648_u64)),
            ("fraction", json!(1.5)),
            ("list", json!([])),
        ] {
            let expected = format!("`{name}` attribute is invalid");
            assert_eq!(structured_with(json!({name: value})), expected);
        }
    }

    #[test]
    fn binary_data_is_delivered_as_its_content_type_says() {
        for (content_type, body, member) in [
            ("application/json", &br#"{"b":1,"a":2}"#[..], json!({"data": {"a": 2, "b": 1}})),
            ("Application/Problem+JSON; charset=utf-8", b"[1]", json!({"data": [1]})),
            ("text/plain", br#"{"Name":"Bob"}"#, json!({"data": "{\"Name\":\"Bob\"}"})),
            ("text/xml; charset=utf-8", b"<a/>", json!({"data": "<a/>"})),
            ("application/customcontenttype", b"\x01\x02\x03", json!({"data_base64": "AQID"})),
        ] {
            let event = parsed(&binary_with(content_type, body, &[]));
            let (name, value) = member.as_object().unwrap().iter().next().unwrap();
            assert_eq!(&event[name], value, "{content_type}");
            assert_eq!(event["datacontenttype"], content_type);
        }
    }

    #[test]
    fn binary_data_that_contradicts_its_content_type_is_rejected() {
        for (content_type, body) in [("application/json", &b"{"[..]), ("text/plain", b"\xff")] {
            assert_eq!(binary_with(content_type, body, &[]), "cannot deserialize input value");
        }
        assert_eq!(binary_with("text/plain", b"", &[]), "'data' attribute is required");
        assert!(binary_with("application/json", b"null", &[]).contains("json string or object"));
    }

    #[test]
    fn binary_attributes_are_decoded_once_and_extensions_are_strings() {
        let headers: [(&str, &[u8]); 4] = [
            ("ce-extensiondataint", b"101"),
            ("ce-subject", b"Euro%20%E2%82%AC%20%F0%9F%98%80 100%2525"),
            ("ce-quoted", br#""say \"hi\"""#),
            ("ce-time", b"2023-11-05 16:19:47.492781+00:00"),
        ];
        let event = parsed(&binary_with("text/plain", b"x", &headers));
        assert_eq!(event["extensiondataint"], "101");
        assert_eq!(event["subject"], "Euro \u{20ac} \u{1f600} 100%25");
        assert_eq!(event["quoted"], r#"say "hi""#);
        assert_eq!(event["time"], "2023-11-05T16:19:47.492781Z");
    }

    #[test]
    fn a_binary_event_with_forbidden_headers_is_rejected() {
        let rejected = binary_with("text/plain", b"x", &[("ce-datacontenttype", b"text/plain")]);
        assert_eq!(rejected, "The header ce-datacontenttype is not allowed");
        assert!(binary_with("text/plain", b"x", &[("ce-subject", b"%C0%A0")]).contains("UTF-8"));
        assert_eq!(
            outcome(binary(&HeaderMap::new(), "application/json", b"{}")),
            "`id` attribute is required"
        );
    }
}
