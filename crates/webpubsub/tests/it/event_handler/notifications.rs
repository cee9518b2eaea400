//! The events whose responses the service does not wait for.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use webpubsub::event_handler::{HandlerError, HandlerTask};

use super::support::*;

const NOTIFICATIONS: [(&str, &str, &str); 9] = [
    ("azure.webpubsub.sys.connected", "{}", "connected"),
    ("azure.webpubsub.sys.disconnected", r#"{"reason":"bye"}"#, "disconnected: bye"),
    ("azure.webpubsub.sys.disconnected", r#"{"reason":null}"#, "disconnected: "),
    ("azure.webpubsub.sys.disconnected", "", "disconnected: "),
    ("azure.webpubsub.sys.disconnected", "\u{feff}", "disconnected: "),
    ("azure.webpubsub.sys.disconnected", "\u{feff}{\"reason\":\"bye\"}", "disconnected: bye"),
    ("azure.webpubsub.gp.joined", r#"{"group":"g1"}"#, "joined: g1"),
    ("azure.webpubsub.gp.joined", "\u{feff}{\"group\":\"g1\"}", "joined: g1"),
    ("azure.webpubsub.gp.left", r#"{"group":"g1"}"#, "left: g1"),
];

#[tokio::test]
async fn each_event_reaches_its_method() {
    for (event_type, body, expected) in NOTIFICATIONS {
        let (handler, seen) = TestHandler::recording();
        let response = respond(&handler.webhook(), with_body(event(event_type), JSON, body)).await;
        assert_eq!((parts(&response), seen.take()), ((204, ""), vec![expected.to_owned()]));
    }
}

#[tokio::test]
async fn a_failure_has_its_status_and_reveals_no_reason() {
    for (event_type, body, _) in NOTIFICATIONS {
        let handler = TestHandler::on_notification(|_, _| Err(HandlerError::internal("planted")));
        let response = respond(&handler.webhook(), with_body(event(event_type), JSON, body)).await;
        assert_eq!(parts(&response), (500, "Internal Server Error"));
    }
    let handler = TestHandler::on_notification(|_, _| Err(HandlerError::new(StatusCode::CONFLICT, "no")));
    let request = with_body(event("azure.webpubsub.sys.connected"), JSON, "{}");
    assert_eq!(parts(&respond(&handler.webhook(), request).await), (409, "no"));
}

#[tokio::test]
async fn with_a_spawner_they_are_responded_to_before_the_handler_runs() {
    for (event_type, body, expected) in NOTIFICATIONS {
        let (handler, seen) = TestHandler::recording();
        let queue: Arc<Mutex<Vec<HandlerTask>>> = Arc::default();
        let queued = queue.clone();
        let builder = handler.builder().access_key(KEY);
        let webhook = builder.spawn_with(move |task| queued.lock().unwrap().push(task)).build().unwrap();
        let response = respond(&webhook, with_body(event(event_type), JSON, body)).await;
        assert_eq!((parts(&response), seen.take()), ((204, ""), vec![]));
        let tasks: Vec<HandlerTask> = std::mem::take(&mut queue.lock().unwrap());
        for task in tasks {
            task.await;
        }
        assert_eq!(seen.take(), [expected]);
    }
}

#[tokio::test]
async fn with_a_spawner_what_the_service_waits_for_is_still_waited_for() {
    let (handler, seen) = TestHandler::recording();
    let webhook = handler.builder().access_key(KEY).spawn_with(|_| panic!("spawned")).build().unwrap();
    respond(&webhook, connect("{}")).await;
    respond(&webhook, with_body(event("azure.webpubsub.user.x"), "text/plain", "")).await;
    assert_eq!(seen.take(), ["connect", "x"]);
}

#[tokio::test]
async fn an_event_of_an_unknown_kind_is_accepted_and_ignored() {
    for event_type in
        ["azure.webpubsub.sys.paused", "azure.webpubsub.gp.x", "azure.webpubsub.new", "azure.webpubsub."]
    {
        let (handler, seen) = TestHandler::recording();
        let response = respond(&handler.webhook(), with_body(event(event_type), "text/x", "no json")).await;
        assert_eq!((parts(&response), seen.take()), ((204, ""), vec![]), "{event_type}");
    }
}

#[tokio::test]
async fn an_event_of_another_service_is_a_bad_request() {
    for event_type in ["com.example.event", "azure.webpubsubx.sys.connect", "azure.webpubsub"] {
        let response =
            respond(&TestHandler::accepting().webhook(), with_body(event(event_type), JSON, "{}")).await;
        assert!(parts(&response).0 == 400 && body(&response).contains(event_type), "{event_type}");
    }
}

#[tokio::test]
async fn a_group_event_without_a_group_is_a_bad_request() {
    for bad in ["", "{}", r#"{"group":null}"#, r#"{"group":1}"#] {
        let (handler, seen) = TestHandler::recording();
        let request = with_body(event("azure.webpubsub.gp.joined"), JSON, bad);
        assert_eq!(respond(&handler.webhook(), request).await.status(), 400, "{bad}");
        assert!(seen.take().is_empty());
    }
}
