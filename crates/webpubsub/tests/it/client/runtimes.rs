//! Clients whose runtime is missing, does not run, or has been dropped.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};
use webpubsub::ErrorKind;

use super::*;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Connects a client with the system's clock.
async fn connect(network: &Network) -> (Client, Peer) {
    let builder = Client::builder(URL).transport(Arc::new(network.clone()));
    let connecting = tokio::spawn(builder.connect());
    let peer = network.connect("c1").await;
    (connecting.await.unwrap().unwrap(), peer)
}

#[test]
fn connecting_outside_a_runtime_is_an_error() {
    let mut connecting = Box::pin(Client::builder(URL).connect());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(outcome) = connecting.as_mut().poll(&mut context) else { panic!("pending") };
    assert_eq!(outcome.unwrap_err().to_string(), "connect must be awaited on a Tokio runtime");
}

#[test]
fn connecting_on_a_runtime_without_timers_is_an_error() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let network = Network::new();
    let builder = Client::builder(URL).transport(Arc::new(network));
    let error = runtime.block_on(builder.connect()).unwrap_err();
    assert!(error.to_string().contains("has no timers or I/O"), "{error}");
}

#[test]
fn a_send_fails_at_its_deadline_if_the_runtime_of_the_client_does_not_run() {
    let (own, other) = (runtime(), runtime());
    let (client, _peer) = own.block_on(connect(&Network::new()));
    let send = client.send_event("e", "x").deadline(Duration::from_millis(10));
    let error = other.block_on(async { send.await }).unwrap_err();
    assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Timeout, true));
    assert!(
        error.to_string().contains("the runtime on which the client was connected did not run"),
        "{error}"
    );
}

#[test]
fn a_client_moves_to_another_runtime_while_its_own_one_runs() {
    let (own, other) = (runtime(), runtime());
    let (client, mut peer) = own.block_on(connect(&Network::new()));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            own.block_on(async {
                let id = peer.json().await["ackId"].clone();
                peer.ack(&id).await;
                peer.next().await
            })
        });
        other.block_on(async { client.send_event("e", "x").await }).unwrap();
        other.block_on(client.close());
    });
}

#[test]
fn a_client_whose_runtime_was_dropped_is_closed() {
    let (own, other) = (runtime(), runtime());
    let (client, _peer) = own.block_on(connect(&Network::new()));
    drop(own);
    assert!(client.is_closed());
    let error = other.block_on(async { client.send_event("e", "x").await }).unwrap_err();
    assert_eq!(error.to_string(), "event: the client is closed");
    other.block_on(async {
        client.close().await;
        let mut events = client.events();
        while let Some(event) = events.next().await {
            if let Event::Stopped(stopped) = event {
                assert!(stopped.error.is_some());
            }
        }
    });
}
