//! The client for a namespace, whose senders and receivers share its connections, tokens and settings.

use std::fmt;
use std::sync::Arc;

use http::{HeaderName, Method};
use service_core::{ClientOptions, ClientStats, Dialect, Endpoint, Environment, Pipeline};

use crate::operations::API_VERSION;
use crate::{Credential, Error, RawRequest, Receiver, Result, Sender};

/// The scope of Microsoft Entra ID tokens for this service in the public cloud.
const SCOPE: &str = "https://eventgrid.azure.net/.default";

static DIALECT: Dialect = Dialect::new(
    concat!("eventgrid-namespaces/", env!("CARGO_PKG_VERSION")),
    service_core::call_span!(
        "azure.service.request.id",
        "azure.resource_provider.namespace" = "Microsoft.EventGrid"
    ),
    "azure.service.request.id",
)
.request_id_header(HeaderName::from_static("x-ms-client-request-id"))
.response_request_id_headers(&["x-ms-request-id"])
.instruments(&crate::metrics::CALLS)
// The specification names the first; the service was seen to send the second.
.error_code(&["x-ms-error-code", "broker-errorcode"]);

/// A client for a namespace, which creates the senders and receivers for its topics.
///
/// The client, its clones, and all of its senders and receivers share connections, tokens, retry quota and settings. Creating a
/// sender or a receiver costs next to nothing, so a program can create one for every topic, or one for every call.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # emulator.eventgrid().declare("orders", "billing");
/// # emulator.eventgrid().declare("returns", "billing");
/// # let (endpoint, key) = (emulator.endpoint(), emulator.eventgrid().key());
/// use eventgrid_namespaces::{CloudEvent, Credential, NamespaceClient};
///
/// let namespace = NamespaceClient::new(&endpoint, Credential::access_key(key))?;
/// for topic in ["orders", "returns"] {
///     let event = CloudEvent::new("/orders/123", "com.example.order.changed", &["screws"])?;
///     namespace.sender(topic).send(event).await?;
/// }
/// let received = namespace.receiver("returns", "billing").receive().await?;
/// assert_eq!(received.len(), 1);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct NamespaceClient {
    pub(crate) pipeline: Pipeline,
    pub(crate) api_version: Arc<str>,
}

impl NamespaceClient {
    /// Creates a client with default settings.
    ///
    /// `endpoint` is the namespace's HTTP host name or URL.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the endpoint is malformed, is that of an Event
    /// Grid Basic topic, or uses plain `http` to a host other than loopback, or if the key is empty.
    pub fn new(endpoint: &str, credential: Credential) -> Result<Self> {
        Self::builder(endpoint, credential).build()
    }

    /// Creates a builder that configures a client.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> eventgrid_namespaces::Result<()> {
    /// use std::time::Duration;
    ///
    /// use eventgrid_namespaces::{Credential, NamespaceClient, RetryOptions};
    ///
    /// let credential = Credential::access_key("a2V5");
    /// let namespace = NamespaceClient::builder("name.westeurope-1.eventgrid.azure.net", credential)
    ///     .deadline(Duration::from_secs(20))
    ///     .retry(RetryOptions::default().max_retries(5))
    ///     .app_id("shop")
    ///     .build()?;
    /// let sender = namespace.sender("orders");
    /// # let _ = sender;
    /// # Ok(()) }
    /// ```
    pub fn builder(endpoint: &str, credential: Credential) -> NamespaceClientBuilder {
        NamespaceClientBuilder {
            endpoint: endpoint.to_owned(),
            credential,
            api_version: API_VERSION.to_owned(),
            scope: SCOPE.to_owned(),
            options: ClientOptions::default(),
        }
    }

    /// Creates a client with default settings from the environment.
    ///
    /// | Variable | Value |
    /// |---|---|
    /// | `EVENTGRID_NAMESPACES_ENDPOINT` | the namespace's HTTP host name or URL |
    /// | `EVENTGRID_NAMESPACES_KEY` | an access key |
    /// | `EVENTGRID_NAMESPACES_SAS_TOKEN` | a shared access signature, instead of the key |
    /// | `EVENTGRID_NAMESPACES_ALLOW_INSECURE_HTTP` | `1` allows plain `http` to another machine |
    ///
    /// The emulator prints the variables that its clients need. An empty variable counts as missing.
    ///
    /// # Errors
    ///
    /// Returns an error that names the variable, without its value, if it is missing, empty, or malformed, or if there is both a
    /// key and a signature.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> eventgrid_namespaces::Result<()> {
    /// let namespace = eventgrid_namespaces::NamespaceClient::from_env()?;
    /// let (sender, receiver) = (namespace.sender("orders"), namespace.receiver("orders", "billing"));
    /// # let _ = (sender, receiver);
    /// # Ok(()) }
    /// ```
    pub fn from_env() -> Result<Self> {
        Self::builder_from_env()?.build()
    }

    /// Creates a builder that configures a client from the same environment variables as [`from_env`](Self::from_env).
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`from_env`](Self::from_env).
    pub fn builder_from_env() -> Result<NamespaceClientBuilder> {
        from_environment(&Environment::process())
    }

    /// Creates a builder that configures a client with this credential from the other environment variables of
    /// [`from_env`](Self::from_env), for example with a credential of `azure_identity`.
    ///
    /// Reads `EVENTGRID_NAMESPACES_ENDPOINT` and `EVENTGRID_NAMESPACES_ALLOW_INSECURE_HTTP`. The variables of the key and of the
    /// signature are ignored.
    ///
    /// # Errors
    ///
    /// Returns an error that names the variable, without its value, if it is missing, empty, or malformed.
    ///
    /// # Examples
    ///
    /// ```
    /// use eventgrid_namespaces::{Credential, NamespaceClient, TokenCredential};
    ///
    /// fn namespace(credential: impl TokenCredential) -> eventgrid_namespaces::Result<NamespaceClient> {
    ///     NamespaceClient::builder_from_env_with(Credential::token(credential))?.build()
    /// }
    /// ```
    pub fn builder_from_env_with(credential: Credential) -> Result<NamespaceClientBuilder> {
        with_credential(&Environment::process(), |_| Ok(credential))
    }

    /// Returns a sender for a topic.
    ///
    /// An invalid name is reported by the sender's calls, before anything is sent.
    #[must_use]
    pub fn sender(&self, topic: impl Into<String>) -> Sender {
        Sender { namespace: self.clone(), topic: topic.into().into() }
    }

    /// Returns a receiver for an event subscription of a topic.
    ///
    /// An invalid name is reported by the receiver's calls, before anything is sent.
    #[must_use]
    pub fn receiver(&self, topic: impl Into<String>, subscription: impl Into<String>) -> Receiver {
        let (topic, subscription) = (topic.into().into(), subscription.into().into());
        Receiver { namespace: self.clone(), topic, subscription }
    }

    /// Returns what the client is doing at the moment, for health endpoints and autoscalers.
    ///
    /// Clones share their numbers.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        self.pipeline.stats()
    }

    /// Creates a request for an operation that this crate has no method for.
    ///
    /// The request uses the client's credential, retries and timeouts. Each `{}` in `path` is replaced by the next of
    /// `segments`, escaped. The client's api-version is sent unless `.query("api-version", ..)` sets another one.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), eventgrid_namespaces::BoxError> {
    /// # let emulator = service_emulator::Emulator::start().await?;
    /// # emulator.eventgrid().declare("orders", "billing");
    /// # let (endpoint, key) = (emulator.endpoint(), emulator.eventgrid().key());
    /// # use eventgrid_namespaces::{CloudEvent, Credential, NamespaceClient};
    /// # let namespace = NamespaceClient::new(&endpoint, Credential::access_key(key))?;
    /// # let event = CloudEvent::new("/orders/123", "com.example.order.created", &["screws"])?;
    /// # namespace.sender("orders").send(event).await?;
    /// use eventgrid_namespaces::http::Method;
    ///
    /// let path = "/topics/{}/eventsubscriptions/{}:receive";
    /// namespace.request(Method::POST, path, &["orders", "billing"]).query("maxEvents", "10").await?;
    /// # Ok(()) }
    /// ```
    pub fn request(&self, method: Method, path: &str, segments: &[&str]) -> RawRequest {
        RawRequest::new(&self.pipeline, method, path, segments)
            .default_query("api-version", &*self.api_version)
    }
}

impl fmt::Debug for NamespaceClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceClient").field("endpoint", self.pipeline.endpoint()).finish()
    }
}

/// A builder that configures a [`NamespaceClient`].
///
/// Invalid arguments are reported by [`build`](Self::build).
#[must_use = "does nothing until built"]
#[derive(Debug)]
pub struct NamespaceClientBuilder {
    endpoint: String,
    credential: Credential,
    api_version: String,
    scope: String,
    options: ClientOptions,
}

impl NamespaceClientBuilder {
    /// Sets the api-version to send. Default: `2024-06-01`.
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = version.into();
        self
    }

    /// Sets the scope of the tokens to request. Default: `https://eventgrid.azure.net/.default`, which is the scope of the public
    /// cloud.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Validates the settings and creates the client. Sends nothing.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`NamespaceClient::new`], and an error if a setting is invalid.
    pub fn build(self) -> Result<NamespaceClient> {
        let endpoint = parse(&self.endpoint)?;
        if self.api_version.is_empty() {
            return Err(Error::invalid_input("api-version", "must not be empty", None));
        }
        let credential = self.credential.authorizer(self.scope, &self.options)?;
        let pipeline = self.options.build(&DIALECT, endpoint, credential)?;
        Ok(NamespaceClient { pipeline, api_version: self.api_version.into() })
    }
}

service_core::client_setters!(NamespaceClientBuilder);

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

/// Reads the environment variables of [`NamespaceClient::from_env`].
fn from_environment(environment: &Environment) -> Result<NamespaceClientBuilder> {
    with_credential(environment, credential)
}

/// Reads the variable of the key or of the signature.
fn credential(environment: &Environment) -> Result<Credential> {
    let signature = "EVENTGRID_NAMESPACES_SAS_TOKEN";
    let secret = environment.require_one_of("EVENTGRID_NAMESPACES_KEY", signature)?;
    secret.read(|value| {
        let is_signature = secret.name() == signature;
        let kind = if is_signature { Credential::sas_token } else { Credential::access_key };
        let credential = kind(value.clone());
        credential.check()?;
        Ok(credential)
    })
}

/// Reads the other variables, and the credential after the endpoint.
fn with_credential(
    environment: &Environment,
    credential: impl FnOnce(&Environment) -> Result<Credential>,
) -> Result<NamespaceClientBuilder> {
    let source = environment.require("EVENTGRID_NAMESPACES_ENDPOINT")?;
    let endpoint = source.read(|text| parse(text.expose()))?;
    let credential = credential(environment)?;
    let insecure =
        environment.allows_insecure_http("EVENTGRID_NAMESPACES_ALLOW_INSECURE_HTTP", &endpoint, &source)?;
    let builder = NamespaceClient::builder(endpoint.as_str(), credential);
    Ok(if insecure { builder.allow_insecure_http() } else { builder })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAS: &str = "r=https%3A%2F%2Fname.example&e=2030-01-01T00%3A00%3A00&s=c2ln";

    fn read(variables: [(&'static str, &'static str); 3]) -> Result<NamespaceClient> {
        let environment = Environment::new(move |name| {
            let suffix = name.strip_prefix("EVENTGRID_NAMESPACES_")?;
            variables.iter().find(|(known, _)| *known == suffix).map(|(_, value)| value.into())
        });
        from_environment(&environment)?.build()
    }

    #[test]
    fn a_client_is_configured_by_its_variables() {
        for (variables, kept) in [
            ([("ENDPOINT", "name.example"), ("KEY", "a2V5"), ("SAS_TOKEN", "")], "https://name.example"),
            ([("ENDPOINT", "http://127.0.0.1:1"), ("KEY", ""), ("SAS_TOKEN", SAS)], "http://127.0.0.1:1"),
            (
                [("ENDPOINT", "http://emulator:1"), ("KEY", "a2V5"), ("ALLOW_INSECURE_HTTP", "1")],
                "http://emulator:1",
            ),
        ] {
            assert_eq!(read(variables).unwrap().pipeline.endpoint().as_str(), kept);
        }
    }

    #[test]
    fn with_another_credential_the_variables_of_the_key_are_ignored() {
        let environment = |endpoint: &'static str| {
            Environment::new(move |name| match name {
                "EVENTGRID_NAMESPACES_ENDPOINT" => Some(endpoint.into()),
                _ => Some("'planted'".into()).filter(|_| !name.ends_with("HTTP")),
            })
        };
        let other = |_: &Environment| Ok(Credential::access_key("a2V5".to_owned()));
        let client = with_credential(&environment("name.example"), other).unwrap().build().unwrap();
        assert_eq!(client.pipeline.endpoint().as_str(), "https://name.example");
        let error = with_credential(&environment(""), other).err().unwrap().to_string();
        assert!(error.contains("EVENTGRID_NAMESPACES_ENDPOINT is missing"), "{error}");
    }

    #[test]
    fn an_invalid_variable_is_named_and_its_value_is_not_repeated() {
        for (variables, named, rule) in [
            ([("ENDPOINT", ""), ("KEY", "k"), ("", "")], "ENDPOINT", "missing or empty"),
            ([("ENDPOINT", "'planted.example'"), ("KEY", "k"), ("", "")], "ENDPOINT", "quotation marks"),
            ([("ENDPOINT", "x.example/api/events"), ("KEY", "k"), ("", "")], "ENDPOINT", "Basic topic"),
            ([("ENDPOINT", "http://planted.example"), ("KEY", "k"), ("", "")], "ENDPOINT", "HTTP=1"),
            ([("ENDPOINT", "x.example"), ("KEY", ""), ("", "")], "KEY", "missing or empty"),
            ([("ENDPOINT", "x.example"), ("KEY", "\"planted\""), ("", "")], "KEY", "quotation marks"),
            ([("ENDPOINT", "x.example"), ("SAS_TOKEN", "planted"), ("", "")], "SAS_TOKEN", "the form"),
            ([("ENDPOINT", "x.example"), ("SAS_TOKEN", SAS), ("KEY", "planted")], "SAS_TOKEN", "both set"),
        ] {
            let error = read(variables).err().unwrap();
            let text = error.to_string();
            assert!(error.is_invalid_input() && text.contains(rule), "{text}");
            assert!(text.contains(&format!("EVENTGRID_NAMESPACES_{named}")), "{text}");
            assert!(!format!("{error:?}").contains("planted"), "{text}");
        }
    }

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
