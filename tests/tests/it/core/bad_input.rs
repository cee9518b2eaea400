//! Servers whose responses are invalid, too large, or endless, to the byte: each call ends within its attempt timeout, its error
//! states what happened in one line, and the client's memory stays within 8 MB of idle.

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use http::Method;
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::rustls::ServerConfig;
use webpubsub::{Delivery, Error, ErrorKind, Result, RetryOptions};
use workspace_tests::fault_server::{FaultServer, Script, Step, frames, http1_response};
use workspace_tests::tls::{Authority, Tls};

use super::builder;

/// The memory that a call may take beyond that of an idle client.
const MEMORY: u64 = 8 << 20;
const MEGABYTE: usize = 1 << 20;
/// The client's window for the body of a response.
const WINDOW: usize = 1 << 20;

const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const OTHER_PROTOCOL: &str = "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";

/// What a call is expected to return.
enum Expected {
    Done,
    /// The service accepted the request, but its response cannot be used for this reason.
    Accepted(&'static str),
    /// No response arrived, and the outcome is unknown for this reason.
    Unknown(&'static str),
    /// The call ends with its attempt timeout, before or after the head of a success response.
    Timeout(Delivery),
    /// The status of an error, with a part of its body.
    Status(u16),
}

use Expected::{Accepted, Done, Status, Timeout, Unknown};

impl Expected {
    /// Only an attempt that is expected to end with its timeout has a short one: others end at once, on a busy machine too.
    fn limit(&self) -> Duration {
        if matches!(self, Timeout(_)) { Duration::from_millis(250) } else { Duration::from_secs(60) }
    }

    fn check(&self, name: &str, outcome: Result<Bytes>) {
        let error = match (self, outcome) {
            (Done, outcome) => return assert_eq!(outcome.unwrap(), "done", "{name}"),
            (_, outcome) => outcome.expect_err(name),
        };
        let line = error.to_string();
        let (part, delivery) = match self {
            Done => return,
            Accepted(reason) => (*reason, Delivery::Accepted),
            Unknown(reason) => (*reason, Delivery::Unknown),
            Timeout(Delivery::Accepted) => ("the response was not complete within 250ms", Delivery::Accepted),
            Timeout(delivery) => ("no response arrived within 250ms", *delivery),
            Status(_) => ("xxxx", Delivery::Responded),
        };
        assert!(line.contains(part) && !line.contains('\n'), "{name}: {line}");
        assert_eq!(error.delivery(), Some(delivery), "{name}: {line}");
        assert_eq!(error.kind() == ErrorKind::Timeout, matches!(self, Timeout(_)), "{name}: {line}");
        if let Status(status) = self {
            assert_eq!(error.status().map(|status| status.as_u16()), Some(*status), "{name}: {line}");
        }
        check_ambiguous(name, &error);
    }
}

/// All of these requests were read by the server, so it may have acted on them.
fn check_ambiguous(name: &str, error: &Error) {
    let line = error.to_string();
    assert!(error.outcome_unknown() && error.attempts() == 1, "{name}: {line}");
    let accepted = error.delivery() == Some(Delivery::Accepted);
    let words =
        if accepted { "the service accepted the request" } else { "the service may have acted on it" };
    assert!(line.contains(words), "{name}: {line}");
    assert!(error.elapsed() < Duration::from_secs(30), "{name}: {line}");
}

/// A server on its own thread, so that the memory counted on the thread of the test is the client's.
struct Hostile {
    runtime: Runtime,
    authority: Authority,
    config: Arc<ServerConfig>,
}

impl Hostile {
    fn new(tls: &Tls) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let authority = Authority::new().unwrap();
        let config = authority.server(tls).unwrap();
        Self { runtime, authority, config }
    }

    /// Makes one call that must not be repeated. The server reads it and goes on with `steps`.
    fn meets(&self, name: &str, steps: Script, expected: &Expected) {
        let tls = Step::Tls(Arc::clone(&self.config));
        let script = [vec![tls, Step::Request], steps, vec![Step::Hang]].concat();
        let entered = self.runtime.enter();
        let server = FaultServer::start([script]).unwrap();
        drop(entered);
        let client = Builder::new_current_thread().enable_all().build().unwrap();
        let service = builder(&server.https())
            .root_certificate(self.authority.pem())
            .retry(RetryOptions::default().initial_backoff(Duration::ZERO))
            .attempt_timeout(expected.limit())
            .build()
            .unwrap();
        let send = || service.request(Method::POST, "/api/hubs/chat/:send", &[]).body("text/plain", "once");
        let mut outcome = None;
        let memory = measure(|| outcome = Some(client.block_on(send().into_future())));
        expected.check(name, outcome.unwrap());
        assert_eq!(server.requests().len(), 1, "{name}");
        assert!(memory.bytes_max <= MEMORY, "{name}: {} bytes", memory.bytes_max);
    }
}

fn write(text: impl Into<String>) -> Step {
    Step::write(text.into())
}

#[test]
fn heads_of_http1_that_are_invalid_or_have_no_end() {
    let hostile = Hostile::new(&Tls::default().http1());
    let ok = |headers: &str| write(format!("HTTP/1.1 200 OK\r\n{headers}\r\ndone"));
    let long = format!("x-long: {}\r\n", "x".repeat(MEGABYTE));
    let rows: [(&str, Script, Expected); 11] = [
        ("a header of 1 MB", vec![ok(&long)], Unknown("sent an invalid response: its head is too large")),
        ("10,000 headers", vec![ok(&"x: y\r\n".repeat(10_000))], Unknown("its head is too large")),
        (
            "headers without end",
            vec![write("HTTP/1.1 200 OK\r\n"), Step::flood(b"x: y\r\n")],
            Unknown("its head is too large"),
        ),
        (
            "a status line without end",
            vec![write("HTTP/1.1 200 OK"), Step::flood(b"x")],
            Unknown("its head is too large"),
        ),
        ("a length twice", vec![ok("content-length: 4\r\ncontent-length: 4\r\n")], Done),
        (
            "two lengths",
            vec![ok("content-length: 4\r\ncontent-length: 5\r\n")],
            Unknown("sent an invalid response: its `Content-Length` is invalid"),
        ),
        (
            "two lengths in one header",
            vec![ok("content-length: 4, 5\r\n")],
            Unknown("its `Content-Length` is invalid"),
        ),
        (
            "an unrequested 101",
            vec![write(OTHER_PROTOCOL)],
            Unknown("switched protocols instead of responding"),
        ),
        (
            "an unrequested 101 before a response",
            vec![write(OTHER_PROTOCOL.to_owned() + &http1_response("200 OK", &[], "done"))],
            Unknown("switched protocols instead of responding"),
        ),
        (
            "1xx responses without end",
            vec![Step::flood(b"HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n")],
            Timeout(Delivery::Unknown),
        ),
        ("bytes after the end", vec![write(http1_response("200 OK", &[], "done")), Step::flood(b"x")], Done),
    ];
    for (name, steps, expected) in rows {
        hostile.meets(name, steps, &expected);
    }
}

#[test]
fn bodies_of_http1_without_end() {
    let hostile = Hostile::new(&Tls::default().http1());
    let failed = CHUNKED.replace("200 OK", "500 Internal Server Error");
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let too_large = || Accepted("the response is larger than the 4194304 bytes that this operation reads");
    let rows: [(&str, Script, Expected); 7] = [
        ("chunks", vec![write(CHUNKED), Step::flood(chunk.as_bytes())], too_large()),
        (
            "a length of a terabyte",
            vec![write("HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n"), Step::flood(b"x")],
            too_large(),
        ),
        ("no length", vec![write("HTTP/1.0 200 OK\r\n\r\n"), Step::flood(b"x")], too_large()),
        (
            "chunks of one byte, slowly read",
            vec![write(CHUNKED), Step::Trickle("1\r\nx\r\n".repeat(20_000).into(), Duration::from_millis(5))],
            Timeout(Delivery::Accepted),
        ),
        (
            "an extension of a chunk",
            vec![write(CHUNKED), write("1;"), Step::flood(b"x")],
            Accepted("was cut off: chunk extensions over limit"),
        ),
        (
            "trailers",
            vec![write(CHUNKED), write("0\r\n"), Step::flood(b"x: y\r\n")],
            Accepted("was cut off: chunk trailers count overflow"),
        ),
        ("an error", vec![write(failed), Step::flood(chunk.as_bytes())], Status(500)),
    ];
    for (name, steps, expected) in rows {
        hostile.meets(name, steps, &expected);
    }
}

/// A `HEADERS` frame after which `CONTINUATION` frames have to follow.
fn open_head() -> Step {
    Step::write(frames::frame(frames::HEADERS, 0, 1, frames::STATUS_200))
}

#[test]
fn heads_of_http2_that_are_invalid_or_have_no_end() {
    let hostile = Hostile::new(&Tls::default());
    let head = |headers: Vec<u8>| {
        let head = frames::head(1, &[frames::STATUS_200, &headers].concat());
        Step::write([head, frames::end(1, "done")].concat())
    };
    let length = |length| frames::literal("content-length", length);
    let status = |status| frames::head(1, &frames::literal(":status", status));
    let continuation = |block: &[u8]| Step::flood(&frames::frame(frames::CONTINUATION, 0, 1, block));
    let rows: [(&str, Script, Expected); 12] = [
        (
            "a header of 1 MB",
            vec![head(frames::literal("x-long", &"x".repeat(MEGABYTE)))],
            Unknown("sent an invalid response: its head is too large"),
        ),
        (
            "10,000 headers",
            vec![head(frames::literal("x", "y").repeat(10_000))],
            Unknown("sent an invalid response: its head is too large"),
        ),
        ("empty CONTINUATION", vec![open_head(), continuation(&[])], Unknown("its head is too large")),
        (
            "CONTINUATION",
            vec![open_head(), continuation(&frames::literal("x", "y"))],
            Unknown("its head is too large"),
        ),
        ("a length twice", vec![head([length("4"), length("4")].concat())], Done),
        (
            "two lengths",
            vec![head([length("4"), length("5")].concat())],
            Unknown("sent an invalid response: stream error detected"),
        ),
        ("101 alone", vec![Step::write(status("101"))], Timeout(Delivery::Unknown)),
        ("101 before a response", vec![Step::write(status("101")), head(Vec::new())], Done),
        ("1xx responses without end", vec![Step::flood(&status("103"))], Timeout(Delivery::Unknown)),
        (
            "empty HEADERS",
            vec![Step::flood(&frames::frame(frames::HEADERS, frames::END_HEADERS, 1, &[]))],
            Unknown("sent an invalid response: stream error detected"),
        ),
        (
            "HEADERS",
            vec![Step::flood(&frames::ok(1))],
            Accepted("was cut off: stream error detected: unspecific protocol error"),
        ),
        (
            "a frame of 16 MB",
            vec![Step::write(vec![0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]), Step::flood(b"x")],
            Unknown("sent an invalid response: connection error detected: frame with invalid size"),
        ),
    ];
    for (name, steps, expected) in rows {
        hostile.meets(name, steps, &expected);
    }
}

#[test]
fn bodies_of_http2_without_end_and_floods_of_frames() {
    let hostile = Hostile::new(&Tls::default());
    let data = |length: usize| Step::flood(&frames::frame(frames::DATA, 0, 1, &vec![b'x'; length]));
    let failed = frames::head(1, frames::STATUS_500);
    let ok = || Step::write(frames::ok(1));
    let endless = |frame: Vec<u8>| (vec![Step::flood(&frame)], Timeout(Delivery::Unknown));
    let rows: [(&str, (Script, Expected)); 13] = [
        ("a body", (vec![ok(), Step::Pour(WINDOW)], Accepted("larger than the 4194304 bytes"))),
        ("a body without flow control", (vec![ok(), data(16_384)], Accepted("200 OK, the response"))),
        ("an error", (vec![Step::write(failed), data(16_384)], Status(500))),
        ("bytes", (vec![ok(), data(1)], Accepted("was cut off: it has too many small frames"))),
        ("empty DATA", (vec![ok(), data(0)], Accepted("was cut off: it has too many small frames"))),
        ("empty DATA before a head", (vec![data(0)], Unknown("sent an invalid response: "))),
        ("SETTINGS", endless(frames::settings())),
        ("PING", endless(frames::ping())),
        ("WINDOW_UPDATE of the connection", endless(frames::window_update(0))),
        ("WINDOW_UPDATE of the stream", endless(frames::window_update(1))),
        ("GOAWAY", endless(frames::goaway(0x7fff_ffff, frames::NO_ERROR))),
        ("unknown frames", endless(frames::frame(0x42, 0, 0, b"x"))),
        ("RST_STREAM", (vec![Step::flood(&frames::reset(1, frames::CANCEL))], Unknown("no longer needed"))),
    ];
    for (name, (steps, expected)) in rows {
        hostile.meets(name, steps, &expected);
    }
}
