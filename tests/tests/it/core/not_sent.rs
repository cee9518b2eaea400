//! A request that certainly never reached a server is retried even if it is not idempotent, and no other request is: to the byte,
//! over real sockets.

use std::future::IntoFuture;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response};
use tokio::sync::Notify;
use tokio_rustls::rustls::ServerConfig;
use webpubsub::{Delivery, ErrorKind, Next, Policy, RawRequest, Result, ServiceClient, StopReason};
use workspace_tests::fault_server::{FaultServer, Reserved, Script, Step, frames, http1_response, reached};
use workspace_tests::tls::{Authority, Tls};

use super::builder;

/// Must not be done twice.
fn post(service: &ServiceClient, body: &'static str) -> RawRequest {
    service.request(Method::POST, "/api/hubs/chat/:send", &[]).body("text/plain", body)
}

/// May be repeated.
fn put(service: &ServiceClient, body: &'static str) -> RawRequest {
    service.request(Method::PUT, "/api/hubs/chat/x", &[]).body("text/plain", body)
}

fn serve() -> Script {
    vec![Step::Serve("done")]
}

/// Lets connections in when the second attempt begins.
struct Late {
    attempts: AtomicUsize,
    reserved: Mutex<Option<Reserved>>,
    server: Arc<Mutex<Option<FaultServer>>>,
}

#[async_trait]
impl Policy for Late {
    async fn send(&self, request: Request<Bytes>, next: Next<'_>) -> Result<Response<Bytes>> {
        if self.attempts.fetch_add(1, Ordering::SeqCst) == 1 {
            let reserved = self.reserved.lock().unwrap().take().unwrap();
            *self.server.lock().unwrap() = Some(reserved.listen([serve()]).unwrap());
        }
        next.run(request).await
    }
}

#[tokio::test]
async fn a_refused_connection_is_made_again_and_the_request_arrives_once() {
    let reserved = Reserved::new().unwrap();
    let (endpoint, server) = (format!("http://{}", reserved.address()), Arc::default());
    let late = Late {
        attempts: AtomicUsize::new(0),
        reserved: Mutex::new(Some(reserved)),
        server: Arc::clone(&server),
    };
    let service = builder(&endpoint).attempt_policy(late).build().unwrap();
    let response = post(&service, "once").with_response().await.unwrap();
    assert_eq!((&response.body[..], response.attempts()), (&b"done"[..], 2));
    assert_eq!(server.lock().unwrap().as_ref().unwrap().requests().len(), 1);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_looked_up_again() {
    let service = builder("https://nowhere.invalid").no_proxy().build().unwrap();
    let error = post(&service, "never").await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Transport, Some(Delivery::NotSent)));
    assert_eq!((error.attempts(), error.stop_reason()), (4, Some(StopReason::Attempts)));
}

/// A TLS server and a client that trusts it.
struct Secure {
    config: Arc<ServerConfig>,
    authority: Authority,
}

impl Secure {
    fn new(tls: &Tls) -> Self {
        let authority = Authority::new().unwrap();
        Self { config: authority.server(tls).unwrap(), authority }
    }

    fn tls(&self) -> Step {
        Step::Tls(Arc::clone(&self.config))
    }

    fn client(&self, server: &FaultServer) -> ServiceClient {
        builder(&server.https()).root_certificate(self.authority.pem()).build().unwrap()
    }
}

#[tokio::test]
async fn a_tls_handshake_that_breaks_off_is_begun_again_and_the_request_arrives_once() {
    let secure = Secure::new(&Tls::default());
    let broken = [
        vec![],
        vec![Step::Bytes],
        vec![Step::Bytes, Step::Reset],
        vec![Step::Bytes, Step::write(http1_response("400 Bad Request", &[], "this is http"))],
        // A fatal alert: handshake_failure (RFC 8446, section 6).
        vec![Step::Bytes, Step::write(&b"\x15\x03\x03\x00\x02\x02\x28"[..])],
        // The begin of a ServerHello.
        vec![Step::Bytes, Step::write(&b"\x16\x03\x03\x00\x7a\x02\x00"[..])],
    ];
    for (number, broken) in broken.into_iter().enumerate() {
        let server = FaultServer::start([broken, vec![secure.tls(), Step::Serve("done")]]).unwrap();
        let service = secure.client(&server);
        assert_eq!(post(&service, "once").await.unwrap(), "done", "{number}");
        assert_eq!((server.connections(), server.requests().len()), (2, 1), "{number}");
    }
}

#[tokio::test]
async fn an_idle_connection_that_the_server_has_closed_is_not_used_again_even_for_what_must_not_be_done_twice()
 {
    for tls in [Tls::default(), Tls::default().http1()] {
        let secure = Secure::new(&tls);
        let closed = Arc::new(Notify::new());
        let first = if tls.protocols() == ["http/1.1"] {
            Step::write(http1_response("200 OK", &[], "done"))
        } else {
            Step::write([frames::ok(1), frames::end(1, "done")].concat())
        };
        let notify = Step::Notify(Arc::clone(&closed));
        let script = vec![secure.tls(), Step::Request, first, Step::Finish, notify];
        let server = FaultServer::start([script, vec![secure.tls(), Step::Serve("done")]]).unwrap();
        let service = secure.client(&server);
        post(&service, "one").await.unwrap();
        reached(&closed).await.unwrap();
        assert_eq!(post(&service, "two").await.unwrap(), "done");
        assert_eq!((server.connections(), server.requests().len()), (2, 2));
    }
}

#[tokio::test]
async fn a_connection_that_closes_before_the_request_was_written_is_made_again_and_the_request_arrives_once()
{
    // Handshake and connection end in one go, before HTTP/2 has begun: a client of HTTP/1.1 may write its request into such
    // a connection and cannot know what happened to it.
    let secure = Secure::new(&Tls::default().version_1_2());
    for end in [vec![], vec![Step::Finish]] {
        let closed = [vec![secure.tls()], end.clone()].concat();
        let server = FaultServer::start([closed, vec![secure.tls(), Step::Serve("done")]]).unwrap();
        assert_eq!(post(&secure.client(&server), "once").await.unwrap(), "done", "{end:?}");
        assert_eq!((server.connections(), server.requests().len()), (2, 1), "{end:?}");
    }
}

/// Each connection responds as if it stayed open, and ends.
fn one_response(end: &[Step]) -> Script {
    [&[Step::Request, Step::write(http1_response("200 OK", &[], "done"))], end].concat()
}

#[tokio::test]
async fn an_idle_connection_that_closes_as_a_call_begins_loses_no_idempotent_call_and_repeats_no_other() {
    for end in [vec![], vec![Step::Reset], vec![Step::Bytes], vec![Step::Bytes, Step::Reset]] {
        let server = FaultServer::start([one_response(&end)]).unwrap();
        let service = builder(&server.http()).build().unwrap();
        for _ in 0..10 {
            assert_eq!(put(&service, "again").await.unwrap(), "done", "{end:?}");
        }
        let server = FaultServer::start([one_response(&end)]).unwrap();
        let service = builder(&server.http()).build().unwrap();
        let mut sure = 0;
        for _ in 0..10 {
            match post(&service, "once").await {
                Ok(_) => sure += 1,
                Err(error) => assert!(error.outcome_unknown() && error.attempts() == 1, "{end:?}: {error}"),
            }
        }
        assert_eq!(
            server.requests().len(),
            sure,
            "a request that was read got a response, and was read once: {end:?}"
        );
    }
}

#[tokio::test]
async fn a_second_request_that_the_server_reads_without_responding_is_retried_only_if_idempotent() {
    let script = || {
        let two = [one_response(&[Step::Request]), one_response(&[Step::Hang])];
        FaultServer::start(two).unwrap()
    };
    let server = script();
    let service = builder(&server.http()).build().unwrap();
    put(&service, "one").await.unwrap();
    assert_eq!(put(&service, "two").await.unwrap(), "done");
    assert_eq!(server.requests().len(), 3);
    let server = script();
    let service = builder(&server.http()).build().unwrap();
    post(&service, "one").await.unwrap();
    let error = post(&service, "two").await.unwrap_err();
    assert!(error.outcome_unknown() && error.stop_reason() == Some(StopReason::NotIdempotent), "{error}");
    assert_eq!((server.requests().len(), server.connections()), (2, 1));
}

/// The first stream of the first connection meets `first`; what comes after it is served.
async fn http2(
    first: Script,
    call: fn(&ServiceClient, &'static str) -> RawRequest,
) -> (FaultServer, Result<Bytes>) {
    let secure = Secure::new(&Tls::default());
    let mut script = vec![secure.tls(), Step::Request];
    script.extend(first);
    let server = FaultServer::start([script, vec![secure.tls(), Step::Serve("done")]]).unwrap();
    let service = secure.client(&server);
    let outcome = call(&service, "body").await;
    assert_eq!(server.protocols()[0], "h2");
    (server, outcome)
}

#[tokio::test]
async fn a_refused_http2_stream_is_opened_again_on_the_same_connection() {
    let secure = Secure::new(&Tls::default());
    let reset = Step::write(frames::reset(1, frames::REFUSED_STREAM));
    let server = FaultServer::start([vec![secure.tls(), Step::Request, reset, Step::Serve("done")]]).unwrap();
    assert_eq!(post(&secure.client(&server), "once").await.unwrap(), "done");
    assert_eq!(
        (server.connections(), server.requests()),
        (1, vec!["stream 1 once".into(), "stream 3 once".into()])
    );
}

#[tokio::test]
async fn an_http2_stream_that_is_reset_for_another_reason_may_have_had_its_effect() {
    for code in [frames::NO_ERROR, frames::INTERNAL_ERROR, frames::CANCEL] {
        let (server, outcome) = http2(vec![Step::write(frames::reset(1, code))], post).await;
        let error = outcome.unwrap_err();
        assert!(error.outcome_unknown() && error.attempts() == 1, "{code}: {error}");
        assert_eq!(server.requests().len(), 1, "{code}");
        let (_, outcome) = http2(vec![Step::write(frames::reset(1, code))], put).await;
        assert_eq!(outcome.unwrap(), "done", "{code}");
    }
}

#[tokio::test]
async fn an_http2_stream_above_the_last_one_of_a_goaway_is_sent_again_on_a_new_connection() {
    for code in [frames::NO_ERROR, frames::INTERNAL_ERROR] {
        let (server, outcome) = http2(vec![Step::write(frames::goaway(0, code))], post).await;
        assert_eq!(outcome.unwrap(), "done", "{code}");
        assert_eq!((server.connections(), server.requests().len()), (2, 2), "{code}");
    }
}

#[tokio::test]
async fn an_http2_stream_up_to_the_last_one_of_a_goaway_may_have_had_its_effect() {
    for code in [frames::NO_ERROR, frames::INTERNAL_ERROR] {
        for end in [vec![], vec![Step::Finish], vec![Step::Reset]] {
            let goaway = [&[Step::write(frames::goaway(1, code))], &end[..]].concat();
            let (server, outcome) = http2(goaway.clone(), post).await;
            let error = outcome.unwrap_err();
            assert!(error.outcome_unknown() && error.attempts() == 1, "{code} {end:?}: {error:?}");
            assert_eq!(server.requests().len(), 1, "{code} {end:?}");
            let (_, outcome) = http2(goaway, put).await;
            assert_eq!(outcome.unwrap(), "done", "{code} {end:?}");
        }
    }
}

#[tokio::test]
async fn of_two_http2_streams_at_a_goaway_the_one_below_gets_a_response_and_the_one_above_is_retried() {
    let secure = Secure::new(&Tls::default());
    let (one, two) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let script = vec![
        secure.tls(),
        Step::Request,
        Step::Notify(Arc::clone(&one)),
        Step::Request,
        Step::write(frames::goaway(1, frames::NO_ERROR)),
        Step::Await(Arc::clone(&two)),
        Step::write([frames::ok(1), frames::end(1, "first")].concat()),
        Step::Hang,
    ];
    let server = FaultServer::start([script, vec![secure.tls(), Step::Serve("second")]]).unwrap();
    let service = secure.client(&server);
    let first = tokio::spawn(post(&service, "first").into_future());
    reached(&one).await.unwrap();
    assert_eq!(post(&service, "second").await.unwrap(), "second");
    two.notify_one();
    assert_eq!(first.await.unwrap().unwrap(), "first");
    let bodies = ["stream 1 first", "stream 3 second", "stream 1 second"];
    assert_eq!(server.requests(), bodies);
}

#[tokio::test]
async fn a_server_that_shuts_down_gracefully_loses_no_call() {
    let secure = Secure::new(&Tls::default());
    // As RFC 9113, section 6.8 advises: first a warning, then what was really the last one.
    let script = vec![
        secure.tls(),
        Step::Request,
        Step::write(frames::goaway(0x7fff_ffff, frames::NO_ERROR)),
        Step::write(frames::goaway(1, frames::NO_ERROR)),
        Step::write([frames::ok(1), frames::end(1, "done")].concat()),
        Step::Finish,
    ];
    let server = FaultServer::start([script]).unwrap();
    let service = secure.client(&server);
    for _ in 0..5 {
        post(&service, "once").await.unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (5, 5));
}
