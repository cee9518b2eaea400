//! The signature that proves that a request comes from the service: an HMAC of the connection ID with an access key of the
//! resource.

use hmac::Mac;
use http::HeaderMap;
use service_core::{Result, Secret};

use super::head::list;
use super::rejection::Rejection;
use crate::jwt::Signer;

/// Verifies signatures, unless the builder was configured to accept unverified requests.
pub(super) enum Verifier {
    Keys(Vec<Signer>),
    Unverified,
}

impl Verifier {
    pub(super) fn new(keys: &[Secret]) -> Result<Self> {
        Ok(Self::Keys(keys.iter().map(Signer::new).collect::<Result<_>>()?))
    }

    /// Returns whether signatures are verified at all.
    pub(super) fn checks(&self) -> bool {
        matches!(self, Self::Keys(_))
    }

    /// `ce-signature` contains one signature per access key of the resource. One of them must match one of the known keys,
    /// so that keys can be regenerated one at a time.
    pub(super) fn check(&self, headers: &HeaderMap, connection_id: &str) -> Result<(), Rejection> {
        let Self::Keys(keys) = self else { return Ok(()) };
        let known: Vec<_> = keys.iter().map(|key| key.mac(connection_id.as_bytes())).collect();
        let mut listed = list(headers, "ce-signature").peekable();
        if listed.peek().is_none() {
            return Err(Rejection::unauthorized("the header ce-signature is missing"));
        }
        // `verify_slice` compares in constant time.
        let genuine = |listed: [u8; 32]| known.iter().any(|mac| mac.clone().verify_slice(&listed).is_ok());
        match listed.filter_map(parse).any(genuine) {
            true => Ok(()),
            false => Err(Rejection::unauthorized("ce-signature matches none of the access keys")),
        }
    }
}

/// Parses `sha256=` and 64 hexadecimal digits in either case.
fn parse(listed: &str) -> Option<[u8; 32]> {
    let (algorithm, digits) = listed.split_once('=')?;
    if !algorithm.eq_ignore_ascii_case("sha256") || digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16).and_then(|it| u8::try_from(it).ok());
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(bytes)
}
