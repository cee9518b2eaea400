//! The service client: one hub of one Web PubSub resource, over REST.

use std::sync::Arc;

use http::{HeaderName, Method};
use service_core::{Call, ClientOptions, ConnectionString, Dialect, Endpoint, Operation, Pipeline, read};

use crate::operations::API_VERSION;
use crate::{Connection, Credential, Error, Group, RawRequest, Result, User, names};

/// The scope of Entra tokens for this service in the public cloud.
const SCOPE: &str = "https://webpubsub.azure.com/.default";

static DIALECT: Dialect = Dialect {
    product: concat!("webpubsub/", env!("CARGO_PKG_VERSION")),
    sent_request_id: Some(HeaderName::from_static("x-ms-client-request-id")),
    answered_request_id: &["x-ms-request-id"],
    error_code: &["x-ms-error-code"],
    span: service_core::call_span!("az.service_request_id"),
    span_request_id: "az.service_request_id",
};

/// Manages the connections of one hub: see [the service's REST reference](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub).
///
/// Cheap to clone; clones, and clients of other hubs made by [`hub`](Self::hub), share connections, tokens and retry quota.
///
/// ```no_run
/// # async fn run() -> webpubsub::Result<()> {
/// let text = std::env::var("WEBPUBSUB_CONNECTION_STRING").expect("a connection string");
/// let service = webpubsub::ServiceClient::from_connection_string(&text, "chat")?;
/// service.group("lobby").close_connections().excluded(["c1"]).reason("closing time").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ServiceClient {
    pipeline: Pipeline,
    hub: Arc<str>,
    api_version: Arc<str>,
}

impl ServiceClient {
    /// A client with default settings, from the text that the portal offers:
    /// `Endpoint=https://<name>.webpubsub.azure.com;AccessKey=<key>;Version=1.0;`.
    ///
    /// # Errors
    ///
    /// A missing or malformed part, named without its value; a hub name that breaks the pattern.
    pub fn from_connection_string(text: &str, hub: impl Into<String>) -> Result<Self> {
        Self::builder_from_connection_string(text, hub).build()
    }

    /// A client with default settings.
    ///
    /// # Errors
    ///
    /// A malformed endpoint, plain `http` to another machine, a hub name that breaks the pattern, an empty key.
    pub fn new(endpoint: &str, hub: impl Into<String>, credential: Credential) -> Result<Self> {
        Self::builder(endpoint, hub, credential).build()
    }

    /// Starts a client with settings of its own. `endpoint` is `https://<name>.webpubsub.azure.com`.
    pub fn builder(endpoint: &str, hub: impl Into<String>, credential: Credential) -> ServiceClientBuilder {
        ServiceClientBuilder::new(
            Endpoint::parse(endpoint).map(|endpoint| (endpoint, credential)),
            hub.into(),
        )
    }

    /// Starts a client with settings of its own, from a connection string.
    pub fn builder_from_connection_string(text: &str, hub: impl Into<String>) -> ServiceClientBuilder {
        ServiceClientBuilder::new(parse(text), hub.into())
    }

    /// The same client for another hub. A name that breaks the pattern is an error of every call.
    #[must_use]
    pub fn hub(&self, hub: &str) -> Self {
        Self { hub: hub.into(), ..self.clone() }
    }

    /// The resource's address.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.pipeline.endpoint().as_str()
    }

    /// The hub's name.
    #[must_use]
    pub fn hub_name(&self) -> &str {
        &self.hub
    }

    /// A group of the hub: 1 to 1024 characters, not only white space, any Unicode.
    pub fn group(&self, name: impl Into<String>) -> Group {
        Group::new(self.clone(), name.into())
    }

    /// A user of the hub, by id.
    pub fn user(&self, id: impl Into<String>) -> User {
        User::new(self.clone(), id.into())
    }

    /// A connection of the hub, by id.
    pub fn connection(&self, id: impl Into<String>) -> Connection {
        Connection::new(self.clone(), id.into())
    }

    /// A request that this crate has no method for, through the same pipeline: each `{}` of `path` takes the next of
    /// `segments`, escaped. The client's api-version goes with it unless `.query("api-version", ..)` gives another one.
    ///
    /// ```no_run
    /// # use http::Method;
    /// # async fn run(service: webpubsub::ServiceClient) -> webpubsub::Result<()> {
    /// service.request(Method::POST, "/api/hubs/{}/:send", &["chat"]).body("text/plain", "hello").await?;
    /// # Ok(()) }
    /// ```
    pub fn request(&self, method: Method, path: &str, segments: &[&str]) -> RawRequest {
        RawRequest::new(&self.pipeline, method, path, segments)
            .default_query("api-version", &*self.api_version)
    }

    /// A call that answers with nothing, for one name below the hub.
    pub(crate) fn call(&self, operation: &'static Operation, name: &str, value: &str) -> Call<()> {
        let mut call =
            Call::new(&self.pipeline, operation, &[("hub", &self.hub), (name, value)], read::nothing);
        call.check(names::hub(&self.hub));
        call.query("api-version", &*self.api_version);
        call
    }
}

impl std::fmt::Debug for ServiceClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceClient")
            .field("endpoint", self.pipeline.endpoint())
            .field("hub", &self.hub)
            .finish()
    }
}

/// A [`ServiceClient`] in the making. What is wrong with its arguments comes out of [`build`](Self::build).
#[must_use = "does nothing until built"]
#[derive(Debug)]
pub struct ServiceClientBuilder {
    target: Result<(Endpoint, Credential)>,
    hub: String,
    api_version: String,
    scope: String,
    options: ClientOptions,
}

impl ServiceClientBuilder {
    fn new(target: Result<(Endpoint, Credential)>, hub: String) -> Self {
        let (api_version, scope) = (API_VERSION.to_owned(), SCOPE.to_owned());
        Self { target, hub, api_version, scope, options: ClientOptions::default() }
    }

    /// Sends another api-version than `2024-12-01`.
    pub fn api_version(mut self, version: impl Into<String>) -> Self {
        self.api_version = version.into();
        self
    }

    /// Asks for tokens of another scope than `https://webpubsub.azure.com/.default`, as other clouds need.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Checks everything and makes the client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// As [`ServiceClient::new`] and [`ServiceClient::from_connection_string`], and settings that cannot be used.
    pub fn build(self) -> Result<ServiceClient> {
        let (endpoint, credential) = self.target?;
        names::hub(&self.hub)?;
        if self.api_version.is_empty() {
            return Err(Error::invalid_input("api-version", "must not be empty", None));
        }
        let credential = credential.authorizer(self.scope, self.options.time())?;
        let pipeline = self.options.build(&DIALECT, endpoint, credential)?;
        Ok(ServiceClient { pipeline, hub: self.hub.into(), api_version: self.api_version.into() })
    }
}

service_core::client_setters!(ServiceClientBuilder);

fn parse(text: &str) -> Result<(Endpoint, Credential)> {
    let parts = ConnectionString::parse(text)?;
    let mut endpoint = Endpoint::parse(parts.require("Endpoint")?.expose())?;
    let key = parts.require("AccessKey")?.clone();
    if let Some(port) = parts.get("Port") {
        let port = port.expose().parse();
        let port = port.map_err(|_| {
            Error::invalid_input("connection string", "has a `Port` that is no number from 1 to 65535", None)
        })?;
        endpoint = endpoint.with_port(port)?;
    }
    Ok((endpoint, Credential::access_key(key)))
}
