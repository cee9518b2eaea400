//! Fuzz targets: functions that read any bytes and panic if something does not hold. They are ordinary code, so that the tests
//! replay the corpora without a fuzzer; `tests/fuzz` links them with libFuzzer, and `cargo xtask fuzz` runs them.
//!
//! A target asserts more than the absence of panics: that two readers agree, that what was decoded can be encoded and decoded
//! again, that output is bounded and well-formed, or that only authentic requests reach a handler. Nothing leaves the process,
//! except for connections to the emulator on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a target reports by a panic")]

mod addresses;
mod emulator;
mod events;
mod filters;
mod frames;
mod hulft;
mod message;
pub mod program;
mod push;
mod receive;
mod retry;
mod session;
mod settings;
mod webhook;

use std::cell::Cell;
use std::future::poll_fn;
use std::sync::Once;
use std::task::Poll;

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Names its corpus, too.
    pub name: &'static str,
    /// What the bytes are.
    pub input: &'static str,
    run: fn(&[u8]),
}

/// All targets.
#[rustfmt::skip] // One target per line.
pub const TARGETS: &[Target] = &[
    Target { name: "addresses", input: "a connection string, an endpoint, or a client access URL", run: addresses::addresses },
    Target { name: "client_json", input: "a script of JSON frames, and of calls, for a WebSocket client", run: session::json },
    Target { name: "client_json_reader", input: "a JSON frame, read in one pass and by serde_json", run: session::json_reader },
    Target { name: "client_protobuf", input: "a script of protobuf frames, and of calls, for a WebSocket client", run: session::protobuf },
    Target { name: "cloudevents_batch", input: "a JSON array of CloudEvents", run: events::batch },
    Target { name: "cloudevents_binary", input: "headers and body of a CloudEvent in binary mode", run: events::binary },
    Target { name: "cloudevents_structured", input: "a CloudEvent in the JSON format", run: events::structured },
    Target { name: "emulator_control", input: "requests to the emulator's control API", run: emulator::control },
    Target { name: "emulator_frames", input: "frames of a WebSocket client of the emulator", run: emulator::frames },
    Target { name: "emulator_http", input: "what a connection to the emulator sends", run: emulator::http },
    Target { name: "emulator_settings", input: "a settings file and environment variables", run: settings::settings },
    Target { name: "filters", input: "the steps that build a filter", run: filters::filters },
    Target { name: "hulft_dates", input: "a date or a time of the Site API", run: hulft::dates },
    Target { name: "hulft_pages", input: "a page of a list of the Site API", run: hulft::pages },
    Target { name: "next_links", input: "the link to the next page of a list", run: retry::next_links },
    Target { name: "push", input: "a request to the push receiver of Event Grid", run: push::push },
    Target { name: "receive", input: "the response to a receive call", run: receive::receive },
    Target { name: "retry_after", input: "the headers of a response that asks for a retry", run: retry::retry_after },
    Target { name: "settle", input: "the response to a settle call", run: receive::settle },
    Target { name: "webhook", input: "a request to the event handler of Web PubSub", run: webhook::webhook },
];

thread_local! {
    /// The panics of this thread so far.
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// Runs a target once.
///
/// # Panics
///
/// If there is no such target, if something does not hold for these bytes, or if code under test panics, even where the panic is
/// caught, such as in a task.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("there is no target `{name}`"));
    count_panics();
    // A run is repeatable, also where the code under test uses random numbers.
    fastrand::seed(1);
    let before = PANICS.get();
    (target.run)(data);
    assert_eq!(PANICS.get(), before, "{name}: a panic was caught");
}

/// Counts panics where they occur: runtimes catch those of tasks. All targets use this thread only.
fn count_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            next(panic);
        }));
    });
}

/// Runs a future on a runtime of its own, which ends with all of its tasks.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Runs a future as [`block_on`] does, as a task: it then yields to others without a system call.
fn block_on_task<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    block_on(async { tokio::spawn(work).await.unwrap() })
}

/// Lets all other tasks of a single-threaded runtime run until they wait.
async fn settle() {
    for _ in 0..16 {
        let mut has_yielded = false;
        // Unlike tokio's own, this does not ask the operating system for events first.
        poll_fn(|context| {
            if std::mem::replace(&mut has_yielded, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// The bytes up to a separator, and those after it. Without a separator, nothing comes after.
fn split_once<'a>(data: &'a [u8], separator: &[u8]) -> (&'a [u8], &'a [u8]) {
    match data.windows(separator.len()).position(|window| window == separator) {
        Some(at) => (&data[..at], &data[at + separator.len()..]),
        None => (data, b""),
    }
}

/// The text, if it is UTF-8.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
