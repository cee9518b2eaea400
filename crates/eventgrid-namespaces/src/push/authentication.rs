//! Authenticates deliveries by static secrets, which are compared in constant time, or by the tokens of Microsoft Entra ID.

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, Uri};
use percent_encoding::percent_decode_str;
use sha2::Sha256;

use super::rejection::Rejection;
#[cfg(feature = "push-entra")]
use super::token::EntraToken;
use crate::Secret;

/// What a request must present. Each kind that is configured must match.
#[derive(Debug, Default)]
pub(super) struct Authentication {
    pub(super) header: Option<(HeaderName, Vec<Secret>)>,
    pub(super) query: Option<(String, Vec<Secret>)>,
    #[cfg(feature = "push-entra")]
    pub(super) token: Option<EntraToken>,
    pub(super) unverified: bool,
}

impl Authentication {
    pub(super) fn verifies(&self) -> bool {
        #[cfg(feature = "push-entra")]
        if self.token.is_some() {
            return true;
        }
        self.header.is_some() || self.query.is_some()
    }

    /// Checks the secret in the URL, which handshakes have too.
    pub(super) fn check_url(&self, uri: &Uri) -> Result<(), Rejection> {
        let Some((name, secrets)) = &self.query else { return Ok(()) };
        let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let mut given =
            pairs.filter(|(key, _)| decoded(key) == name.as_bytes()).map(|(_, value)| decoded(value));
        match given.next() {
            Some(value) if given.next().is_none() && matches(secrets, &value) => Ok(()),
            _ => Err(Rejection::unauthorized(format!("the query parameter {name} is not the secret"))),
        }
    }

    /// Checks a delivery.
    pub(super) async fn check(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        if let Some((name, secrets)) = &self.header {
            let mut given = headers.get_all(name).iter();
            let (Some(value), None) = (given.next(), given.next()) else {
                return Err(Rejection::unauthorized(format!(
                    "the header {name} does not appear exactly once"
                )));
            };
            if !matches(secrets, value.as_bytes()) {
                return Err(Rejection::unauthorized(format!("the header {name} is not the secret")));
            }
        }
        #[cfg(feature = "push-entra")]
        if let Some(token) = &self.token {
            token.check(headers).await?;
        }
        Ok(())
    }
}

fn decoded(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

/// Compares with every secret in constant time. The digests have the same length, so that lengths are not revealed either.
fn matches(secrets: &[Secret], given: &[u8]) -> bool {
    let digest =
        |text: &[u8]| Hmac::<Sha256>::new_from_slice(b"comparison").ok().map(|mac| mac.chain_update(text));
    let Some(given) = digest(given).map(|mac| mac.finalize().into_bytes()) else { return false };
    let equal = |secret: &Secret| {
        digest(secret.expose().as_bytes()).is_some_and(|mac| mac.verify_slice(&given).is_ok())
    };
    secrets.iter().fold(false, |any, secret| equal(secret) | any)
}
