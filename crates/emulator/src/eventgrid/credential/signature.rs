//! Shared access signatures, `r=<resource>&e=<expiry>&s=<signature>`. The signature covers the text before it as
//! received, so any encoding of the values is valid.
//! <https://learn.microsoft.com/azure/event-grid/authenticate-with-access-keys-shared-access-signatures>

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use percent_encoding::percent_decode_str;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::eventgrid::target::Target;
use crate::message::Request;

pub(super) fn permits(
    token: &str,
    keys: &[String; 2],
    request: &Request,
    target: &Target<'_>,
    now: SystemTime,
) -> bool {
    parts(token).is_some_and(|parts| {
        parts.is_signed_with(keys)
            && parts.covers(&request.host, target)
            && expiry(&parts.expiry).is_some_and(|end| now < end)
    })
}

struct Parts<'a> {
    resource: String,
    expiry: String,
    /// The text that is signed.
    text: &'a str,
    signature: String,
}

fn parts(token: &str) -> Option<Parts<'_>> {
    let (text, signature) = token.split_once("&s=")?;
    let (resource, expiry) = text.strip_prefix("r=")?.split_once("&e=")?;
    Some(Parts { resource: decode(resource)?, expiry: decode(expiry)?, text, signature: decode(signature)? })
}

/// The values are form-encoded: a `+` is a space.
fn decode(value: &str) -> Option<String> {
    percent_decode_str(&value.replace('+', " ")).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

impl Parts<'_> {
    fn is_signed_with(&self, keys: &[String; 2]) -> bool {
        let Ok(signature) = STANDARD.decode(&self.signature) else { return false };
        let signature = URL_SAFE_NO_PAD.encode(signature);
        keys.iter().filter_map(|key| DecodingKey::from_base64_secret(key).ok()).any(|key| {
            // The algorithm is that of HS256: HMAC-SHA256 over bytes.
            jsonwebtoken::crypto::verify(&signature, self.text.as_bytes(), &key, Algorithm::HS256)
                .unwrap_or(false)
        })
    }

    /// Whether the resource is the namespace, the topic, or the subscription of the request. The scheme is ignored: a
    /// client of an emulator may well sign `https`.
    fn covers(&self, host: &str, target: &Target<'_>) -> bool {
        let Some((_, resource)) = self.resource.split_once("://") else { return false };
        let resource = resource.split('?').next().unwrap_or_default().trim_end_matches('/');
        let (namespace, path) = resource.split_once('/').unwrap_or((resource, ""));
        let path: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let covered = match path[..] {
            [] => true,
            ["topics", topic] => topic == target.topic,
            ["topics", topic, "eventsubscriptions", name] => {
                topic == target.topic && name == target.subscription
            }
            _ => false,
        };
        namespace.eq_ignore_ascii_case(host) && covered
    }
}

/// Reads a time in UTC in the two forms of the service's examples: .NET's for `en-US`, and ISO 8601 with or without an
/// offset.
fn expiry(text: &str) -> Option<SystemTime> {
    let american = format_description!(
        "[month padding:none]/[day padding:none]/[year] [hour repr:12 padding:none]:[minute]:[second] [period]"
    );
    if let Ok(time) = PrimitiveDateTime::parse(text, american) {
        return Some(time.assume_utc().into());
    }
    let iso = OffsetDateTime::parse(text, &Rfc3339);
    iso.or_else(|_| OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339)).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jsonwebtoken::EncodingKey;

    use super::super::KEYS;
    use super::*;

    const TARGET: Target<'_> = Target { topic: "orders", subscription: "billing" };

    fn signed(text: &str, key: &str) -> String {
        let key = EncodingKey::from_base64_secret(key).unwrap();
        let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).unwrap();
        let signature = STANDARD.encode(URL_SAFE_NO_PAD.decode(signature).unwrap());
        format!("{text}&s={}", signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"))
    }

    fn covers(resource: &str) -> bool {
        let token = format!("r={resource}&e=&s=");
        parts(&token).unwrap().covers("localhost:8080", &TARGET)
    }

    #[test]
    fn the_known_vectors_have_the_signatures_of_their_key() {
        let keys = KEYS.map(str::to_owned);
        for token in [
            "r=https%3A%2F%2Fmyns.westus-1.eventgrid.azure.net%2Ftopics%2Fmytopic&e=2030-01-01T00%3A00%3A00&s=6WMqRWFFiUiA%2BaqVG%2BQOubiidrDrMFyIacGTx7OMOKw%3D",
            "r=https%3a%2f%2fmyns.westus-1.eventgrid.azure.net%2ftopics%2fmytopic&e=1%2f1%2f2030+12%3a00%3a00+AM&s=Y4imTQwEPIfXNB3X71V7PZp%2bbzfWUqqW6FtOrgDWmME%3d",
        ] {
            let (text, _) = token.split_once("&s=").unwrap();
            let again = signed(text, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
            assert_eq!(parts(&again).unwrap().signature, parts(token).unwrap().signature);
            let new_year = SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000);
            assert_eq!(expiry(&parts(token).unwrap().expiry), Some(new_year));
            assert!(!parts(token).unwrap().is_signed_with(&keys), "the key is not this namespace's");
        }
    }

    #[test]
    fn either_key_signs_and_a_changed_token_is_rejected() {
        let keys = KEYS.map(str::to_owned);
        for key in KEYS {
            let token = signed("r=http%3A%2F%2Flocalhost&e=2030-01-01T00%3A00%3A00", key);
            assert!(parts(&token).unwrap().is_signed_with(&keys));
            assert!(!parts(&token.replace("2030", "2031")).unwrap().is_signed_with(&keys));
        }
        for broken in ["", "r=x", "r=x&e=y", "r=x&s=z&e=y", "e=y&r=x&s=z", "r=%FF&e=y&s=z"] {
            assert!(parts(broken).is_none_or(|parts| !parts.is_signed_with(&keys)), "{broken}");
        }
    }

    #[test]
    fn a_resource_covers_itself_and_what_is_below_it() {
        for resource in [
            "http://localhost:8080",
            "https://LOCALHOST:8080/",
            "http://localhost:8080/topics/orders",
            "http://localhost:8080/topics/orders?api-version=2024-06-01",
            "http://localhost:8080/topics/orders/eventsubscriptions/billing",
        ] {
            assert!(covers(resource), "{resource}");
        }
        for resource in [
            "localhost:8080",
            "http://localhost",
            "http://localhost:8080/topics",
            "http://localhost:8080/topics/order",
            "http://localhost:8080/topics/orders2",
            "http://localhost:8080/topics/orders/eventsubscriptions/other",
        ] {
            assert!(!covers(resource), "{resource}");
        }
    }

    #[test]
    fn expiries_are_read_in_both_forms_and_others_are_not() {
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        for (text, time) in [
            ("6/15/2017 6:20:15 PM", at(1_497_550_815)),
            ("2017-06-15T18:20:15", at(1_497_550_815)),
            ("2017-06-15T18:20:15.500000", at(1_497_550_815).map(|time| time + Duration::from_millis(500))),
            ("2017-06-15T20:20:15+02:00", at(1_497_550_815)),
            ("2017-06-15T18:20:15Z", at(1_497_550_815)),
            ("1497550815", None),
            ("", None),
            ("15/6/2017 6:20:15 PM", None),
        ] {
            assert_eq!(expiry(text), time, "{text}");
        }
    }
}
