//! Poison events: those that cannot be read, and those that are delivered again and again.

use std::sync::{Arc, Mutex};

use eventgrid_namespaces::{CloudEvent, Context, ReceivedEvent, ReleaseDelay, Settlement};

use super::broker::{Broker, run};

const UNREADABLE: &str = r#"{"specversion":"1.0","id":"bad","data":{}}"#;

#[tokio::test]
async fn unreadable_events_go_to_the_poison_handler_which_decides() {
    let broker = Broker::with(1);
    broker.publish(UNREADABLE);
    let (seen, log) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let (poison, handled) = (Arc::clone(&seen), Arc::clone(&log));
    let builder = broker.processor().on_poison(move |received: ReceivedEvent, context: Context| {
        let json = received.event.unwrap_err().json().clone();
        poison.lock().unwrap().push((json, context.delivery_count()));
        async { Settlement::Reject }
    });
    let processor = builder.handler(move |event: CloudEvent, _| {
        handled.lock().unwrap().push(event.id().to_owned());
        async {}
    });
    run(processor, broker.until_settled(2)).await.unwrap();
    assert_eq!(
        (broker.settled(), log.lock().unwrap().len()),
        (vec!["acknowledge 0".into(), "reject bad".into()], 1)
    );
    let seen = seen.lock().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&seen[0].0).unwrap();
    assert_eq!((json["id"].as_str(), seen[0].1, seen.len()), (Some("bad"), 1, 1));
}

#[tokio::test]
async fn an_event_that_is_not_utf_8_is_rejected_and_the_others_are_handled() {
    let broker = Broker::with(1);
    broker.publish(
        "{\"specversion\":\"1.0\",\"id\":\"bad\",\"source\":\"\u{fffd}\",\"type\":\"t\",\"data\":{}}",
    );
    let builder = broker.processor().on_poison(|received: ReceivedEvent, _| async move {
        let unreadable = received.event.unwrap_err();
        assert_eq!(unreadable.reason().to_string(), "the event is not UTF-8");
        assert!(unreadable.json().contains(&0xff));
        Settlement::Reject
    });
    let processor = builder.handler(|_: CloudEvent, _| async {});
    run(processor, broker.until_settled(2)).await.unwrap();
    assert_eq!(broker.settled(), ["acknowledge 0", "reject bad"]);
    assert_eq!(broker.times("receive").len(), 2, "the batch was not received again");
}

#[tokio::test]
async fn without_a_poison_handler_an_unreadable_event_is_a_failure_and_is_reported() {
    let broker = Broker::with(0);
    broker.publish(UNREADABLE);
    let processor = broker.processor().handler(|_: CloudEvent, _| async {});
    run(processor, broker.until_settled(1)).await.unwrap();
    assert_eq!(broker.settled(), ["release bad 10"]);
    assert!(
        broker.notices()[0].starts_with("an unreadable event (delivery 1) cannot be read: "),
        "{:?}",
        broker.notices()
    );
}

#[tokio::test]
async fn events_delivered_too_often_go_to_the_poison_handler() {
    let broker = Broker::with(1);
    let deliveries = Arc::new(Mutex::new(Vec::new()));
    let (handled, poison) = (Arc::clone(&deliveries), Arc::clone(&deliveries));
    let builder = broker.processor().max_deliveries(3).on_poison(move |received: ReceivedEvent, _| {
        poison.lock().unwrap().push(format!("poison {}", received.delivery_count));
        async move { received.event.map(|_| Settlement::Reject) }
    });
    let again = broker.clone();
    let processor = builder.handler(move |_: CloudEvent, context: Context| {
        handled.lock().unwrap().push(format!("handled {}", context.delivery_count()));
        again.redeliver();
        async { Settlement::Release(ReleaseDelay::None) }
    });
    let (settled, late) = (broker.until_settled(4), broker.until(3600));
    let stop = async move {
        tokio::select! {
            () = settled => {}
            () = late => {}
        }
    };
    run(processor, stop).await.unwrap();
    assert_eq!(*deliveries.lock().unwrap(), ["handled 1", "handled 2", "handled 3", "poison 4"]);
    assert_eq!(broker.settled().last().unwrap(), "release 0 0");
    assert!(broker.settled().contains(&"reject 0".to_owned()));
}
