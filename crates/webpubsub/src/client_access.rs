//! Client access: a token, created locally or by the service, and the URL that a client connects to with it.

use std::fmt;
use std::future::IntoFuture;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use service_core::{Call, CallFuture, Delivery, Error, ErrorKind, Result, Secret, push_segment, read};

use crate::credential::seconds;
use crate::jwt::{self, Part, Signer};
use crate::operations::GENERATE_CLIENT_TOKEN;
use crate::{Role, ServiceClient, names};

/// The default of the service and of the official libraries.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
/// The maximum of `minutesToExpire`, which is an int32.
const MAX_MINUTES: u64 = i32::MAX.unsigned_abs() as u64;

/// Specifies the protocol that a client speaks. Each protocol has its own URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ClientProtocol {
    /// The client speaks WebSocket, either plain or with one of the subprotocols of the service.
    #[default]
    Default,
    /// The client speaks MQTT over WebSocket.
    Mqtt,
    /// The client speaks Socket.IO. The resource must be of the kind Web PubSub for Socket.IO. Pass the host of the URL to
    /// the client as its endpoint, and the rest as `path`.
    SocketIo,
}

impl ClientProtocol {
    fn path(self) -> &'static str {
        match self {
            Self::Default => "/client/hubs/",
            Self::Mqtt => "/clients/mqtt/hubs/",
            Self::SocketIo => "/clients/socketio/hubs/",
        }
    }

    /// Returns the name that the service has for the protocol, or `None` if the parameter must be omitted. The service
    /// rejects `socketio`, since a resource for Socket.IO creates no other tokens.
    fn client_type(self) -> Option<&'static str> {
        (self == Self::Mqtt).then_some("MQTT")
    }
}

/// Contains what a client needs to connect: a URL and a token. [`ServiceClient::client_access`] creates it.
///
/// `Debug` shows neither the token nor the URL that contains it.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientAccess {
    /// The URL that contains the token: `wss://<host>/client/hubs/<hub>?access_token=<token>`. Treat it as a secret: any
    /// client that has it can connect.
    pub url: String,
    /// The token alone, which a client can send as `Authorization: Bearer` to keep it out of logs that record URLs.
    pub token: Secret,
    /// The time at which the token expires, or `None` if the service created the token and its expiry time cannot be read. A
    /// client that is connected by then stays connected.
    pub expires_at: Option<SystemTime>,
}

impl ClientAccess {
    /// Returns the URL without the token.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.split_once('?').map_or(&*self.url, |(address, _)| address)
    }
}

impl fmt::Debug for ClientAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAccess")
            .field("address", &self.address())
            .field("token", &self.token)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// A builder that creates a [`ClientAccess`] when awaited. [`ServiceClient::client_access`] returns it.
///
/// With an access key, the token is signed locally: nothing is sent, and the per-call overrides have no effect. With a
/// token credential, the service creates the token.
#[must_use = "does nothing until awaited"]
pub struct CreateClientAccess {
    service: ServiceClient,
    call: Call<Secret>,
    user: Option<String>,
    roles: Vec<Role>,
    groups: Vec<String>,
    lifetime: Duration,
    protocol: ClientProtocol,
}

impl CreateClientAccess {
    pub(crate) fn new(service: ServiceClient) -> Self {
        let call = service.call(&GENERATE_CLIENT_TOKEN, &[], token);
        let (user, roles, groups) = (None, Vec::new(), Vec::new());
        Self {
            service,
            call,
            user,
            roles,
            groups,
            lifetime: DEFAULT_LIFETIME,
            protocol: ClientProtocol::Default,
        }
    }

    /// Sets the user ID of the client. By default, the client is anonymous. The ID must not be empty, `.`, or `..`.
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.user = Some(id.into());
        self
    }

    /// Adds roles.
    pub fn roles(mut self, roles: impl IntoIterator<Item = Role>) -> Self {
        self.roles.extend(roles);
        self
    }

    /// Adds groups that the client joins when it connects.
    pub fn groups<S: Into<String>>(mut self, groups: impl IntoIterator<Item = S>) -> Self {
        self.groups.extend(groups.into_iter().map(Into::into));
        self
    }

    /// Sets how long the token allows a client to connect. Default: 1 hour. Minimum: 1 second. Fractions of a second are
    /// truncated.
    ///
    /// With a token credential, the lifetime must be a whole number of minutes, since the service creates the token.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets the protocol that the client speaks. Default: [`ClientProtocol::Default`].
    pub fn protocol(mut self, protocol: ClientProtocol) -> Self {
        self.protocol = protocol;
        self
    }

    async fn create(self) -> Result<ClientAccess> {
        let (service, protocol) = (self.service.clone(), self.protocol);
        let roles = self.check()?;
        let (token, expires_at) = match &service.resource().own_key {
            Some(own_key) => self.sign(&own_key.signer, &roles)?,
            None => self.generate(&roles).await?,
        };
        Ok(ClientAccess { url: url(&service, protocol, &token)?, token, expires_at })
    }

    /// Validates what the token will contain, and returns the names of its roles.
    fn check(&self) -> Result<Vec<String>> {
        names::hub(self.service.hub_name())?;
        self.user.iter().try_for_each(|user| names::id("userId", user))?;
        self.groups.iter().try_for_each(|group| names::group(group))?;
        if self.lifetime < Duration::from_secs(1) || self.lifetime.as_secs() > MAX_MINUTES * 60 {
            let rule = format!("must be between 1 second and {MAX_MINUTES} minutes");
            return Err(Error::invalid_input("lifetime", &rule, Some(&format!("{:?}", self.lifetime))));
        }
        self.roles.iter().map(Role::checked).collect()
    }

    fn sign(&self, signer: &Signer, roles: &[String]) -> Result<(Secret, Option<SystemTime>)> {
        // The hub is not escaped: the official libraries do the same, and the service compares it so.
        let (endpoint, hub) = (self.service.endpoint(), self.service.hub_name());
        let audience = format!("{endpoint}{}{hub}", self.protocol.path());
        let issued = seconds(self.service.pipeline().clock().now())?;
        let expires = issued + self.lifetime.as_secs();
        let claims = Claims {
            aud: &audience,
            sub: self.user.as_deref(),
            role: roles,
            groups: &self.groups,
            iat: issued,
            exp: expires,
        };
        Ok((Secret::new(signer.sign(&claims)?), time(Duration::from_secs(expires))))
    }

    async fn generate(self, roles: &[String]) -> Result<(Secret, Option<SystemTime>)> {
        if self.lifetime.subsec_nanos() != 0 || !self.lifetime.as_secs().is_multiple_of(60) {
            let rule = "must be whole minutes, since the service makes the token";
            return Err(Error::invalid_input("lifetime", rule, Some(&format!("{:?}", self.lifetime))));
        }
        let mut call = self.call;
        if let Some(user) = self.user {
            call.query("userId", user);
        }
        call.query_each("role", roles);
        call.query_each("group", self.groups);
        call.query("minutesToExpire", (self.lifetime.as_secs() / 60).to_string());
        if let Some(client_type) = self.protocol.client_type() {
            call.query("clientType", client_type);
        }
        let token = call.send().await?.body;
        let expires_at = expiry(&token);
        Ok((token, expires_at))
    }
}

service_core::call_setters!(CreateClientAccess);

impl IntoFuture for CreateClientAccess {
    type Output = Result<ClientAccess>;
    type IntoFuture = CallFuture<ClientAccess>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.create())
    }
}

impl fmt::Debug for CreateClientAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shape = f.debug_struct("CreateClientAccess");
        shape.field("user", &self.user).field("roles", &self.roles).field("groups", &self.groups);
        shape.field("lifetime", &self.lifetime).field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

/// Holds the claims in the order of the known token.
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    role: &'a [String],
    #[serde(rename = "webpubsub.group", skip_serializing_if = "<[String]>::is_empty")]
    groups: &'a [String],
    iat: u64,
    exp: u64,
}

fn url(service: &ServiceClient, protocol: ClientProtocol, token: &Secret) -> Result<String> {
    let endpoint = service.known_endpoint();
    let scheme = if endpoint.is_https() { "wss" } else { "ws" };
    let mut url = format!("{scheme}://{}{}", endpoint.authority(), protocol.path());
    push_segment(&mut url, "hub", service.hub_name())?;
    url.push_str("?access_token=");
    push_segment(&mut url, "token", token.expose())?;
    Ok(url)
}

#[derive(Deserialize)]
struct TokenResponse {
    token: String,
}

fn token(response: &http::Response<Bytes>) -> Result<Secret> {
    let TokenResponse { token } = read::json(response)?;
    if token.is_empty() {
        let error = Error::new(ErrorKind::Decode, "the token in the response is empty");
        let error = error.with_head(response.status(), response.headers().clone());
        return Err(error.with_delivery(Delivery::Accepted));
    }
    Ok(Secret::new(token))
}

/// The claim is a number that need not be an integer (RFC 7519, section 2).
#[derive(Deserialize)]
struct Expiry {
    exp: f64,
}

/// Returns the expiry time of a token of the service, if it can be read. The token itself is opaque to clients.
fn expiry(token: &Secret) -> Option<SystemTime> {
    let Expiry { exp } = jwt::part(token.expose(), Part::Claims)?;
    time(Duration::from_secs(Duration::try_from_secs_f64(exp).ok()?.as_secs()))
}

fn time(since_epoch: Duration) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(since_epoch)
}
