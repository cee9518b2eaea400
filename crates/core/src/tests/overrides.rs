//! The settings that a call can override, each with its effect.

use super::*;
use crate::RetryOptions;
use crate::error::StopReason;
use http::header::{CONTENT_TYPE, USER_AGENT};

#[tokio::test]
async fn a_header_of_a_call_replaces_the_operations_own() {
    let kit = Kit::new();
    kit.script.status(202);
    let mut builder = kit.send();
    builder.call.body("text/plain", "hello");
    builder
        .header(CONTENT_TYPE, "text/markdown")
        .header("x-tenant", "red")
        .header("x-tenant", "blue")
        .header("user-agent", "mine")
        .await
        .unwrap();
    let sent = &kit.script.sent()[0];
    let values = |name: &str| sent.headers().get_all(name).iter().cloned().collect::<Vec<_>>();
    assert_eq!(values("content-type"), ["text/markdown"]);
    assert_eq!(values("x-tenant"), ["blue"]);
    assert_eq!(values(USER_AGENT.as_str()), ["mine"]);
    assert_eq!(sent.body(), "hello");
}

#[tokio::test]
async fn the_headers_that_carry_the_credential_or_frame_the_message_cannot_be_set() {
    for name in ["authorization", "Host", "content-length", "transfer-encoding", "connection", "upgrade"] {
        let kit = Kit::new();
        let error = kit.send().header(name, PLANTED).await.unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(&name.to_lowercase()), "{error}");
        assert!(kit.sent() == 0 && !everything(&error).contains(PLANTED));
    }
}

#[tokio::test]
async fn an_invalid_header_is_rejected_without_being_repeated() {
    for (name, value) in [("x-a", "planted\r\nx-b: c"), ("planted name", "v")] {
        let kit = Kit::new();
        let error = kit.send().header(name, value).await.unwrap_err();
        assert!(error.is_invalid_input() && !everything(&error).contains("planted"), "{error}");
        assert_eq!((kit.sent(), error.operation()), (0, Some("SendToRoom")));
    }
}

#[tokio::test]
async fn a_call_may_have_its_own_attempt_timeout() {
    let kit = Kit::new();
    kit.script.hang();
    kit.send().attempt_timeout(secs(3)).await.unwrap_err();
    assert_eq!(kit.elapsed(), secs(3));
}

#[tokio::test]
async fn a_transport_receives_the_connect_timeout_of_a_call_at_every_attempt() {
    let kit = Kit::new();
    kit.script.status(500).status(204).status(204);
    kit.close().connect_timeout(secs(3)).await.unwrap();
    kit.close().await.unwrap();
    assert_eq!(kit.script.connect_timeouts(), [Some(secs(3)), Some(secs(3)), None]);
}

#[tokio::test]
async fn a_client_may_have_its_own_attempt_timeout_and_deadline() {
    let kit = Kit::with(|client| client.attempt_timeout(secs(4)).deadline(secs(6)));
    kit.script.hang().hang();
    kit.close().await.unwrap_err();
    assert_eq!((kit.elapsed(), kit.sent()), (secs(6), 2));
}

#[tokio::test]
async fn a_call_may_have_its_own_retries() {
    let kit = Kit::new();
    kit.script.status(500).status(204);
    let error = kit.close().retry(RetryOptions::none()).await.unwrap_err();
    assert_eq!((kit.sent(), error.stop_reason()), (1, Some(StopReason::Attempts)));

    let kit = Kit::with(|client| client.retry(RetryOptions::none()));
    for _ in 0..6 {
        kit.script.status(500);
    }
    kit.script.status(204);
    kit.close().retry(RetryOptions::default().max_retries(6)).await.unwrap();
    assert_eq!(kit.sent(), 7);
}

#[tokio::test]
async fn the_bounds_of_the_waits_can_be_set() {
    let kit = Kit::new();
    for _ in 0..3 {
        kit.script.status(500);
    }
    kit.script.status(204);
    let retry = RetryOptions::default()
        .initial_backoff(Duration::from_millis(4))
        .max_backoff(Duration::from_millis(5));
    kit.close().retry(retry).await.unwrap();
    assert!(kit.elapsed() <= Duration::from_millis(14), "{:?}", kit.elapsed());
}

#[tokio::test]
async fn a_caller_can_override_whether_a_call_is_idempotent() {
    let kit = Kit::new();
    kit.script.status(500).status(202);
    kit.send().idempotent(true).await.unwrap();
    assert_eq!(kit.sent(), 2);

    let kit = Kit::new();
    kit.script.status(500).status(204);
    let error = kit.close().idempotent(false).await.unwrap_err();
    assert_eq!((kit.sent(), error.stop_reason()), (1, Some(StopReason::NotIdempotent)));
}

#[tokio::test]
async fn all_attempts_have_the_same_request_id_and_the_callers_own_is_kept() {
    let kit = Kit::new();
    kit.script.status(500).status(500).status(404);
    let error = kit.close().await.unwrap_err();
    let ids: Vec<_> = kit.script.sent().iter().map(|sent| sent.headers()["x-call-id"].clone()).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| *id == ids[0] && id.len() == 36), "{ids:?}");
    assert_eq!(error.request_id(), Some(ids[0].to_str().unwrap()));

    kit.script.status(404);
    let error = kit.close().header("x-call-id", "mine").await.unwrap_err();
    assert_eq!(kit.script.sent()[3].headers()["x-call-id"], "mine");
    assert_eq!(error.request_id(), Some("mine"));
}

#[tokio::test]
async fn a_service_without_request_ids_receives_none_and_reports_none() {
    static SILENT: Dialect = Dialect::new("rooms/1.2.3", crate::call_span!("id"), "id");
    let script = ScriptedTransport::new();
    script.status(404).status(204);
    let client = Client::new().transport(Arc::new(script.clone()));
    let endpoint = Endpoint::parse("https://rooms.example").unwrap();
    let pipeline = client.options.build(&SILENT, endpoint, Arc::new(key())).unwrap();
    let error = call(&pipeline, &CLOSE).await.unwrap_err();
    assert_eq!(error.request_id(), None);
    assert!(error.to_string().contains("404 Not Found (1 attempt, "), "{error}");
    assert_eq!(call(&pipeline, &CLOSE).with_response().await.unwrap().request_id(), "");
    assert!(script.sent().iter().all(|sent| !sent.headers().contains_key("x-call-id")));
}

#[tokio::test]
async fn the_user_agent_names_the_program_first() {
    let kit = Kit::with(|client| client.app_id("shop/2"));
    kit.script.status(202);
    kit.send().await.unwrap();
    let expected = format!("shop/2 rooms/1.2.3 ({}; {})", std::env::consts::OS, std::env::consts::ARCH);
    assert_eq!(kit.script.sent()[0].headers()[USER_AGENT], HeaderValue::from_str(&expected).unwrap());
    for id in ["", "a b", "a\r\nb", &"x".repeat(65)] {
        let client = Client::new().transport(Arc::new(ScriptedTransport::new())).app_id(id);
        assert!(client.build("https://rooms.example", key()).is_err_and(|error| error.is_invalid_input()));
    }
}

#[test]
fn plain_http_to_another_machine_must_be_allowed_explicitly() {
    let client = || Client::new().transport(Arc::new(ScriptedTransport::new()));
    let error = client().build("http://rooms.example", key()).err().unwrap();
    assert!(error.is_invalid_input() && error.to_string().contains("allow_insecure_http"), "{error}");
    assert!(client().allow_insecure_http().build("http://rooms.example", key()).is_ok());
    assert!(client().build("http://localhost:8080", key()).is_ok());
    assert!(client().build("http://[::1]:8080", key()).is_ok());
}
