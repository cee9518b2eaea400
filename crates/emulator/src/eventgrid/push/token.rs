//! Bearer tokens of deliveries, in the form that Microsoft Entra ID issues, and the keys with which they are verified.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PKCS_RSA_SHA256, PublicKeyData as _, SigningKey as _};
use serde_json::{Value, json};

use crate::eventgrid::lock_token::guid;

/// The application of Event Grid in the public cloud.
const APPLICATION: &str = "4962773b-9cdb-44cf-a8bf-237846a00ab7";
const ROLE: &str = "AzureEventGridSecureWebhookSubscriber";
const LIFE: Duration = Duration::from_secs(3600);
/// As in the tokens that Entra issues: valid from five minutes ago.
const BACKDATED: Duration = Duration::from_secs(300);

/// Specifies the Microsoft Entra ID tokens of deliveries, which this emulator signs.
///
/// The emulator serves its public key where Entra ID does, at `/{tenant}/discovery/v2.0/keys`, so a webhook that takes the
/// emulator's endpoint for `https://login.microsoftonline.com` verifies the tokens completely. A token is valid for an hour
/// on the emulator's clock.
///
/// # Examples
///
/// ```
/// use service_emulator::eventgrid::{PushSettings, PushToken};
///
/// let token = PushToken::new("72f988bf-86f1-41af-91ab-2d7cd011db47", "api://orders-webhook");
/// let settings = PushSettings::new("http://localhost:7071/hooks/eventgrid").entra_token(token);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushToken {
    tenant: String,
    audience: String,
    v2: bool,
    application: String,
    role: bool,
}

impl PushToken {
    /// Creates tokens of version 1.0 that a tenant, given by its ID, issues for the audience.
    pub fn new(tenant: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            tenant: tenant.into(),
            audience: audience.into(),
            v2: false,
            application: APPLICATION.to_owned(),
            role: true,
        }
    }

    /// Sets whether tokens are of version 2.0. Default: `false`.
    #[must_use]
    pub fn v2(mut self, v2: bool) -> Self {
        self.v2 = v2;
        self
    }

    /// Sets the ID of the application that tokens are issued to. Default: `4962773b-9cdb-44cf-a8bf-237846a00ab7`, Event
    /// Grid in the public cloud.
    #[must_use]
    pub fn application(mut self, id: impl Into<String>) -> Self {
        self.application = id.into();
        self
    }

    /// Sets whether tokens have the role `AzureEventGridSecureWebhookSubscriber`. Default: `true`.
    #[must_use]
    pub fn role(mut self, has_role: bool) -> Self {
        self.role = has_role;
        self
    }

    fn claims(&self, now: SystemTime) -> Value {
        let seconds = |time: Duration| time.as_secs();
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let from = seconds(now.saturating_sub(BACKDATED));
        let mut claims = json!({
            "aud": self.audience,
            "iss": issuer(&self.tenant, self.v2),
            "iat": from,
            "nbf": from,
            "exp": seconds(now + LIFE),
            "tid": self.tenant,
            "ver": if self.v2 { "2.0" } else { "1.0" },
        });
        claims[if self.v2 { "azp" } else { "appid" }] = self.application.as_str().into();
        if self.role {
            claims["roles"] = json!([ROLE]);
        }
        claims
    }
}

/// The issuer of a tenant's tokens.
pub(super) fn issuer(tenant: &str, v2: bool) -> String {
    if v2 {
        format!("https://login.microsoftonline.com/{tenant}/v2.0")
    } else {
        format!("https://sts.windows.net/{tenant}/")
    }
}

/// Signs tokens, for every tenant with the same key. The key is created when it is first needed.
#[derive(Default)]
pub(in crate::eventgrid) struct Issuer(Mutex<Option<Arc<Key>>>);

struct Key {
    id: String,
    pair: KeyPair,
}

impl Issuer {
    /// Replaces the key by a new one with another id.
    pub(in crate::eventgrid) fn rotate(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn key(&self) -> Result<Arc<Key>, rcgen::Error> {
        let mut key = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = &*key {
            return Ok(Arc::clone(key));
        }
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
        let new = Arc::new(Key { id: guid().replace('-', ""), pair });
        *key = Some(Arc::clone(&new));
        Ok(new)
    }

    /// Signs a token that is valid now.
    pub(super) fn sign(&self, token: &PushToken, now: SystemTime) -> Result<String, rcgen::Error> {
        let key = self.key()?;
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": key.id, "kid": key.id});
        let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let text = format!("{}.{}", encode(header), encode(token.claims(now)));
        let signature = key.pair.sign(text.as_bytes())?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The public key as a JSON Web Key Set.
    pub(super) fn key_set(&self) -> Result<Value, rcgen::Error> {
        let key = self.key()?;
        let (modulus, exponent) =
            components(key.pair.der_bytes()).ok_or(rcgen::Error::CouldNotParseKeyPair)?;
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok(json!({"keys": [{
            "kty": "RSA", "use": "sig", "kid": key.id, "x5t": key.id, "n": encode(modulus), "e": encode(exponent),
        }]}))
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issuer")
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017, appendix A.1.1): a sequence of two integers in DER.
fn components(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, rest) = element(der, 0x30)?;
    let (modulus, after) = element(sequence, 0x02)?;
    let (exponent, end) = element(after, 0x02)?;
    (rest.is_empty() && end.is_empty()).then(|| (without_zero(modulus), without_zero(exponent)))
}

/// A positive integer in DER has a leading zero byte if its first bit is set.
fn without_zero(number: &[u8]) -> &[u8] {
    number.strip_prefix(&[0]).unwrap_or(number)
}

/// The content of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};

    use super::*;

    fn verified(token: &str, keys: &Value) -> Option<Value> {
        let key = &keys["keys"][0];
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        let decoding = DecodingKey::from_rsa_components(&text("n"), &text("e")).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        (validation.validate_exp, validation.validate_aud) = (false, false);
        validation.required_spec_claims.clear();
        let decoded = jsonwebtoken::decode::<Value>(token, &decoding, &validation).ok()?;
        assert_eq!(decoded.header.kid, Some(text("kid")));
        Some(decoded.claims)
    }

    #[test]
    fn a_token_is_verified_with_the_key_set_until_the_key_is_rotated() {
        let issuer = Issuer::default();
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let token = issuer.sign(&PushToken::new("t", "api://a"), now).unwrap();
        let claims = verified(&token, &issuer.key_set().unwrap()).unwrap();
        assert_eq!(
            claims,
            json!({
                "aud": "api://a", "iss": "https://sts.windows.net/t/", "tid": "t", "ver": "1.0", "appid": APPLICATION,
                "roles": [ROLE], "iat": 1_699_999_700, "nbf": 1_699_999_700, "exp": 1_700_003_600,
            })
        );
        issuer.rotate();
        assert_eq!(verified(&token, &issuer.key_set().unwrap()), None);
        let v2 = PushToken::new("t", "a").v2(true).role(false).application("other");
        let token = issuer.sign(&v2, now).unwrap();
        let claims = verified(&token, &issuer.key_set().unwrap()).unwrap();
        assert_eq!(claims["iss"], "https://login.microsoftonline.com/t/v2.0");
        assert_eq!(
            (&claims["azp"], &claims["roles"], &claims["appid"]),
            (&json!("other"), &Value::Null, &Value::Null)
        );
    }
}
