//! The validation handshake of CloudEvents. It only protects others from unwanted requests: it authenticates no one, and consent
//! grants the sender nothing.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::rejection::{Rejection, empty};
use crate::{Error, Result};

pub(super) const REQUEST_ORIGIN: &str = "webhook-request-origin";
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");
const ALLOWED_RATE: HeaderName = HeaderName::from_static("webhook-allowed-rate");

/// The origins that may register the webhook. Empty: any.
#[derive(Debug)]
pub(super) struct Origins(Vec<String>);

impl Origins {
    pub(super) fn new(origins: Vec<String>) -> Result<Self> {
        let is_host = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/,@?#".contains(&byte))
        };
        if let Some(invalid) = origins.iter().find(|origin| !is_host(origin)) {
            let rule = "must be a host, such as eventgrid.azure.net, or `*`";
            return Err(Error::invalid_input("allowed origin", rule, Some(invalid)));
        }
        Ok(Self(if origins.iter().any(|origin| origin == "*") { Vec::new() } else { origins }))
    }

    /// Responds to a handshake. A request that is repeated gets the same response.
    pub(super) fn validate(&self, headers: &HeaderMap) -> Response<Bytes> {
        let mut requested = headers.get_all(REQUEST_ORIGIN).iter();
        let (Some(origin), None) = (requested.next(), requested.next()) else {
            return Rejection::bad_request("WebHook-Request-Origin appears more than once").respond();
        };
        let listed = |text: &str| self.0.iter().any(|allowed| allowed.eq_ignore_ascii_case(text.trim()));
        if !self.0.is_empty() && !origin.to_str().is_ok_and(listed) {
            // Without the headers of consent, the subscription is not created.
            let text = "WebHook-Request-Origin is not an allowed origin";
            return Rejection::new(StatusCode::FORBIDDEN, text).respond();
        }
        let mut response = empty(StatusCode::OK);
        let added = response.headers_mut();
        added.insert(ALLOWED_ORIGIN, origin.clone());
        added.insert(ALLOWED_RATE, HeaderValue::from_static("*"));
        added.insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        added.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        response
    }
}
