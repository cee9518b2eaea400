//! A client's settings, their bounds, and the first connection.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use service_core::{ClientOptions, Error, Result};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::access::Access;
use super::codec::Protocol;
use super::connector::Connector;
use super::queue::Queue;
use super::session::{Reconnect, Session, Settings};
use super::task::{Network, Task};
use super::{Client, Shared};

/// The service remembers the last 1000 ack ids of a connection: with more than that under way, a message could be carried
/// out twice after a recovery (client protocols, section 6).
const MAX_PENDING: usize = 1000;

/// A [`Client`] in the making. What is wrong with its settings comes out of [`connect`](Self::connect).
#[must_use = "does nothing until connected"]
#[derive(Debug)]
pub struct ClientBuilder {
    access: Access,
    settings: Settings,
    event_capacity: usize,
    max_pending: usize,
    options: ClientOptions,
}

service_core::connection_setters!(ClientBuilder);

impl ClientBuilder {
    pub(super) fn new(access: Access) -> Self {
        let settings = Settings {
            protocol: Protocol::default(),
            reconnect: Reconnect::default(),
            ack_timeout: Duration::from_secs(60),
            attempt_timeout: Duration::ZERO,
            ping_interval: Duration::from_secs(20),
            silence_limit: Duration::from_secs(120),
            resend: false,
            rejoin: true,
            wants_events: true,
            fixed_access: access.is_fixed(),
        };
        Self { access, settings, event_capacity: 256, max_pending: 256, options: ClientOptions::default() }
    }

    /// Sets the subprotocol. Default: [`Protocol::JsonReliable`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.settings.protocol = protocol;
        self
    }

    /// Sets how a lost connection is come back from. Default: pauses from 0.5 s doubling up to 30 s, without end.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.settings.reconnect = reconnect;
        self
    }

    /// Sets how long a send may take from being handed over to being acknowledged, with whatever drops, recoveries and new
    /// connections are between. Default: 60 s, which a recovery fits into.
    pub fn ack_timeout(mut self, limit: Duration) -> Self {
        self.settings.ack_timeout = limit;
        self
    }

    /// Sets how often the service is pinged, and after how long a silence the connection is taken as lost; zero switches
    /// either off. Default: 20 s and 120 s. A half-open connection is noticed by this only.
    pub fn keep_alive(mut self, ping_interval: Duration, silence_limit: Duration) -> Self {
        (self.settings.ping_interval, self.settings.silence_limit) = (ping_interval, silence_limit);
        self
    }

    /// Sends what was not acknowledged once more when the connection is lost for good, on the next one. The service may then
    /// do it twice. Default: no; the caller gets an error that says that the outcome is unknown.
    pub fn resend_after_lost_connection(mut self, resend: bool) -> Self {
        self.settings.resend = resend;
        self
    }

    /// Sets whether a new connection joins the groups of the one before, in their order. Default: yes.
    pub fn rejoin_groups(mut self, rejoin: bool) -> Self {
        self.settings.rejoin = rejoin;
        self
    }

    /// Sets how many events wait for the program: 1 or more. Default: 256.
    pub fn event_capacity(mut self, events: usize) -> Self {
        self.event_capacity = events;
        self
    }

    /// Takes no events: what comes is acknowledged and dropped. For programs that only send.
    pub fn without_events(mut self) -> Self {
        self.settings.wants_events = false;
        self
    }

    /// Sets how many sends may be under way; further ones wait for their place. 1 to 1000, since the service remembers so
    /// many ack ids. Default: 256.
    pub fn max_pending(mut self, sends: usize) -> Self {
        self.max_pending = sends;
        self
    }

    /// Connects, and returns when the service has said `connected`. One attempt is made.
    ///
    /// [Service documentation](https://learn.microsoft.com/azure/azure-web-pubsub/reference-json-reliable-webpubsub-subprotocol)
    ///
    /// # Errors
    ///
    /// Settings out of bounds, a malformed URL, plain `ws` to another machine, an access that failed, everything that keeps a
    /// connection from being made, and a refused handshake: 401 for a bad token, 429 for too many connections, what the
    /// `connect` event's handler said.
    pub async fn connect(mut self) -> Result<Client> {
        self.check()?;
        self.settings.attempt_timeout = self.options.attempt_timeout();
        let clock = self.options.clock();
        let next_id = Arc::new(AtomicU64::new(1));
        let queue = Arc::new(Queue::new(self.event_capacity));
        let protocol = self.settings.protocol;
        let jitter = Box::new(self.options.jitter());
        let session = Session::new(self.settings, Arc::clone(&next_id), jitter, clock.elapsed());
        let (commands, received) = mpsc::unbounded_channel();
        let (first, outcome) = oneshot::channel();
        let task = Task {
            session,
            protocol,
            connector: Arc::new(Connector::new(self.access, self.options, protocol)),
            clock,
            commands: received,
            queue: Arc::clone(&queue),
            first: Some(first),
            io: Network::None,
            alarm: None,
        };
        let places = Arc::new(Semaphore::new(self.max_pending));
        let client = Client { shared: Arc::new(Shared { protocol, commands, places, next_id, queue }) };
        tokio::spawn(task.run());
        let lost = || Error::new(service_core::ErrorKind::Transport, "the runtime shuts down");
        outcome.await.unwrap_or_else(|_| Err(lost()))?;
        Ok(client)
    }

    fn check(&self) -> Result<()> {
        let refuse = |what, rule: &str, value: String| Err(Error::invalid_input(what, rule, Some(&value)));
        let Settings { ping_interval, silence_limit, ack_timeout, .. } = &self.settings;
        if self.event_capacity == 0 {
            return refuse(
                "event capacity",
                "must be at least 1; `without_events` takes none",
                "0".to_owned(),
            );
        }
        if !(1..=MAX_PENDING).contains(&self.max_pending) {
            return refuse("pending sends", "must be 1 to 1000", self.max_pending.to_string());
        }
        if ack_timeout.is_zero() {
            return refuse("ack timeout", "must be longer than nothing", "0".to_owned());
        }
        if !silence_limit.is_zero() && silence_limit <= ping_interval {
            return refuse(
                "silence limit",
                "must be longer than the ping interval",
                format!("{silence_limit:?}"),
            );
        }
        Ok(())
    }
}
