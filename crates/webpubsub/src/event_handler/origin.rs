//! The origins that requests are accepted from: the abuse protection of CloudEvents, and the same list applied to each
//! event.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use service_core::{Error, Result};

use super::head::{REQUEST_ORIGIN, list};
use super::rejection::{Rejection, empty};

const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");

/// Specifies the origins that a webhook accepts requests from.
#[derive(Debug)]
pub(super) enum Origins {
    Any,
    Listed(Vec<String>),
}

impl Origins {
    /// Creates a list of allowed origins. Without any, or if `*` is among them, every origin is allowed.
    pub(super) fn new(hosts: Vec<String>) -> Result<Self> {
        if let Some(bad) = hosts.iter().find(|host| !is_host(host)) {
            let rule = "must be a host, such as name.webpubsub.azure.com, or `*`, without scheme, path, comma, or space";
            return Err(Error::invalid_input("allowed origin", rule, Some(bad)));
        }
        if hosts.is_empty() || hosts.iter().any(|host| host == "*") {
            return Ok(Self::Any);
        }
        Ok(Self::Listed(hosts))
    }

    /// Responds to the validation request of a new webhook with the requested origins that are allowed.
    ///
    /// A service with several replicas or with a custom domain requests several origins at once.
    pub(super) fn validate(&self, headers: &HeaderMap) -> Result<Response<Bytes>, Rejection> {
        if list(headers, REQUEST_ORIGIN).next().is_none() {
            return Err(Rejection::bad_request("the header WebHook-Request-Origin is missing"));
        }
        let allowed: Vec<HeaderValue> = match self {
            Self::Any => vec![HeaderValue::from_static("*")],
            Self::Listed(hosts) => list(headers, REQUEST_ORIGIN)
                .filter(|origin| contains(hosts, origin))
                .filter_map(|origin| HeaderValue::from_str(origin).ok())
                .collect(),
        };
        if allowed.is_empty() {
            return Err(foreign(headers));
        }
        let mut response = empty(StatusCode::OK);
        for origin in allowed {
            response.headers_mut().append(ALLOWED_ORIGIN, origin);
        }
        Ok(response)
    }

    /// Rejects an event if none of its origins is allowed.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        match self {
            Self::Listed(hosts) if !list(headers, REQUEST_ORIGIN).any(|origin| contains(hosts, origin)) => {
                Err(foreign(headers))
            }
            _ => Ok(()),
        }
    }
}

fn contains(hosts: &[String], origin: &str) -> bool {
    hosts.iter().any(|host| host.eq_ignore_ascii_case(origin))
}

fn foreign(headers: &HeaderMap) -> Rejection {
    let origins: Vec<&str> = list(headers, REQUEST_ORIGIN).collect();
    Rejection::unauthorized("WebHook-Request-Origin contains no allowed origin").got(&origins.join(", "))
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/,@?#".contains(&byte))
}
