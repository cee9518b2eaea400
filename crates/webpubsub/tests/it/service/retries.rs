//! What is retried and what is not, in virtual time.

use std::time::Duration;

use webpubsub::{RetryOptions, StopReason};

use super::{cases, scripted, scripted_by, targets};

#[tokio::test]
async fn a_send_is_not_retried_after_500_and_everything_else_is() {
    for case in cases::all().iter().filter(|case| !case.id.ends_with("Token")) {
        let (script, _, builder) = scripted();
        script.status(500).status(500).status(500).status(500);
        let service = builder.build().unwrap();
        let error = (case.call)(&service, "n").await.unwrap_err();
        let (attempts, stop) = match case.id.contains("SendTo") {
            true => (1, StopReason::NotIdempotent),
            false => (4, StopReason::Attempts),
        };
        assert_eq!((script.sent().len(), error.stop_reason()), (attempts, Some(stop)), "{}", case.id);
    }
}

#[tokio::test]
async fn creating_a_token_is_retried() {
    let credential = webpubsub::Credential::token(super::tokens::granted);
    let (script, _, builder) = scripted_by(credential);
    script.status(500).fail(webpubsub::Delivery::Unknown);
    script.respond(http::Response::new(super::tokens::RESPONSE));
    builder.build().unwrap().client_access().await.unwrap();
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test]
async fn a_send_is_retried_if_the_service_rejected_it_or_the_caller_declares_it_idempotent() {
    let (script, clock, builder) = scripted();
    let service = builder.build().unwrap();
    script
        .respond(http::Response::builder().status(429).header("retry-after", "8").body("").unwrap())
        .status(202);
    service.group("g").send("hi").await.unwrap();
    assert_eq!((script.sent().len(), clock.slept().iter().map(Duration::as_secs).sum()), (2, 8_u64));
    script.status(500).status(202);
    service.group("g").send("hi").idempotent(true).await.unwrap();
    script.status(500);
    service.group("g").close_connections().retry(RetryOptions::none()).await.unwrap_err();
    assert_eq!(script.sent().len(), 5);
}

#[tokio::test]
async fn every_attempt_of_a_send_is_signed_for_its_own_time() {
    let (script, _, builder) = scripted();
    script
        .respond(http::Response::builder().status(503).header("retry-after", "60").body("").unwrap())
        .status(202);
    builder.build().unwrap().send_to_all("hi").await.unwrap();
    let sent = script.sent();
    let signed = |index: usize| sent[index].headers()["authorization"].clone();
    assert_ne!(signed(0), signed(1));
    let target = "http://localhost:8080/api/hubs/chat/:send?api-version=2024-12-01";
    assert_eq!(targets(&script), [target, target]);
}
