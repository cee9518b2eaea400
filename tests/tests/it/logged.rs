//! Captures what one test logs, on all threads of its runtime and in all crates. The logs of other tests in the same process
//! are excluded, because their own sockets may log what a client must not.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::Dispatch;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Everything logged so far at TRACE level, through `log` as well as `tracing`, except for the frames of WebSockets.
#[derive(Clone, Default)]
pub(crate) struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logged {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Logged {
    /// Runs a test in its own runtime and captures its logs.
    pub(crate) fn during(test: impl AsyncFnOnce(&Self)) {
        let logged = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(logged.clone());
        // At TRACE, it logs whole frames, as the documentation of the WebSocket client says.
        let targets =
            Targets::new().with_default(LevelFilter::TRACE).with_target("tungstenite", LevelFilter::DEBUG);
        let dispatch = Dispatch::new(subscriber.finish().with(targets));
        let _guard = dispatch.clone().set_default();
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        // Threads that resolve host names log here until they end.
        runtime.on_thread_start(move || std::mem::forget(dispatch.clone().set_default()));
        runtime.enable_all().build().unwrap().block_on(test(&logged));
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

#[test]
fn all_threads_of_the_runtime_are_captured_and_no_other_threads() {
    Logged::during(async |logged| {
        std::thread::spawn(|| tracing::info!("from another test")).join().unwrap();
        tokio::task::spawn_blocking(|| tracing::info!("from a blocking thread")).await.unwrap();
        tracing::info!("from the test");
        let text = logged.text();
        assert!(text.contains("from a blocking thread") && text.contains("from the test"), "{text}");
        assert!(!text.contains("from another test"), "{text}");
    });
}
