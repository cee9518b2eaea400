//! Connections that are cut repeatedly, at any byte. A relay in front of the emulator drops every connection after a few
//! kilobytes in either direction, also during handshakes and within frames.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use service_emulator::Emulator;
use tokio::io::{AsyncReadExt, copy};
use tokio::net::{TcpListener, TcpStream};
use webpubsub::client::{Event, Reconnect};
use webpubsub::{Client, Credential, Role, ServiceClient};

const MESSAGES: u32 = 3000;
/// The maximum bytes of a connection. Must exceed the unacknowledged bytes, or connections would carry nothing but replays.
const MAX_BYTES: u64 = 16 * 1024;

/// Forwards connections to `to`, and counts them.
async fn relay(to: SocketAddr, seed: u64, connections: Arc<AtomicU64>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut state = seed;
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(to).await.unwrap();
            // The first connection must succeed; the others last for 1 to `MAX_BYTES` bytes in each direction.
            let first = connections.fetch_add(1, Ordering::Relaxed) == 0;
            let mut limit = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if first { MAX_BYTES } else { (state >> 33) % MAX_BYTES + 1 }
            };
            let limits = (limit(), limit());
            tokio::spawn(async move {
                let ((up, mut down_to), (down, mut up_to)) = (near.into_split(), far.into_split());
                let (mut up, mut down) = (up.take(limits.0), down.take(limits.1));
                tokio::select! {
                    _ = copy(&mut up, &mut up_to) => {}
                    _ = copy(&mut down, &mut down_to) => {}
                }
            });
        }
    });
    address
}

async fn connect(emulator: &Emulator, user: &str, relay: SocketAddr) -> Client {
    // The token names the host that the client sees.
    let key = Credential::access_key(emulator.webpubsub().access_key());
    let service = ServiceClient::new(&format!("http://{relay}"), "chat", key).unwrap();
    let roles = [Role::join_leave_any_group(), Role::send_to_any_group()];
    let url = service.client_access().user(user).roles(roles).await.unwrap().url;
    let (initial, max) = (Duration::from_millis(1), Duration::from_millis(4));
    Client::builder(url)
        .reconnect(Reconnect::default().initial_backoff(initial).max_backoff(max))
        .connect()
        .await
        .unwrap()
}

#[tokio::test]
async fn connections_cut_at_any_byte_lose_and_duplicate_nothing_and_keep_the_order() {
    let emulator = Emulator::start().await.unwrap();
    let cuts = [Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0))];
    let relays = (
        relay(emulator.address(), 1, Arc::clone(&cuts[0])).await,
        relay(emulator.address(), 2, Arc::clone(&cuts[1])).await,
    );
    let publisher = connect(&emulator, "publisher", relays.0).await;
    let subscriber = connect(&emulator, "subscriber", relays.1).await;
    subscriber.join_group("room").await.unwrap();
    let publishing = tokio::spawn(async move {
        for number in 0..MESSAGES {
            publisher.send_to_group("room", number.to_string()).await.unwrap();
        }
    });
    let mut events = subscriber.events();
    let mut expected = 0;
    while expected < MESSAGES {
        match events.next().await {
            Some(Event::GroupMessage(message)) => {
                assert_eq!(message.data.as_text(), Some(expected.to_string().as_str()));
                expected += 1;
            }
            Some(Event::Connected(_)) if expected == 0 => {}
            Some(Event::Recovering(_) | Event::Recovered(_)) => {}
            other => panic!("after {expected} messages: {other:?}"),
        }
    }
    publishing.await.unwrap();
    let cuts = cuts.map(|connections| connections.load(Ordering::Relaxed));
    assert!(cuts.iter().all(|connections| *connections > 20), "{cuts:?}");
}
