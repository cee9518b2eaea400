//! The service client: one hub of one Web PubSub resource, over REST.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use service_core::{Call, Endpoint, Operation, Pipeline, read};

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

/// How an answer becomes a value.
pub(crate) type Read<T> = fn(&http::Response<Bytes>) -> Result<T>;

/// Manages the connections of one hub: see [the service's REST reference](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub).
///
/// Cheap to clone; clones, and clients of other hubs made by [`hub`](Self::hub), share connections, tokens and retry quota.
///
/// ```no_run
/// # async fn run() -> webpubsub::Result<()> {
/// let text = std::env::var("WEBPUBSUB_CONNECTION_STRING").expect("a connection string");
/// let service = webpubsub::ServiceClient::from_connection_string(&text, "chat")?;
/// service.group("lobby").send("the bar closes").await?;
/// service.group("lobby").close_connections().excluded(["c1"]).reason("closing time").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ServiceClient {
    pipeline: Pipeline,
    hub: Arc<str>,
    resource: Arc<Resource>,
}

/// What clients of all hubs share.
pub(crate) struct Resource {
    pub(crate) endpoint: Endpoint,
    pub(crate) api_version: String,
    pub(crate) own_key: Option<OwnKey>,
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
        ServiceClientBuilder::new(builder::parse(text), hub.into())
    }

    pub(crate) fn with(pipeline: Pipeline, hub: String, resource: Resource) -> Self {
        Self { pipeline, hub: hub.into(), resource: Arc::new(resource) }
    }

    /// The same client for another hub. A name that breaks the pattern is an error of every call.
    #[must_use]
    pub fn hub(&self, hub: &str) -> Self {
        Self { hub: hub.into(), ..self.clone() }
    }

    /// The resource's address; behind a reverse proxy still the service's own.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.resource.endpoint.as_str()
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

    /// Sends to every connection of the hub, except those [excluded](SendToAll::excluded). Nobody there is no error. Sending
    /// again delivers again, so it is not repeated when the outcome is unknown.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/send-to-all)
    ///
    /// # Errors
    ///
    /// A message of more than 1 MB, before anything is sent.
    pub fn send_to_all(&self, message: impl Into<Message>) -> SendToAll {
        let mut call = self.call(&SEND_TO_ALL, &[], read::unit);
        message.into().put(&mut call);
        SendToAll::new(call)
    }

    /// Closes every connection of the hub, except those [excluded](CloseConnections::excluded).
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/close-all-connections)
    pub fn close_all_connections(&self) -> CloseConnections {
        CloseConnections::new(self.call(&CLOSE_ALL_CONNECTIONS, &[], read::unit))
    }

    /// Puts connections that the hub has now into groups. None that matches is no error.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/add-connections-to-groups)
    ///
    /// # Errors
    ///
    /// No group, a group name or a filter that breaks its rules, before anything is sent.
    pub fn add_connections_to_groups<S: AsRef<str>>(
        &self,
        groups: impl IntoIterator<Item = S>,
        connections: Connections,
    ) -> ChangeMemberships {
        membership::change(self.call(&ADD_CONNECTIONS_TO_GROUPS, &[], read::unit), groups, connections)
    }

    /// Takes connections that the hub has now out of groups. None that matches is no error.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/web-pub-sub/remove-connections-from-groups)
    ///
    /// # Errors
    ///
    /// No group, a group name or a filter that breaks its rules, before anything is sent.
    pub fn remove_connections_from_groups<S: AsRef<str>>(
        &self,
        groups: impl IntoIterator<Item = S>,
        connections: Connections,
    ) -> ChangeMemberships {
        let call = self.call(&REMOVE_CONNECTIONS_FROM_GROUPS, &[], read::unit);
        membership::change(call, groups, connections)
    }

    /// Makes a token and the URL with which a client connects to the hub: signed here with the access key, or by the service
    /// when the client has a token credential.
    ///
    /// [Service documentation](https://learn.microsoft.com/azure/azure-web-pubsub/howto-generate-client-access-url)
    ///
    /// ```no_run
    /// # async fn run(service: webpubsub::ServiceClient) -> webpubsub::Result<()> {
    /// use webpubsub::Role;
    /// let access = service.client_access().user("dave").roles([Role::send_to_group("lobby")]).groups(["lobby"]).await?;
    /// println!("connect to {} until {:?}", access.address(), access.expires_at);
    /// # Ok(()) }
    /// ```
    pub fn client_access(&self) -> CreateClientAccess {
        CreateClientAccess::new(self.clone())
    }

    /// Asks whether the service is up: success is the answer that it is.
    ///
    /// [Service documentation](https://learn.microsoft.com/rest/api/webpubsub/dataplane/health-api/get-service-status)
    pub fn check_health(&self) -> CheckHealth {
        let mut call = Call::new(&self.pipeline, &CHECK_HEALTH, &[], read::unit);
        call.query("api-version", &self.resource.api_version);
        CheckHealth::new(call)
    }

    /// Says what is wrong with a call or a token that the service refused with 401, as far as it can be told from here:
    /// nothing is sent.
    ///
    /// ```no_run
    /// # async fn run(service: webpubsub::ServiceClient, token: &str) {
    /// use webpubsub::Unauthorized;
    /// if let Err(error) = service.group("lobby").exists().await {
    ///     eprintln!("{error}\n{}", service.explain_unauthorized(&error));
    /// }
    /// println!("{}", service.explain_unauthorized(Unauthorized::token(token)));
    /// # }
    /// ```
    pub fn explain_unauthorized<'a>(&self, unauthorized: impl Into<Unauthorized<'a>>) -> Explanation {
        explain::explain(self, &unauthorized.into())
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
            .default_query("api-version", &self.resource.api_version)
    }

    /// A call below the hub; `segments` are the path's other names.
    pub(crate) fn call<T>(
        &self,
        operation: &'static Operation,
        segments: &[(&str, &str)],
        read: Read<T>,
    ) -> Call<T> {
        let mut all = [("hub", &*self.hub); 3];
        for (place, segment) in all[1..].iter_mut().zip(segments) {
            *place = *segment;
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

    /// The address under which the service knows itself.
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
