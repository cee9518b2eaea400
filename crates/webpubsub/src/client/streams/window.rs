//! The bounded number of parts of a stream that the service has not acknowledged, shared by the writer and the connection.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use service_core::{Delivery, Error, ErrorKind, Result};

/// The maximum bytes of the parts in a window, unless a single part is larger.
const MAX_BYTES: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub(in crate::client) struct Window {
    /// The maximum number of parts.
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    parts: usize,
    bytes: usize,
    failure: Option<Failure>,
    writer: Option<Waker>,
}

/// The reason why a stream failed. Each later call of its writer returns it.
#[derive(Debug, Clone)]
pub(in crate::client) struct Failure {
    pub(in crate::client) kind: ErrorKind,
    pub(in crate::client) text: String,
    pub(in crate::client) code: Option<String>,
    pub(in crate::client) delivery: Delivery,
}

impl Failure {
    pub(in crate::client) fn new(kind: ErrorKind, text: impl Into<String>, delivery: Delivery) -> Self {
        Self { kind, text: text.into(), code: None, delivery }
    }

    pub(in crate::client) fn to_error(&self) -> Error {
        let error = Error::new(self.kind, self.text.clone());
        let error = error.with_operation("stream").with_delivery(self.delivery);
        self.code.iter().fold(error, Error::with_code)
    }
}

impl Window {
    pub(in crate::client) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    /// Waits for room for a part of this length, and takes it.
    pub(super) async fn reserve(&self, bytes: usize) -> Result<()> {
        let waiting = Waiting(self);
        std::future::poll_fn(|context| waiting.0.poll_reserve(bytes, context)).await
    }

    fn poll_reserve(&self, bytes: usize, context: &Context<'_>) -> Poll<Result<()>> {
        let mut state = self.lock();
        if let Some(failure) = &state.failure {
            return Poll::Ready(Err(failure.to_error()));
        }
        let has_room = state.parts < self.capacity
            && (state.parts == 0 || state.bytes.saturating_add(bytes) <= MAX_BYTES);
        if has_room {
            state.parts += 1;
            state.bytes += bytes;
            return Poll::Ready(Ok(()));
        }
        match &mut state.writer {
            Some(waker) => waker.clone_from(context.waker()),
            empty => *empty = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Releases the room of an acknowledged part of this length.
    pub(in crate::client) fn release(&self, bytes: usize) {
        let mut state = self.lock();
        state.parts = state.parts.saturating_sub(1);
        state.bytes = state.bytes.saturating_sub(bytes);
        state.wake();
    }

    /// Fails the stream. The first failure is kept.
    pub(in crate::client) fn fail(&self, failure: Failure) {
        let mut state = self.lock();
        state.failure.get_or_insert(failure);
        state.wake();
    }

    pub(in crate::client) fn failure(&self) -> Option<Error> {
        self.lock().failure.as_ref().map(Failure::to_error)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.writer.take() {
            waker.wake();
        }
    }
}

/// A wait for room, which can be dropped. Its waker would keep the task of the program in memory.
struct Waiting<'a>(&'a Window);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().writer = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reserves(window: &Window, bytes: usize) -> bool {
        window.poll_reserve(bytes, &Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_window_is_full_at_its_parts_or_at_its_bytes_and_takes_one_part_of_any_length() {
        let window = Window::new(2);
        assert!(reserves(&window, 2 * MAX_BYTES) && !reserves(&window, 1));
        window.release(2 * MAX_BYTES);
        assert!(reserves(&window, 1) && reserves(&window, 1) && !reserves(&window, 1));
        window.release(1);
        assert!(reserves(&window, 1));
    }

    #[test]
    fn the_first_failure_is_kept_and_ends_a_full_window() {
        let window = Window::new(1);
        assert!(reserves(&window, 1) && !reserves(&window, 1));
        window.fail(Failure::new(ErrorKind::Transport, "first", Delivery::Responded));
        window.fail(Failure::new(ErrorKind::Timeout, "second", Delivery::Responded));
        assert!(reserves(&window, 1));
        assert_eq!(window.failure().unwrap().to_string(), "stream: first");
    }
}
