//! The service client, which manages one hub of a Web PubSub resource over REST.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use service_core::{Call, ClientStats, Endpoint, Environment, Operation, Pipeline, read};

use crate::credential::OwnKey;
use crate::operations::{
    ADD_CONNECTIONS_TO_GROUPS, CHECK_HEALTH, CLOSE_ALL_CONNECTIONS, REMOVE_CONNECTIONS_FROM_GROUPS,
    SEND_TO_ALL,
};
use crate::{
    ChangeMemberships, CheckHealth, CloseConnections, Connection, Connections, CreateClientAccess,
    Credential, Explanation, Group, Message, RawRequest, Result, SendToAll, ServiceClientBuilder,
    Unauthorized, User, builder, explain, membership, names,
};

/// Converts a response into a value.
pub(crate) type Read<T> = fn(&http::Response<Bytes>) -> Result<T>;

/// A client that manages the connections of one hub over REST.
///
/// A `ServiceClient` is cheap to clone. Clones share connections, tokens, and the retry quota, as do clients for other hubs
/// that [`hub`](Self::hub) returns.
///
/// # Examples
///
/// ```
/// use webpubsub::filter::groups;
///
/// # use service_emulator::Emulator;
/// # use webpubsub::ServiceClient;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), webpubsub::BoxError> {
/// # let emulator = Emulator::start().await?;
/// # let service = ServiceClient::from_connection_string(&emulator.webpubsub().connection_string(), "chat")?;
/// service.send_to_all("maintenance at noon").filter(!groups().contains("staff")).await?;
/// let lobby = service.group("lobby");
/// lobby.send("The lobby closes in five minutes.").await?;
/// lobby.close_connections().excluded(["c1"]).reason("closing time").await?;
/// # Ok(()) }
/// ```
///
/// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub)
#[derive(Clone)]
pub struct ServiceClient {
    pipeline: Pipeline,
    hub: Arc<str>,
    resource: Arc<Resource>,
}

/// Holds what the clients of all hubs of one resource share.
pub(crate) struct Resource {
    pub(crate) endpoint: Endpoint,
    pub(crate) api_version: String,
    pub(crate) own_key: Option<OwnKey>,
}

impl ServiceClient {
    /// Creates a client with default settings from a connection string, as the Azure portal shows it:
    /// `Endpoint=https://<name>.webpubsub.azure.com;AccessKey=<key>;Version=1.0;`.
    ///
    /// Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Returns an error if a part of the connection string is missing or malformed, or if the hub name is invalid. The
    /// error names the part and never contains its value.
    pub fn from_connection_string(text: &str, hub: impl Into<String>) -> Result<Self> {
        Self::builder_from_connection_string(text, hub).build()
    }

    /// Creates a client with default settings from the environment variable `WEBPUBSUB_CONNECTION_STRING`.
    ///
    /// The emulator prints this variable. If its endpoint is a plain `http` URL of another machine,
    /// `WEBPUBSUB_ALLOW_INSECURE_HTTP=1` must be set. An empty variable counts as missing. No other variable is read, and
    /// nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Returns an error that names the variable, without its value, if it is missing, empty, or malformed, and an error if the
    /// hub name is invalid.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn run() -> Result<(), webpubsub::BoxError> {
    /// let service = webpubsub::ServiceClient::from_env("chat")?;
    /// service.send_to_all("hello, world").await?;
    /// # Ok(()) }
    /// ```
    pub fn from_env(hub: impl Into<String>) -> Result<Self> {
        Self::builder_from_env(hub)?.build()
    }

    /// Creates a client with default settings. `endpoint` is `https://<name>.webpubsub.azure.com`.
    ///
    /// Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// Returns an error if the endpoint is malformed, if it is a plain `http` URL of another machine, if the hub name is
    /// invalid, or if the access key is empty.
    pub fn new(endpoint: &str, hub: impl Into<String>, credential: Credential) -> Result<Self> {
        Self::builder(endpoint, hub, credential).build()
    }

    /// Returns a builder that configures a client. `endpoint` is `https://<name>.webpubsub.azure.com`.
    pub fn builder(endpoint: &str, hub: impl Into<String>, credential: Credential) -> ServiceClientBuilder {
        ServiceClientBuilder::new(
            Endpoint::parse(endpoint).map(|endpoint| (endpoint, credential)),
            hub.into(),
        )
    }

    /// Returns a builder that configures a client from a connection string.
    pub fn builder_from_connection_string(text: &str, hub: impl Into<String>) -> ServiceClientBuilder {
        ServiceClientBuilder::new(builder::parse(text), hub.into())
    }

    /// Returns a builder that configures a client from the same environment variables as [`from_env`](Self::from_env).
    ///
    /// # Errors
    ///
    /// Returns an error that names the variable, without its value, if it is missing, empty, or malformed.
    pub fn builder_from_env(hub: impl Into<String>) -> Result<ServiceClientBuilder> {
        builder::from_environment(&Environment::process(), hub.into())
    }

    /// Returns a builder that configures a client with this credential from environment variables.
    ///
    /// Reads `WEBPUBSUB_ENDPOINT`, which is `https://<name>.webpubsub.azure.com`, and `WEBPUBSUB_ALLOW_INSECURE_HTTP`. The
    /// connection string is ignored.
    ///
    /// # Errors
    ///
    /// Returns an error that names the variable, without its value, if it is missing, empty, or malformed.
    ///
    /// # Examples
    ///
    /// ```
    /// use webpubsub::{Credential, Result, ServiceClient, TokenCredential};
    /// fn service(credential: impl TokenCredential) -> Result<ServiceClient> {
    ///     ServiceClient::builder_from_env_with(Credential::token(credential), "chat")?.build()
    /// }
    /// ```
    pub fn builder_from_env_with(
        credential: Credential,
        hub: impl Into<String>,
    ) -> Result<ServiceClientBuilder> {
        builder::with_credential(&Environment::process(), credential, hub.into())
    }

    pub(crate) fn with(pipeline: Pipeline, hub: String, resource: Resource) -> Self {
        Self { pipeline, hub: hub.into(), resource: Arc::new(resource) }
    }

    /// Returns a client for another hub of the same resource, with the same settings.
    ///
    /// If the hub name is invalid, every call of the returned client fails with
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
    #[must_use]
    pub fn hub(&self, hub: &str) -> Self {
        Self { hub: hub.into(), ..self.clone() }
    }

    /// Returns what the client is doing at the moment, for health endpoints and autoscalers.
    ///
    /// Clones share their numbers.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        self.pipeline.stats()
    }

    /// Returns the endpoint of the resource. Behind a reverse proxy, this is still the endpoint of the service.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.resource.endpoint.as_str()
    }

    /// Returns the name of the hub.
    #[must_use]
    pub fn hub_name(&self) -> &str {
        &self.hub
    }

    /// Returns a handle to a group of the hub.
    ///
    /// A group name has 1 to 1024 Unicode characters and must not consist of white space only. It is validated when a call
    /// is awaited.
    pub fn group(&self, name: impl Into<String>) -> Group {
        Group::new(self.clone(), name.into())
    }

    /// Returns a handle to a user of the hub.
    pub fn user(&self, id: impl Into<String>) -> User {
        User::new(self.clone(), id.into())
    }

    /// Returns a handle to a connection of the hub.
    pub fn connection(&self, id: impl Into<String>) -> Connection {
        Connection::new(self.clone(), id.into())
    }

    /// Sends a message to every connection of the hub, except [excluded](SendToAll::excluded) ones.
    ///
    /// Sending to an empty hub succeeds. A send is not idempotent: if the outcome is unknown, it is not retried, since the
    /// message could be delivered twice.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the message is longer than 1 MB. Nothing is
    /// sent then.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/send-to-all)
    pub fn send_to_all(&self, message: impl Into<Message>) -> SendToAll {
        let mut call = self.call(&SEND_TO_ALL, &[], read::unit);
        message.into().put(&mut call);
        SendToAll::new(call)
    }

    /// Closes every connection of the hub, except [excluded](CloseConnections::excluded) ones.
    ///
    /// Closing the connections of an empty hub succeeds.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/close-all-connections)
    pub fn close_all_connections(&self) -> CloseConnections {
        CloseConnections::new(self.call(&CLOSE_ALL_CONNECTIONS, &[], read::unit))
    }

    /// Adds connections to groups. Only connections that exist at the time of the call are added.
    ///
    /// If no connection matches, the call succeeds.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is no group, or if a group name or the
    /// filter is invalid. Nothing is sent then.
    ///
    /// # Examples
    ///
    /// ```
    /// # use webpubsub::Connections;
    /// # use webpubsub::filter::user_id;
    /// # use service_emulator::Emulator;
    /// # use webpubsub::ServiceClient;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), webpubsub::BoxError> {
    /// # let emulator = Emulator::start().await?;
    /// # let service = ServiceClient::from_connection_string(&emulator.webpubsub().connection_string(), "chat")?;
    /// let vips = Connections::matching(user_id().starts_with("vip-"));
    /// service.add_connections_to_groups(["lounge", "news"], vips).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/add-connections-to-groups)
    pub fn add_connections_to_groups<S: AsRef<str>>(
        &self,
        groups: impl IntoIterator<Item = S>,
        connections: Connections,
    ) -> ChangeMemberships {
        membership::change(self.call(&ADD_CONNECTIONS_TO_GROUPS, &[], read::unit), groups, connections)
    }

    /// Removes connections from groups. Only connections that exist at the time of the call are removed.
    ///
    /// If no connection matches, the call succeeds.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is no group, or if a group name or the
    /// filter is invalid. Nothing is sent then.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/remove-connections-from-groups)
    pub fn remove_connections_from_groups<S: AsRef<str>>(
        &self,
        groups: impl IntoIterator<Item = S>,
        connections: Connections,
    ) -> ChangeMemberships {
        let call = self.call(&REMOVE_CONNECTIONS_FROM_GROUPS, &[], read::unit);
        membership::change(call, groups, connections)
    }

    /// Creates a token and the URL with which a client connects to the hub.
    ///
    /// With an access key, the token is signed locally and nothing is sent. With a token credential, the service creates
    /// the token.
    ///
    /// # Examples
    ///
    /// ```
    /// # use webpubsub::{Credential, Role, ServiceClient};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> webpubsub::Result<()> {
    /// let service = ServiceClient::new("https://example.webpubsub.azure.com", "chat", Credential::access_key("key"))?;
    /// let access = service.client_access().user("dave").roles([Role::send_to_group("lobby")]).groups(["lobby"]).await?;
    /// assert_eq!(access.address(), "wss://example.webpubsub.azure.com/client/hubs/chat");
    /// println!("connect to {} until {:?}", access.url, access.expires_at);
    /// # Ok(()) }
    /// ```
    ///
    /// [Service documentation](https://learn.microsoft.com/azure/azure-web-pubsub/howto-generate-client-access-url)
    pub fn client_access(&self) -> CreateClientAccess {
        CreateClientAccess::new(self.clone())
    }

    /// Checks whether the service is healthy. If it is, the call succeeds.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/health-api/get-service-status)
    pub fn check_health(&self) -> CheckHealth {
        let mut call = Call::new(&self.pipeline, &CHECK_HEALTH, &[], read::unit);
        call.query("api-version", &self.resource.api_version);
        CheckHealth::new(call)
    }

    /// Explains why the service rejected a call or a token with 401.
    ///
    /// `unauthorized` is the error of a call or of a WebSocket client, a token, or a [`ClientAccess`](crate::ClientAccess). The
    /// explanation is derived locally from it and from the settings of this client. Nothing is sent.
    ///
    /// # Examples
    ///
    /// ```
    /// # use webpubsub::{Credential, Finding, ServiceClient};
    /// # fn main() -> webpubsub::Result<()> {
    /// let service = ServiceClient::new("https://example.webpubsub.azure.com", "chat", Credential::access_key("key"))?;
    /// let explanation = service.explain_unauthorized("not a token");
    /// assert_eq!(explanation.findings(), [Finding::NotAToken]);
    /// println!("{explanation}");
    /// # Ok(()) }
    /// ```
    pub fn explain_unauthorized<'a>(&self, unauthorized: impl Into<Unauthorized<'a>>) -> Explanation {
        explain::explain(self, &unauthorized.into())
    }

    /// Builds a request for an operation that has no method in this crate. It goes through the same pipeline as every other
    /// call.
    ///
    /// Each `{}` of `path` is replaced by the next item of `segments`, escaped. The client's API version is added unless
    /// `.query("api-version", ..)` sets another one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use http::Method;
    /// # use service_emulator::Emulator;
    /// # use webpubsub::ServiceClient;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), webpubsub::BoxError> {
    /// # let emulator = Emulator::start().await?;
    /// # let service = ServiceClient::from_connection_string(&emulator.webpubsub().connection_string(), "chat")?;
    /// service.request(Method::POST, "/api/hubs/{}/:send", &["chat"]).body("text/plain", "hello").await?;
    /// # Ok(()) }
    /// ```
    pub fn request(&self, method: Method, path: &str, segments: &[&str]) -> RawRequest {
        RawRequest::new(&self.pipeline, method, path, segments)
            .default_query("api-version", &self.resource.api_version)
    }

    /// Creates a call to a resource of the hub. `segments` are the other variables of the path.
    pub(crate) fn call<T>(
        &self,
        operation: &'static Operation,
        segments: &[(&str, &str)],
        read: Read<T>,
    ) -> Call<T> {
        let mut all = [("hub", &*self.hub); 3];
        for (slot, segment) in all[1..].iter_mut().zip(segments) {
            *slot = *segment;
        }
        let mut call = Call::new(&self.pipeline, operation, &all, read);
        call.check(names::hub(&self.hub));
        call.query("api-version", &self.resource.api_version);
        call
    }

    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    pub(crate) fn resource(&self) -> &Resource {
        &self.resource
    }

    /// Returns the endpoint as the service knows it.
    pub(crate) fn known_endpoint(&self) -> &Endpoint {
        &self.resource.endpoint
    }
}

impl std::fmt::Debug for ServiceClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceClient")
            .field("endpoint", &self.resource.endpoint)
            .field("hub", &self.hub)
            .finish()
    }
}
