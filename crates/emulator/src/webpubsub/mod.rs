//! Emulates Azure Web PubSub: the REST operations and the WebSocket clients of its hubs.

mod anonymous;
mod background;
mod call;
mod close;
mod connection;
mod conversation;
mod cors;
mod cut;
mod delivery;
mod entra;
mod errors;
mod exists;
mod filter;
mod frame;
mod generate_token;
mod group_index;
mod group_sets;
mod group_state;
mod groups;
mod handshake;
mod hub;
mod invocations;
mod json_decoding;
mod json_encoding;
mod keep_alive;
mod limits;
mod list;
mod manage;
mod media_type;
mod member;
mod membership;
mod metadata;
mod names;
mod news;
mod outbox;
mod permissions;
mod protobuf_decoding;
mod protobuf_encoding;
mod protobuf_messages;
mod protobuf_previews;
mod roles;
mod routes;
mod send;
mod simple;
mod socket;
mod streams;
mod token;
mod unacknowledged;
mod upstream;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use entra::EntraTokens;
pub use filter::{Filter, FilterError, FilterSubject};
pub use group_state::GroupStateInfo;
pub use hub::ConnectionInfo;
pub use limits::PreviewLimits;
pub use manage::HubSettings;
pub use streams::StreamInfo;
pub use token::ClientToken;
pub(crate) use token::{INITIAL as KEYS, check_key};
pub use upstream::{EventHandlerSettings, InvalidEventHandler, SystemEvent, UserEvents};

use crate::clock::Clock;
use crate::faults::Faults;
use crate::invalid_setting::InvalidSetting;
use crate::journal::Journal;
use crate::message::{Endpoint, Request, Response};
use anonymous::AnonymousHubs;
use entra::Entra;
use hub::Hubs;
use token::Keys;
use upstream::Upstream;

/// A handle to the emulated service, which gives access to its address, its keys, and its connections.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use service_emulator::Emulator;
/// use service_emulator::webpubsub::ClientToken;
///
/// let emulator = Emulator::start().await?;
/// let service = emulator.webpubsub();
/// let url = service.client_access_url("chat", &ClientToken::new().user("ann").group("g1"));
/// // Connect any WebSocket client to `url`, then wait: `service.wait_for_connections("chat", 1).await`.
/// assert!(url.starts_with("ws://127.0.0.1:"));
/// assert!(service.connections("chat").is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct WebPubSub(Arc<Inner>);

struct Inner {
    clock: Clock,
    endpoint: Endpoint,
    keys: Arc<Keys>,
    hubs: Arc<Hubs>,
    faults: Faults,
    upstream: Arc<Upstream>,
    entra: Entra,
    anonymous: AnonymousHubs,
}

/// Omits the state, which contains keys and messages.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

impl WebPubSub {
    pub(crate) fn new(clock: Clock, endpoint: Endpoint, faults: Faults, journal: Arc<Journal>) -> Self {
        let hubs = Arc::new(Hubs::new(clock.clone()));
        let keys = Arc::new(Keys::default());
        let upstream = Arc::new(Upstream::new(clock.clone(), Arc::clone(&keys), journal));
        let (entra, anonymous) = (Entra::default(), AnonymousHubs::default());
        Self(Arc::new(Inner { clock, endpoint, keys, hubs, faults, upstream, entra, anonymous }))
    }

    /// Returns the connection string of the service with its primary key.
    pub fn connection_string(&self) -> String {
        self.connection_string_with(&self.access_key())
    }

    /// Returns the connection string of the service with its secondary key.
    pub fn secondary_connection_string(&self) -> String {
        self.connection_string_with(&self.secondary_access_key())
    }

    fn connection_string_with(&self, key: &str) -> String {
        format!("Endpoint={};AccessKey={key};Version=1.0;", self.0.endpoint.http())
    }

    /// Returns the primary access key. Initially, it is the key of the official emulator.
    pub fn access_key(&self) -> String {
        self.0.keys.both()[0].clone()
    }

    /// Returns the secondary access key.
    pub fn secondary_access_key(&self) -> String {
        self.0.keys.both()[1].clone()
    }

    /// Replaces both access keys.
    ///
    /// Tokens signed with the old keys are rejected from now on. Open connections stay open.
    ///
    /// # Errors
    ///
    /// Returns an error if a key is not 1 to 256 visible ASCII characters without `;`. In this case, neither key
    /// changes.
    pub fn set_access_keys(&self, primary: &str, secondary: &str) -> Result<(), InvalidSetting> {
        self.0.keys.set(primary, secondary)
    }

    /// Returns a token for REST requests, like one from Entra ID.
    ///
    /// It is valid for one hour of the emulator's clock. It cannot be used to open a WebSocket.
    pub fn entra_token(&self) -> String {
        entra::token(self.0.clock.now())
    }

    /// A token like [`entra_token`](Self::entra_token) for the environment of other programs: it is valid for a year.
    pub(crate) fn printed_entra_token(&self) -> String {
        entra::long_lived_token(self.0.clock.now())
    }

    /// Sets which tokens of Entra ID REST requests may have. Default: [`EntraTokens::Unvalidated`], so that tokens of a
    /// real Entra ID work.
    pub fn set_entra_tokens(&self, tokens: EntraTokens) {
        self.0.entra.set(tokens);
    }

    /// Sets whether clients without a token may connect to a hub. Default: `false`. Such clients have no user, roles,
    /// and groups unless the event handler for `connect` assigns some.
    ///
    /// # Errors
    ///
    /// Returns an error if the name of the hub is invalid.
    pub fn allow_anonymous(&self, hub: &str, allow: bool) -> Result<(), InvalidSetting> {
        self.0.anonymous.set(hub, allow)
    }

    /// Returns the URL at which a client can connect to the hub: `ws://...?access_token=...`, or `wss` with TLS.
    ///
    /// The URL is valid for one hour of the emulator's clock.
    pub fn client_access_url(&self, hub: &str, token: &ClientToken) -> String {
        let hub = names::encode(hub);
        let audience = format!("{}/client/hubs/{hub}", self.0.endpoint.http());
        let token = self.0.keys.sign(token, &audience, self.0.clock.now());
        format!("{}/client/hubs/{hub}?access_token={token}", self.0.endpoint.ws())
    }

    /// Sets the time by which acks are sent later than the service would at the earliest. Default: zero. The program
    /// `service-emulator` uses 10 ms.
    ///
    /// In the cloud, an ack takes milliseconds. Some clients, such as the official one for Python, wait for an ack only
    /// after they have sent the frame, and miss one that arrives within microseconds. Other frames are not delayed, so
    /// they may overtake an ack. The acks of subscriptions to group states are never delayed, because a snapshot follows
    /// them.
    pub fn set_ack_delay(&self, delay: Duration) {
        self.0.hubs.set_ack_delay(delay);
    }

    /// Adds an event handler to a hub, after the existing ones. Each event is sent to the first handler that accepts
    /// it.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid, or if the name of the hub or of an event breaks a rule.
    pub fn event_handler(
        &self,
        hub: &str,
        settings: EventHandlerSettings,
    ) -> Result<(), InvalidEventHandler> {
        self.0.upstream.add(hub, settings)
    }

    /// Adds certificate authorities, as PEM, that https event handlers may have, in addition to those of the platform.
    ///
    /// # Errors
    ///
    /// Returns an error if the text contains no certificate or an invalid one.
    pub fn trust_event_handlers(&self, pem: &str) -> Result<(), InvalidSetting> {
        self.0.upstream.trust(pem)
    }

    /// Removes all event handlers of a hub.
    pub fn clear_event_handlers(&self, hub: &str) {
        self.0.upstream.clear(hub);
    }

    /// Returns the names of the hubs that have connections, in lower case and sorted.
    pub fn hubs(&self) -> Vec<String> {
        self.0.hubs.names()
    }

    /// Returns the connections of a hub, sorted by connection id.
    pub fn connections(&self, hub: &str) -> Vec<ConnectionInfo> {
        self.0.hubs.connections(hub)
    }

    /// Returns the states that connections have set in a group of a hub, sorted by connection id. Unlike a snapshot for a
    /// client, it has no maximum.
    pub fn group_states(&self, hub: &str, group: &str) -> Vec<GroupStateInfo> {
        self.0.hubs.group_states(hub, group)
    }

    /// Returns the open group streams of a hub, sorted by connection id and stream id.
    pub fn streams(&self, hub: &str) -> Vec<StreamInfo> {
        self.0.hubs.streams(hub)
    }

    /// Sets the limits for features in preview. They apply to requests from now on.
    pub fn set_preview_limits(&self, limits: PreviewLimits) {
        self.0.hubs.set_limits(limits);
    }

    /// Waits until the hub has exactly this many connections.
    ///
    /// Cancel safe.
    pub async fn wait_for_connections(&self, hub: &str, count: usize) {
        self.0.hubs.wait_for(hub, count).await;
    }

    /// Closes all connections, because the server stops.
    pub(crate) fn end(&self) {
        for hub in self.0.hubs.names() {
            self.0.hubs.close(&hub, &outbox::Closing::stopping(), |_, _| true);
        }
    }

    pub(crate) async fn respond(&self, request: &Request) -> Response {
        match request.path().as_slice() {
            ["client" | "clients", ..] => handshake::respond(&self.0, request).await,
            _ => match cors::preflight(request) {
                Some(response) => response,
                None => cors::allowed(request, routes::respond(&self.0, request)),
            },
        }
    }
}
