//! The log of `-v`: the spans and events of the clients, on standard error.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts the log. `1` logs each call when it ends, `2` each attempt as well, and `0` nothing.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // At TRACE, the WebSocket library logs whole frames: messages, and the tokens with which connections are recovered.
    let targets =
        Targets::new().with_default(level).with_target("tungstenite", level.min(LevelFilter::DEBUG));
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(io::stderr)
        .finish()
        .with(targets)
        .init();
}
