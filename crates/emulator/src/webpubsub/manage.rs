//! What a test changes in the hubs and their sockets, and what no client can see of them.

use std::collections::BTreeMap;

use super::outbox::{Closing, Outbox};
use super::upstream::{EventHandlerSettings, InvalidEventHandler};
use super::{EntraTokens, WebPubSub};
use crate::faults::sockets::Loss;

/// Describes the settings of a hub. [`WebPubSub::hub_settings`] returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubSettings {
    /// The name that identifies the hub, in lower case.
    pub name: String,
    /// Whether clients without a token may connect.
    pub allow_anonymous: bool,
    /// The event handlers in the order in which they are asked.
    pub event_handlers: Vec<EventHandlerSettings>,
}

/// Manages the settings of hubs.
impl WebPubSub {
    /// Replaces the event handlers of a hub.
    ///
    /// # Errors
    ///
    /// Returns an error if a URL is invalid, or if the name of the hub or of an event breaks a rule. In this case, no
    /// handler changes.
    pub fn set_event_handlers(
        &self,
        hub: &str,
        settings: Vec<EventHandlerSettings>,
    ) -> Result<(), InvalidEventHandler> {
        self.0.upstream.set(hub, settings)
    }

    /// Returns the settings of the hubs that differ from the defaults, sorted by name.
    pub fn hub_settings(&self) -> Vec<HubSettings> {
        let mut hubs = BTreeMap::<String, HubSettings>::new();
        let entry = |name: &String| HubSettings {
            name: name.clone(),
            allow_anonymous: false,
            event_handlers: Vec::new(),
        };
        for name in self.0.anonymous.names() {
            hubs.entry(name.clone()).or_insert_with(|| entry(&name)).allow_anonymous = true;
        }
        for (name, handlers) in self.0.upstream.all() {
            let handlers = handlers.iter().map(|handler| (**handler).clone()).collect();
            hubs.entry(name.clone()).or_insert_with(|| entry(&name)).event_handlers = handlers;
        }
        hubs.into_values().collect()
    }

    /// Returns the settings of a hub to the defaults: no event handlers and no clients without a token. Connections stay
    /// open. Returns `false` if the hub has no settings.
    pub fn remove_hub_settings(&self, hub: &str) -> bool {
        let name = hub.to_ascii_lowercase();
        let existed = self.hub_settings().iter().any(|settings| settings.name == name);
        self.0.upstream.clear(hub);
        // The name of a hub with settings is valid.
        let _ = self.0.anonymous.set(hub, false);
        existed
    }
}

/// Breaks the sockets of connections.
impl WebPubSub {
    /// Ends the socket of a connection without a close frame, now. Returns `false` if there is no such connection, or if it
    /// has no socket.
    ///
    /// A reliable connection can be recovered for 30 s on the emulator's clock.
    /// [`SocketFault::drop_connection`](crate::SocketFault::drop_connection) does the same at a frame.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use service_emulator::Emulator;
    ///
    /// let emulator = Emulator::start().await?;
    /// let service = emulator.webpubsub();
    /// // The code under test connects here.
    /// for connection in service.connections("chat") {
    ///     assert!(service.drop_socket("chat", &connection.connection_id));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn drop_socket(&self, hub: &str, connection: &str) -> bool {
        self.lose(hub, connection, Loss::Dropped)
    }

    /// Keeps the socket of a connection open without reading or writing anything from now on. Returns `false` if there is
    /// no such connection, or if it has no socket.
    ///
    /// See [`SocketFault::half_open`](crate::SocketFault::half_open), which does the same at a frame.
    pub fn stall_socket(&self, hub: &str, connection: &str) -> bool {
        self.lose(hub, connection, Loss::HalfOpen)
    }

    fn lose(&self, hub: &str, connection: &str, loss: Loss) -> bool {
        let outbox = self.0.hubs.with(hub, connection, |member| member.outbox.clone()).flatten();
        outbox.as_ref().inspect(|outbox| Outbox::lose(outbox, loss)).is_some()
    }

    /// Closes all connections and removes all settings.
    pub(crate) fn reset(&self) {
        for hub in self.0.hubs.names() {
            self.0.hubs.close(&hub, &Closing::by_server(Some("the emulator was reset")), |_, _| true);
        }
        for hub in self.0.upstream.all().into_keys() {
            self.0.upstream.clear(&hub);
        }
        self.0.anonymous.clear();
        self.0.keys.reset();
        self.set_entra_tokens(EntraTokens::default());
        self.set_ack_delay(std::time::Duration::ZERO);
    }
}
