//! What lets a client connect: a token, made here or by the service, and the URL it belongs to.

use std::fmt;
use std::future::IntoFuture;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use service_core::{Call, CallFuture, Error, ErrorKind, Result, Secret, push_segment, read};

use crate::credential::seconds;
use crate::jwt::{self, Part, Signer};
use crate::operations::GENERATE_CLIENT_TOKEN;
use crate::{Role, ServiceClient, names};

/// The service's default, and that of the official libraries.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
/// `minutesToExpire` is an int32.
const MAX_MINUTES: u64 = i32::MAX.unsigned_abs() as u64;

/// Which protocol a client speaks; each has its own address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ClientProtocol {
    /// WebSocket, plain or with one of the service's own subprotocols.
    #[default]
    Default,
    /// MQTT over WebSocket.
    Mqtt,
    /// Socket.IO, on a resource of the kind Web PubSub for Socket.IO. Its clients take the host of the URL as their
    /// endpoint and the rest as `path`.
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

    /// The service's name of it, where it is not what the service takes anyway: it refuses `socketio`, since a resource for
    /// Socket.IO makes no other tokens.
    fn client_type(self) -> Option<&'static str> {
        (self == Self::Mqtt).then_some("MQTT")
    }
}

/// What a client needs to connect.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientAccess {
    /// The address with the token in its query: `wss://<host>/client/hubs/<hub>?access_token=<token>`. Whoever has it can
    /// connect.
    pub url: String,
    /// The token alone, for clients that send it as `Authorization: Bearer`, which keeps it out of logs of URLs.
    pub token: Secret,
    /// When the token ends. A client that is connected by then stays connected.
    pub expires_at: SystemTime,
}

impl ClientAccess {
    /// The URL without the token.
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

/// Makes a [`ClientAccess`]; made by [`ServiceClient::client_access`].
///
/// With an access key the token is signed here: nothing is sent, and the overrides of a call have no effect. With a token
/// credential the service makes it.
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

    /// Says who the client is. Without, it is anonymous. Not empty, `.` or `..`.
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.user = Some(id.into());
        self
    }

    /// Adds roles.
    pub fn roles(mut self, roles: impl IntoIterator<Item = Role>) -> Self {
        self.roles.extend(roles);
        self
    }

    /// Adds groups that the client is in from the start.
    pub fn groups<S: Into<String>>(mut self, groups: impl IntoIterator<Item = S>) -> Self {
        self.groups.extend(groups.into_iter().map(Into::into));
        self
    }

    /// Sets for how long the token lets a client connect, from 1 second on; a fraction of a second is dropped. Default: an
    /// hour. The service makes tokens for whole minutes only, so with a token credential other lifetimes are refused.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets which protocol the client speaks.
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

    /// Checks what the token will say of the client, and names its roles.
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

    fn sign(&self, signer: &Signer, roles: &[String]) -> Result<(Secret, SystemTime)> {
        // The hub as it is, without escapes: so do the official libraries, and so the service compares it.
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
        Ok((Secret::new(signer.sign(&claims)?), expires_at(expires)?))
    }

    async fn generate(self, roles: &[String]) -> Result<(Secret, SystemTime)> {
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
        let expires_at = expiry(&token)?;
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

/// The claims in the order of the known token.
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
    Ok(Secret::new(token))
}

#[derive(Deserialize)]
struct Expiry {
    exp: u64,
}

fn expiry(token: &Secret) -> Result<SystemTime> {
    let claims = jwt::part::<Expiry>(token.expose(), Part::Claims);
    let Some(Expiry { exp }) = claims else {
        return Err(Error::new(ErrorKind::Decode, "the service's token does not say when it ends"));
    };
    expires_at(exp)
}

fn expires_at(seconds: u64) -> Result<SystemTime> {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .ok_or_else(|| Error::new(ErrorKind::Decode, "the token ends later than time can tell"))
}
