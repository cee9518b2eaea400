//! Ctrl-C and, on Unix, SIGTERM. The first one asks a command to finish; the second one ends the program.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::sync::watch;

use crate::failure::{Failure, Result};

/// Listens for interruptions from its creation on. Clones see the same one.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Starts to listen. From then on, the first interruption does not end the program.
    pub(crate) fn listen() -> Result<Self> {
        let mut signals = Signals::new()?;
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            signals.next().await;
            let _ = sender.send(true);
            signals.next().await;
            std::process::exit(130);
        });
        Ok(Self(receiver))
    }

    /// Waits for the first interruption.
    pub(crate) async fn wait(&self) {
        let mut receiver = self.0.clone();
        // The sender is dropped only when the runtime ends.
        let _ = receiver.wait_for(|interrupted| *interrupted).await;
    }

    /// Returns whether there was an interruption.
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
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
