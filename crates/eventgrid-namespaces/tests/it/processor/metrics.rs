//! What a processor reports to a meter, in virtual time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eventgrid_namespaces::{
    AttributeValue, BoxError, Clock, CloudEvent, Context, Instrument, Meter, Settlement,
};
use service_core::testing::RecordingMeter;

use super::broker::{Broker, Fault, each, event, run};

const SECOND: Duration = Duration::from_secs(1);
const BILLING: [(&str, &str); 2] =
    [("messaging.destination.name", "orders"), ("messaging.destination.subscription.name", "billing")];

/// The values of an instrument in the order in which they were recorded, each with its attributes besides the subscription's.
fn values(meter: &RecordingMeter, name: &str) -> Vec<(f64, Vec<(&'static str, String)>)> {
    let mut values = meter.values();
    values.retain(|recorded| recorded.instrument.name == name);
    let further = |attributes: BTreeMap<&'static str, String>| {
        for (key, value) in BILLING {
            assert_eq!(attributes[key], value, "{name}");
        }
        attributes.into_iter().filter(|(key, _)| BILLING.iter().all(|(own, _)| own != key)).collect()
    };
    values.into_iter().map(|recorded| (recorded.value, further(recorded.attributes))).collect()
}

fn plain(meter: &RecordingMeter, name: &str) -> Vec<f64> {
    let value = |(value, attributes): (f64, Vec<_>)| {
        assert_eq!(attributes, [], "{name}");
        value
    };
    values(meter, name).into_iter().map(value).collect()
}

fn pairs(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    pairs.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()
}

fn aged(id: usize, time: &str) -> String {
    event(id).replace("\"data\"", &format!("\"time\":\"{time}\",\"data\""))
}

/// A handler that takes three seconds: event 1 fails, event 2 is rejected, and the others are acknowledged.
fn slow(broker: &Broker) -> impl Fn(CloudEvent, Context) -> Handled + Send + Sync + use<> {
    let clock = broker.clock.clone();
    move |event, _| {
        let clock = clock.clone();
        Box::pin(async move {
            clock.sleep(SECOND * 3).await;
            match event.id() {
                "1" => Err("planned".into()),
                "2" => Ok(Settlement::Reject),
                _ => Ok(Settlement::Acknowledge),
            }
        })
    }
}

type Handled = std::pin::Pin<Box<dyn Future<Output = Result<Settlement, BoxError>> + Send>>;

#[tokio::test]
async fn a_run_reports_held_events_their_age_their_handling_and_how_they_were_settled() {
    let broker = Broker::new();
    broker.clock.advance(SECOND * 10);
    broker.publish(&aged(0, "1970-01-01T00:00:02Z"));
    broker.publish(&aged(1, "1970-01-01T00:00:30Z"));
    broker.publish(&event(2));
    let (builder, meter) = broker.metered();
    let processor = builder.concurrency(1).prefetch(2).handler(slow(&broker));
    run(processor, broker.until_settled(3)).await.unwrap();

    assert_eq!(plain(&meter, "eventgrid.processor.events.held"), [3.0, -1.0, -1.0, -1.0]);
    assert_eq!(plain(&meter, "eventgrid.processor.event.age"), [8.0, 0.0], "the third event has no time");
    assert_eq!(plain(&meter, "eventgrid.processor.receives"), [1.0]);
    assert_eq!(plain(&meter, "eventgrid.processor.receives.full"), [1.0]);
    assert_eq!(plain(&meter, "eventgrid.processor.locks.lost"), [0.0; 0]);
    let settlement = |settlement| (1.0, pairs(&[("eventgrid.settlement", settlement)]));
    assert_eq!(
        values(&meter, "eventgrid.processor.settled"),
        ["acknowledge", "release", "reject"].map(settlement)
    );
    let handling = |error: &[(&'static str, &'static str)]| {
        let mut attributes = error.to_vec();
        attributes.extend([("messaging.operation.name", "process"), ("messaging.system", "eventgrid")]);
        attributes.extend([("server.address", "x.example"), ("server.port", "443")]);
        (3.0, pairs(&attributes))
    };
    assert_eq!(
        values(&meter, "messaging.process.duration"),
        [handling(&[]), handling(&[("error.type", "handler_failed")]), handling(&[])]
    );
    let consumed = "messaging.client.consumed.messages";
    assert_eq!(meter.sum(consumed, &[("messaging.operation.name", "receive")]), 3.0);
    assert_eq!(meter.count(consumed, &[]), 1, "an event is not counted again when it is handled");
}

#[tokio::test]
async fn a_poll_that_returns_fewer_events_than_it_asked_for_is_not_full_and_a_failed_one_does_not_count() {
    let broker = Broker::with(1);
    broker.fault("receive", Fault::Status(503));
    let (builder, meter) = broker.metered();
    let processor = builder.handler(async |_: CloudEvent, _: Context| {});
    run(processor, broker.until_settled(1)).await.unwrap();
    assert_eq!(plain(&meter, "eventgrid.processor.receives"), [1.0]);
    assert_eq!(plain(&meter, "eventgrid.processor.receives.full"), [0.0; 0]);
}

#[tokio::test]
async fn a_run_that_is_dropped_holds_no_events_any_more() {
    let broker = Broker::with(3);
    let (builder, meter) = broker.metered();
    let processor = builder.handler(slow(&broker)).unwrap();
    let (later, seen) = (broker.until(2), meter.clone());
    let stop = async move {
        later.await;
        seen.sum("eventgrid.processor.events.held", &[])
    };
    let held = tokio::spawn(async move {
        tokio::select! {
            _ = processor.run() => 0.0,
            held = stop => held,
        }
    });
    assert_eq!(held.await.unwrap(), 3.0);
    assert_eq!(plain(&meter, "eventgrid.processor.events.held"), [3.0, -3.0]);
    assert_eq!(meter.count("messaging.process.duration", &[]), 0, "aborted handlers have no duration");
}

#[tokio::test]
async fn a_lost_lock_is_counted_once_and_each_token_of_a_settle_call_by_its_own_outcome() {
    let broker = Broker::with(3);
    let (builder, meter) = broker.metered();
    let (clock, losing) = (broker.clock.clone(), broker.clone());
    // The service has lost the lock of event 1 by the time at which the locks are renewed.
    let handler = move |event: CloudEvent, _: Context| {
        let (clock, losing) = (clock.clone(), losing.clone());
        async move {
            if event.id() == "1" {
                losing.lose("1");
            }
            clock.sleep(SECOND * 45).await;
        }
    };
    run(builder.handler(handler), broker.until_settled(2)).await.unwrap();
    assert_eq!(broker.settled(), each("acknowledge", [0, 2]));
    assert_eq!(plain(&meter, "eventgrid.processor.locks.lost"), [1.0]);
    let mut settled = values(&meter, "eventgrid.processor.settled");
    settled.sort_by_key(|(_, attributes)| attributes.len());
    let acknowledged = (1.0, pairs(&[("eventgrid.settlement", "acknowledge")]));
    let lost = (1.0, pairs(&[("error.type", "TokenLost"), ("eventgrid.settlement", "acknowledge")]));
    assert_eq!(settled, [acknowledged.clone(), acknowledged, lost]);
    let calls = "messaging.client.operation.duration";
    let acknowledge = ("messaging.operation.name", "acknowledge");
    assert_eq!(meter.count(calls, &[acknowledge, ("error.type", "")]), 1, "one call, which had an effect");
    assert_eq!(meter.count(calls, &[acknowledge]), 1);
}

#[tokio::test]
async fn an_event_counts_as_settled_when_its_last_settle_call_has_ended() {
    for (fault, error, calls) in [
        (Fault::Code("InternalServerError"), "", 2),
        (Fault::Status(503), "", 2),
        (Fault::Status(413), "413", 1),
        (Fault::Code("BadToken"), "BadToken", 1),
        (Fault::Code("Invented"), "_OTHER", 1),
    ] {
        let broker = Broker::with(1);
        broker.fault("acknowledge", fault);
        let (builder, meter) = broker.metered();
        let processor = builder.handler(async |_: CloudEvent, _: Context| {});
        run(processor, broker.until(20)).await.unwrap();
        assert_eq!(broker.times("acknowledge").len(), calls, "{fault:?}");
        let settled = values(&meter, "eventgrid.processor.settled");
        let mut expected = vec![("error.type", error), ("eventgrid.settlement", "acknowledge")];
        expected.retain(|(_, value)| !value.is_empty());
        assert_eq!(settled, [(1.0, pairs(&expected))], "{fault:?}");
        assert_eq!(meter.sum("eventgrid.processor.events.held", &[]), 0.0);
    }
}

#[tokio::test]
async fn the_processors_own_meter_receives_what_its_clients_meter_does_not() {
    let broker = Broker::with(1);
    let (builder, of_client) = broker.metered();
    let own = RecordingMeter::new();
    let builder = builder.meter(Arc::new(own.clone()));
    let processor = builder.handler(async |_: CloudEvent, _: Context| {});
    run(processor, broker.until_settled(1)).await.unwrap();
    let is_own =
        |name: &str| name.starts_with("eventgrid.processor.") || name == "messaging.process.duration";
    assert!(own.values().iter().all(|recorded| is_own(recorded.instrument.name)), "{own:?}");
    assert!(of_client.values().iter().all(|recorded| !is_own(recorded.instrument.name)), "{of_client:?}");
    assert_eq!(own.sum("eventgrid.processor.settled", &[]), 1.0);
    assert_eq!(own.count("messaging.process.duration", &[]), 1);
    assert_eq!(of_client.sum("messaging.client.consumed.messages", &[]), 1.0);
}

struct Panicking;

impl Meter for Panicking {
    fn record(&self, _: &'static Instrument, _: f64, _: &[(&'static str, AttributeValue<'_>)]) {
        panic!("a bug in the meter");
    }
}

#[tokio::test]
async fn a_panicking_meter_does_not_disturb_a_run() {
    let broker = Broker::with(3);
    let builder = broker.processor_with("2024-06-01", |builder| builder.meter(Arc::new(Panicking)));
    run(builder.handler(slow(&broker)), broker.until_settled(3)).await.unwrap();
    assert_eq!(broker.settled(), ["acknowledge 0", "reject 2", "release 1 10"]);
    assert_eq!(broker.notices().len(), 1, "only that event 1 failed: {:?}", broker.notices());
}
