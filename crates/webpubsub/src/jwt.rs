//! JSON Web Tokens as this service accepts them: HS256, signed with the text of the access key, which is not
//! base64-decoded.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use service_core::{Error, Result, Secret};
use sha2::Sha256;

use crate::json;

/// Contains `{"alg":"HS256","typ":"JWT"}` in base64url.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Signs tokens with one key, whose key schedule is computed once.
#[derive(Clone)]
pub(crate) struct Signer(Hmac<Sha256>);

impl Signer {
    /// # Errors
    ///
    /// Returns an error if the text cannot be an access key as the portal shows it. The error does not contain the key.
    pub(crate) fn new(key: &Secret) -> Result<Self> {
        let invalid = |rule| Error::invalid_input("access key", rule, None);
        let text = key.expose();
        if text.trim().is_empty() {
            return Err(invalid("must not be empty"));
        }
        key.check_pasted("access key")?;
        if text.trim() != text {
            return Err(invalid("must not start or end with white space, since every character counts"));
        }
        if text.contains(';') {
            return Err(invalid(
                "must not contain `;`: pass a connection string to `from_connection_string`",
            ));
        }
        Self::with_bytes(text.as_bytes()).ok_or_else(|| invalid("cannot be used"))
    }

    pub(crate) fn with_bytes(key: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(key).ok().map(Self)
    }

    /// Returns the compact form of a token with these claims, in the order in which they serialize.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String> {
        let mut token = String::new();
        self.push(&mut token, claims)?;
        Ok(token)
    }

    /// Appends the compact form of a token with these claims to a text.
    pub(crate) fn push(&self, text: &mut String, claims: &impl Serialize) -> Result<()> {
        let claims = serde_json::to_vec(claims).map_err(|error| {
            Error::invalid_input("token", "claims cannot be written as JSON", None).with_source(error)
        })?;
        text.reserve(HEADER.len() + claims.len() * 4 / 3 + 48);
        let start = text.len();
        text.push_str(HEADER);
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, text);
        let mac = self.mac(&text.as_bytes()[start..]);
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), text);
        Ok(())
    }

    /// Returns the message authentication code of a message, to be encoded or compared.
    pub(crate) fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(message);
        mac
    }

    /// Returns whether this key made the signature of the token.
    pub(crate) fn signed(&self, token: &str) -> bool {
        let Some((signed, signature)) = token.rsplit_once('.') else { return false };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        self.mac(signed.as_bytes()).verify_slice(&signature).is_ok()
    }
}

/// Decodes the header or the claims of a token without verifying it. Returns `None` if the text is not a token.
pub(crate) fn part<T: DeserializeOwned>(token: &str, part: Part) -> Option<T> {
    let mut parts = token.split('.');
    let (header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let text = match part {
        Part::Header => header,
        Part::Claims => claims,
    };
    json::parse(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// Selects the part of a token to decode.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Header,
    Claims,
}
