//! Tests of the WebSocket client through its public API. Most use an in-memory service, which the test scripts, and a manual
//! clock.

mod access;
mod bad_input;
mod closing;
mod cuts;
mod diagnostics;
mod emulator;
mod hostile;
#[cfg(all(feature = "preview", feature = "event-handler"))]
mod invocations;
mod order;
mod peer;
mod runtimes;
mod secrets;
mod slow;
#[cfg(feature = "preview")]
mod streams;
mod subscriptions;
mod traffic;
mod violations;
mod wakers;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use service_core::testing::ManualClock;
use webpubsub::Client;
use webpubsub::client::{ClientBuilder, Event, Events, Reconnect};

use peer::{Network, Peer};

const URL: &str = "wss://name.example/client/hubs/chat?access_token=planted.token";

/// The environment of a client, controlled by the test.
struct TestBed {
    network: Network,
    clock: ManualClock,
}

impl TestBed {
    fn new() -> Self {
        Self { network: Network::new(), clock: ManualClock::new(SystemTime::UNIX_EPOCH) }
    }

    fn builder(&self) -> ClientBuilder {
        self.configure(Client::builder(URL))
    }

    fn configure(&self, builder: ClientBuilder) -> ClientBuilder {
        let (network, clock) = (Arc::new(self.network.clone()), Arc::new(self.clock.clone()));
        // The first two delays are at most half a second.
        let reconnect = Reconnect::default().initial_backoff(Duration::from_millis(500));
        builder.transport(network).clock(clock).reconnect(reconnect)
    }

    /// Connects a client as `c1`, and returns it with the service's end.
    async fn connect(&self, builder: ClientBuilder) -> (Client, Peer) {
        let connecting = tokio::spawn(builder.connect());
        let peer = self.network.connect("c1").await;
        (connecting.await.unwrap().unwrap(), peer)
    }

    /// Runs all tasks until they are idle, advances the time, and runs them again.
    async fn pass(&self, time: Duration) {
        run_until_idle().await;
        self.clock.advance(time);
        run_until_idle().await;
    }
}

/// Yields often enough for all other tasks of this thread to become idle.
async fn run_until_idle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

async fn text(events: &mut Events) -> String {
    match events.next().await {
        Some(Event::GroupMessage(message)) => message.data.as_text().unwrap().to_owned(),
        Some(Event::ServerMessage(message)) => message.data.as_text().unwrap().to_owned(),
        other => format!("{other:?}"),
    }
}

fn message(sequence_id: u64) -> String {
    format!(
        r#"{{"type":"message","from":"server","dataType":"text","data":"{sequence_id}","sequenceId":{sequence_id}}}"#
    )
}
