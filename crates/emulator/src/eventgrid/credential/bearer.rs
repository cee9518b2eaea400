//! Tokens of an identity service. There is no key to verify their signature with, so everything else is checked: that
//! it is a JWT, its audience, and its validity period.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// The audience of tokens that Entra issues for the scope `https://eventgrid.azure.net/.default`.
const AUDIENCE: &str = "https://eventgrid.azure.net";
/// The allowed clock skew between two services, as is usual with JWTs.
const SKEW: Duration = Duration::from_secs(300);
const LIFE: Duration = Duration::from_secs(3600);

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    exp: f64,
    #[serde(default)]
    nbf: f64,
}

pub(super) fn permits(token: &str, now: SystemTime) -> bool {
    read(token).is_some_and(|claims| {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let skew = SKEW.as_secs_f64();
        claims.aud.trim_end_matches('/') == AUDIENCE && now < claims.exp + skew && claims.nbf - skew <= now
    })
}

fn read(token: &str) -> Option<Claims> {
    let mut parts = token.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
    // RFC 8725, section 3.2: a token with `none` has no signature.
    let signed = !header.alg.eq_ignore_ascii_case("none") && !decode(signature)?.is_empty();
    if parts.next().is_some() || !signed {
        return None;
    }
    serde_json::from_slice(&decode(claims)?).ok()
}

/// A token that is valid for an hour.
pub(in crate::eventgrid) fn token(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let header = serde_json::json!({"alg": "RS256", "typ": "JWT"});
    let claims = serde_json::json!({"aud": AUDIENCE, "nbf": seconds, "exp": seconds + LIFE.as_secs()});
    let encode = |part: String| URL_SAFE_NO_PAD.encode(part);
    format!("{}.{}.{}", encode(header.to_string()), encode(claims.to_string()), encode("emulator".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW)
    }

    fn permitted(header: &Value, claims: &Value, rest: &str) -> bool {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        permits(&format!("{}.{}{rest}", encode(header), encode(claims)), now())
    }

    #[test]
    fn a_token_is_valid_for_its_audience_and_its_time() {
        let rs256 = json!({"alg": "RS256"});
        for (claims, expected) in [
            (json!({"aud": AUDIENCE, "exp": NOW + 1}), true),
            (json!({"aud": format!("{AUDIENCE}/"), "exp": NOW - 299, "nbf": NOW + 300}), true),
            (json!({"aud": AUDIENCE, "exp": NOW - 300}), false),
            (json!({"aud": AUDIENCE, "exp": NOW + 1, "nbf": NOW + 301}), false),
            (json!({"aud": "https://webpubsub.azure.com", "exp": NOW + 1}), false),
            (json!({"aud": AUDIENCE}), false),
            (json!({"exp": NOW + 1}), false),
            (json!([]), false),
        ] {
            assert_eq!(permitted(&rs256, &claims, ".c2ln"), expected, "{claims}");
        }
    }

    #[test]
    fn a_token_that_is_no_signed_jwt_is_rejected() {
        let claims = json!({"aud": AUDIENCE, "exp": NOW + 1});
        assert!(permitted(&json!({"alg": "ES256"}), &claims, ".c2ln"));
        for (header, rest) in [
            (json!({"alg": "none"}), ".c2ln"),
            (json!({}), ".c2ln"),
            (json!({"alg": "RS256"}), "."),
            (json!({"alg": "RS256"}), ""),
            (json!({"alg": "RS256"}), ".c2ln.more"),
            (json!({"alg": "RS256"}), ".no base64"),
        ] {
            assert!(!permitted(&header, &claims, rest), "{header} {rest}");
        }
        assert!(!permits("token", now()));
    }

    #[test]
    fn an_issued_token_is_valid_for_an_hour() {
        let token = token(now());
        assert!(permits(&token, now()));
        assert!(!permits(&token, now() + LIFE + SKEW));
    }
}
