//! Authorization: access keys, shared access signatures made with one, and tokens of an identity service. As in the
//! service, an error does not say what exactly is wrong with a credential.

mod bearer;
mod signature;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{StatusCode, header};

use super::EventGrid;
use super::errors::Rejection;
use super::target::Target;
use crate::invalid_setting::InvalidSetting;
use crate::message::Request;

pub(super) use self::bearer::token;

/// The access keys that an emulated namespace starts with: 32 bytes in base64, as in the service.
pub(crate) const KEYS: [&str; 2] =
    ["RW11bGF0b3JPZkV2ZW50R3JpZE5hbWVzcGFjZXMwMDE=", "RW11bGF0b3JPZkV2ZW50R3JpZE5hbWVzcGFjZXMwMDI="];

/// Checks whether a text can be an access key.
pub(crate) fn check_key(key: &str) -> Result<(), InvalidSetting> {
    let bytes = STANDARD.decode(key).unwrap_or_default();
    if (16..=128).contains(&bytes.len()) {
        return Ok(());
    }
    Err(InvalidSetting::new("an access key of Event Grid must be the base64 text of 16 to 128 bytes"))
}

/// The credential that a request carries.
enum Credential<'a> {
    Key(&'a str),
    Signature(&'a str),
    Bearer(&'a str),
}

/// Rejects a request whose credential does not permit it. The `Authorization` header takes precedence over the
/// service's own two headers.
pub(super) fn check(grid: &EventGrid, request: &Request, target: &Target<'_>) -> Result<(), Rejection> {
    let (keys, now) = (grid.keys(), grid.clock().now());
    let (permitted, what) = match credential(request) {
        Some(Credential::Key(key)) => (keys.iter().any(|known| known == key), "Shared Access Key"),
        Some(Credential::Signature(token)) => {
            (signature::permits(token, &keys, request, target, now), "Shared Access Signature")
        }
        Some(Credential::Bearer(token)) => (bearer::permits(token, now), "token"),
        None => (false, "Shared Access Key"),
    };
    if permitted {
        return Ok(());
    }
    let message = format!("Provided {what} is not authorized");
    Err(Rejection::new(StatusCode::UNAUTHORIZED, "Unauthenticated", message))
}

fn credential(request: &Request) -> Option<Credential<'_>> {
    let Some(authorization) = request.header(header::AUTHORIZATION) else {
        let key = request.header("aeg-sas-key").map(Credential::Key);
        return key.or_else(|| request.header("aeg-sas-token").map(Credential::Signature));
    };
    let (scheme, value) = authorization.split_once(' ')?;
    let value = value.trim();
    // RFC 9110, section 11.1: the name of a scheme is case-insensitive.
    match scheme.to_ascii_lowercase().as_str() {
        "sharedaccesskey" => Some(Credential::Key(value)),
        "sharedaccesssignature" => Some(Credential::Signature(value)),
        "bearer" => Some(Credential::Bearer(value)),
        _ => None,
    }
}
