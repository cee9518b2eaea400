//! What a webhook reports to a meter: its responses, and the handling of each event.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use eventgrid_namespaces::{AttributeValue, Clock, Instrument, Meter};
use http_body_util::Full;
use service_core::testing::{ManualClock, RecordingMeter};
use tower_service::Service;

use super::*;

fn metered(meter: &RecordingMeter) -> Webhook {
    let clock = ManualClock::jumping(SystemTime::UNIX_EPOCH);
    let (builder, _) = webhook();
    let builder = builder.query_secret("code", "s3cret").clock(Arc::new(clock));
    builder.meter(Arc::new(meter.clone())).body_limit(200).build().unwrap()
}

/// The number of responses per kind and status.
fn requests(meter: &RecordingMeter) -> BTreeMap<(String, String), usize> {
    let mut requests = BTreeMap::new();
    for mut recorded in meter.values() {
        if recorded.instrument.name == "eventgrid.push.requests" {
            assert_eq!((recorded.value, recorded.attributes.len()), (1.0, 2));
            let mut take = |key| recorded.attributes.remove(key).unwrap();
            let key = (take("eventgrid.push.kind"), take("http.response.status_code"));
            *requests.entry(key).or_default() += 1;
        }
    }
    requests
}

#[tokio::test]
async fn each_response_is_counted_by_its_kind_and_status() {
    let meter = RecordingMeter::new();
    let mut webhook = metered(&meter);
    let options = |uri: &str| {
        let request = Request::options(uri).header("webhook-request-origin", "eventgrid.azure.net");
        request.body(Bytes::new()).unwrap()
    };
    for (request, status) in [
        (options("/?code=s3cret"), 200),
        (options("/?code=wrong"), 401),
        (post(event("1", "t")), 200),
        (post(event("2", "t")), 200),
        (post(event("3", "reject")), 400),
        (post(event("4", "release")), 503),
        (post(event("5", "fail")), 500),
        (post("x".repeat(201)), 413),
        (Request::post("/?code=wrong").body(Bytes::new()).unwrap(), 401),
    ] {
        assert_eq!(send(&webhook, request).await.status(), status);
    }
    // As a service, it reads the body itself. A request that is not from the service is not counted.
    let large = post("x".repeat(201)).map(Full::new);
    assert_eq!(webhook.call(large).await.unwrap().status(), 413);
    let other = Request::get("/").body(Full::new(Bytes::new())).unwrap();
    assert_eq!(webhook.call(other).await.unwrap().status(), 405);
    let expected = [
        (("delivery", "200"), 2),
        (("delivery", "400"), 1),
        (("delivery", "401"), 1),
        (("delivery", "413"), 2),
        (("delivery", "500"), 1),
        (("delivery", "503"), 1),
        (("validation", "200"), 1),
        (("validation", "401"), 1),
    ];
    let expected = expected.map(|((kind, status), count)| ((kind.to_owned(), status.to_owned()), count));
    assert_eq!(requests(&meter), expected.into());
}

#[tokio::test]
async fn the_handling_of_each_event_is_measured_with_the_reason_why_it_failed() {
    let meter = RecordingMeter::new();
    let webhook = metered(&meter);
    for (kind, error, took) in [
        ("t", "", 0.0),
        ("reject", "", 0.0),
        ("fail", "handler_failed", 0.0),
        ("panic", "handler_panicked", 0.0),
        ("hang", "timeout", 25.0),
    ] {
        let before = meter.values().len();
        send(&webhook, post(event("1", kind))).await;
        let values = meter.values().split_off(before);
        let names: Vec<_> = values.iter().map(|recorded| recorded.instrument.name).collect();
        let expected =
            ["messaging.client.consumed.messages", "messaging.process.duration", "eventgrid.push.requests"];
        assert_eq!(names, expected, "{kind}");
        assert_eq!((values[0].value, values[1].value), (1.0, took), "{kind}");
        let mut attributes =
            BTreeMap::from([("messaging.operation.name", "process"), ("messaging.system", "eventgrid")]);
        assert_eq!(format!("{:?}", values[0].attributes), format!("{attributes:?}"));
        if !error.is_empty() {
            attributes.insert("error.type", error);
        }
        assert_eq!(format!("{:?}", values[1].attributes), format!("{attributes:?}"));
    }
}

#[tokio::test]
async fn an_event_whose_handler_is_not_started_is_not_consumed() {
    let meter = RecordingMeter::new();
    let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
    let (builder, seen) = webhook();
    let builder = builder.accept_unverified().clock(Arc::new(clock.clone()));
    let webhook = builder.meter(Arc::new(meter.clone())).build().unwrap();
    let request = post(event("1", "t"));
    let check = webhook.check(request.method(), request.uri(), request.headers()).await;
    let eventgrid_namespaces::push::Check::Delivery(delivery) = check else { panic!("{check:?}") };
    clock.advance(Duration::from_secs(26));
    assert_eq!(delivery.respond(request.into_body()).await.status(), 503);
    assert_eq!((seen.lock().unwrap().len(), clock.elapsed().as_secs()), (0, 26));
    let names: Vec<_> = meter.values().iter().map(|recorded| recorded.instrument.name).collect();
    assert_eq!(names, ["eventgrid.push.requests"]);
}

struct Panicking;

impl Meter for Panicking {
    fn record(&self, _: &'static Instrument, _: f64, _: &[(&'static str, AttributeValue<'_>)]) {
        panic!("a bug in the meter");
    }
}

#[tokio::test]
async fn a_panicking_meter_does_not_disturb_a_delivery() {
    let (builder, seen) = webhook();
    let webhook = builder.accept_unverified().meter(Arc::new(Panicking)).build().unwrap();
    assert_eq!(send(&webhook, post(event("1", "t"))).await.status(), 200);
    assert_eq!(*seen.lock().unwrap(), ["1"]);
}
