//! Handlers that panic: the service receives a response, and the log contains the panic.

use std::sync::{Arc, Mutex};

use webpubsub::event_handler::{HandlerTask, Webhook};

use super::support::*;
use crate::common::Log;

fn panicking() -> TestHandler {
    TestHandler::all(|| panic!("planted"))
}

/// Returns the responses to one event of each kind.
async fn responses(webhook: &Webhook) -> Vec<(u16, String)> {
    let mut responses = Vec::new();
    for (event_type, body) in [
        ("azure.webpubsub.sys.connect", "{}"),
        ("azure.webpubsub.user.x", "1"),
        ("azure.webpubsub.sys.connected", "{}"),
        ("azure.webpubsub.sys.disconnected", "{}"),
        ("azure.webpubsub.gp.joined", r#"{"group":"g"}"#),
        ("azure.webpubsub.gp.left", r#"{"group":"g"}"#),
    ] {
        let response = respond(webhook, with_body(event(event_type), JSON, body)).await;
        let (status, body) = parts(&response);
        responses.push((status, body.to_owned()));
    }
    responses
}

fn failure() -> (u16, String) {
    (500, "Internal Server Error".to_owned())
}

#[tokio::test]
async fn the_response_is_a_500_and_the_log_names_the_panic() {
    let (log, _guard) = Log::collect();
    let webhook = panicking().webhook();
    assert_eq!(responses(&webhook).await, vec![failure(); 6]);
    let text = log.text();
    assert_eq!(text.matches("the handler panicked: planted").count(), 6, "{text}");
    assert!(text.contains("ERROR") && text.contains("conn1"), "{text}");
}

#[tokio::test]
async fn a_panic_after_the_response_does_not_end_the_task_that_runs_it() {
    let queue: Arc<Mutex<Vec<HandlerTask>>> = Arc::default();
    let queued = queue.clone();
    let builder = panicking().builder().access_key(KEY);
    let webhook = builder.spawn_with(move |task| queued.lock().unwrap().push(task)).build().unwrap();
    let accepted = (204, String::new());
    let expected = [failure(), failure(), accepted.clone(), accepted.clone(), accepted.clone(), accepted];
    assert_eq!(responses(&webhook).await, expected);
    let (log, _guard) = Log::collect();
    let tasks = std::mem::take(&mut *queue.lock().unwrap());
    for task in tasks {
        task.await;
    }
    assert_eq!(log.text().matches("the handler panicked: planted").count(), 4);
}

#[tokio::test]
async fn a_panic_of_the_function_that_spawns_is_a_500() {
    let builder = TestHandler::accepting().builder().access_key(KEY);
    let webhook = builder.spawn_with(|_| panic!("planted")).build().unwrap();
    let accepted = (204, String::new());
    let expected = [accepted.clone(), accepted, failure(), failure(), failure(), failure()];
    assert_eq!(responses(&webhook).await, expected);
}
