//! Tokens of Entra ID for REST requests (webpubsub auth, section 3). There is no key of Entra ID to verify a signature
//! with, so by default, audience and time decide.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::token::{Texts, Times, in_time, sign, signed_with};

const AUDIENCE: &str = "https://webpubsub.azure.com";
/// Replaces the keys of Entra ID, and signs nothing else.
const KEY: &str = "entra-id-of-the-emulator-0123456789";
const LIFETIME: Duration = Duration::from_secs(3600);
/// Long enough for every run of the program that prints the token.
const LONG_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// Selects the Entra ID tokens that REST requests of Web PubSub may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntraTokens {
    /// Accepts any JWT for the audience `https://webpubsub.azure.com` within its lifetime. The signature is not verified.
    #[default]
    Unvalidated,
    /// Accepts only tokens of this emulator, such as [`entra_token`](super::WebPubSub::entra_token).
    Strict,
}

/// The setting of one emulator.
#[derive(Debug, Default)]
pub(super) struct Entra {
    strict: AtomicBool,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    aud: Texts,
    #[serde(flatten)]
    times: Times,
}

impl Entra {
    pub(super) fn set(&self, tokens: EntraTokens) {
        self.strict.store(tokens == EntraTokens::Strict, Ordering::Relaxed);
    }

    /// Whether this is a valid token of Entra ID. Returns an error if it is one for the service, but not valid now.
    pub(super) fn accepts(&self, token: &str, now: SystemTime) -> Result<bool, &'static str> {
        let strict = self.strict.load(Ordering::Relaxed);
        let claims: Option<Claims> = if strict { signed_with(KEY, token) } else { unverified(token) };
        let for_service = |audience: &String| audience.trim_end_matches('/') == AUDIENCE;
        match claims.filter(|claims| claims.aud.as_slice().iter().any(for_service)) {
            Some(claims) => in_time(&claims.times, now).map(|()| true),
            None => Ok(false),
        }
    }
}

/// The claims of a token with any signature.
fn unverified(token: &str) -> Option<Claims> {
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().ok()?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
    // RFC 8725, section 3.2: a token with `none` has no signature.
    let signed = !header.alg.eq_ignore_ascii_case("none") && !decode(signature)?.is_empty();
    if signed { serde_json::from_slice(&decode(claims)?).ok() } else { None }
}

/// A token like those that Entra ID issues to applications for the service, valid for an hour.
pub(super) fn token(now: SystemTime) -> String {
    sign(KEY, AUDIENCE, now, LIFETIME)
}

/// The token that the program prints.
pub(super) fn long_lived_token(now: SystemTime) -> String {
    sign(KEY, AUDIENCE, now, LONG_LIFETIME)
}
