//! What sender and receiver share: where a namespace is, in which api-version it is spoken to, and how its answers name
//! errors and requests.

use std::sync::Arc;

use http::{HeaderName, Method};
use service_core::{ClientOptions, Dialect, Endpoint, Pipeline};

use crate::operations::API_VERSION;
use crate::{Credential, Error, RawRequest, Result};

/// The scope of Entra tokens for this service in the public cloud.
const SCOPE: &str = "https://eventgrid.azure.net/.default";

static DIALECT: Dialect = Dialect::new(
    concat!("eventgrid-namespaces/", env!("CARGO_PKG_VERSION")),
    service_core::call_span!("az.service_request_id"),
    "az.service_request_id",
)
.request_id_header(HeaderName::from_static("x-ms-client-request-id"))
.response_request_id_headers(&["x-ms-request-id"])
// The specification names the first; the service was seen to send the second.
.error_code(&["x-ms-error-code", "broker-errorcode"]);

/// A namespace as a builder was told of it; nothing is checked yet.
#[derive(Debug)]
pub(crate) struct Address {
    endpoint: String,
    credential: Credential,
    pub(crate) api_version: String,
    pub(crate) scope: String,
}

impl Address {
    pub(crate) fn new(endpoint: &str, credential: Credential) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            credential,
            api_version: API_VERSION.to_owned(),
            scope: SCOPE.to_owned(),
        }
    }

    /// Checks everything; nothing is sent.
    pub(crate) fn connect(self, options: ClientOptions) -> Result<Namespace> {
        let endpoint = parse(&self.endpoint)?;
        if self.api_version.is_empty() {
            return Err(Error::invalid_input("api-version", "must not be empty", None));
        }
        let credential = self.credential.authorizer(self.scope, options.clock())?;
        let pipeline = options.build(&DIALECT, endpoint, credential)?;
        Ok(Namespace { pipeline, api_version: self.api_version.into() })
    }
}

/// A namespace that requests can go to. Clones share connections, tokens and retry quota.
#[derive(Clone)]
pub(crate) struct Namespace {
    pub(crate) pipeline: Pipeline,
    pub(crate) api_version: Arc<str>,
}

impl Namespace {
    /// A request that this crate has no method for.
    pub(crate) fn request(&self, method: Method, path: &str, segments: &[&str]) -> RawRequest {
        RawRequest::new(&self.pipeline, method, path, segments)
            .default_query("api-version", &*self.api_version)
    }
}

/// Gives a client's builder the setters of its namespace. The builder needs a field `address: Address`.
macro_rules! namespace_setters {
    ($builder:ty) => {
        impl $builder {
            /// Sends another api-version than `2024-06-01`.
            pub fn api_version(mut self, version: impl Into<String>) -> Self {
                self.address.api_version = version.into();
                self
            }

            /// Asks for tokens of another scope than `https://eventgrid.azure.net/.default`, as other clouds need.
            pub fn scope(mut self, scope: impl Into<String>) -> Self {
                self.address.scope = scope.into();
                self
            }
        }
    };
}

pub(crate) use namespace_setters;

/// The portal shows a namespace's bare host name, so that is taken too.
fn parse(endpoint: &str) -> Result<Endpoint> {
    let endpoint = endpoint.trim();
    // Topics of Event Grid Basic live under host names of the same shape; only this path tells them apart.
    if endpoint.contains("/api/events") {
        let rule = "is that of an Event Grid Basic topic, which ends in `/api/events`; this crate speaks to Event Grid \
                    Namespaces: write the namespace's HTTP host name, no path, as \
                    `https://<namespace>.<region>-1.eventgrid.azure.net`";
        return Err(Error::invalid_input("endpoint", rule, None));
    }
    let bare_host = !endpoint.is_empty()
        && endpoint.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    if bare_host { Endpoint::parse(&format!("https://{endpoint}")) } else { Endpoint::parse(endpoint) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_host_name_is_an_https_endpoint() {
        for (given, kept) in [
            ("name.westeurope-1.eventgrid.azure.net", "https://name.westeurope-1.eventgrid.azure.net"),
            (" Name.example ", "https://name.example"),
            ("https://name.example/", "https://name.example"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(parse(given).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn the_endpoint_of_a_basic_topic_is_recognised_and_not_repeated() {
        for given in [
            "https://name.westus2-1.eventgrid.azure.net/api/events",
            "name.westus2-1.eventgrid.azure.net/api/events/",
            "https://name.westus2-1.eventgrid.azure.net/api/events?aeg-sas-key=planted",
        ] {
            let error = parse(given).unwrap_err();
            let text = error.to_string();
            assert!(error.is_invalid_input() && text.contains("Basic topic"), "{text}");
            assert!(text.contains("Namespaces") && !text.contains("planted"), "{text}");
        }
    }
}
