//! What the core reads of a response to continue: the wait before a retry, and the link to the next page.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, Response};
use serde_json::{Value, json};
use service_core::Clock as _;
use webpubsub::testing::{ManualClock, ScriptedTransport};
use webpubsub::{Credential, ServiceClient};

use super::{block_on, message, text};

/// When the responses arrive: Sun, 06 Nov 1994 08:49:30 GMT.
const NOW: Duration = Duration::from_secs(784_111_770);
/// The maximum of the client's own waits, and the deadline of a call.
const MAX_BACKOFF: Duration = Duration::from_secs(30);
const DEADLINE: Duration = Duration::from_secs(100);

fn service(script: &ScriptedTransport, clock: &ManualClock) -> ServiceClient {
    let builder = ServiceClient::builder("https://name.example", "chat", Credential::access_key("key"));
    builder.transport(Arc::new(script.clone())).clock(Arc::new(clock.clone())).build().unwrap()
}

/// The headers of a 429.
pub(super) fn retry_after(data: &[u8]) {
    let (headers, _) = message::headers_and_body(data);
    let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH + NOW));
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
    *response.headers_mut() = headers.clone();
    script.respond(response).status(202);
    let outcome = block_on(service(&script, &clock).group("lobby").send("x").into_future());
    let waited = clock.elapsed();
    assert!(waited <= DEADLINE, "waited for {waited:?}");
    match (outcome, asked_for(&headers)) {
        (Ok(()), Some(asked)) => {
            assert!(waited >= asked, "{waited:?} is shorter than {asked:?}");
            // A fraction is rounded up.
            let max = asked + Duration::from_secs(1) + Duration::from_millis(1);
            assert!(waited <= max.max(MAX_BACKOFF), "{waited:?} is longer than {asked:?}");
        }
        // A date, or nothing that asks for a wait.
        (Ok(()), None) => {}
        (Err(error), asked) => {
            assert_eq!((script.sent().len(), error.status().map(|status| status.as_u16())), (1, Some(429)));
            assert!(asked.is_none_or(|asked| asked + MAX_BACKOFF > DEADLINE), "{asked:?} fits, but: {error}");
        }
    }
}

/// The wait that the headers ask for, unless it is a date: read without the client's code.
fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?.trim().to_owned();
        let (whole, fraction) = value.split_once('.').unwrap_or((&value, "0"));
        let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let number = value.parse::<f64>().ok().filter(|_| is_number(whole) && is_number(fraction))?;
        // Far beyond every deadline, where both are the same.
        Some(number.min(1e12))
    };
    let milliseconds = number("retry-after-ms").or_else(|| number("x-ms-retry-after-ms"));
    let seconds = milliseconds.map(|number| number / 1000.0).or_else(|| number("retry-after"));
    // To the nanosecond below, since the number was rounded.
    seconds.map(|seconds| Duration::from_secs_f64(seconds).saturating_sub(Duration::from_micros(1)))
}

/// The link to the next page, and the text of the response that contains it, if it is JSON.
pub(super) fn next_links(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let body = match serde_json::from_str::<Value>(text) {
        Ok(body @ Value::Object(_)) => body.to_string(),
        _ => json!({ "value": [{ "connectionId": "c1" }], "nextLink": text }).to_string(),
    };
    let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH + NOW));
    for body in [body.clone(), body, r#"{"value":[]}"#.to_owned()] {
        script.respond(Response::builder().header("content-type", "application/json").body(body).unwrap());
    }
    let mut found = 0;
    block_on(async {
        let mut list = service(&script, &clock).group("lobby").list_connections();
        while let Some(connection) = list.next().await {
            found += usize::from(connection.is_ok());
        }
        assert!(list.next().await.is_none(), "the end is the end");
    });
    let sent = script.sent();
    assert!(sent.len() <= 3, "a list that repeats itself does not end");
    let mut visited = Vec::new();
    for request in &sent {
        let uri = request.uri();
        assert_eq!(
            (uri.scheme_str(), uri.authority().map(http::uri::Authority::as_str)),
            (Some("https"), Some("name.example"))
        );
        // The signature is for exactly this address.
        let token = request.headers()["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap();
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        let audience = claims["aud"].as_str().unwrap();
        let address = uri.to_string();
        assert!(address == audience || address.split('?').next() == Some(audience), "{address} {audience}");
        assert!(!visited.contains(&address), "the page {address} was read twice");
        visited.push(address);
    }
    assert!(found <= 3 * data.len() + 3);
}
