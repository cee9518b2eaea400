//! Rate limiting: every attempt takes a slot, and a slot after the deadline ends the call before anything is sent.

use std::sync::Mutex;

use super::*;
use crate::{Delivery, Error, ErrorKind, NoSlot, RateLimiter, RetryOptions};

/// One slot every ten seconds.
#[derive(Debug, Default)]
pub(super) struct Slow(Mutex<Duration>);

impl RateLimiter for Slow {
    fn take(&self, now: Duration, longest: Duration) -> Result<Duration, NoSlot> {
        let mut next = self.0.lock().unwrap();
        let wait = next.saturating_sub(now);
        if wait > longest {
            return Err(NoSlot::TooLate(wait));
        }
        *next = now + wait + Duration::from_secs(10);
        Ok(wait)
    }
}

fn limited() -> Kit {
    Kit::with(|mut client| {
        client.options.set_rate_limiter(Arc::new(Slow::default()));
        client
    })
}

#[tokio::test]
async fn every_attempt_waits_for_its_slot_including_retries() {
    let kit = limited();
    kit.script.status(500).status(204).status(204);
    kit.close().retry(RetryOptions::default().initial_backoff(Duration::ZERO)).await.unwrap();
    assert_eq!(kit.clock.elapsed(), Duration::from_secs(10), "the retry had to wait");
    kit.close().await.unwrap();
    assert_eq!(kit.clock.elapsed(), Duration::from_secs(20), "clones share the rate limiter");
}

#[tokio::test]
async fn a_slot_after_the_deadline_fails_at_once_and_reports_the_wait() {
    let kit = limited();
    kit.script.status(204);
    kit.close().await.unwrap();
    let error = kit.close().deadline(Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(kit.clock.elapsed(), Duration::ZERO);
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Throttled, Some(Delivery::NotSent)));
    assert_eq!((error.retry_after(), error.attempts()), (Some(Duration::from_secs(10)), 0));
    let text = error.to_string();
    assert!(text.contains("the wait would be 10.0s") && !text.contains("the service asked"), "{text}");
    assert_eq!(kit.script.sent().len(), 1);
}

#[tokio::test]
async fn a_retry_without_a_slot_does_not_hide_that_the_service_may_have_acted() {
    let kit = limited();
    kit.script.status(504);
    let call = kit
        .close()
        .deadline(Duration::from_secs(5))
        .retry(RetryOptions::default().initial_backoff(Duration::ZERO));
    let error = call.await.unwrap_err();
    assert_eq!((error.attempts(), error.delivery()), (1, Some(Delivery::Unknown)), "{error}");
}

/// In use at the first attempts to take a slot, then broken.
#[derive(Debug)]
struct Occupied(Mutex<u32>);

impl RateLimiter for Occupied {
    fn take(&self, _now: Duration, _longest: Duration) -> Result<Duration, NoSlot> {
        let mut left = self.0.lock().unwrap();
        if *left == 0 {
            return Err(NoSlot::Failed(Error::new(ErrorKind::InvalidInput, "the state is lost")));
        }
        *left -= 1;
        Err(NoSlot::Busy(Duration::from_secs(1)))
    }
}

#[tokio::test]
async fn a_rate_limiter_in_use_is_asked_again_until_the_deadline_and_its_failure_ends_the_call() {
    for (busy, deadline, text, elapsed) in [
        (3, 10, "the state is lost", 3),
        (9, 5, "the client's rate limiter was in use until the deadline", 5),
    ] {
        let kit = Kit::with(|mut client| {
            client.options.set_rate_limiter(Arc::new(Occupied(Mutex::new(busy))));
            client
        });
        let error = kit.close().deadline(Duration::from_secs(deadline)).await.unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!((error.delivery(), error.attempts()), (Some(Delivery::NotSent), 0));
        assert_eq!((kit.clock.elapsed(), kit.script.sent().len()), (Duration::from_secs(elapsed), 0));
    }
}
