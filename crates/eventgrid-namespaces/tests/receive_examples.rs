//! The examples `receive` and `worker` on the emulator: their output, and how they settle the events.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

use std::time::Duration;

use eventgrid_namespaces::{Credential, Receiver};
use http::Method;
use service_emulator::Emulator;

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../examples/receive.rs"]
mod receive;
#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../examples/worker.rs"]
mod worker;

/// An emulator with two orders.
async fn with_orders() -> (Emulator, Receiver) {
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let key = Credential::access_key(emulator.eventgrid().key());
    let receiver = Receiver::new(&emulator.endpoint(), "orders", "billing", key).unwrap();
    for id in ["a", "b"] {
        let event = format!(r#"{{"specversion":"1.0","id":"{id}","source":"/shop","type":"t","data":{{}}}}"#);
        let request = receiver.request(Method::POST, "/topics/{}:publish", &["orders"]);
        request.body("application/cloudevents+json; charset=utf-8", event).await.unwrap();
    }
    (emulator, receiver)
}

fn left(emulator: &Emulator) -> usize {
    let grid = emulator.eventgrid();
    grid.waiting("orders", "billing") + grid.locked("orders", "billing")
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
    let key = Credential::access_key(emulator.eventgrid().key());
    let receiver = Receiver::new(&emulator.endpoint(), "orders", "billing", key).unwrap();
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
