//! The retries of a publish, in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use eventgrid_namespaces::{CloudEvent, Credential, Delivery, Sender, StopReason};
use http::Response;
use service_core::Clock;
use service_core::testing::{ManualClock, ScriptedTransport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::common::namespace_builder;

fn scripted() -> (Sender, ScriptedTransport, ManualClock) {
    let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH));
    let builder = namespace_builder();
    let namespace =
        builder.transport(Arc::new(script.clone())).clock(Arc::new(clock.clone())).build().unwrap();
    (namespace.sender("orders"), script, clock)
}

fn event() -> CloudEvent {
    CloudEvent::new("/s", "t", "x").unwrap()
}

#[tokio::test]
async fn a_publish_whose_outcome_is_unknown_is_retried_with_the_same_id() {
    let (sender, script, _) = scripted();
    script.fail(Delivery::Unknown).status(500).respond(Response::new("{}"));
    sender.send(event()).await.unwrap();
    let bodies: Vec<_> = script.sent().iter().map(|request| request.body().clone()).collect();
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    script.fail(Delivery::Unknown).respond(Response::new("{}"));
    sender.send(event()).binary_mode().await.unwrap();
    let sent = script.sent();
    assert_eq!(sent[3].headers()["ce-id"], sent[4].headers()["ce-id"]);
    script.fail(Delivery::Unknown).respond(Response::new("{}"));
    sender.send_batch([event(), event()]).await.unwrap();
    let sent = script.sent();
    assert_eq!((sent.len(), sent[5].body()), (7, sent[6].body()));
}

#[tokio::test]
async fn a_publish_that_is_made_at_most_once_is_not_retried() {
    let (sender, script, _) = scripted();
    script.fail(Delivery::Unknown).fail(Delivery::Unknown);
    let single = sender.send(event()).idempotent(false).await.unwrap_err();
    let batch = sender.send_batch([event()]).idempotent(false).await.unwrap_err();
    for error in [single, batch] {
        assert_eq!((error.outcome_unknown(), error.stop_reason()), (true, Some(StopReason::NotIdempotent)));
    }
    assert_eq!(script.sent().len(), 2);
    // A request that was rejected or never sent had no effect.
    script.fail(Delivery::NotSent).status(429).respond(Response::new("{}"));
    sender.send(event()).idempotent(false).await.unwrap();
}

#[tokio::test]
async fn a_throttled_publish_is_retried_after_the_delay_that_the_service_asked_for() {
    let (sender, script, clock) = scripted();
    let throttled = Response::builder().status(429).header("retry-after", "8").body(Bytes::new()).unwrap();
    script.respond(throttled).respond(Response::new("{}"));
    sender.send_batch([event()]).await.unwrap();
    assert_eq!((script.sent().len(), clock.elapsed()), (2, Duration::from_secs(8)));
}

#[tokio::test]
async fn a_publish_that_the_service_accepted_is_not_retried_although_its_response_was_lost() {
    let (sender, script, _) = scripted();
    for _ in 0..4 {
        script.fail(Delivery::Accepted);
    }
    let errors = [
        sender.send(event()).await.unwrap_err(),
        sender.send(event()).binary_mode().await.unwrap_err(),
        sender.send_batch([event()]).await.unwrap_err(),
        sender.send_all([event()]).await.into_result().unwrap_err(),
    ];
    assert_eq!(script.sent().len(), 4);
    for error in errors {
        assert_eq!((error.delivery(), error.stop_reason()), (Some(Delivery::Accepted), None));
        assert!(error.to_string().contains("the service accepted the request"), "{error}");
    }
}

#[tokio::test]
async fn a_publish_whose_success_response_is_cut_off_is_sent_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let received = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                stream.read_buf(&mut request).await.unwrap();
            }
            received.fetch_add(1, Ordering::SeqCst);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{").await.unwrap();
        }
    });
    let sender = Sender::new(&endpoint, "orders", Credential::access_key("k")).unwrap();
    let error = sender.send(event()).await.unwrap_err();
    assert_eq!((error.delivery(), requests.load(Ordering::SeqCst)), (Some(Delivery::Accepted), 1));
}

#[tokio::test]
async fn a_rejected_publish_is_not_retried() {
    for status in [400, 403, 404, 413] {
        let (sender, script, _) = scripted();
        script.status(status);
        assert_eq!(sender.send(event()).await.unwrap_err().status().unwrap(), status);
        assert_eq!(script.sent().len(), 1);
    }
}
