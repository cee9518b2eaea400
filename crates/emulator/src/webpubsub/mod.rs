//! Azure Web PubSub: the REST operations and the WebSocket clients of its hubs.

mod close;
mod connection;
mod conversation;
mod cut;
mod delivery;
mod errors;
mod exists;
mod filter;
mod frame;
mod generate_token;
mod group_sets;
mod groups;
mod handshake;
mod hub;
mod json_protocol;
mod keep_alive;
mod list;
mod member;
mod membership;
mod names;
mod outbox;
mod permissions;
mod protobuf_messages;
mod protobuf_protocol;
mod roles;
mod routes;
mod send;
mod simple;
mod socket;
mod token;
mod unacknowledged;
mod upstream;

use std::sync::Arc;

pub use filter::{Filter, FilterError, FilterSubject};
pub use hub::ConnectionInfo;
pub use token::ClientToken;
pub(crate) use token::check_key;
pub use upstream::{EventHandlerSettings, InvalidEventHandler, SystemEvent, UserEvents};

use crate::clock::Clock;
use crate::faults::Faults;
use crate::invalid_setting::InvalidSetting;
use crate::journal::Journal;
use crate::server::{Answer, Endpoint, Request};
use hub::Hubs;
use token::Keys;
use upstream::Upstream;

/// A handle onto the emulated service: where it is, its keys, and who is connected.
#[derive(Debug, Clone)]
pub struct WebPubSub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    endpoint: Endpoint,
    keys: Arc<Keys>,
    hubs: Arc<Hubs>,
    faults: Faults,
    upstream: Arc<Upstream>,
}

impl WebPubSub {
    pub(crate) fn new(clock: Clock, endpoint: Endpoint, faults: Faults, journal: Arc<Journal>) -> Self {
        let hubs = Arc::new(Hubs::new(clock.clone()));
        let keys = Arc::new(Keys::default());
        let upstream = Arc::new(Upstream::new(clock.clone(), endpoint.address, Arc::clone(&keys), journal));
        Self(Arc::new(Inner { clock, endpoint, keys, hubs, faults, upstream }))
    }

    /// The connection string of the service with its primary key.
    pub fn connection_string(&self) -> String {
        self.connection_string_with(&self.access_key())
    }

    /// The connection string of the service with its secondary key.
    pub fn secondary_connection_string(&self) -> String {
        self.connection_string_with(&self.secondary_access_key())
    }

    fn connection_string_with(&self, key: &str) -> String {
        format!("Endpoint={};AccessKey={key};Version=1.0;", self.0.endpoint.http())
    }

    /// The primary access key: at first the one of the official emulator.
    pub fn access_key(&self) -> String {
        self.0.keys.both()[0].clone()
    }

    /// The secondary access key.
    pub fn secondary_access_key(&self) -> String {
        self.0.keys.both()[1].clone()
    }

    /// Changes both access keys, as regenerating them does: what the old ones signed is refused from now on, while open
    /// connections stay.
    ///
    /// # Errors
    /// When a key is not 1 to 256 visible ASCII characters without `;`. Then neither is changed.
    pub fn set_access_keys(&self, primary: &str, secondary: &str) -> Result<(), InvalidSetting> {
        self.0.keys.set(primary, secondary)
    }

    /// A token for REST requests such as Entra ID gives, valid for one hour of the emulator's clock. It opens no WebSocket.
    pub fn entra_token(&self) -> String {
        token::entra_token(self.0.clock.now())
    }

    /// The URL, `ws://...?access_token=...` (`wss` with TLS), under which a client reaches the hub for the next hour.
    pub fn client_access_url(&self, hub: &str, token: &ClientToken) -> String {
        let hub = names::encode(hub);
        let audience = format!("{}/client/hubs/{hub}", self.0.endpoint.http());
        let token = self.0.keys.sign(token, &audience, self.0.clock.now());
        format!("{}/client/hubs/{hub}?access_token={token}", self.0.endpoint.ws())
    }

    /// Lets a webhook handle events of a hub, behind those that the hub has: an event goes to the first that takes it.
    ///
    /// # Errors
    /// When the URL is none that can be called, or the hub's or an event's name breaks the rule.
    pub fn event_handler(
        &self,
        hub: &str,
        settings: EventHandlerSettings,
    ) -> Result<(), InvalidEventHandler> {
        self.0.upstream.add(hub, settings)
    }

    /// Takes all event handlers from a hub.
    pub fn clear_event_handlers(&self, hub: &str) {
        self.0.upstream.clear(hub);
    }

    /// The hubs that have connections, in lower case and in order.
    pub fn hubs(&self) -> Vec<String> {
        self.0.hubs.names()
    }

    /// The connections of a hub, ordered by connection id.
    pub fn connections(&self, hub: &str) -> Vec<ConnectionInfo> {
        self.0.hubs.connections(hub)
    }

    /// Returns as soon as the hub has exactly this many connections.
    pub async fn wait_for_connections(&self, hub: &str, count: usize) {
        self.0.hubs.wait_for(hub, count).await;
    }

    pub(crate) async fn answer(&self, request: &Request) -> Answer {
        match request.path().as_slice() {
            ["client" | "clients", ..] => handshake::answer(&self.0, request).await,
            _ => Answer::Reply(routes::answer(&self.0, request)),
        }
    }
}
