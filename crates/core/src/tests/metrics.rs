//! What a meter receives of a call.

use super::*;
use crate::error::Delivery;
use crate::testing::RecordingMeter;
use crate::{AttributeValue, Instrument, Meter};

fn metered() -> (Kit, RecordingMeter) {
    let meter = RecordingMeter::new();
    let given = Arc::new(meter.clone());
    (Kit::with(|client| client.meter(given)), meter)
}

fn keys(meter: &RecordingMeter, name: &str) -> Vec<&'static str> {
    let recorded = meter.values().into_iter().find(|recorded| recorded.instrument.name == name).unwrap();
    recorded.attributes.into_keys().collect()
}

#[tokio::test]
async fn each_attempt_is_one_duration_and_the_call_another_and_each_retry_is_counted() {
    let (kit, meter) = metered();
    kit.script.respond(response(503, &[("retry-after", "2")])).fail(Delivery::Unknown);
    kit.script.respond(response(204, &[]));
    kit.close().await.unwrap();
    let attempts = "http.client.request.duration";
    assert_eq!(
        meter.count(attempts, &[("http.request.method", "DELETE"), ("url.template", "/rooms/{room}")]),
        3
    );
    assert_eq!(meter.count(attempts, &[("http.response.status_code", "503"), ("error.type", "503")]), 1);
    assert_eq!(meter.count(attempts, &[("http.response.status_code", ""), ("error.type", "transport")]), 1);
    assert_eq!(meter.count(attempts, &[("http.response.status_code", "204"), ("error.type", "")]), 1);
    assert_eq!(meter.sum("rooms.client.call.retries", &[("error.type", "503")]), 1.0);
    assert_eq!(meter.sum("rooms.client.call.retries", &[("rooms.operation", "CloseRoom")]), 2.0);
    let call = "rooms.client.call.duration";
    assert_eq!((meter.count(call, &[]), meter.count(call, &[("error.type", "")])), (1, 1));
    assert!((meter.sum(call, &[]) - kit.elapsed().as_secs_f64()).abs() < 1e-9);
    assert_eq!(
        keys(&meter, attempts),
        [
            "error.type",
            "http.request.method",
            "http.response.status_code",
            "network.protocol.version",
            "server.address",
            "server.port",
            "url.template"
        ]
    );
    assert_eq!(keys(&meter, call), ["rooms.operation", "server.address"]);
}

#[tokio::test]
async fn a_request_that_was_not_sent_and_one_without_a_response_differ_in_their_error_type() {
    let (kit, meter) = metered();
    kit.script.fail(Delivery::NotSent).fail(Delivery::Unknown);
    // The second attempt is not repeated, since the operation is not idempotent.
    kit.send().await.unwrap_err();
    let attempts = "http.client.request.duration";
    for (error_type, count) in [("connect", 1), ("transport", 1), ("", 0)] {
        assert_eq!(meter.count(attempts, &[("error.type", error_type)]), count, "{error_type}");
    }
    assert_eq!(meter.count("rooms.client.call.retries", &[("error.type", "connect")]), 1);
    assert_eq!(meter.count("rooms.client.call.duration", &[("error.type", "transport")]), 1);
}

#[tokio::test]
async fn the_wait_for_the_rate_limiter_is_measured_for_each_attempt() {
    let meter = RecordingMeter::new();
    let given = Arc::new(meter.clone());
    let kit = Kit::with(|mut client| {
        client.options.set_rate_limiter(Arc::new(rate_limits::Slow::default()));
        client.meter(given)
    });
    kit.script.status(500).status(204);
    kit.close().retry(crate::RetryOptions::default().initial_backoff(Duration::ZERO)).await.unwrap();
    let waits = meter.values().into_iter().filter(|recorded| recorded.instrument.name.contains("rate_limit"));
    let waits: Vec<_> = waits.map(|recorded| (recorded.value, recorded.attributes)).collect();
    let of = |seconds| (seconds, [("rooms.operation", "CloseRoom".to_owned())].into());
    assert_eq!(waits, [of(0.0), of(10.0)]);
    assert_eq!(keys(&meter, "rooms.client.rate_limit.duration"), ["rooms.operation"]);
}

#[tokio::test]
async fn without_a_rate_limiter_no_wait_is_measured() {
    let (kit, meter) = metered();
    kit.script.status(204);
    kit.close().await.unwrap();
    assert_eq!(meter.count("rooms.client.rate_limit.duration", &[]), 0);
}

#[tokio::test]
async fn what_a_service_invents_is_no_attribute() {
    let (kit, meter) = metered();
    kit.script.respond(response(477, &[("x-error-code", "RoomOnFire")]));
    kit.send().await.unwrap_err();
    assert_eq!(meter.count("rooms.client.call.duration", &[("error.type", "_OTHER")]), 1);
    assert!(!format!("{:?}", meter.values()).contains("RoomOnFire"));
}

#[tokio::test]
async fn no_attribute_contains_an_argument_of_the_call() {
    let (kit, meter) = metered();
    kit.script.status(202);
    kit.send().reason("secret reason").await.unwrap();
    let text = format!("{:?}", meter.values());
    assert!(!text.contains("blue") && !text.contains("secret reason"), "{text}");
}

#[tokio::test]
async fn a_token_request_is_measured_with_its_outcome() {
    let meter = RecordingMeter::new();
    let given = Arc::new(meter.clone());
    let identity = Identity::new(secs(3), |number, _| match number {
        1 => Err("no luck".into()),
        _ => Ok(secs(3600)),
    });
    let script = ScriptedTransport::new();
    let clock = ManualClock::jumping(start());
    let client =
        Client::new().transport(Arc::new(script.clone())).clock(Arc::new(clock.clone())).meter(given);
    identity.clock.set(client.options.clock()).unwrap();
    let credential =
        BearerToken::for_client(identity.clone(), TokenRequest::new(["scope"]), &client.options, &CALLS);
    let pipeline = client.build("https://rooms.example", credential).unwrap();
    call(&pipeline, &SEND).await.unwrap_err();
    clock.advance(secs(60));
    script.status(202);
    call(&pipeline, &SEND).await.unwrap();
    let name = "rooms.client.token.duration";
    assert_eq!(meter.sum(name, &[("error.type", "credential")]), 3.0);
    assert_eq!((meter.sum(name, &[("error.type", "")]), meter.count(name, &[])), (3.0, 2));
}

struct Panicking;

impl Meter for Panicking {
    fn record(&self, _: &'static Instrument, _: f64, _: &[(&'static str, AttributeValue<'_>)]) {
        panic!("a bug in the meter");
    }
}

#[tokio::test]
async fn a_panicking_meter_does_not_disturb_the_call() {
    let kit = Kit::with(|client| client.meter(Arc::new(Panicking)));
    kit.script.status(503).status(204);
    assert_eq!(kit.close().into_future().await.map(|_| ()).map_err(|error| error.to_string()), Ok(()));
}

#[tokio::test]
async fn of_a_meter_that_keeps_panicking_only_the_first_panic_is_logged() {
    let kit = Kit::with(|client| client.meter(Arc::new(Panicking)));
    kit.script.status(503).status(204).status(204);
    let (outcome, _, events) = traces::watched(async {
        kit.close().await?;
        kit.close().await
    })
    .await;
    outcome.unwrap();
    let logged: Vec<_> = events.iter().filter(|event| event.target == "service_core::meter").collect();
    assert_eq!((logged.len(), logged[0].level), (1, tracing::Level::ERROR), "{logged:?}");
    assert!(logged[0].fields["message"].starts_with("the meter panicked"), "{logged:?}");
    assert!(logged[0].fields.contains_key("instrument"), "{logged:?}");
}

#[tokio::test]
async fn stats_count_the_calls_in_flight_and_a_cancelled_one_no_more() {
    let kit = Kit::new();
    kit.script.hang();
    let mut running = Box::pin(kit.close().into_future());
    assert!(pending(&mut running).await);
    assert_eq!(kit.pipeline.stats().calls_in_flight, 1);
    drop(running);
    let stats = kit.pipeline.stats();
    assert_eq!((stats.calls_in_flight, stats.retry_tokens), (0, stats.max_retry_tokens));
}

/// Polls a future once and returns whether it is pending.
async fn pending<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
    })
    .await
}
