//! What the sender and the receiver share: the namespace's address, the api-version, and the headers in which responses carry
//! error codes and request ids.

use std::sync::Arc;

use http::{HeaderName, Method};
use service_core::{ClientOptions, Dialect, Endpoint, Pipeline};

use crate::operations::API_VERSION;
use crate::{Credential, Error, RawRequest, Result};

/// The scope of Microsoft Entra ID tokens for this service in the public cloud.
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

/// A namespace as configured on a builder, not validated yet.
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

    /// Validates the address. Sends nothing.
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

/// A namespace that requests can be sent to. Clones share connections, tokens and retry quota.
#[derive(Clone)]
pub(crate) struct Namespace {
    pub(crate) pipeline: Pipeline,
    pub(crate) api_version: Arc<str>,
}

impl Namespace {
    /// Creates a request for an operation that this crate has no method for.
    pub(crate) fn request(&self, method: Method, path: &str, segments: &[&str]) -> RawRequest {
        RawRequest::new(&self.pipeline, method, path, segments)
            .default_query("api-version", &*self.api_version)
    }
}

/// Adds the setters of the namespace to a client's builder. The builder needs a field `address: Address`.
macro_rules! namespace_setters {
    ($builder:ty) => {
        impl $builder {
            /// Sets the api-version to send. Default: `2024-06-01`.
            pub fn api_version(mut self, version: impl Into<String>) -> Self {
                self.address.api_version = version.into();
                self
            }

            /// Sets the scope of the tokens to request. Default: `https://eventgrid.azure.net/.default`, which is the scope of
            /// the public cloud.
            pub fn scope(mut self, scope: impl Into<String>) -> Self {
                self.address.scope = scope.into();
                self
            }
        }
    };
}

pub(crate) use namespace_setters;

/// Accepts a bare host name too, since that is what the portal shows.
fn parse(endpoint: &str) -> Result<Endpoint> {
    let endpoint = endpoint.trim();
    // Topics of Event Grid Basic have host names of the same shape; only this path distinguishes them.
    if endpoint.contains("/api/events") {
        let rule = "must not be that of an Event Grid Basic topic, which ends in `/api/events`; this crate supports Event \
                    Grid Namespaces, whose endpoint is the namespace's HTTP host name without a path: \
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
    fn the_endpoint_of_a_basic_topic_is_recognized_and_not_repeated() {
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
