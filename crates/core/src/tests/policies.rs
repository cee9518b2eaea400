//! The order around a request, and what users' code cannot do: send the credential to another origin.

use std::sync::Mutex;

use super::*;
use crate::error::{Delivery, ErrorKind};
use crate::{Next, Policy, SendOptions, Upgrade};

type Log = Arc<Mutex<Vec<String>>>;

struct Recorded(&'static str, Log);

#[async_trait::async_trait]
impl Policy for Recorded {
    async fn send(&self, request: Request<Bytes>, next: Next<'_>) -> Result<Response<Bytes>> {
        self.1.lock().unwrap().push(format!("{}>", self.0));
        let response = next.run(request).await;
        self.1.lock().unwrap().push(format!("<{}", self.0));
        response
    }
}

#[derive(Debug)]
struct RecordedCredential(Log);

#[async_trait::async_trait]
impl Authorize for RecordedCredential {
    async fn authorize(&self, request: &mut Request<Bytes>) -> Result<()> {
        self.0.lock().unwrap().push(format!("sign {}", request.uri()));
        Ok(())
    }
}

#[derive(Debug)]
struct RecordedTransport(Log, ScriptedTransport);

#[async_trait::async_trait]
impl Transport for RecordedTransport {
    async fn send(&self, request: Request<Bytes>, options: &SendOptions) -> Result<Response<Bytes>> {
        self.0.lock().unwrap().push("send".to_owned());
        self.1.send(request, options).await
    }

    async fn upgrade(&self, request: Request<()>, options: &SendOptions) -> Result<Upgrade> {
        self.1.upgrade(request, options).await
    }
}

#[tokio::test]
async fn policies_wrap_calls_or_attempts_and_the_credential_signs_last() {
    let log = Log::default();
    let recorded = |name| Recorded(name, Arc::clone(&log));
    let script = ScriptedTransport::new();
    script.status(500).status(204);
    let pipeline = Client::new()
        .transport(Arc::new(RecordedTransport(Arc::clone(&log), script)))
        .clock(Arc::new(ManualClock::jumping(start())))
        .attempt_policy(recorded("attempt 1"))
        .attempt_policy(recorded("attempt 2"))
        .policy(recorded("client"))
        .build("https://rooms.example", RecordedCredential(Arc::clone(&log)))
        .unwrap();
    call(&pipeline, &CLOSE).policy(recorded("call")).await.unwrap();
    let attempt = [
        "attempt 1>",
        "attempt 2>",
        "sign https://rooms.example/rooms/blue",
        "send",
        "<attempt 2",
        "<attempt 1",
    ];
    let expected = [&["client>", "call>"][..], &attempt, &attempt, &["<call", "<client"]].concat();
    assert_eq!(*log.lock().unwrap(), expected);
}

/// Sends requests elsewhere.
struct Redirect(&'static str);

#[async_trait::async_trait]
impl Policy for Redirect {
    async fn send(&self, mut request: Request<Bytes>, next: Next<'_>) -> Result<Response<Bytes>> {
        *request.uri_mut() = self.0.parse().unwrap();
        next.run(request).await
    }
}

#[tokio::test]
async fn a_request_that_a_policy_sends_to_another_origin_is_rejected_before_it_is_signed() {
    for target in [
        "https://evil.example/rooms/blue",
        "http://rooms.example/rooms/blue",
        "https://rooms.example:8443/rooms/blue",
        "https://rooms.example@evil.example/rooms/blue",
        "https://rooms.example.evil.example/",
        "/rooms/blue",
    ] {
        let log = Log::default();
        let client = || {
            Client::new().transport(Arc::new(RecordedTransport(Arc::clone(&log), ScriptedTransport::new())))
        };
        for attempt in [false, true] {
            let client = if attempt {
                client().attempt_policy(Redirect(target))
            } else {
                client().policy(Redirect(target))
            };
            let pipeline =
                client.build("https://rooms.example", RecordedCredential(Arc::clone(&log))).unwrap();
            let error = call(&pipeline, &CLOSE).await.unwrap_err();
            assert_eq!((error.kind(), error.delivery()), (ErrorKind::Credential, Some(Delivery::NotSent)));
            assert_eq!(error.attempts(), 1);
            assert!(log.lock().unwrap().is_empty(), "{target}: {:?}", log.lock().unwrap());
        }
    }
}

#[tokio::test]
async fn a_url_that_a_policy_sets_is_signed_as_it_is_sent() {
    for (given, normalized) in [
        ("https://ROOMS.example:443/a/../b?name='x'", "https://rooms.example/b?name=%27x%27"),
        ("https://rooms.example/a%2e?b", "https://rooms.example/a%2e?b"),
    ] {
        let (log, script) = (Log::default(), ScriptedTransport::new());
        script.status(204);
        let pipeline = Client::new()
            .transport(Arc::new(script.clone()))
            .attempt_policy(Redirect(given))
            .build("https://rooms.example", RecordedCredential(Arc::clone(&log)))
            .unwrap();
        call(&pipeline, &CLOSE).await.unwrap();
        assert_eq!(*log.lock().unwrap(), [format!("sign {normalized}")]);
        assert_eq!(script.sent()[0].uri(), normalized);
        assert_eq!(url::Url::parse(normalized).unwrap().as_str(), normalized);
    }
}

/// Returns a response instead of the service.
struct Cached;

#[async_trait::async_trait]
impl Policy for Cached {
    async fn send(&self, _: Request<Bytes>, _: Next<'_>) -> Result<Response<Bytes>> {
        Ok(response(204, &[]))
    }
}

#[tokio::test]
async fn a_policy_may_respond_without_sending_anything() {
    let kit = Kit::new();
    let response = kit.close().policy(Cached).with_response().await.unwrap();
    assert_eq!((kit.sent(), response.attempts(), response.status().as_u16()), (0, 0, 204));
}
