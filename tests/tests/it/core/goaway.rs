//! A `GOAWAY` in each state of a connection: a request that the server says it did not process is sent again, and no other.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use tokio::sync::Notify;
use webpubsub::{Delivery, Error, RawRequest, Result, ServiceClient};
use workspace_tests::fault_server::{FaultServer, Script, Step, frames, reached};
use workspace_tests::tls::{Authority, Tls};

use super::builder;

/// Above every stream.
const ALL: u32 = 0x7fff_ffff;

/// Must not be done twice.
fn post(service: &ServiceClient) -> RawRequest {
    service.request(Method::POST, "/api/hubs/chat/:send", &[]).body("text/plain", "once")
}

/// May be repeated.
fn put(service: &ServiceClient) -> RawRequest {
    service.request(Method::PUT, "/api/hubs/chat/x", &[]).body("text/plain", "again")
}

/// A server whose first connection does this after its handshake. All others serve.
fn start(first: &[Step]) -> (FaultServer, ServiceClient) {
    let authority = Authority::new().unwrap();
    let tls = Step::Tls(authority.server(&Tls::default()).unwrap());
    let first: Script = [std::slice::from_ref(&tls), first].concat();
    let server = FaultServer::start([first, vec![tls, Step::Serve("again")]]).unwrap();
    let service = builder(&server.https()).root_certificate(authority.pem()).build().unwrap();
    (server, service)
}

async fn meets(first: &[Step], call: fn(&ServiceClient) -> RawRequest) -> (FaultServer, Result<Bytes>) {
    let (server, service) = start(first);
    let outcome = call(&service).await;
    (server, outcome)
}

fn part(text: &str) -> Vec<u8> {
    frames::frame(frames::DATA, 0, 1, text.as_bytes())
}

#[tokio::test]
async fn before_the_request_nothing_was_sent_and_another_connection_is_used() {
    for code in [frames::NO_ERROR, frames::INTERNAL_ERROR] {
        // The request may already be on its way, but the server promises that it did not process it.
        let hello = Step::write([frames::settings(), frames::goaway(0, code)].concat());
        let (server, outcome) = meets(&[hello, Step::Hang], post).await;
        assert_eq!(outcome.unwrap(), "again", "{code}");
        assert_eq!((server.connections(), server.requests().len()), (2, 1), "{code}");
    }
}

#[tokio::test]
async fn on_an_idle_connection_it_costs_no_call_an_attempt() {
    for (last, code) in [(1, frames::NO_ERROR), (ALL, frames::NO_ERROR), (0, frames::INTERNAL_ERROR)] {
        let closed = Arc::new(Notify::new());
        let done = Step::write([frames::ok(1), frames::end(1, "done")].concat());
        let goaway = Step::write(frames::goaway(last, code));
        let first = [Step::Request, done, goaway, Step::Hang, Step::Notify(Arc::clone(&closed))];
        let (server, service) = start(&first);
        assert_eq!(post(&service).await.unwrap(), "done", "{last} {code}");
        // The client has read it and closed the connection.
        reached(&closed).await.unwrap();
        let next = post(&service).with_response().await.unwrap();
        assert_eq!((&next.body[..], next.attempts()), (&b"again"[..], 1), "{last} {code}");
        assert_eq!((server.connections(), server.requests().len()), (2, 2), "{last} {code}");
    }
}

#[tokio::test]
async fn after_the_request_the_last_stream_decides_whether_it_is_sent_again() {
    for code in [frames::NO_ERROR, frames::INTERNAL_ERROR] {
        let below = [Step::Request, Step::write(frames::goaway(0, code)), Step::Hang];
        let (server, outcome) = meets(&below, post).await;
        assert_eq!((outcome.unwrap(), server.requests().len()), (Bytes::from("again"), 2), "{code}");
        for last in [1, ALL] {
            let gone = [Step::Request, Step::write(frames::goaway(last, code)), Step::Finish];
            let (server, outcome) = meets(&gone, post).await;
            let error = outcome.unwrap_err();
            assert_eq!((error.delivery(), server.requests().len()), (Some(Delivery::Unknown), 1), "{error}");
            assert!(error.outcome_unknown() && error.attempts() == 1, "{error}");
            let (server, outcome) = meets(&gone, put).await;
            assert_eq!(
                (outcome.unwrap(), server.requests().len()),
                (Bytes::from("again"), 2),
                "{last} {code}"
            );
        }
    }
}

#[tokio::test]
async fn a_response_that_follows_it_is_complete() {
    for last in [1, ALL] {
        let goaway = frames::goaway(last, frames::NO_ERROR);
        for bytes in [
            [goaway.clone(), frames::ok(1), frames::end(1, "done")].concat(),
            [frames::ok(1), goaway.clone(), frames::end(1, "done")].concat(),
            [frames::ok(1), part("do"), goaway.clone(), frames::end(1, "ne")].concat(),
        ] {
            let (server, outcome) = meets(&[Step::Request, Step::write(bytes), Step::Hang], post).await;
            assert_eq!((outcome.unwrap(), server.connections()), (Bytes::from("done"), 1), "{last}");
        }
    }
}

#[tokio::test]
async fn in_the_middle_of_a_body_the_request_counts_as_accepted() {
    let ends = [
        frames::goaway(0, frames::INTERNAL_ERROR),
        frames::goaway(1, frames::INTERNAL_ERROR),
        frames::reset(1, frames::CANCEL),
    ];
    for end in ends {
        let bytes = [frames::ok(1), part("do"), end].concat();
        let gone = [Step::Request, Step::write(bytes), Step::Finish];
        // The contradiction of a server that responded to what it says it did not process is not trusted.
        let (server, outcome) = meets(&gone, post).await;
        check_cut_off(&outcome.unwrap_err());
        assert_eq!(server.requests().len(), 1);
        let (server, outcome) = meets(&gone, put).await;
        assert_eq!((outcome.unwrap(), server.requests().len()), (Bytes::from("again"), 2));
    }
}

#[tokio::test]
async fn a_stream_that_ends_early_without_an_error_is_not_a_complete_response() {
    let length = frames::literal("content-length", "4");
    let head = |stream, headers: &[u8]| frames::head(stream, &[frames::STATUS_200, headers].concat());
    let data = |stream| frames::frame(frames::DATA, 0, stream, b"do");
    let ends: [fn(u32) -> Vec<u8>; 2] =
        [|_| frames::goaway(0, frames::NO_ERROR), |stream| frames::reset(stream, frames::NO_ERROR)];
    for end in ends {
        // As the first response, with a length that it does not reach.
        let bytes = [head(1, &length), data(1), end(1)].concat();
        let (_, outcome) = meets(&[Step::Request, Step::write(bytes), Step::Finish], post).await;
        check_cut_off(&outcome.unwrap_err());
        // And without one, after a complete response.
        let complete = Step::write([frames::ok(1), frames::end(1, "done")].concat());
        let bytes = [head(3, &[]), data(3), end(3)].concat();
        let (_server, service) =
            start(&[Step::Request, complete, Step::Request, Step::write(bytes), Step::Finish]);
        assert_eq!(post(&service).await.unwrap(), "done");
        check_cut_off(&post(&service).await.unwrap_err());
    }
}

fn check_cut_off(error: &Error) {
    assert_eq!(error.delivery(), Some(Delivery::Accepted), "{error}");
    assert!(error.outcome_unknown() && error.attempts() == 1, "{error}");
    let line = error.to_string();
    assert!(line.contains("was cut off") && line.contains("the service accepted the request"), "{line}");
}
