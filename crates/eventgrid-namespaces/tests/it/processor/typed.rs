//! Handlers of deserialized data, and events whose data has another type.

use std::sync::{Arc, Mutex};

use eventgrid_namespaces::{Context, ReceivedEvent, Settlement};
use serde::Deserialize;

use super::broker::{Broker, event, run};

#[derive(Deserialize)]
struct Order {
    total: u32,
}

fn order(id: usize, data: &str) -> String {
    event(id).replace(r#""data":{}"#, &format!(r#""data":{data}"#))
}

fn broker() -> (Broker, Arc<Mutex<Vec<String>>>) {
    let broker = Broker::new();
    broker.publish(&order(0, r#"{"total":5,"more":1}"#));
    broker.publish(&order(1, r#"{"total":"five"}"#));
    broker.publish(&event(2).replace(r#","data":{}"#, "").replace(r#""data":{},"#, ""));
    broker.publish(r#"{"specversion":"1.0","id":"bad","data":{"total":1}}"#);
    (broker, Arc::default())
}

#[tokio::test]
async fn a_handler_gets_the_data_and_events_with_other_data_go_to_the_poison_handler() {
    let (broker, log) = broker();
    let (handled, poison) = (Arc::clone(&log), Arc::clone(&log));
    let builder = broker.processor().on_poison(move |received: ReceivedEvent, context: Context| {
        let delivery = context.delivery();
        assert_eq!((&received.lock_token, received.delivery_count), (&delivery.lock_token, 1));
        let event = received.event.as_ref();
        let line = event.map_or("unreadable".to_owned(), |event| format!("poison {}", event.id()));
        poison.lock().unwrap().push(line);
        async { Settlement::Reject }
    });
    let processor = builder.typed_handler(move |order: Order, context: Context| {
        let line = format!("{} {}", context.delivery().id.as_ref().unwrap(), order.total);
        handled.lock().unwrap().push(line);
        async {}
    });
    run(processor, broker.until_settled(4)).await.unwrap();
    assert_eq!(broker.settled(), ["acknowledge 0", "reject 1", "reject 2", "reject bad"]);
    let mut log = log.lock().unwrap().clone();
    log.sort();
    assert_eq!(log, ["0 5", "poison 1", "poison 2", "unreadable"]);
    assert!(broker.notices().is_empty(), "{:?}", broker.notices());
}

#[tokio::test]
async fn without_a_poison_handler_other_data_is_a_failure_and_is_reported() {
    let (broker, _) = broker();
    let processor = broker.processor().typed_handler(async |_: Order, _: Context| {});
    run(processor, broker.until_settled(4)).await.unwrap();
    assert_eq!(broker.settled(), ["acknowledge 0", "release 1 10", "release 2 10", "release bad 10"]);
    let notices = broker.notices();
    assert_eq!(notices.len(), 3, "{notices:?}");
    let failed =
        |id, reason| format!(r#"the handler of event "{id}" from "/t" (delivery 1) failed: {reason}"#);
    assert!(notices.contains(&failed(2, "the event has no data")), "{notices:?}");
    let mismatch = notices.iter().find(|notice| notice.starts_with(&failed(1, "")[..20]));
    assert!(mismatch.is_some_and(|notice| !notice.contains("five")), "{notices:?}");
}

#[tokio::test]
async fn a_panic_while_data_is_deserialized_affects_only_its_event() {
    #[derive(Deserialize)]
    #[serde(from = "u32")]
    struct Picky;
    impl From<u32> for Picky {
        fn from(number: u32) -> Self {
            assert_ne!(number, 13, "planned");
            Self
        }
    }
    let broker = Broker::new();
    broker.publish(&order(0, "12"));
    broker.publish(&order(1, "13"));
    let processor = broker.processor().typed_handler(async |_: Picky, _: Context| {});
    run(processor, broker.until_settled(2)).await.unwrap();
    assert_eq!(broker.settled(), ["acknowledge 0", "release 1 10"]);
}
