//! The emulator, over connections on loopback: whatever a client sends, the responses are well-formed, and the emulator goes on.

use std::cell::RefCell;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use service_core::{SystemClock, timeout};
use service_emulator::Emulator;
use service_emulator::webpubsub::ClientToken;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::{frames, split_once, text};

/// In real time: longer than any response takes that does not wait for the clock.
const TURN: Duration = Duration::from_millis(50);
/// How far the clock is advanced when a connection waits, and how often. A long poll waits for at most 120 s.
const STEP: Duration = Duration::from_secs(10);
const MAX_STEPS: usize = 400;
/// How long an emulator is used, by its own clock. Its tokens are valid for an hour.
const MAX_AGE: Duration = Duration::from_secs(1800);
const MAX_REQUESTS: usize = 16;

/// An emulator on a runtime of this thread, which is reset after each input.
struct World {
    runtime: Runtime,
    emulator: Emulator,
    started: SystemTime,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let builder = Emulator::builder().sample_data(true).max_connections(64).arrange(|emulator| {
            emulator.webpubsub().set_ack_delay(Duration::ZERO);
            emulator.eventgrid().declare("orders", "billing");
            emulator.hulft().rate_limit(None);
            Ok(())
        });
        let emulator = runtime.block_on(builder.start()).unwrap();
        let started = emulator.clock().now();
        Self { runtime, emulator, started }
    }

    /// Sends bytes on a new connection, closes this direction, and returns all that arrives.
    async fn exchange(&self, sent: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.emulator.address()).await.unwrap();
        let mut received = Vec::new();
        let whole = async {
            // The emulator may close first. What it has sent until then counts.
            let _ = stream.write_all(sent).await;
            let _ = stream.shutdown().await;
            let _ = stream.read_to_end(&mut received).await;
        };
        {
            let (clock, mut whole, mut steps) = (SystemClock::new(), pin!(whole), 0);
            while timeout(&clock, TURN, whole.as_mut()).await.is_none() {
                steps += 1;
                assert!(steps < MAX_STEPS, "the connection does not end");
                self.emulator.clock().advance(STEP);
            }
        }
        // Thousands of connections per second would use up the ports that wait for late segments.
        let _ = stream.set_zero_linger();
        received
    }

    async fn check_health(&self) {
        let received = self
            .exchange(b"GET /_emulator/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .await;
        assert!(received.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&received));
    }
}

/// Runs this with the emulator, and leaves it as it was.
fn with_world(run: impl AsyncFnOnce(&World)) {
    WORLD.with_borrow_mut(|kept| {
        // A clock that was advanced is not set back.
        let age =
            |world: &World| world.emulator.clock().now().duration_since(world.started).unwrap_or_default();
        let usable = kept.take().filter(|world| age(world) < MAX_AGE);
        let world = usable.unwrap_or_else(World::new);
        world.runtime.block_on(async {
            run(&world).await;
            world.emulator.reset().unwrap();
            world.check_health().await;
        });
        *kept = Some(world);
    });
}

/// Whether a request may make the emulator call a webhook or read a file, which is left out: names of members can be escaped.
fn has_effects_elsewhere(data: &[u8]) -> bool {
    let lower = data.to_ascii_lowercase();
    ["url", "_ca", "\\u"].iter().any(|word| lower.windows(word.len()).any(|window| window == word.as_bytes()))
}

/// What a connection sends: requests, or anything else.
pub(super) fn http(data: &[u8]) {
    if has_effects_elsewhere(data) {
        return;
    }
    with_world(async |world| {
        let received = world.exchange(data).await;
        if received.is_empty() {
            return;
        }
        let (status, _, _) = response(&received);
        // A fault, which the control API schedules, can be any status.
        let is_control = data.windows(9).any(|window| window == b"_emulator");
        assert!(is_control || status < 500 || status == 503, "the status {status} for a request");
    });
}

/// Requests to the control API: `METHOD path body` on each line.
pub(super) fn control(data: &[u8]) {
    if has_effects_elsewhere(data) {
        return;
    }
    let Some(text) = text(data) else { return };
    let lines: Vec<_> = text.lines().filter_map(call).take(MAX_REQUESTS).collect();
    with_world(async |world| {
        let keys = [
            world.emulator.webpubsub().access_key(),
            world.emulator.eventgrid().key(),
            world.emulator.hulft().api_key(),
        ];
        for (request, body) in &lines {
            let received = world.exchange(request.as_bytes()).await;
            let (status, headers, content) = response(&received);
            assert!(status < 500 || status == 503, "{request}: {}", String::from_utf8_lossy(&received));
            let shown = String::from_utf8_lossy(content);
            // One that the request itself sets is in its error.
            let leaked = keys.iter().find(|key| shown.contains(key.as_str()) && !body.contains(key.as_str()));
            assert_eq!(leaked, None, "{request}");
            if headers.contains("content-type: application/json") && !content.is_empty() {
                serde_json::from_slice::<Value>(content).unwrap_or_else(|error| panic!("{request}: {error}"));
            }
        }
    });
}

/// A request with a line's method, path, and body.
fn call(line: &str) -> Option<(String, &str)> {
    let mut parts = line.splitn(3, ' ');
    let (method, path, body) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    let is_valid = method.bytes().all(|byte| byte.is_ascii_uppercase()) && !method.is_empty();
    let is_path = path.bytes().all(|byte| byte.is_ascii_graphic());
    let head = format!("{method} /_emulator/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
    let length = body.len();
    let request = format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
    (is_valid && is_path).then_some((request, body))
}

/// The status, the headers in lower case, and the content of the first response.
fn response(received: &[u8]) -> (u16, String, &[u8]) {
    let (head, content) = split_once(received, b"\r\n\r\n");
    let head = text(head).expect("a head is text");
    let status = head.strip_prefix("HTTP/1.1 ").or_else(|| head.strip_prefix("HTTP/1.0 "));
    let status = status.and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.unwrap_or_else(|| panic!("{head} is not the head of a response"));
    (status, head.to_ascii_lowercase(), content)
}

/// Frames of a WebSocket client, whose subprotocol the first byte selects. Each line of JSON is one, and so is each record of
/// protobuf: its length in two bytes, little-endian, and itself. A line that starts with `!` is sent without framing.
pub(super) fn frames(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let (name, is_text) = match first % 5 {
        0 => ("json.reliable.webpubsub.azure.v1", true),
        1 => ("json.webpubsub.azure.v1", true),
        2 => ("protobuf.reliable.webpubsub.azure.v1", false),
        3 => ("protobuf.webpubsub.azure.v1", false),
        _ => ("", true),
    };
    let sent = if is_text { lines(rest) } else { records(rest) };
    with_world(async |world| {
        let token =
            ClientToken::new().user("ann").role("webpubsub.joinLeaveGroup").role("webpubsub.sendToGroup");
        let url = world.emulator.webpubsub().client_access_url("chat", &token);
        let target = url.splitn(4, '/').nth(3).unwrap();
        let protocol =
            if name.is_empty() { String::new() } else { format!("sec-websocket-protocol: {name}\r\n") };
        let head = format!(
            "GET /{target} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n{protocol}\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let received = world.exchange(&[head.as_bytes(), &sent].concat()).await;
        let (status, _, content) = response(&received);
        assert_eq!(status, 101);
        check(content.to_vec(), is_text && !name.is_empty());
    });
}

/// Every frame of the emulator is well-formed, and a JSON client receives JSON.
fn check(mut written: Vec<u8>, is_json: bool) {
    while let Some((kind, payload)) = frames::take(&mut written, false) {
        if kind == frames::TEXT {
            let text = text(&payload).expect("a text frame is UTF-8");
            let frame = serde_json::from_str::<Value>(text);
            assert!(!is_json || frame.is_ok_and(|frame| frame["type"].is_string()), "{text}");
        }
    }
}

fn lines(data: &[u8]) -> Vec<u8> {
    let frame = |line: &[u8]| match line.strip_prefix(b"!") {
        Some(raw) => raw.to_vec(),
        None => frames::frame(frames::TEXT, line, true),
    };
    data.split(|byte| *byte == b'\n').flat_map(frame).collect()
}

fn records(data: &[u8]) -> Vec<u8> {
    let (mut sent, mut rest) = (Vec::new(), data);
    while let [low, high, after @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (record, after) = after.split_at(length);
        sent.extend(frames::frame(frames::BINARY, record, true));
        rest = after;
    }
    sent
}
