//! The tokens of the service and of its clients, handled by a JWT library that no client crate uses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::invalid_setting::InvalidSetting;
use crate::keys::KeyPair;
use crate::message::Request;

/// The keys of the official emulator.
pub(crate) const INITIAL: [&str; 2] =
    ["ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH", "HGFEDCBA9876543210ZYXWVUTSRQPONMLKJIHGFEDCBA"];
const SKEW: f64 = 300.0;
const RECONNECTION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
const LIFETIME: Duration = Duration::from_secs(3600);

/// The two access keys. The primary one signs; signatures of both are accepted.
#[derive(Debug)]
pub(super) struct Keys(KeyPair);

/// Contains the claims of a client access token, which
/// [`client_access_url`](super::WebPubSub::client_access_url) signs.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use service_emulator::Emulator;
/// use service_emulator::webpubsub::ClientToken;
///
/// let emulator = Emulator::start().await?;
/// let token = ClientToken::new().user("ann").role("webpubsub.sendToGroup.g1").group("g1");
/// let url = emulator.webpubsub().client_access_url("chat", &token);
/// assert!(url.contains("/client/hubs/chat?access_token="));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientToken {
    /// Contains the user id. `None` if the client is anonymous.
    pub user: Option<String>,
    /// Contains the roles, such as `webpubsub.sendToGroup.<group>`.
    pub roles: Vec<String>,
    /// Contains the groups that the client joins when it connects.
    pub groups: Vec<String>,
}

/// The claims that the emulator reads from both kinds of token.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Claims {
    #[serde(default)]
    aud: Texts,
    #[serde(flatten)]
    times: Times,
    sub: Option<String>,
    nameid: Option<String>,
    #[serde(rename = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier")]
    name_identifier: Option<String>,
    #[serde(default)]
    pub(super) role: Texts,
    #[serde(default, rename = "webpubsub.group")]
    pub(super) groups: Texts,
}

/// When a token is valid.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Times {
    exp: Option<f64>,
    nbf: Option<f64>,
}

/// A claim that is a string or a list of strings.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Texts {
    One(String),
    Many(Vec<String>),
}

#[derive(Serialize)]
struct Signed<'a> {
    aud: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    role: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty", rename = "webpubsub.group")]
    groups: &'a [String],
    iat: u64,
    exp: u64,
}

impl ClientToken {
    /// Creates a token for an anonymous client without roles and groups.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the user id.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Adds a role.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Adds a group that the client joins when it connects.
    #[must_use]
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.groups.push(group.into());
        self
    }

    fn sign_with(&self, key: &str, audience: &str, now: SystemTime, life: Duration) -> String {
        let now = seconds(now) as u64;
        let (sub, role, groups) = (self.user.as_deref(), &self.roles, &self.groups);
        let claims = Signed { aud: audience, sub, role, groups, iat: now, exp: now + life.as_secs() };
        let key = EncodingKey::from_secret(key.as_bytes());
        // HMAC with an in-memory key does not fail. The handshake would reject an empty token.
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap_or_default()
    }
}

impl Texts {
    pub(super) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Claims {
    /// The user. Empty means anonymous as well.
    pub(super) fn user(&self) -> Option<String> {
        let named = [&self.sub, &self.nameid, &self.name_identifier];
        named.into_iter().flatten().find(|name| !name.is_empty()).cloned()
    }
}

impl Default for Keys {
    fn default() -> Self {
        let [primary, secondary] = INITIAL;
        Self(KeyPair::new(primary, secondary))
    }
}

/// Whether a text is a valid access key: it must fit into a connection string, between `AccessKey=` and `;`.
pub(crate) fn check_key(key: &str) -> Result<(), InvalidSetting> {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b';';
    if (1..=256).contains(&key.len()) && key.bytes().all(allowed) {
        return Ok(());
    }
    let rule = "an access key of Web PubSub must be 1 to 256 visible ASCII characters without ';'";
    Err(InvalidSetting::new(rule))
}

impl Keys {
    pub(super) fn reset(&self) {
        let [primary, secondary] = INITIAL;
        self.0.set(primary, secondary);
    }

    pub(super) fn both(&self) -> Arc<[String; 2]> {
        self.0.both()
    }

    pub(super) fn set(&self, primary: &str, secondary: &str) -> Result<(), InvalidSetting> {
        check_key(primary)?;
        check_key(secondary)?;
        self.0.set(primary, secondary);
        Ok(())
    }

    /// A client's token, valid for an hour.
    pub(super) fn sign(&self, token: &ClientToken, audience: &str, now: SystemTime) -> String {
        self.sign_for(token, audience, now, LIFETIME)
    }

    pub(super) fn sign_for(
        &self,
        token: &ClientToken,
        audience: &str,
        now: SystemTime,
        life: Duration,
    ) -> String {
        token.sign_with(&self.both()[0], audience, now, life)
    }

    /// A token to recover the connection, valid for about a week, as in the service (webpubsub auth, section 8).
    pub(super) fn reconnection_token(&self, hub: &str, connection: &str, now: SystemTime) -> String {
        self.sign_for(
            &ClientToken::new(),
            &reconnection_audience(hub, connection),
            now,
            RECONNECTION_LIFETIME,
        )
    }

    /// Checks the token of a REST request: its audience is the URL of the request, with or without the query.
    ///
    /// The URL may start with the advertised origin, because a proxy may change scheme and host.
    pub(super) fn check_service_token(
        &self,
        request: &Request,
        advertised: &str,
        now: SystemTime,
    ) -> Result<(), &'static str> {
        let token = bearer(request).ok_or("the request has no bearer token")?;
        let claims = self.read(token, now)?;
        let path = request.target.split('?').next().unwrap_or_default();
        let urls = [request.origin().as_str(), advertised]
            .map(|origin| [format!("{origin}{}", request.target), format!("{origin}{path}")]);
        let fits = |audience: &String| urls.iter().flatten().any(|url| same(audience, url));
        if claims.aud.as_slice().iter().any(fits) {
            Ok(())
        } else {
            Err("the audience is not the request's URL")
        }
    }

    /// Checks the token of a client: its audience is the address of the hub with any of the four schemes.
    pub(super) fn check_client_token(
        &self,
        request: &Request,
        hub: &str,
        advertised: &str,
        now: SystemTime,
    ) -> Result<Claims, &'static str> {
        let token = client_token(request).ok_or("the request has no token")?;
        let claims = self.read(token, now)?;
        let addresses = [&request.host, advertised].map(|host| format!("{host}/client/hubs/{hub}"));
        let fits = |audience: &String| {
            let bare = ["http://", "https://", "ws://", "wss://"]
                .iter()
                .find_map(|scheme| audience.strip_prefix(scheme));
            bare.is_some_and(|bare| addresses.iter().any(|address| same(bare, address)))
        };
        if claims.aud.as_slice().iter().any(fits) {
            Ok(claims)
        } else {
            Err("the audience is not the hub's address")
        }
    }

    /// Whether this is an unexpired token to recover the connection.
    pub(super) fn is_reconnection_token(
        &self,
        token: &str,
        hub: &str,
        connection: &str,
        now: SystemTime,
    ) -> bool {
        let audience = reconnection_audience(hub, connection);
        self.read(token, now).is_ok_and(|claims| claims.aud.as_slice().contains(&audience))
    }

    /// Checks the signature and the times.
    fn read(&self, token: &str, now: SystemTime) -> Result<Claims, &'static str> {
        let claims: Option<Claims> = self.both().iter().find_map(|key| signed_with(key, token));
        let claims = claims.ok_or("the token is malformed or its signature is invalid")?;
        in_time(&claims.times, now).map(|()| claims)
    }
}

/// Returns the claims of a token if this key signed it. The library's own check of times is off, because the emulator's
/// clock can be advanced.
pub(super) fn signed_with<T: DeserializeOwned>(key: &str, token: &str) -> Option<T> {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let key = DecodingKey::from_secret(key.as_bytes());
    jsonwebtoken::decode(token, &key, &rules).ok().map(|token| token.claims)
}

/// Checks the times of a token, with five minutes of clock skew.
pub(super) fn in_time(times: &Times, now: SystemTime) -> Result<(), &'static str> {
    let now = seconds(now);
    match times.exp {
        None => return Err("the token has no exp"),
        Some(exp) if exp + SKEW < now => return Err("the token has expired"),
        Some(_) => {}
    }
    if times.nbf.is_some_and(|nbf| nbf - SKEW > now) {
        return Err("the token is not valid yet");
    }
    Ok(())
}

/// A token without user, roles, and groups.
pub(super) fn sign(key: &str, audience: &str, now: SystemTime, life: Duration) -> String {
    ClientToken::new().sign_with(key, audience, now, life)
}

/// Not a URL, so that the token gives no other access.
fn reconnection_audience(hub: &str, connection: &str) -> String {
    format!("reconnection:{}:{connection}", hub.to_ascii_lowercase())
}

/// The claims of a client's token, each with its values as strings, as sent to event handlers.
pub(super) fn claim_values(request: &Request) -> BTreeMap<String, Vec<String>> {
    let token = client_token(request).unwrap_or("");
    let payload = token.split('.').nth(1).and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok());
    let claims = payload.and_then(|payload| serde_json::from_slice::<BTreeMap<String, Value>>(&payload).ok());
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let values = |value| match value {
        Value::Array(values) => values.into_iter().map(text).collect(),
        value => vec![text(value)],
    };
    claims.unwrap_or_default().into_iter().map(|(name, value)| (name, values(value))).collect()
}

/// The token of a client: the query has precedence over the header.
pub(super) fn client_token(request: &Request) -> Option<&str> {
    request.last_query("access_token").or_else(|| bearer(request))
}

pub(super) fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header(AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares case-insensitively, both verbatim and percent-decoded.
fn same(audience: &str, url: &str) -> bool {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().to_lowercase();
    audience.eq_ignore_ascii_case(url) || decoded(audience) == decoded(url)
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Method};

    use super::*;

    // The test vectors of the auth spec, sections 2 and 4, at their own time.
    const SERVICE: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJodHRwOi8vbG9jYWxob3N0OjgwODAvYXBpL2h1YnMvY2hhdC86c2VuZD9hcGktdmVyc2lvbj0yMDI0LTEyLTAxIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAzMDB9.y_6yceUQaX8qsuLwt7SRBfDDkYvykicwjPy1F2VM7KQ";
    const CLIENT: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJodHRwOi8vbG9jYWxob3N0OjgwODAvY2xpZW50L2h1YnMvY2hhdCIsInN1YiI6InVzZXIxIiwicm9sZSI6WyJ3ZWJwdWJzdWIuc2VuZFRvR3JvdXAuZzEiXSwid2VicHVic3ViLmdyb3VwIjpbImcxIl0sImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ.4NcJfT0mhF8-H1gbrWvtGEwK17k9kmLyeko-Nn4ocbc";

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn request(method: Method, target: &str, token: &str) -> Request {
        let headers = [("host", "localhost:8080"), ("authorization", &format!("Bearer {token}"))];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Request::read(method, target.to_owned(), HeaderMap::from_iter(headers), Bytes::new()).unwrap()
    }

    #[test]
    fn the_service_token_of_the_spec_is_taken_at_its_time() {
        let request = request(Method::POST, "/api/hubs/chat/:send?api-version=2024-12-01", SERVICE);
        assert_eq!(
            Keys::default().check_service_token(&request, "http://localhost:8080", at(1_700_000_000)),
            Ok(())
        );
        assert_eq!(
            Keys::default().check_service_token(&request, "http://localhost:8080", at(1_700_000_600)),
            Ok(())
        );
        assert_eq!(
            Keys::default().check_service_token(&request, "http://localhost:8080", at(1_700_000_601)),
            Err("the token has expired")
        );
    }

    #[test]
    fn the_client_token_of_the_spec_says_who_the_client_is() {
        let request = request(Method::GET, "/client/hubs/chat", CLIENT);
        let claims = Keys::default()
            .check_client_token(&request, "chat", "localhost:8080", at(1_700_000_000))
            .unwrap();
        assert_eq!(claims.user().as_deref(), Some("user1"));
        assert_eq!(
            (claims.role.as_slice(), claims.groups.as_slice()),
            (&["webpubsub.sendToGroup.g1".to_owned()][..], &["g1".to_owned()][..])
        );
    }

    #[test]
    fn a_signed_client_token_has_the_claims_of_the_spec() {
        let token = ClientToken::new().user("user1").role("webpubsub.sendToGroup.g1").group("g1");
        let signed =
            Keys::default().sign(&token, "http://localhost:8080/client/hubs/chat", at(1_700_000_000));
        // The members of the header may be in another order, which changes the signature.
        assert_eq!(signed.split('.').nth(1), CLIENT.split('.').nth(1));
    }
}
