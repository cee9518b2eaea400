//! The WebSocket client from the outside: a service of the test's own at the other end of an in-memory stream, and a clock
//! that the test moves.
#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail their test")]

mod access;
mod closing;
mod cuts;
mod emulator;
mod peer;
mod secrets;
mod traffic;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use service_core::testing::ManualClock;
use webpubsub::Client;
use webpubsub::client::{ClientBuilder, Event, Events};

use peer::{Network, Peer};

const URL: &str = "wss://name.example/client/hubs/chat?access_token=planted.token";

/// A client's surroundings, all of which the test commands.
struct World {
    network: Network,
    clock: ManualClock,
}

impl World {
    fn new() -> Self {
        Self { network: Network::new(), clock: ManualClock::new(SystemTime::UNIX_EPOCH) }
    }

    fn builder(&self) -> ClientBuilder {
        self.around(Client::builder(URL))
    }

    fn around(&self, builder: ClientBuilder) -> ClientBuilder {
        let (network, clock) = (Arc::new(self.network.clone()), Arc::new(self.clock.clone()));
        builder.transport(network).clock(clock)
    }

    /// A client whose connection `c1` stands, and the other end.
    async fn connect(&self, builder: ClientBuilder) -> (Client, Peer) {
        let connecting = tokio::spawn(builder.connect());
        let peer = self.network.greet("c1").await;
        (connecting.await.unwrap().unwrap(), peer)
    }

    /// Lets everybody do what they can, then moves the time, then lets everybody act on it.
    async fn pass(&self, time: Duration) {
        settle().await;
        self.clock.advance(time);
        settle().await;
    }
}

/// Gives all other tasks of this thread so many turns that none has anything left to do.
async fn settle() {
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
