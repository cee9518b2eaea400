//! When a failed attempt is retried, after which wait, and what the error reports when it is not.

use super::*;
use crate::error::{Delivery, ErrorKind, StopReason};
use crate::{AfterUnknown, Error};

/// Adds one response to a script.
type Script = fn(&ScriptedTransport) -> &ScriptedTransport;

/// The failures after which the service may have acted, as one attempt each.
fn ambiguous() -> Vec<(&'static str, Script)> {
    vec![
        ("408", |script| script.status(408)),
        ("500", |script| script.status(500)),
        ("502", |script| script.status(502)),
        ("503", |script| script.status(503)),
        ("504", |script| script.status(504)),
        ("no response", |script| script.fail(Delivery::Unknown)),
        ("a cut body", |script| script.fail(Delivery::Accepted)),
    ]
}

#[tokio::test]
async fn a_non_idempotent_operation_is_sent_once_if_the_service_may_have_acted() {
    for (name, fail) in ambiguous() {
        let kit = Kit::new();
        fail(&kit.script);
        kit.script.status(202);
        let error = kit.send().await.unwrap_err();
        assert_eq!(kit.sent(), 1, "{name}");
        assert_eq!(error.stop_reason(), Some(StopReason::NotIdempotent), "{name}");
        assert!(error.outcome_unknown() && error.is_transient(), "{name}");
        assert_eq!(error.attempts(), 1);
        assert!(error.to_string().contains("not idempotent"), "{error}");
        assert_eq!(kit.elapsed(), Duration::ZERO);
    }
}

#[tokio::test]
async fn an_accepted_request_with_a_lost_response_is_reported_as_accepted() {
    let kit = Kit::new();
    kit.script.fail(Delivery::Accepted);
    let error = kit.send().await.unwrap_err();
    assert_eq!(error.delivery(), Some(Delivery::Accepted));
    assert!(error.to_string().contains("the service accepted the request"), "{error}");
}

#[tokio::test]
async fn an_accepted_request_is_not_retried_if_its_response_carries_nothing() {
    for idempotent in [true, false] {
        let kit = Kit::new();
        kit.script.fail(Delivery::Accepted).status(204);
        let mut call = Call::new(&kit.pipeline, &CLOSE, &[("room", "blue")], read::unit);
        call.options_mut().set_idempotent(idempotent);
        let error = call.send().await.unwrap_err();
        assert_eq!((kit.sent(), error.attempts(), error.stop_reason()), (1, 1, None));
        assert_eq!((error.delivery(), error.outcome_unknown()), (Some(Delivery::Accepted), true));
    }
}

#[tokio::test]
async fn a_503_without_a_retry_hint_can_be_declared_a_rejection() {
    let declared = crate::RetryOptions::default().bare_503_is_rejection(true);
    let kit = Kit::new();
    kit.script.status(503).status(202);
    kit.send().retry(declared.clone()).await.unwrap();
    assert_eq!(kit.sent(), 2);

    let kit = Kit::with(|client| client.retry(declared));
    for _ in 0..4 {
        kit.script.status(503);
    }
    let error = kit.send().await.unwrap_err();
    assert_eq!((kit.sent(), error.stop_reason()), (4, Some(StopReason::Attempts)));
    assert!(!error.outcome_unknown() && error.is_transient(), "{error}");
    // Other statuses still leave open whether the service acted.
    kit.script.status(502);
    let error = kit.send().await.unwrap_err();
    assert!(error.outcome_unknown() && error.attempts() == 1, "{error}");
}

#[tokio::test]
async fn an_unexpected_success_status_leaves_the_outcome_unknown() {
    let kit = Kit::new();
    kit.script.status(200);
    let error = kit.close().await.unwrap_err();
    assert_eq!((kit.sent(), error.status().unwrap().as_u16(), error.outcome_unknown()), (1, 200, true));
}

#[tokio::test]
async fn an_idempotent_operation_is_retried_after_every_transient_failure() {
    for (name, fail) in ambiguous() {
        let kit = Kit::new();
        fail(&kit.script);
        kit.script.status(204);
        let response = kit.close().with_response().await.unwrap();
        assert_eq!((kit.sent(), response.attempts()), (2, 2), "{name}");
    }
}

#[tokio::test]
async fn a_request_that_was_not_sent_is_retried_even_if_it_is_not_idempotent() {
    let kit = Kit::new();
    kit.script.fail(Delivery::NotSent).fail(Delivery::NotSent).fail(Delivery::NotSent).status(202);
    kit.send().await.unwrap();
    assert_eq!(kit.sent(), 4);
}

#[tokio::test]
async fn a_throttled_request_is_retried_after_the_retry_hint() {
    for (status, name, value, wait) in [
        (429, "retry-after-ms", "1500", Duration::from_millis(1500)),
        (503, "x-ms-retry-after-ms", "2000", secs(2)),
        (429, "retry-after", "8", secs(8)),
        (503, "retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", secs(7)),
    ] {
        let kit = Kit::new();
        kit.script.respond(response(status, &[(name, value)])).status(202);
        kit.send().await.unwrap();
        assert_eq!((kit.sent(), kit.elapsed()), (2, wait), "{status} {name}: {value}");
    }
}

#[tokio::test]
async fn a_retry_hint_applies_to_every_status_that_is_retried() {
    for status in [408, 429, 500, 502, 503, 504] {
        let kit = Kit::new();
        kit.script.respond(response(status, &[("retry-after", "11")])).status(204);
        kit.close().await.unwrap();
        assert_eq!(kit.elapsed(), secs(11), "{status}");
    }
}

#[tokio::test]
async fn a_retry_hint_of_zero_or_in_the_past_does_not_shorten_the_backoff() {
    let without_hint = Kit::new();
    without_hint.script.status(429).status(429).status(429).status(202);
    without_hint.send().await.unwrap();
    for (name, value) in
        [("retry-after", "0"), ("retry-after-ms", "1"), ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]
    {
        let kit = Kit::new();
        for _ in 0..3 {
            kit.script.respond(response(429, &[(name, value)]));
        }
        kit.script.status(202);
        kit.send().await.unwrap();
        assert_eq!((kit.sent(), kit.elapsed()), (4, without_hint.elapsed()), "{name}: {value}");
    }
}

#[tokio::test]
async fn a_429_without_a_retry_hint_is_retried_after_a_random_wait() {
    let kit = Kit::new();
    kit.script.status(429).status(202);
    kit.send().await.unwrap();
    assert_eq!(kit.sent(), 2);
    assert!(
        kit.elapsed() > Duration::ZERO && kit.elapsed() <= Duration::from_millis(800),
        "{:?}",
        kit.elapsed()
    );
}

#[tokio::test]
async fn a_final_response_is_not_retried() {
    for status in [301, 302, 400, 403, 404, 409, 413, 501] {
        let kit = Kit::new();
        kit.script.respond(response(status, &[("retry-after", "1")])).status(204);
        let error = kit.close().await.unwrap_err();
        assert_eq!((kit.sent(), error.status().unwrap().as_u16()), (1, status));
        assert_eq!((error.stop_reason(), error.outcome_unknown()), (None, false));
    }
}

/// An attempt policy whose requests fail permanently.
struct Reject(fn() -> Error);

#[async_trait::async_trait]
impl crate::Policy for Reject {
    async fn send(&self, _: Request<Bytes>, _: crate::Next<'_>) -> Result<Response<Bytes>> {
        Err((self.0)())
    }
}

#[tokio::test]
async fn a_permanent_failure_is_not_retried() {
    let rejected =
        || Error::new(ErrorKind::Transport, "rejected").with_delivery(Delivery::NotSent).permanent();
    let invalid = || Error::invalid_input("thing", "breaks a rule", None);
    for make in [rejected as fn() -> Error, invalid] {
        let kit = Kit::with(|client| client.attempt_policy(Reject(make)));
        let error = kit.close().await.unwrap_err();
        assert_eq!((error.attempts(), error.stop_reason(), kit.elapsed()), (1, None, Duration::ZERO));
    }
}

#[tokio::test]
async fn a_retry_hint_beyond_the_deadline_ends_the_call_at_once_and_is_in_the_error() {
    let kit = Kit::new();
    kit.script.respond(response(503, &[("retry-after", "8")])).status(202);
    let error = kit.send().deadline(secs(2)).await.unwrap_err();
    assert!(kit.elapsed() <= Duration::from_millis(10), "{:?}", kit.elapsed());
    assert_eq!((error.retry_after(), error.stop_reason()), (Some(secs(8)), Some(StopReason::Deadline)));
    assert_eq!(error.status().unwrap(), 503);
    assert!(error.to_string().contains("the service asked to wait 8.0 s"), "{error}");
}

#[tokio::test]
async fn a_service_that_is_never_ready_does_not_delay_a_call_beyond_its_deadline() {
    for hint in ["0", "1", "7", "19", "33", "59", "61", "99999999999999999999"] {
        let kit = Kit::with(|client| {
            client.deadline(secs(60)).retry(crate::RetryOptions::default().max_retries(1000))
        });
        for _ in 0..1100 {
            kit.script.respond(response(503, &[("retry-after", hint)]));
        }
        let error = kit.send().await.unwrap_err();
        assert!(kit.elapsed() < secs(60), "{hint}: {:?}", kit.elapsed());
        assert_eq!(error.attempts() as usize, kit.sent(), "{hint}");
        assert_eq!(error.elapsed(), kit.elapsed(), "{hint}");
        assert_eq!(error.status().unwrap(), 503);
        assert_eq!(error.stop_reason(), Some(StopReason::Deadline), "{hint}");
    }
}

#[tokio::test]
async fn the_error_after_all_retries_reports_attempts_time_and_reason() {
    let kit = Kit::new();
    for _ in 0..4 {
        kit.script.respond(response(
            500,
            &[("retry-after", "2"), ("x-request-id", "id-4"), ("x-error-code", "Broken")],
        ));
    }
    let error = kit.close().await.unwrap_err();
    assert_eq!((kit.sent(), error.attempts(), error.elapsed()), (4, 4, secs(6)));
    assert_eq!(error.stop_reason(), Some(StopReason::Attempts));
    assert_eq!(
        error.to_string(),
        "CloseRoom: 500 Internal Server Error, Broken; the service may have acted on it; not retried: the maximum number of retries was reached; \
         the service asked to wait 2.0 s (request id id-4, 4 attempts, 6.0 s)"
    );
}

#[tokio::test]
async fn a_client_whose_calls_all_fail_makes_at_most_35_retries_and_recovers_with_success() {
    let kit = Kit::new();
    for _ in 0..50 + 35 {
        kit.script.status(500);
    }
    let mut stopped_by_quota = 0;
    for _ in 0..50 {
        let error = kit.close().await.unwrap_err();
        assert_eq!(error.status().unwrap(), 500, "the script holds 35 retries");
        stopped_by_quota += usize::from(error.stop_reason() == Some(StopReason::Quota));
    }
    // 11 calls had all their 3 retries and one had the last 2.
    assert_eq!((kit.sent(), stopped_by_quota), (50 + 35, 39));
    // 490 of 500 are spent: 4 successes make a retry's 14 affordable again.
    for _ in 0..4 {
        kit.script.status(204);
        kit.close().await.unwrap();
    }
    kit.script.status(500).status(204);
    kit.close().await.unwrap();
    // That success gave the 14 back.
    kit.script.status(500).status(204);
    kit.close().await.unwrap();
}

#[tokio::test]
async fn clients_that_fail_together_do_not_retry_together() {
    let mut slots = [0; 8];
    for seed in 0..1000 {
        let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(start()));
        let mut client = Client::new().transport(Arc::new(script.clone())).clock(Arc::new(clock.clone()));
        client.options.set_seed(seed);
        let pipeline = client.build("https://rooms.example", key()).unwrap();
        script.status(500).status(204);
        call(&pipeline, &CLOSE).await.unwrap();
        slots[(clock.elapsed().as_millis() / 100).min(7) as usize] += 1;
    }
    assert_eq!(slots.iter().sum::<u32>(), 1000);
    assert!(slots.iter().all(|slot| *slot <= 200), "{slots:?}");
}

#[tokio::test]
async fn a_dropped_call_sends_nothing_more() {
    let kit = Kit::new();
    kit.script.respond(response(503, &[("retry-after", "5")])).status(204);
    let limit = secs(1);
    assert!(crate::timeout(&kit.clock, limit, kit.close().into_future()).await.is_none());
    kit.clock.sleep(secs(60)).await;
    assert_eq!(kit.sent(), 1);
}

/// Reads whether the response arrived after an attempt whose effect is unknown.
fn after_unknown(kit: &Kit) -> Call<bool> {
    Call::new(&kit.pipeline, &CLOSE, &[("room", "blue")], |response| {
        Ok(response.extensions().get::<AfterUnknown>().is_some())
    })
}

#[tokio::test]
async fn a_success_after_an_attempt_with_an_unknown_effect_is_marked() {
    for (name, fail) in ambiguous() {
        let kit = Kit::new();
        fail(&kit.script);
        kit.script.status(204);
        assert!(after_unknown(&kit).send().await.unwrap().body, "{name}");
    }
    for fail in [
        (|script| script.status(429)) as Script,
        |script| script.fail(Delivery::NotSent),
        |script| script.respond(response(503, &[("retry-after", "1")])),
    ] {
        let kit = Kit::new();
        fail(&kit.script);
        kit.script.status(204);
        assert!(!after_unknown(&kit).send().await.unwrap().body);
    }
}

#[tokio::test]
async fn an_unknown_attempt_shows_in_the_error_of_a_later_one() {
    for (name, fail) in ambiguous() {
        let kit = Kit::new();
        fail(&kit.script);
        kit.script.status(404);
        let error = kit.close().await.unwrap_err();
        assert!(error.outcome_unknown() && error.is_not_found() && error.is_rejected(), "{name}: {error}");
        assert!(error.to_string().contains("the service may have acted on it"), "{error}");
    }
}

#[tokio::test]
async fn at_one_random_failure_in_ten_nearly_every_idempotent_call_succeeds() {
    let kit = Kit::new();
    let mut random = fastrand::Rng::with_seed(10);
    let mut succeeded = 0;
    for _ in 0..2_000 {
        // How often this call fails before it succeeds: at four, its retries are exhausted.
        let failures = (0..4).take_while(|_| random.u8(0..10) == 0).count();
        (0..failures).for_each(|_| {
            kit.script.status(503);
        });
        if failures < 4 {
            kit.script.status(204);
        }
        succeeded += u32::from(kit.close().await.is_ok());
    }
    assert!(succeeded >= 1_980, "{succeeded} of 2000");
}

#[tokio::test]
async fn a_send_waits_for_a_retry_after_value_with_a_fraction() {
    let kit = Kit::new();
    kit.script.respond(response(503, &[("retry-after", "2.5")])).status(202);
    kit.send().await.unwrap();
    assert_eq!((kit.sent(), kit.elapsed()), (2, secs(3)));
}
