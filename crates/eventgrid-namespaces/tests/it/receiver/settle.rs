//! Acknowledge, release, reject and renew: their requests, and the outcome of every token if one request is not enough or its
//! response is not conclusive.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use eventgrid_namespaces::{
    Clock, Delivery, NamespaceClientBuilder, Receiver, ReleaseDelay, Result, RetryOptions, SettleResult,
};
use http::Response;
use serde_json::{Value, json};
use service_core::testing::{ManualClock, ScriptedTransport};

use crate::common::{namespace_builder, receiver};

fn builder(transport: &ScriptedTransport) -> NamespaceClientBuilder {
    namespace_builder()
        .transport(Arc::new(transport.clone()))
        .retry(RetryOptions::default().initial_backoff(Duration::ZERO))
}

fn scripted() -> (ScriptedTransport, Receiver) {
    let transport = ScriptedTransport::new();
    let receiver = receiver(builder(&transport));
    (transport, receiver)
}

fn tokens(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("t{number}")).collect()
}

fn all_succeed(range: std::ops::Range<usize>) -> Response<String> {
    Response::new(json!({"succeededLockTokens": tokens(range), "failedLockTokens": []}).to_string())
}

fn failing(token: &str, code: &str) -> Response<String> {
    let failed = json!([{"lockToken": token, "error": {"code": code, "message": "m"}}]);
    Response::new(json!({"succeededLockTokens": [], "failedLockTokens": failed}).to_string())
}

/// The path and query of each request, below the subscription, with its tokens.
fn sent(transport: &ScriptedTransport) -> Vec<(String, Vec<String>)> {
    let target =
        |uri: &http::Uri| uri.to_string().split_once("/eventsubscriptions/billing").unwrap().1.to_owned();
    let tokens = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).unwrap();
        serde_json::from_value(body["lockTokens"].clone()).unwrap()
    };
    transport.sent().iter().map(|request| (target(request.uri()), tokens(request.body()))).collect()
}

#[tokio::test]
async fn each_operation_has_its_own_verb_and_only_a_release_has_a_delay() {
    let (transport, receiver) = scripted();
    for _ in 0..8 {
        transport.respond(all_succeed(0..1));
    }
    let token = ["t0"];
    receiver.acknowledge(token).await.unwrap().into_result().unwrap();
    receiver.reject(token).await.unwrap().into_result().unwrap();
    receiver.renew_locks(token).await.unwrap().into_result().unwrap();
    receiver.release(token).await.unwrap().into_result().unwrap();
    for delay in [ReleaseDelay::None, ReleaseDelay::S10, ReleaseDelay::S3600, ReleaseDelay::Other(7)] {
        receiver.release(token).delay(delay).await.unwrap().into_result().unwrap();
    }
    let targets: Vec<_> = sent(&transport).into_iter().map(|(target, _)| target).collect();
    let version = "api-version=2024-06-01";
    assert_eq!(
        targets,
        [
            format!(":acknowledge?{version}"),
            format!(":reject?{version}"),
            format!(":renewLock?{version}"),
            format!(":release?{version}"),
            format!(":release?{version}&releaseDelayInSeconds=0"),
            format!(":release?{version}&releaseDelayInSeconds=10"),
            format!(":release?{version}&releaseDelayInSeconds=3600"),
            format!(":release?{version}&releaseDelayInSeconds=7"),
        ]
    );
}

#[tokio::test]
async fn more_tokens_than_fit_into_one_request_are_sent_in_several_with_the_same_settings() {
    let (transport, receiver) = scripted();
    transport.respond(all_succeed(0..100)).respond(all_succeed(100..200)).respond(all_succeed(200..250));
    let release = receiver.release(tokens(0..250)).delay(ReleaseDelay::S60).header("x-team", "billing");
    let result = release.await.unwrap();
    assert_eq!(result.into_result().unwrap(), tokens(0..250));
    let sent = sent(&transport);
    assert_eq!(
        sent.iter().map(|(_, tokens)| tokens.clone()).collect::<Vec<_>>(),
        [tokens(0..100), tokens(100..200), tokens(200..250)]
    );
    assert!(sent.iter().all(|(target, _)| target.ends_with("releaseDelayInSeconds=60")));
    assert!(transport.sent().iter().all(|request| request.headers()["x-team"] == "billing"));
}

#[tokio::test]
async fn results_survive_the_failure_of_a_later_request() {
    let (transport, receiver) = scripted();
    transport.respond(all_succeed(0..100)).status(403);
    let result = receiver.acknowledge(tokens(0..350)).await.unwrap();
    assert_eq!((transport.sent().len(), &result.succeeded), (2, &tokens(0..100)));
    let interrupted = result.interrupted.as_ref().unwrap();
    assert_eq!(interrupted.error.status().unwrap().as_u16(), 403);
    assert_eq!((&interrupted.no_response, &interrupted.unsent), (&tokens(100..200), &tokens(200..350)));
    let error = result.into_result().unwrap_err();
    assert_eq!(error.to_string(), "250 of 350 lock tokens failed; first failure: the request failed");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("403"));
}

#[tokio::test]
async fn a_later_request_without_a_response_leaves_its_outcome_unknown() {
    let (transport, receiver) = scripted();
    transport.respond(all_succeed(0..100)).fail(Delivery::Unknown);
    let call = receiver.acknowledge(tokens(0..101)).retry(RetryOptions::none());
    let error = call.await.unwrap().into_result().unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
}

#[tokio::test]
async fn a_call_whose_first_request_fails_is_an_error_and_sends_no_other() {
    let (transport, receiver) = scripted();
    transport.status(401);
    let error = receiver.acknowledge(tokens(0..150)).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), transport.sent().len()), (401, 1));
}

#[tokio::test]
async fn one_deadline_applies_to_all_requests_of_a_call() {
    let (transport, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH));
    for range in [0..100, 100..200] {
        transport.respond_after(Arc::new(clock.clone()), Duration::from_secs(8), all_succeed(range));
    }
    let receiver = receiver(builder(&transport).clock(Arc::new(clock.clone())));
    let call = receiver.acknowledge(tokens(0..200)).deadline(Duration::from_secs(10));
    let result = call.retry(RetryOptions::none()).await.unwrap();
    assert_eq!((result.succeeded.len(), clock.elapsed()), (100, Duration::from_secs(10)));
    assert!(result.interrupted.unwrap().error.is_timeout());
}

#[tokio::test]
async fn an_empty_token_is_reported_as_failed_and_the_others_are_settled() {
    for at in [0, 1, 150] {
        let (transport, receiver) = scripted();
        let mut given = tokens(0..150);
        given.insert(at, String::new());
        transport.respond(all_succeed(0..100)).respond(all_succeed(100..150));
        let result = receiver.acknowledge(given).await.unwrap();
        assert_eq!(result.succeeded, tokens(0..150));
        assert_eq!(sent(&transport).iter().map(|(_, tokens)| tokens.len()).collect::<Vec<_>>(), [100, 50]);
        assert_eq!((result.failed.len(), result.failed[0].lock_token.as_str()), (1, ""));
        let error = result.into_result().unwrap_err().to_string();
        assert!(
            error.contains("1 of 151 lock tokens failed") && error.contains("the lock token is empty"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_token_given_twice_is_sent_once() {
    let (transport, receiver) = scripted();
    transport.respond(all_succeed(0..2));
    let result = receiver.acknowledge(["t0", "t1", "t0", "t1"]).await.unwrap();
    assert_eq!((sent(&transport).remove(0).1, result.into_result().unwrap()), (tokens(0..2), tokens(0..2)));
}

#[tokio::test]
async fn an_invalid_header_is_rejected_before_anything_is_sent() {
    let (transport, receiver) = scripted();
    let error = receiver.acknowledge(["t"]).header("bad name", "x").await.unwrap_err();
    assert!(error.to_string().contains("header has an invalid name"), "{error}");
    let error = receiver.acknowledge(["t"]).header("x", "planted\n").await.unwrap_err();
    assert!(
        error.to_string().contains("header has an invalid value") && !error.to_string().contains("planted")
    );
    assert!(transport.sent().is_empty());
}

#[tokio::test]
async fn a_token_that_the_response_does_not_mention_is_not_a_success() {
    let (transport, receiver) = scripted();
    transport.respond(all_succeed(0..1)).respond(Response::new(r#"{"failedLockTokens":[]}"#));
    let result = receiver.acknowledge(["t0", "t1"]).await.unwrap();
    assert_eq!((result.maybe_settled[0].lock_token.as_str(), result.failed.len()), ("t1", 0));
    let error = result.into_result().unwrap_err().to_string();
    assert!(error.ends_with("first failure: the service's response does not mention this token"), "{error}");
    // A renewal settles nothing, so its token cannot be maybe settled.
    let result = receiver.renew_locks(["t1"]).await.unwrap();
    assert_eq!((result.maybe_settled.len(), result.failed.len()), (0, 1));
}

#[tokio::test]
async fn a_token_in_both_lists_stays_in_both() {
    let (transport, receiver) = scripted();
    let body = r#"{"succeededLockTokens":["t"],"failedLockTokens":[{"lockToken":"t","error":{"code":"BadToken","message":""}}]}"#;
    transport.respond(Response::new(body));
    let result = receiver.release(["t"]).await.unwrap();
    assert_eq!((result.succeeded.len(), result.failed.len()), (1, 1));
    assert!(result.into_result().is_err());
}

#[tokio::test]
async fn only_tokens_that_failed_inside_the_service_are_retryable() {
    for (code, retryable) in [("InternalServerError", 1), ("TokenLost", 0), ("BadToken", 0), ("New", 0)] {
        let (transport, receiver) = scripted();
        transport.respond(failing("t0", code)).respond(all_succeed(0..1));
        let result = receiver.acknowledge(["t0"]).await.unwrap();
        assert_eq!(result.retryable().count(), retryable, "{code}");
        if retryable > 0 {
            receiver.acknowledge(result.retryable()).await.unwrap().into_result().unwrap();
        }
    }
}

#[tokio::test]
async fn a_lock_that_is_lost_after_an_attempt_without_a_response_may_be_settled_but_cannot_be_renewed() {
    let lost = |result: &SettleResult| (result.failed.len(), result.maybe_settled.len());
    let (transport, receiver) = scripted();
    for _ in 0..4 {
        transport.fail(Delivery::Unknown).respond(failing("t0", "TokenLost"));
    }
    assert_eq!(lost(&receiver.acknowledge(["t0"]).await.unwrap()), (0, 1));
    assert_eq!(lost(&receiver.release(["t0"]).await.unwrap()), (0, 1));
    assert_eq!(lost(&receiver.reject(["t0"]).await.unwrap()), (0, 1));
    assert_eq!(lost(&receiver.renew_locks(["t0"]).await.unwrap()), (1, 0));
}

#[tokio::test]
async fn what_an_older_api_version_lacks_is_rejected_before_anything_is_sent() {
    for (version, lacking) in [
        ("2023-06-01-preview", true),
        ("2023-09-01-preview", true),
        ("2023-10-01-preview", false),
        ("2023-11-01", true),
        ("2024-06-01", false),
        ("2031-01-01", false),
    ] {
        let transport = ScriptedTransport::new();
        for _ in 0..4 {
            transport.respond(all_succeed(0..1));
        }
        let receiver = receiver(builder(&transport).api_version(version));
        let outcomes: [Result<SettleResult>; 2] =
            [receiver.renew_locks(["t0"]).await, receiver.release(["t0"]).delay(ReleaseDelay::S10).await];
        for outcome in outcomes {
            assert_eq!(outcome.is_err(), lacking, "{version}");
            let names_version = |error: eventgrid_namespaces::Error| error.to_string().contains(version);
            assert!(outcome.err().is_none_or(names_version), "{version}");
        }
        assert_eq!(transport.sent().is_empty(), lacking, "{version}");
        receiver.release(["t0"]).delay(ReleaseDelay::None).await.unwrap().into_result().unwrap();
        assert_eq!(sent(&transport).pop().unwrap().0.contains("releaseDelay"), !lacking, "{version}");
    }
}
