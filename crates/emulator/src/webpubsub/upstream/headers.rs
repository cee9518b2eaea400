//! The headers of calls to event handlers and of their responses (event handler, sections 2 and 3).

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CONTENT_TYPE, COOKIE, HeaderName};
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey};
use percent_encoding::{CONTROLS, utf8_percent_encode};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::cookies::Cookies;
use crate::webhook::Target;
use crate::webpubsub::names;

const ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const ALLOWED: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const VERSION: HeaderName = HeaderName::from_static("ce-awpsversion");
const STATE: HeaderName = HeaderName::from_static("ce-connectionstate");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// An event and its connection.
pub(super) struct About<'a> {
    /// The host by which the client found the service.
    pub(super) origin: &'a str,
    pub(super) content_type: &'static str,
    pub(super) event_type: &'a str,
    /// Without the prefix of its type. `None` for events of groups.
    pub(super) event_name: Option<&'a str>,
    pub(super) hub: &'a str,
    pub(super) connection: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) subprotocol: Option<&'a str>,
    pub(super) id: u64,
    pub(super) time: SystemTime,
}

/// The state and cookies that a handler set for a connection.
#[derive(Debug, Default)]
pub(super) struct Kept {
    state: Option<HeaderValue>,
    cookies: Cookies,
}

/// The headers of the abuse-protection check of an address.
pub(super) fn check(origin: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, ORIGIN, origin);
    set(&mut headers, VERSION, "1.0");
    headers
}

/// Whether a response allows this origin, or all.
pub(super) fn allows(headers: &HeaderMap, origin: &str) -> bool {
    let values = headers.get_all(ALLOWED).into_iter().filter_map(|value| value.to_str().ok());
    let mut named = values.flat_map(|value| value.split(',')).map(str::trim);
    named.any(|named| named == "*" || named.eq_ignore_ascii_case(origin))
}

/// The headers of an event that is sent to this address.
pub(super) fn event(about: &About<'_>, target: &Target, keys: &[String; 2], kept: &Kept) -> HeaderMap {
    let mut headers = HeaderMap::new();
    set(&mut headers, ORIGIN, about.origin);
    set(&mut headers, REQUEST_ID, &names::new_guid());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(about.content_type));
    let source = format!("/hubs/{}/client/{}", about.hub.to_ascii_lowercase(), about.connection);
    let time = OffsetDateTime::from(about.time);
    let time = time.truncate_to_second().format(&Rfc3339).unwrap_or_default();
    let named = [
        ("ce-specversion", Some("1.0")),
        ("ce-awpsversion", Some("1.0")),
        ("ce-type", Some(about.event_type)),
        ("ce-source", Some(source.as_str())),
        ("ce-id", Some(&about.id.to_string())),
        ("ce-time", Some(&time)),
        ("ce-hub", Some(about.hub)),
        ("ce-connectionid", Some(about.connection)),
        ("ce-eventname", about.event_name),
        ("ce-subprotocol", about.subprotocol),
        ("ce-signature", Some(&signature(keys, about.connection))),
    ];
    for (name, value) in named {
        if let Some(value) = value {
            set(&mut headers, HeaderName::from_static(name), value);
        }
    }
    if let Some(user) = about.user.filter(|user| !user.is_empty()) {
        set_raw(&mut headers, HeaderName::from_static("ce-userid"), user);
    }
    kept.write(&mut headers, target, about.time);
    headers
}

/// Text beyond ASCII is percent-encoded.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(&utf8_percent_encode(value, CONTROLS).to_string()) {
        headers.insert(name, value);
    }
}

/// Text beyond ASCII is sent as UTF-8. Only characters that no header may have are percent-encoded.
fn set_raw(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    match HeaderValue::from_bytes(value.as_bytes()) {
        Ok(value) => {
            headers.insert(name, value);
        }
        Err(_) => set(headers, name, value),
    }
}

/// One signature per access key, over the connection id alone.
fn signature(keys: &[String; 2], connection: &str) -> String {
    keys.each_ref().map(|key| format!("sha256={}", hmac(key, connection))).join(",")
}

/// HMAC-SHA256 in hex. The JWT library returns base64url; with an in-memory key, it does not fail.
fn hmac(key: &str, text: &str) -> String {
    let key = EncodingKey::from_secret(key.as_bytes());
    let signed = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(signed).unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Kept {
    /// Stores the state of the response to a blocking event. An error contains the reason why that is impossible.
    pub(super) fn keep_state(&mut self, headers: &HeaderMap) -> Result<(), &'static str> {
        let mut states = headers.get_all(STATE).into_iter();
        let state = states.next();
        if states.next().is_some() {
            return Err("the response has several connection states");
        }
        if let Some(state) = state {
            self.state = Some(state.clone());
        }
        Ok(())
    }

    /// Stores the cookies of a response.
    pub(super) fn keep_cookies(&mut self, headers: &HeaderMap, target: &Target, now: SystemTime) {
        self.cookies.store(headers, target, now);
    }

    fn write(&self, headers: &mut HeaderMap, target: &Target, now: SystemTime) {
        if let Some(state) = &self.state {
            headers.insert(STATE, state.clone());
        }
        if let Some(cookies) = self.cookies.header(target, now) {
            headers.insert(COOKIE, cookies);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_specification() {
        let first = "8de7281e588e23b0a30a7180ffa240257b8176e983004c240c9f3f7a7233c993";
        let second = "0af559990664df7b5ec3bbeb14578be4a5607aa5ea49d4e0f2b7e9f2e1d21518";
        assert_eq!(hmac("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH", "conn1"), first);
        assert_eq!(hmac("second-key", "conn1"), second);
        let keys = ["ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH", "second-key"].map(str::to_owned);
        assert_eq!(signature(&keys, "conn1"), format!("sha256={first},sha256={second}"));
    }

    #[test]
    fn an_origin_is_allowed_by_its_name_or_a_star_among_several() {
        let headers = |values: &[&'static str]| {
            let values = values.iter().map(|value| (ALLOWED, HeaderValue::from_static(value)));
            values.collect::<HeaderMap>()
        };
        assert!(allows(&headers(&["other.host", "a.host, B.host"]), "b.host"));
        assert!(allows(&headers(&["*"]), "b.host"));
        assert!(!allows(&headers(&["ab.host"]), "b.host"));
        assert!(!allows(&HeaderMap::new(), "b.host"));
    }
}
