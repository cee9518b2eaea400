//! How long an attempt and a whole call may take, and what the error reports when time runs out.

use super::*;
use crate::error::{Delivery, ErrorKind, StopReason};

#[tokio::test]
async fn a_non_idempotent_request_without_a_response_ends_with_its_attempt() {
    let kit = Kit::new();
    kit.script.hang();
    let error = kit.send().await.unwrap_err();
    assert_eq!((kit.elapsed(), kit.sent()), (secs(30), 1));
    assert!(error.is_timeout() && error.outcome_unknown(), "{error}");
    assert_eq!((error.stop_reason(), error.elapsed()), (Some(StopReason::NotIdempotent), secs(30)));
}

#[tokio::test]
async fn an_idempotent_request_without_a_response_ends_with_the_whole_call() {
    let kit = Kit::new();
    kit.script.hang().hang().hang().hang();
    let error = kit.close().await.unwrap_err();
    assert_eq!((kit.elapsed(), kit.sent()), (secs(100), 4));
    assert!(error.is_timeout() && error.outcome_unknown());
    assert_eq!((error.attempts(), error.elapsed()), (4, secs(100)));
}

#[tokio::test]
async fn a_per_call_deadline_cuts_the_attempt() {
    let kit = Kit::new();
    kit.script.hang();
    let error = kit.close().deadline(secs(2)).await.unwrap_err();
    assert_eq!((kit.elapsed(), kit.sent()), (secs(2), 1));
    assert!(error.is_timeout() && error.to_string().contains("no response arrived within 2s"), "{error}");
    assert_eq!(error.stop_reason(), Some(StopReason::Deadline));
}

#[tokio::test]
async fn a_call_with_a_zero_deadline_sends_nothing() {
    let kit = Kit::new();
    kit.script.status(204);
    let error = kit.close().deadline(Duration::ZERO).await.unwrap_err();
    assert_eq!((kit.sent(), error.attempts(), error.delivery()), (0, 0, Some(Delivery::NotSent)));
    assert!(error.is_timeout());
}

#[tokio::test]
async fn a_maximum_deadline_is_no_deadline() {
    let kit = Kit::new();
    kit.script.status(500).status(204);
    kit.close().deadline(Duration::MAX).attempt_timeout(Duration::MAX).await.unwrap();
    assert_eq!(kit.sent(), 2);
}

#[tokio::test]
async fn a_slow_token_counts_and_nothing_was_sent() {
    let identity = Identity::new(secs(70), |_, _| Ok(secs(3600)));
    let kit = Kit::with_tokens(&identity);
    let error = kit.send().deadline(secs(10)).await.unwrap_err();
    assert_eq!((kit.elapsed(), kit.sent(), identity.asked()), (secs(10), 0, 1));
    assert!(error.is_timeout() && !error.outcome_unknown(), "{error}");
    assert_eq!(error.delivery(), Some(Delivery::NotSent));
}

#[tokio::test]
async fn a_token_that_takes_longer_than_one_attempt_still_serves_the_call() {
    let identity = Identity::new(secs(70), |_, _| Ok(secs(3600)));
    let kit = Kit::with_tokens(&identity);
    kit.script.status(202);
    kit.send().await.unwrap();
    assert_eq!((kit.sent(), identity.asked()), (1, 1));
    assert!(kit.elapsed() >= secs(70) && kit.elapsed() < secs(100));
}

#[tokio::test]
async fn a_slow_token_after_a_rejected_attempt_does_not_make_the_outcome_unknown() {
    // The token ends while the service's hint is waited for, and the next one comes too late.
    let identity = Identity::new(secs(5), |_, _| Ok(secs(10)));
    let kit = Kit::with_tokens(&identity);
    kit.script.respond(response(429, &[("retry-after", "20")]));
    let error = kit.send().deadline(secs(28)).await.unwrap_err();
    assert_eq!((kit.elapsed(), kit.sent(), identity.asked()), (secs(28), 1, 2));
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Timeout, Some(Delivery::NotSent)));
}

/// Sleeps after the rest of the chain.
struct SlowAfter(ManualClock);

#[async_trait::async_trait]
impl crate::Policy for SlowAfter {
    async fn send(&self, request: Request<Bytes>, next: crate::Next<'_>) -> Result<Response<Bytes>> {
        let response = next.run(request).await;
        self.0.sleep(secs(1000)).await;
        response
    }
}

/// Sleeps before the rest of the chain.
struct SlowBefore(ManualClock);

#[async_trait::async_trait]
impl crate::Policy for SlowBefore {
    async fn send(&self, request: Request<Bytes>, next: crate::Next<'_>) -> Result<Response<Bytes>> {
        self.0.sleep(secs(1000)).await;
        next.run(request).await
    }
}

#[tokio::test]
async fn a_policy_cannot_hold_a_call_over_its_deadline() {
    let kit = Kit::new();
    kit.script.status(204);
    let error = kit.close().policy(SlowAfter(kit.clock.clone())).await.unwrap_err();
    assert_eq!((kit.elapsed(), kit.sent()), (secs(100), 1));
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Timeout, Some(Delivery::Unknown)));

    let kit = Kit::new();
    let error = kit.close().policy(SlowBefore(kit.clock.clone())).await.unwrap_err();
    assert_eq!((kit.elapsed(), kit.sent()), (secs(100), 0));
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Timeout, Some(Delivery::NotSent)));
}

#[tokio::test]
async fn a_policy_around_a_call_without_a_token_does_not_make_its_outcome_unknown() {
    let identity = Identity::new(secs(1000), |_, _| Ok(secs(3600)));
    let kit = Kit::with_tokens(&identity);
    let pass = Pass;
    let error = kit.send().policy(pass).deadline(secs(10)).await.unwrap_err();
    assert_eq!((kit.sent(), error.delivery()), (0, Some(Delivery::NotSent)));
}

struct Pass;

#[async_trait::async_trait]
impl crate::Policy for Pass {
    async fn send(&self, request: Request<Bytes>, next: crate::Next<'_>) -> Result<Response<Bytes>> {
        next.run(request).await
    }
}

#[tokio::test]
async fn a_late_response_before_the_timeout_is_returned() {
    let kit = Kit::new();
    kit.script.respond_after(Arc::new(kit.clock.clone()), secs(29), response(202, &[]));
    kit.send().await.unwrap();
    assert_eq!(kit.elapsed(), secs(29));
}

fn poll(kit: &Kit) -> Rooms {
    let mut poll = kit.send();
    poll.call.long_poll(secs(120));
    poll
}

#[tokio::test]
async fn a_long_poll_with_a_response_at_its_end_succeeds_with_default_timeouts() {
    let kit = Kit::new();
    let response = Response::builder().status(202).body("late").unwrap();
    kit.script.respond_after(Arc::new(kit.clock.clone()), secs(119), response);
    assert_eq!(poll(&kit).await.unwrap(), "late");
    assert_eq!(kit.elapsed(), secs(119));
}

#[tokio::test]
async fn a_long_poll_has_its_own_timeouts_unless_the_caller_sets_them() {
    for (change, ends) in [
        ((|poll| poll) as fn(Rooms) -> Rooms, 135),
        (|poll| poll.attempt_timeout(secs(50)), 50),
        (|poll| poll.deadline(secs(40)), 40),
    ] {
        let kit = Kit::new();
        kit.script.hang();
        change(poll(&kit)).await.unwrap_err();
        assert_eq!(kit.elapsed(), secs(ends));
    }
    let kit = Kit::new();
    kit.script.hang().hang().hang();
    poll(&kit).idempotent(true).await.unwrap_err();
    assert_eq!(
        (kit.elapsed(), kit.sent()),
        (secs(160), 2),
        "the whole call lasts 25 s longer than an attempt"
    );
}
