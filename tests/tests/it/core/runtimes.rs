//! One client that outlives the tokio runtime in which it was made and used: its connections ended with that runtime, its
//! calls must not.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use webpubsub::{Credential, ErrorKind, RawRequest, RetryOptions, ServiceClient};
use workspace_tests::fault_server::{FaultServer, Script, Step, frames, reached};
use workspace_tests::tls::{Authority, Tls};

/// Its tasks run whenever they can.
fn threaded() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Its tasks run only while something blocks on it.
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// A server in a runtime on its own thread, which lives as long as the test.
struct Elsewhere {
    server: FaultServer,
    authority: Authority,
    _runtime: Runtime,
}

impl Elsewhere {
    fn start(tls: Option<&Tls>) -> Self {
        Self::following(tls, |tls| vec![vec![tls, Step::Serve("done")]])
    }

    /// `scripts` is given the handshake, which is nothing without TLS.
    fn following(tls: Option<&Tls>, scripts: impl FnOnce(Step) -> Vec<Script>) -> Self {
        let authority = Authority::new().unwrap();
        let handshake = tls.map_or(Step::write(""), |tls| Step::Tls(authority.server(tls).unwrap()));
        let runtime = threaded();
        let server = runtime.block_on(async { FaultServer::start(scripts(handshake)).unwrap() });
        Self { server, authority, _runtime: runtime }
    }

    fn client(&self, https: bool) -> ServiceClient {
        let endpoint = if https { self.server.https() } else { self.server.http() };
        ServiceClient::builder(&endpoint, "chat", Credential::access_key("planted-key"))
            .root_certificate(self.authority.pem())
            // No retry hides what happens.
            .retry(RetryOptions::none())
            .deadline(Duration::from_secs(20))
            .build()
            .unwrap()
    }
}

/// Must not be done twice.
fn post(service: &ServiceClient) -> RawRequest {
    service.request(Method::POST, "/api/hubs/chat/:send", &[]).body("text/plain", "hello")
}

/// Plain HTTP, HTTP/1.1 over TLS, HTTP/2.
fn kinds() -> [Option<Tls>; 3] {
    [None, Some(Tls::default().http1()), Some(Tls::default())]
}

#[test]
fn a_client_whose_runtime_has_ended_works_in_the_next_one() {
    for tls in kinds() {
        let elsewhere = Elsewhere::start(tls.as_ref());
        let service = elsewhere.client(tls.is_some());
        let first = runtime();
        for _ in 0..2 {
            first.block_on(post(&service).into_future()).unwrap();
        }
        assert_eq!(elsewhere.server.connections(), 1);
        drop(first);
        let second = runtime();
        for _ in 0..2 {
            second.block_on(post(&service).into_future()).unwrap();
        }
        assert_eq!((elsewhere.server.connections(), elsewhere.server.requests().len()), (2, 4), "{tls:?}");
    }
}

#[test]
fn a_client_works_in_two_runtimes_at_once() {
    for tls in kinds() {
        let elsewhere = Elsewhere::start(tls.as_ref());
        let service = elsewhere.client(tls.is_some());
        let use_it = || {
            let runtime = threaded();
            for _ in 0..20 {
                runtime.block_on(post(&service).into_future()).unwrap();
            }
            runtime
        };
        std::thread::scope(|scope| {
            let both = [scope.spawn(use_it), scope.spawn(use_it)];
            // Neither runtime ends before both are through.
            let _runtimes = both.map(|one| one.join().unwrap());
        });
        assert_eq!(elsewhere.server.requests().len(), 40, "{tls:?}");
    }
}

/// A server that responds to one request of its first connection and is silent on the second, and a client that has made the
/// first in `first`. Over HTTP/2, whose connections any call can join at once.
fn with_a_connection_of(first: &Runtime, read: &Arc<Notify>) -> (Elsewhere, ServiceClient) {
    let elsewhere = Elsewhere::following(Some(&Tls::default()), |tls| {
        let response = [frames::ok(1), frames::end(1, "done")].concat();
        let notify = Step::Notify(Arc::clone(read));
        let script =
            vec![tls.clone(), Step::Request, Step::write(response), Step::Request, notify, Step::Hang];
        vec![script, vec![tls, Step::Serve("done")]]
    });
    let service = elsewhere.client(true);
    first.block_on(post(&service).into_future()).unwrap();
    (elsewhere, service)
}

#[test]
fn a_call_on_a_connection_whose_runtime_ends_meanwhile_fails_as_when_the_connection_breaks() {
    for idempotent in [true, false] {
        let (first, second, read) = (threaded(), threaded(), Arc::new(Notify::new()));
        let (elsewhere, service) = with_a_connection_of(&first, &read);
        let retry = RetryOptions::default().initial_backoff(Duration::ZERO);
        let call = second.spawn(post(&service).idempotent(idempotent).retry(retry).into_future());
        second.block_on(reached(&read)).unwrap();
        drop(first);
        let outcome = second.block_on(call).unwrap();
        if idempotent {
            assert_eq!(outcome.unwrap(), "done");
        } else {
            let error = outcome.unwrap_err();
            assert!(error.outcome_unknown() && error.attempts() == 1, "{error:?}");
            assert!(error.to_string().contains("failed before a response arrived"), "{error}");
        }
        assert_eq!(elsewhere.server.connections(), if idempotent { 2 } else { 1 });
    }
}

#[test]
fn a_call_on_a_connection_whose_runtime_is_not_driven_reaches_the_attempt_timeout() {
    // It is no longer driven once its `block_on` is over, and neither are its connections.
    let first = runtime();
    let (elsewhere, service) = with_a_connection_of(&first, &Arc::default());
    let soon = Duration::from_millis(200);
    let error = runtime().block_on(post(&service).attempt_timeout(soon).into_future()).unwrap_err();
    assert!(error.kind() == ErrorKind::Timeout && error.outcome_unknown(), "{error}");
    assert_eq!(elsewhere.server.requests().len(), 1);
    // With the runtime the connection is gone, and calls go on.
    drop(first);
    assert_eq!(runtime().block_on(post(&service).into_future()).unwrap(), "done");
    assert_eq!((elsewhere.server.connections(), elsewhere.server.requests().len()), (2, 2));
}

#[test]
fn a_client_may_be_made_outside_of_any_runtime() {
    let elsewhere = Elsewhere::start(None);
    let service = elsewhere.client(false);
    assert_eq!(runtime().block_on(post(&service).into_future()).unwrap(), "done");
}
