//! JSON Web Tokens as this service takes them: HS256, the key being the access key's text as it is, not base64-decoded.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use service_core::{Error, Result, Secret};
use sha2::Sha256;

/// `{"alg":"HS256","typ":"JWT"}` in base64url.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Signs tokens with one key, whose schedule is worked out once.
#[derive(Clone)]
pub(crate) struct Signer(Hmac<Sha256>);

impl Signer {
    pub(crate) fn new(key: &Secret) -> Result<Self> {
        let refuse = |rule| Error::invalid_input("access key", rule, None);
        if key.is_empty() {
            return Err(refuse("must not be empty"));
        }
        Hmac::new_from_slice(key.expose().as_bytes()).map(Self).map_err(|_| refuse("cannot be used"))
    }

    /// The compact form of a token with these claims, in the order in which they serialise.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String> {
        let claims = serde_json::to_vec(claims).map_err(|error| {
            Error::invalid_input("token", "has claims that are not JSON", None).with_source(error)
        })?;
        let mut token = String::with_capacity(HEADER.len() + claims.len() * 4 / 3 + 48);
        token.push_str(HEADER);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let mut mac = self.0.clone();
        mac.update(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), &mut token);
        Ok(token)
    }
}
