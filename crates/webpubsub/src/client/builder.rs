//! The client's settings, their validation, and the first connection.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use service_core::{ClientOptions, Error, Meter, Result};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::access::Access;
use super::codec::Protocol;
use super::connector::Connector;
use super::measure::Measure;
use super::queue::Queue;
use super::session::{Reconnect, Session, Settings};
use super::state::StateCell;
use super::stats::Numbers;
use super::task::{Network, Task};
use super::{Client, Shared};

/// The service remembers the last 1000 ack ids of a connection. With more sends in flight, it could process a message twice
/// after a recovery (client protocols, section 6).
const MAX_PENDING: usize = 1000;

/// A builder that configures a [`Client`] and makes its first connection.
///
/// Created by [`Client::builder`]. Settings are validated by [`connect`](Self::connect).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), webpubsub::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// # let token = service_emulator::webpubsub::ClientToken::new().user("ann");
/// # let token = token.role("webpubsub.joinLeaveGroup").role("webpubsub.sendToGroup");
/// # let url = emulator.webpubsub().client_access_url("chat", &token);
/// use std::time::Duration;
///
/// use webpubsub::Client;
/// use webpubsub::client::{Protocol, Reconnect};
///
/// let client = Client::builder(url)
///     .protocol(Protocol::JsonReliable)
///     .reconnect(Reconnect::default().max_attempts(10))
///     .ack_timeout(Duration::from_secs(20))
///     .event_capacity(1024)
///     .connect()
///     .await?;
/// # client.close().await;
///
/// // Invalid settings are reported by `connect`.
/// let error = Client::builder("wss://contoso.example/client/hubs/chat").max_pending(0).connect().await.unwrap_err();
/// assert!(error.is_invalid_input());
/// # Ok(()) }
/// ```
#[must_use = "does nothing until connected"]
#[derive(Debug)]
pub struct ClientBuilder {
    access: Access,
    settings: Settings,
    event_capacity: usize,
    options: ClientOptions,
}

service_core::connection_setters!(ClientBuilder);

impl ClientBuilder {
    pub(super) fn new(access: Access) -> Self {
        let settings = Settings {
            protocol: Protocol::default(),
            reconnect: Reconnect::default(),
            ack_timeout: Duration::from_secs(60),
            max_pending: 256,
            attempt_timeout: Duration::ZERO,
            ping_interval: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(120),
            resend: false,
            rejoin: true,
            wants_events: true,
            fixed_access: access.is_fixed(),
        };
        Self { access, settings, event_capacity: 256, options: ClientOptions::default() }
    }

    /// Sets the subprotocol. Default: [`Protocol::JsonReliable`].
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.settings.protocol = protocol;
        self
    }

    /// Sets the reconnect policy.
    ///
    /// Default: exponential backoff from 1.25 s to 30 s with jitter, and no limit on attempts.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.settings.reconnect = reconnect;
        self
    }

    /// Sets how long a send may take, from its first poll to its acknowledgment. Default: 60 s.
    ///
    /// It includes the wait while [`max_pending`](Self::max_pending) sends are in flight. Reconnects do not extend it, and a
    /// send's own deadline takes precedence. Keep it above 30 s, so that a recovery fits into it. Must be greater than zero.
    pub fn ack_timeout(mut self, limit: Duration) -> Self {
        self.settings.ack_timeout = limit;
        self
    }

    /// Sets how often the client pings the service, and after how long without data it treats the connection as lost.
    ///
    /// Default: 20 s and 120 s. Zero disables either one. Without an idle timeout, half-open connections go undetected. The idle
    /// timeout must be longer than the ping interval.
    pub fn keep_alive(mut self, ping_interval: Duration, idle_timeout: Duration) -> Self {
        (self.settings.ping_interval, self.settings.idle_timeout) = (ping_interval, idle_timeout);
        self
    }

    /// Sets whether unacknowledged sends are retried on a new connection when the old one cannot be recovered. Default: `false`.
    ///
    /// With `true`, the service may process such a send twice. With `false`, it fails with an error whose
    /// [`outcome_unknown`](crate::Error::outcome_unknown) returns `true`.
    pub fn resend_after_lost_connection(mut self, resend: bool) -> Self {
        self.settings.resend = resend;
        self
    }

    /// Sets whether a new connection rejoins the groups of the previous one, in their original order. Default: `true`.
    pub fn rejoin_groups(mut self, rejoin: bool) -> Self {
        self.settings.rejoin = rejoin;
        self
    }

    /// Sets the capacity of the event queue, at least 1. Default: 256.
    pub fn event_capacity(mut self, events: usize) -> Self {
        self.event_capacity = events;
        self
    }

    /// Acknowledges and drops all incoming messages and events, except for those of [subscriptions](super::Subscription). Use it
    /// for programs that only send, or only subscribe to groups.
    pub fn without_events(mut self) -> Self {
        self.settings.wants_events = false;
        self
    }

    /// Sets how many sends can be in flight, 1 to 1000. Default: 256.
    ///
    /// Further sends wait in the order in which they were first polled. The upper bound is the number of ack ids that the service remembers.
    pub fn max_pending(mut self, sends: usize) -> Self {
        self.settings.max_pending = sends;
        self
    }

    /// Sets the meter that receives the client's metrics. Default: none; nothing is then measured.
    ///
    /// [`INSTRUMENTS`](crate::INSTRUMENTS) lists the metrics. Their attributes contain the hub, but no name of a user, a group, or a
    /// connection.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use webpubsub::{AttributeValue, Client, Instrument, Meter};
    ///
    /// struct Printer;
    ///
    /// impl Meter for Printer {
    ///     fn record(&self, instrument: &'static Instrument, value: f64, attributes: &[(&'static str, AttributeValue<'_>)]) {
    ///         println!("{} {value} {attributes:?}", instrument.name);
    ///     }
    /// }
    ///
    /// # async fn run(url: String) -> webpubsub::Result<()> {
    /// let client = Client::builder(url).meter(Arc::new(Printer)).connect().await?;
    /// # Ok(()) }
    /// ```
    pub fn meter(mut self, meter: Arc<dyn Meter>) -> Self {
        self.options.set_meter(meter);
        self
    }

    /// Connects to the service and returns once it has confirmed the connection.
    ///
    /// The first connection is attempted once; the reconnect policy applies only afterwards. The client's background task runs
    /// on the current Tokio runtime. Dropping the future cancels the connection.
    ///
    /// # Errors
    ///
    /// Returns an error if:
    ///
    /// * a setting or the URL is invalid, or the URL uses plain `ws` for a remote host without
    ///   [`allow_insecure_http`](Self::allow_insecure_http),
    /// * the future is polled outside a Tokio runtime, or that runtime has no timers or I/O,
    /// * [`Access::from_fn`] fails or times out,
    /// * the connection cannot be established, or
    /// * the service rejects the handshake: 401 for an invalid token, 429 for too many connections, or the status that the
    ///   application's `connect` event handler returned.
    ///
    /// [Service documentation](https://learn.microsoft.com/azure/azure-web-pubsub/reference-json-reliable-webpubsub-subprotocol)
    pub async fn connect(mut self) -> Result<Client> {
        self.check()?;
        let runtime = Handle::try_current()
            .map_err(|_| Error::invalid_input("connect", "must be awaited on a Tokio runtime", None))?;
        self.settings.attempt_timeout = self.options.attempt_timeout();
        let clock = self.options.clock();
        let next_id = Arc::new(AtomicU64::new(1));
        let measure = Measure::new(self.options.meter());
        let queue = Arc::new(Queue::new(self.event_capacity, measure.clone()));
        let numbers = Arc::new(Numbers::default());
        let state = Arc::new(StateCell::new());
        let (protocol, ack_timeout) = (self.settings.protocol, self.settings.ack_timeout);
        let jitter = Box::new(self.options.jitter());
        #[cfg(feature = "preview")]
        let stream_prefix = super::streams::random_prefix(&self.options.jitter());
        let session = Session::new(self.settings, Arc::clone(&next_id), jitter, clock.elapsed());
        let session = session.with_measure(measure.clone());
        let (commands, received) = mpsc::unbounded_channel();
        let (first, outcome) = oneshot::channel();
        let task = Box::new(Task {
            session,
            protocol,
            connector: Arc::new(Connector::new(self.access, self.options, protocol)),
            clock: Arc::clone(&clock),
            commands: received,
            queue: Arc::clone(&queue),
            state: Arc::clone(&state),
            numbers: Arc::clone(&numbers),
            measure,
            first: Some(first),
            io: Network::None,
            ending: None,
            timer: None,
        });
        let client = Client {
            shared: Arc::new(Shared {
                protocol,
                commands,
                clock,
                ack_timeout,
                runtime: runtime.id(),
                next_id,
                #[cfg(feature = "preview")]
                stream_prefix,
                queue,
                state,
                numbers,
            }),
        };
        runtime.spawn(task.run());
        let aborted = || {
            let text = "the client's task was aborted: the runtime is shutting down, or has no timers or I/O";
            Error::new(service_core::ErrorKind::Transport, text)
        };
        outcome.await.unwrap_or_else(|_| Err(aborted()))?;
        Ok(client)
    }

    fn check(&self) -> Result<()> {
        let invalid = |what, rule: &str, value: String| Err(Error::invalid_input(what, rule, Some(&value)));
        let Settings { ping_interval, idle_timeout, ack_timeout, max_pending, .. } = &self.settings;
        if self.event_capacity == 0 {
            return invalid(
                "event capacity",
                "must be at least 1; use `without_events` to receive none",
                "0".to_owned(),
            );
        }
        if !(1..=MAX_PENDING).contains(max_pending) {
            return invalid("pending sends", "must be 1 to 1000", max_pending.to_string());
        }
        if ack_timeout.is_zero() {
            return invalid("ack timeout", "must be longer than zero", "0".to_owned());
        }
        if !idle_timeout.is_zero() && idle_timeout <= ping_interval {
            return invalid(
                "idle timeout",
                "must be longer than the ping interval",
                format!("{idle_timeout:?}"),
            );
        }
        Ok(())
    }
}
