//! The builder of the service client, which validates endpoint, credential, and settings in one place.

use http::HeaderName;
use service_core::{ClientOptions, ConnectionString, Dialect, Endpoint, Environment};

use crate::credential::Addresses;
use crate::operations::API_VERSION;
use crate::service::Resource;
use crate::{Credential, Error, Result, ServiceClient, names};

/// The scope of Entra tokens for this service in the public cloud.
const SCOPE: &str = "https://webpubsub.azure.com/.default";

pub(crate) static DIALECT: Dialect = Dialect::new(
    concat!("webpubsub/", env!("CARGO_PKG_VERSION")),
    service_core::call_span!("azure.service.request.id"),
    "azure.service.request.id",
)
.request_id_header(HeaderName::from_static("x-ms-client-request-id"))
.response_request_id_headers(&["x-ms-request-id"])
.instruments(&crate::metrics::CALLS)
.error_code(&["x-ms-error-code"])
.unauthorized_help("`ServiceClient::explain_unauthorized`");

/// A builder that configures a [`ServiceClient`]. [`ServiceClient::builder`] and
/// [`ServiceClient::builder_from_connection_string`] create it.
///
/// Invalid arguments are reported by [`build`](Self::build).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use webpubsub::{Credential, RetryOptions, ServiceClient};
///
/// # fn main() -> webpubsub::Result<()> {
/// let service = ServiceClient::builder("https://example.webpubsub.azure.com", "chat", Credential::access_key("key"))
///     .reverse_proxy("https://gateway.example/pubsub")
///     .retry(RetryOptions::none())
///     .deadline(Duration::from_secs(10))
///     .build()?;
/// assert_eq!(service.endpoint(), "https://example.webpubsub.azure.com");
/// # Ok(()) }
/// ```
#[must_use = "does nothing until built"]
#[derive(Debug)]
pub struct ServiceClientBuilder {
    target: Result<(Endpoint, Credential)>,
    reverse_proxy: Result<Option<Endpoint>>,
    hub: String,
    api_version: String,
    scope: String,
    options: ClientOptions,
}

impl ServiceClientBuilder {
    pub(crate) fn new(target: Result<(Endpoint, Credential)>, hub: String) -> Self {
        Self {
            target,
            reverse_proxy: Ok(None),
            hub,
            api_version: API_VERSION.to_owned(),
            scope: SCOPE.to_owned(),
            options: ClientOptions::default(),
        }
    }

    /// Sets the API version that is sent with each request. Default: `2024-12-01`.
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = version.into();
        self
    }

    /// Sets the scope of Entra tokens, which differs in other clouds. Default: `https://webpubsub.azure.com/.default`.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Sends requests to a reverse proxy or an API gateway in front of the service, such as `https://gateway.example`. If
    /// the URL has a path, it is prepended to the path of every request.
    ///
    /// Tokens are still issued for the endpoint of the service, and the URLs for clients still point to it.
    pub fn reverse_proxy(mut self, url: &str) -> Self {
        self.reverse_proxy = Endpoint::parse_with_path(url).map(Some);
        self
    }

    /// Validates the settings and creates the client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`ServiceClient::new`] and [`ServiceClient::from_connection_string`], and if a
    /// setting is invalid.
    pub fn build(self) -> Result<ServiceClient> {
        let (endpoint, credential) = self.target?;
        names::hub(&self.hub)?;
        if self.api_version.is_empty() {
            return Err(Error::invalid_input("api-version", "must not be empty", None));
        }
        let addresses = Addresses { endpoint, reverse_proxy: self.reverse_proxy? };
        let (authorizer, own_key) = credential.authorizer(&addresses, self.scope, &self.options)?;
        let Addresses { endpoint, reverse_proxy } = addresses;
        let target = reverse_proxy.unwrap_or_else(|| endpoint.clone());
        let pipeline = self.options.build(&DIALECT, target, authorizer)?;
        let resource = Resource { endpoint, api_version: self.api_version, own_key };
        Ok(ServiceClient::with(pipeline, self.hub, resource))
    }
}

service_core::client_setters!(ServiceClientBuilder);

pub(crate) fn parse(text: &str) -> Result<(Endpoint, Credential)> {
    let parts = ConnectionString::parse(text)?;
    let mut endpoint = Endpoint::parse(parts.require("Endpoint")?.expose())?;
    let key = parts.require("AccessKey")?.clone();
    if let Some(port) = parts.get("Port") {
        let port = port.expose().parse();
        let port = port.map_err(|_| {
            Error::invalid_input(
                "connection string",
                "has an invalid `Port`: must be a number from 1 to 65535",
                None,
            )
        })?;
        endpoint = endpoint.with_port(port)?;
    }
    Ok((endpoint, Credential::access_key(key)))
}

/// Reads the environment variables of [`ServiceClient::from_env`].
pub(crate) fn from_environment(environment: &Environment, hub: String) -> Result<ServiceClientBuilder> {
    let source = environment.require("WEBPUBSUB_CONNECTION_STRING")?;
    let (endpoint, credential) = source.read(|text| {
        let (endpoint, credential) = parse(text.expose())?;
        credential.check()?;
        Ok((endpoint, credential))
    })?;
    let insecure = environment.allows_insecure_http("WEBPUBSUB_ALLOW_INSECURE_HTTP", &endpoint, &source)?;
    let builder = ServiceClientBuilder::new(Ok((endpoint, credential)), hub);
    Ok(if insecure { builder.allow_insecure_http() } else { builder })
}

/// Reads the environment variables of [`ServiceClient::builder_from_env_with`].
pub(crate) fn with_credential(
    environment: &Environment,
    credential: Credential,
    hub: String,
) -> Result<ServiceClientBuilder> {
    let source = environment.require("WEBPUBSUB_ENDPOINT")?;
    let endpoint = source.read(|text| Endpoint::parse(text.expose()))?;
    let insecure = environment.allows_insecure_http("WEBPUBSUB_ALLOW_INSECURE_HTTP", &endpoint, &source)?;
    let builder = ServiceClientBuilder::new(Ok((endpoint, credential)), hub);
    Ok(if insecure { builder.allow_insecure_http() } else { builder })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(connection_string: &'static str, insecure: &'static str) -> Result<ServiceClient> {
        let environment = Environment::new(move |name| match name {
            "WEBPUBSUB_CONNECTION_STRING" => Some(connection_string.into()),
            "WEBPUBSUB_ALLOW_INSECURE_HTTP" => Some(insecure.into()),
            _ => None,
        });
        from_environment(&environment, "chat".to_owned())?.build()
    }

    #[test]
    fn a_client_is_configured_by_the_variables_of_the_emulator() {
        let service = read("Endpoint=http://127.0.0.1;Port=8080;AccessKey=key;Version=1.0;", "").unwrap();
        assert_eq!((service.endpoint(), service.hub_name()), ("http://127.0.0.1:8080", "chat"));
        let service = read("Endpoint=http://emulator:8080;AccessKey=key;Version=1.0;", "1").unwrap();
        assert_eq!(service.endpoint(), "http://emulator:8080");
    }

    #[test]
    fn with_another_credential_the_endpoint_is_read_and_the_connection_string_is_not() {
        let read = |endpoint: &'static str, insecure: &'static str| {
            let environment = Environment::new(move |name| match name {
                "WEBPUBSUB_ENDPOINT" => Some(endpoint.into()),
                "WEBPUBSUB_ALLOW_INSECURE_HTTP" => Some(insecure.into()),
                _ => Some("planted".into()),
            });
            with_credential(&environment, Credential::access_key("key"), "chat".to_owned())?.build()
        };
        assert_eq!(read("https://x.example", "").unwrap().endpoint(), "https://x.example");
        assert_eq!(read("http://emulator:8080", "1").unwrap().endpoint(), "http://emulator:8080");
        for (endpoint, rule) in
            [("", "missing or empty"), ("planted", "no scheme"), ("http://x.example", "HTTP=1")]
        {
            let text = read(endpoint, "").err().unwrap().to_string();
            assert!(text.contains("WEBPUBSUB_ENDPOINT") && text.contains(rule), "{text}");
        }
    }

    #[test]
    fn an_invalid_connection_string_is_rejected_with_the_name_of_its_variable() {
        for (text, rule) in [
            ("", "missing or empty"),
            (" ", "missing or empty"),
            ("\"Endpoint=https://x.example;AccessKey=planted;\"", "quotation marks"),
            ("\u{feff}Endpoint=https://x.example;AccessKey=planted;", "byte order mark"),
            ("Endpoint=planted;AccessKey=planted", "no scheme"),
            ("Endpoint=https://x.example;Port=planted;AccessKey=k", "`Port`"),
            ("Endpoint=https://x.example", "`AccessKey`"),
            ("Endpoint=http://planted.example;AccessKey=k", "set WEBPUBSUB_ALLOW_INSECURE_HTTP=1"),
        ] {
            let error = read(text, "").err().unwrap();
            assert!(error.is_invalid_input() && error.to_string().contains(rule), "{text}: {error}");
            assert!(error.to_string().contains("WEBPUBSUB_CONNECTION_STRING"), "{text}: {error}");
            assert!(!format!("{error:?}").contains("planted"), "{error}");
        }
    }
}
