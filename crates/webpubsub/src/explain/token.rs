//! Examines a token: its signature, times, and audience.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Deserialize;

use super::{Finding, KeyMisuse, audience, shown};
use crate::ServiceClient;
use crate::credential::OwnKey;
use crate::json;
use crate::jwt::{self, Part, Signer};

/// The audience of Entra tokens for this service, and their issuers in the public cloud.
const ENTRA: [&str; 3] =
    ["https://webpubsub.azure.com", "https://sts.windows.net/", "https://login.microsoftonline.com/"];

#[derive(Deserialize)]
struct Header {
    #[serde(default, deserialize_with = "json::lenient")]
    alg: Option<String>,
}

/// A claim of another type counts as missing.
#[derive(Deserialize)]
struct Claims {
    #[serde(default, deserialize_with = "json::lenient")]
    aud: Option<Texts>,
    #[serde(default, deserialize_with = "json::lenient")]
    iss: Option<String>,
    #[serde(default, deserialize_with = "json::lenient")]
    exp: Option<f64>,
    #[serde(default, deserialize_with = "json::lenient")]
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

pub(super) fn examine(
    service: &ServiceClient,
    token: &str,
    url: Option<&str>,
    now: SystemTime,
    findings: &mut Vec<Finding>,
) {
    let header: Option<Header> = jwt::part(token, Part::Header);
    let claims: Option<Claims> = jwt::part(token, Part::Claims);
    let (Some(header), Some(claims)) = (header, claims) else {
        findings.push(Finding::NotAToken);
        return;
    };
    let audiences = match &claims.aud {
        Some(Texts::One(text)) => std::slice::from_ref(text),
        Some(Texts::Many(texts)) => texts,
        None => &[],
    };
    let names_entra = |text: &String| text.trim_end_matches('/') == ENTRA[0];
    let issuer = claims.iss.as_deref().unwrap_or_default();
    if audiences.iter().any(names_entra) || ENTRA[1..].iter().any(|entra| issuer.starts_with(entra)) {
        findings.push(Finding::EntraToken);
        times(&claims, now, findings);
        return;
    }
    let algorithm = header.alg.as_deref().unwrap_or_default();
    if algorithm != "HS256" {
        findings.push(Finding::Algorithm(shown(algorithm)));
    } else if let Some(own_key) = &service.resource().own_key {
        findings.extend(signature(own_key, token).map(Finding::Key));
    }
    times(&claims, now, findings);
    match audiences {
        [] => findings.push(Finding::NoAudience),
        audiences => findings.extend(audience::compare(service, audiences, url)),
    }
}

fn times(claims: &Claims, now: SystemTime, findings: &mut Vec<Finding>) {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    // If the distance of a date exceeds what a duration can hold, its exact value does not matter.
    let span = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    match claims.exp {
        None => findings.push(Finding::NoExpiry),
        Some(end) if end <= now => findings.push(Finding::Expired(span(now - end))),
        Some(_) => {}
    }
    if let Some(start) = claims.nbf.filter(|start| *start > now) {
        findings.push(Finding::NotYetValid(span(start - now)));
    }
}

/// Returns what is wrong with the signature, if the key of the client did not make it.
fn signature(own_key: &OwnKey, token: &str) -> Option<KeyMisuse> {
    if own_key.signer.signed(token) {
        return None;
    }
    let key = own_key.key.expose();
    let signed = |bytes: &[u8]| Signer::with_bytes(bytes).is_some_and(|signer| signer.signed(token));
    let spaced = [" ", "\n", "\r\n", "\t"]
        .into_iter()
        .flat_map(|space| [format!("{key}{space}"), format!("{space}{key}"), format!("{space}{key}{space}")])
        .any(|key| signed(key.as_bytes()));
    if spaced {
        return Some(KeyMisuse::WhiteSpace);
    }
    let decoded = STANDARD.decode(key).or_else(|_| STANDARD_NO_PAD.decode(key));
    if decoded.is_ok_and(|bytes| signed(&bytes)) {
        return Some(KeyMisuse::Decoded);
    }
    Some(KeyMisuse::SignatureMismatch)
}

/// Returns whether a key looks like one of the service, which are base64 text.
pub(super) fn is_key_alphabet(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}
