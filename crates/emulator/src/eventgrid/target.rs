//! What a request addresses: a topic or a subscription, and a version of the API.

use super::errors::Rejection;
use crate::message::Request;

/// The topic and the subscription of a request. A publish names no subscription.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) topic: &'a str,
    pub(super) subscription: &'a str,
}

/// The versions of the API that differ in what is emulated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApiVersion {
    V2023_06_01Preview,
    V2023_10_01Preview,
    V2023_11_01,
    V2024_06_01,
}

impl ApiVersion {
    pub(super) fn of(request: &Request) -> Result<Self, Rejection> {
        match request.query("api-version") {
            Some("2024-06-01") => Ok(Self::V2024_06_01),
            Some("2023-11-01") => Ok(Self::V2023_11_01),
            Some("2023-10-01-preview") => Ok(Self::V2023_10_01Preview),
            Some("2023-06-01-preview") => Ok(Self::V2023_06_01Preview),
            _ => Err(Rejection::bad_request("Unknown api version")),
        }
    }

    /// Whether locks can be renewed and releases delayed. The release of 2023-11 supported neither.
    pub(super) fn has_delay_and_renewal(self) -> bool {
        matches!(self, Self::V2023_10_01Preview | Self::V2024_06_01)
    }
}
