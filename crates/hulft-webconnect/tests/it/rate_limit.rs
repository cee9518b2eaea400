//! How the client stays below the service's limit of calls, in virtual time.

use std::time::Duration;

use crate::common::{Service, max_in_a_minute};
use futures_util::future::join_all;
use hulft_webconnect::{Delivery, ErrorKind, RateLimit, RetryOptions};

#[tokio::test]
async fn a_long_walk_in_small_pages_is_never_blocked_and_misses_no_row() {
    let (service, site) = Service { rows: 5_000, ..Service::default() }.client();
    let logs = site.relay_logs().list().page_size(30).all().await.unwrap();
    let expected: Vec<_> = (0..5_000).map(|row| row.to_string()).collect();
    assert_eq!(logs.into_iter().map(|log| log.processing_id).collect::<Vec<_>>(), expected);
    assert_eq!((service.sent().len(), service.was_blocked()), (167, false));
    assert_eq!(max_in_a_minute(&service.sent()), 100, "no slower than it has to be");
}

#[tokio::test]
async fn callers_with_clones_share_one_limit() {
    let (service, site) = Service::default().client();
    let callers = (0..10).map(|_| {
        let site = site.clone();
        async move {
            for _ in 0..100 {
                site.service_status().await.unwrap();
            }
        }
    });
    join_all(callers).await;
    assert_eq!((service.sent().len(), service.was_blocked()), (1_000, false));
    assert_eq!(max_in_a_minute(&service.sent()), 100);
}

#[tokio::test]
async fn retries_take_slots_too() {
    let service = Service { status: |number| if number % 2 == 0 { 500 } else { 200 }, ..Service::default() };
    let (service, site) = service.client();
    for _ in 0..150 {
        site.service_status().await.unwrap();
    }
    assert_eq!((service.sent().len(), service.was_blocked()), (300, false));
    assert!(max_in_a_minute(&service.sent()) <= 100);
}

#[tokio::test]
async fn requests_that_take_longer_on_their_way_than_others_do_not_add_up() {
    let delay = |number| if number < 100 { Duration::from_secs(4) } else { Duration::ZERO };
    let (service, site) = Service { delay, ..Service::default() }.client();
    let deadline = Duration::from_secs(200);
    join_all((0..200).map(|_| async { site.service_status().deadline(deadline).await.unwrap() })).await;
    assert!(!service.was_blocked());
}

#[tokio::test]
async fn a_wait_that_would_pass_the_deadline_fails_at_once_and_is_named() {
    let (service, site) = Service::default().client_with(|builder| {
        builder.rate_limit(RateLimit::per_minute(1)).deadline(Duration::from_secs(64))
    });
    site.service_status().await.unwrap();
    let error = site.service_status().await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Throttled, Some(Delivery::NotSent)));
    assert_eq!((error.retry_after(), error.attempts()), (Some(Duration::from_secs(65)), 0));
    assert!(error.to_string().contains("the wait would be 65.0s"), "{error}");
    assert_eq!(service.sent(), [Duration::ZERO], "no time has passed, and nothing was sent");
    site.service_status().deadline(Duration::from_secs(66)).await.unwrap();
    assert_eq!(service.sent()[1], Duration::from_secs(65), "the failed call took no slot");
}

#[tokio::test]
async fn without_a_rate_limit_the_service_blocks_the_contract() {
    let (service, site) = Service::default().client_with(|builder| builder.rate_limit(RateLimit::none()));
    for _ in 0..100 {
        site.service_status().await.unwrap();
    }
    let error = site.service_status().retry(RetryOptions::none()).await.unwrap_err();
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Throttled, 429));
    assert!(service.was_blocked());
}

#[tokio::test]
async fn a_part_of_the_limit_is_kept_to() {
    let (service, site) =
        Service::default().client_with(|builder| builder.rate_limit(RateLimit::per_minute(20)));
    for _ in 0..90 {
        site.service_status().await.unwrap();
    }
    assert_eq!(max_in_a_minute(&service.sent()), 20);
}

#[tokio::test]
async fn the_error_of_a_block_says_when_it_ends() {
    for (retry_after, text) in [
        (Some("600"), "the contract is blocked until 2027-01-15 08:10:00 UTC"),
        (Some("Fri, 15 Jan 2027 08:09:59 GMT"), "the contract is blocked until 2027-01-15 08:09:59 UTC"),
        (None, "the service blocks a contract for 10 minutes after 100 calls in a minute"),
    ] {
        let script = service_core::testing::ScriptedTransport::new();
        let mut response = http::Response::builder().status(429);
        if let Some(retry_after) = retry_after {
            response = response.header("retry-after", retry_after);
        }
        script.respond(response.body("").unwrap());
        let now = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let clock = std::sync::Arc::new(service_core::testing::ManualClock::jumping(now));
        let builder = hulft_webconnect::SiteClient::builder("planted-key").clock(clock);
        let builder = builder.transport(std::sync::Arc::new(script)).retry(RetryOptions::none());
        let error = builder.build().unwrap().service_status().await.unwrap_err();
        assert!(error.is_throttled() && error.to_string().contains(text), "{error}");
    }
}
