//! Ctrl-C and, on Unix, SIGTERM. The first one asks a command to finish; the second one ends the program.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use service_core::{Clock as _, SystemClock};
use tokio::sync::watch;

use crate::failure::{Failure, Result};

/// How long a command may take to stop after the second interruption.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// Listens for interruptions from its creation on. Clones see the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(watch::Receiver<u8>);

impl Interrupt {
    /// Starts to listen. From then on, the first interruption does not end the program. The second one does.
    pub(crate) fn listen() -> Result<Self> {
        Self::with(std::future::pending(), Duration::ZERO)
    }

    /// Starts to listen for interruptions, and for the end of the reader of standard output. This is for commands that wait
    /// indefinitely: without output, they would not notice that there is no reader any more.
    pub(crate) fn listen_while_read() -> Result<Self> {
        Self::with(output_closed(), Duration::ZERO)
    }

    /// Starts to listen for a command that also handles the second interruption; see [`wait_again`](Self::wait_again).
    pub(crate) fn listen_twice() -> Result<Self> {
        Self::with(std::future::pending(), GRACE_PERIOD)
    }

    fn with(closed: impl Future<Output = ()> + Send + 'static, grace_period: Duration) -> Result<Self> {
        let mut signals = Signals::new()?;
        let (sender, receiver) = watch::channel(0);
        tokio::spawn(async move {
            tokio::select! {
                () = signals.next() => {}
                () = closed => {}
            }
            let _ = sender.send(1);
            signals.next().await;
            let _ = sender.send(2);
            SystemClock::new().sleep(grace_period).await;
            std::process::exit(130);
        });
        Ok(Self(receiver))
    }

    /// Waits for the first interruption.
    pub(crate) async fn wait(&self) {
        self.wait_for(1).await;
    }

    /// Waits for the second interruption.
    pub(crate) async fn wait_again(&self) {
        self.wait_for(2).await;
    }

    async fn wait_for(&self, count: u8) {
        let mut receiver = self.0.clone();
        // The sender is dropped only when the runtime ends.
        let _ = receiver.wait_for(|interruptions| *interruptions >= count).await;
    }

    /// Returns whether there was an interruption.
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Returns whether there was a second interruption.
    pub(crate) fn is_set_again(&self) -> bool {
        *self.0.borrow() > 1
    }

    /// Runs a future until it ends or until there is an interruption, which returns `None`. The future is polled first, so
    /// a result that is ready is not lost.
    pub(crate) async fn or<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut interrupted = pin!(self.wait());
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            interrupted.as_mut().poll(context).map(|()| None)
        })
        .await
    }

    /// Fails if there was an interruption.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_set() { Err(Failure::Interrupted(None)) } else { Ok(()) }
    }
}

/// Waits until the reader of standard output has closed its end of the pipe. Never returns for a file.
#[cfg(unix)]
async fn output_closed() {
    use std::os::fd::AsFd as _;

    use tokio::io::Interest;
    use tokio::net::unix::pipe::Sender;
    // Nothing is written through it. The checked constructor would make standard output non-blocking.
    let watched = std::io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    match watched {
        Ok(output) => drop(output.ready(Interest::ERROR).await),
        // A file cannot be watched, and has no end.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(windows)]
async fn output_closed() {
    std::future::pending().await
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
