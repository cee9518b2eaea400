//! Shared access signatures: tokens that grant the rights of a key on one resource until they expire. They are created here, or
//! elsewhere, in which case only their expiry is read.

mod expiry;

use std::fmt;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use service_core::{Endpoint, Secret};
use sha2::Sha256;

use crate::{Error, Result};

pub(crate) use expiry::expiry;

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A shared access signature that grants access to a resource until it expires.
///
/// It has the rights of the key that signed it, for one resource and everything below that resource. It can be given to parties
/// that must not have the key. Pass it to [`Credential::sas_token`](crate::Credential::sas_token).
///
/// # Examples
///
/// ```
/// # fn main() -> eventgrid_namespaces::Result<()> {
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use eventgrid_namespaces::{Credential, SasToken};
///
/// let resource = "https://name.westeurope-1.eventgrid.azure.net/topics/orders";
/// let new_year = UNIX_EPOCH + Duration::from_secs(1_893_456_000);
/// let token = SasToken::sign("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", resource, new_year)?;
/// let credential = Credential::sas_token(token);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SasToken(Secret);

impl SasToken {
    /// Signs a token with an access key of the namespace.
    ///
    /// `resource` is the URL of the namespace (`https://<host>`), of a topic (`https://<host>/topics/<topic>`), or of a
    /// subscription (`https://<host>/topics/<topic>/eventsubscriptions/<subscription>`). The expiry is truncated to whole
    /// seconds.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the key is empty or not base64, if the resource
    /// does not have one of these forms, or if the expiry is before 1970 or after the year 9999.
    ///
    /// [Service documentation](https://learn.microsoft.com/azure/event-grid/authenticate-with-access-keys-shared-access-signatures)
    pub fn sign(key: impl Into<Secret>, resource: &str, expires_at: SystemTime) -> Result<Self> {
        check(resource)?;
        let resource = utf8_percent_encode(resource, ESCAPED);
        let expiry = expiry::text(expires_at)?;
        let unsigned = format!("r={resource}&e={}", utf8_percent_encode(&expiry, ESCAPED));
        let signature = signature(&key.into(), &unsigned)?;
        let token = format!("{unsigned}&s={}", utf8_percent_encode(&signature, ESCAPED));
        Ok(Self(token.into()))
    }

    /// Returns the token's text: `r=<resource>&e=<expiry>&s=<signature>`.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for SasToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SasToken(***)")
    }
}

impl From<SasToken> for Secret {
    fn from(token: SasToken) -> Self {
        token.0
    }
}

/// Signs the token's first part verbatim. Any encoding is valid, as long as it is not changed afterward.
fn signature(key: &Secret, unsigned: &str) -> Result<String> {
    let invalid = |rule| Error::invalid_input("access key", rule, None);
    key.check_pasted("access key")?;
    let key = STANDARD.decode(key.expose().trim()).map_err(|_| invalid("must be base64"))?;
    if key.is_empty() {
        return Err(invalid("must not be empty"));
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| invalid("cannot be used"))?;
    mac.update(unsigned.as_bytes());
    Ok(STANDARD.encode(mac.finalize().into_bytes()))
}

/// Checks the resource. A token for a resource of another form would grant nothing, and fail only when it is used.
fn check(resource: &str) -> Result<()> {
    let rule = "must be `https://<host>`, `https://<host>/topics/<topic>` or \
                `https://<host>/topics/<topic>/eventsubscriptions/<subscription>`";
    let path = resource.find("://").and_then(|end| {
        let path = resource[end + 3..].find('/').map_or(resource.len(), |start| end + 3 + start);
        Endpoint::parse(&resource[..path]).ok()?;
        Some(&resource[path..])
    });
    let known = path.is_some_and(|path| {
        matches!(
            path.split('/').collect::<Vec<_>>()[..],
            [""] | ["", "topics", _] | ["", "topics", _, "eventsubscriptions", _]
        ) && !path.ends_with('/')
            && !path.contains("//")
            && !path.contains(['?', '#'])
    });
    if known { Ok(()) } else { Err(Error::invalid_input("resource", rule, None)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const TOPIC: &str = "https://myns.westus-1.eventgrid.azure.net/topics/mytopic";
    const NEW_YEAR_2030: u64 = 1_893_456_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_token_is_signed_as_the_specification_computes_it() {
        let token = SasToken::sign(KEY, TOPIC, at(NEW_YEAR_2030)).unwrap();
        assert_eq!(
            token.expose(),
            "r=https%3A%2F%2Fmyns.westus-1.eventgrid.azure.net%2Ftopics%2Fmytopic&e=2030-01-01T00%3A00%3A00\
             &s=6WMqRWFFiUiA%2BaqVG%2BQOubiidrDrMFyIacGTx7OMOKw%3D"
        );
        assert!(!format!("{token:?} {:?}", Secret::from(token.clone())).contains("6WMq"));
    }

    #[test]
    fn the_signature_covers_the_text_verbatim_in_any_encoding() {
        let unsigned = "r=https%3a%2f%2fmyns.westus-1.eventgrid.azure.net%2ftopics%2fmytopic&e=1%2f1%2f2030+12%3a00%3a00+AM";
        assert_eq!(signature(&KEY.into(), unsigned).unwrap(), "Y4imTQwEPIfXNB3X71V7PZp+bzfWUqqW6FtOrgDWmME=");
    }

    #[test]
    fn a_resource_is_a_namespace_a_topic_or_a_subscription() {
        let sign = |resource: &str| SasToken::sign(KEY, resource, at(NEW_YEAR_2030));
        for resource in ["https://a.example", TOPIC, &format!("{TOPIC}/eventsubscriptions/billing")] {
            assert!(sign(resource).is_ok(), "{resource}");
        }
        for resource in [
            "",
            "a.example",
            "https://",
            "https://a.example/",
            "https://a.example/api/events",
            "https://a.example/topics",
            "https://a.example/topics/",
            "https://a.example/topics/x/",
            "https://a.example/topics//eventsubscriptions/y",
            "https://a.example/topics/x:publish?y",
            "https://user:planted@a.example/topics/x",
        ] {
            let error = sign(resource).unwrap_err();
            assert!(error.is_invalid_input() && !format!("{error:?}").contains("planted"), "{resource}");
        }
    }

    #[test]
    fn a_key_in_quotation_marks_is_invalid_and_they_are_named() {
        let error = SasToken::sign("\"a2V5\"", TOPIC, at(0)).unwrap_err();
        assert_eq!(error.to_string(), "access key is in quotation marks: remove them");
    }

    #[test]
    fn a_key_that_is_not_base64_is_invalid_and_is_not_repeated() {
        for key in ["", "planted!", "planted"] {
            let error = SasToken::sign(key, TOPIC, at(0)).unwrap_err();
            assert!(error.to_string().starts_with("access key must"), "{error}");
            assert!(!format!("{error:?}").contains("planted"));
        }
    }
}
