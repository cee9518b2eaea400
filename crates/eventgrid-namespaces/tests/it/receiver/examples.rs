//! The examples `receive` and `worker` on the emulator: their output, and how they settle the events.

use std::time::Duration;

use eventgrid_namespaces::Receiver;
use service_emulator::Emulator;

use crate::common::{emulator, key, left, publish};

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../examples/receive.rs"]
mod receive;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../examples/worker.rs"]
mod worker;

/// An emulator with two orders.
async fn with_orders() -> (Emulator, Receiver) {
    let emulator = emulator().await;
    let receiver = Receiver::new(&emulator.endpoint(), "orders", "billing", key(&emulator)).unwrap();
    for id in ["a", "b"] {
        publish(&receiver, id, "/shop").await;
    }
    (emulator, receiver)
}

#[tokio::test]
async fn what_is_received_is_shown_and_acknowledged() {
    let (emulator, receiver) = with_orders().await;
    let mut shown = Vec::new();
    receive::run(&receiver, &mut shown).await.unwrap();
    assert_eq!(String::from_utf8(shown).unwrap(), "a from /shop, delivery 1\nb from /shop, delivery 1\n");
    assert_eq!(left(&emulator), 0);
}

#[tokio::test]
async fn if_no_event_arrives_the_example_says_so() {
    let emulator = Emulator::start().await.unwrap();
    let receiver = Receiver::new(&emulator.endpoint(), "orders", "billing", key(&emulator)).unwrap();
    let mut shown = Vec::new();
    let time_passes = async {
        loop {
            emulator.clock().advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = receive::run(&receiver, &mut shown) => ended.unwrap(),
        () = time_passes => {}
    }
    assert_eq!(String::from_utf8(shown).unwrap(), "no event arrived within a minute\n");
}

#[tokio::test]
async fn the_worker_handles_every_order() {
    let (emulator, receiver) = with_orders().await;
    let all_done = async {
        while left(&emulator) > 0 {
            tokio::task::yield_now().await;
        }
    };
    worker::processor(receiver).unwrap().run_until(all_done).await.unwrap();
    assert!(emulator.eventgrid().dead_letters("orders", "billing").is_empty());
}
