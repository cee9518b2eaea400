//! The open invocations of a socket. Each one runs in the background, so that other frames, such as its cancellation,
//! overtake it (previews, section 2).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::background::Background;

/// The invocations whose response was not sent yet. They end with the socket.
#[derive(Debug, Default)]
pub(super) struct Invocations(Arc<Open>);

#[derive(Debug, Default)]
pub(super) struct Open(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    started: u64,
    running: HashMap<String, (u64, Background)>,
}

/// An id that another open invocation has, or one invocation too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejected {
    InUse,
    TooMany,
}

impl Invocations {
    /// Runs `work`, and then `respond` with its output unless the invocation was cancelled.
    pub(super) fn start<T: Send + 'static>(
        &self,
        id: &str,
        max: usize,
        work: impl Future<Output = T> + Send + 'static,
        respond: impl FnOnce(T) + Send + 'static,
    ) -> Result<(), Rejected> {
        let mut state = self.0.state();
        if state.running.contains_key(id) {
            return Err(Rejected::InUse);
        }
        if state.running.len() >= max {
            return Err(Rejected::TooMany);
        }
        state.started += 1;
        let number = state.started;
        let (open, own_id) = (Arc::clone(&self.0), id.to_owned());
        let task = tokio::spawn(async move {
            let output = work.await;
            // Held until then: dropping it aborts this task.
            let finished = open.finish(&own_id, number);
            if finished.is_some() {
                respond(output);
            }
        });
        state.running.insert(id.to_owned(), (number, task.into()));
        Ok(())
    }

    /// Aborts an invocation, which then gets no response. Unknown ids are ignored.
    pub(super) fn cancel(&self, id: &str) {
        self.0.state().running.remove(id);
    }
}

impl Drop for Invocations {
    fn drop(&mut self) {
        self.0.state().running.clear();
    }
}

impl Open {
    fn finish(&self, id: &str, number: u64) -> Option<(u64, Background)> {
        let mut state = self.state();
        let is_own = state.running.get(id).is_some_and(|(other, _)| *other == number);
        if is_own { state.running.remove(id) } else { None }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn a_cancelled_invocation_is_aborted_without_a_response_and_its_id_is_free() {
        let invocations = Invocations::default();
        let (held, aborted) = oneshot::channel::<()>();
        let work = async move {
            let _held = held;
            pending::<()>().await;
        };
        invocations.start("1", 1, work, |()| panic!("no response")).unwrap();
        assert_eq!(invocations.start("1", 2, pending::<()>(), |()| ()), Err(Rejected::InUse));
        assert_eq!(invocations.start("2", 1, pending::<()>(), |()| ()), Err(Rejected::TooMany));
        invocations.cancel("1");
        invocations.cancel("unknown");
        assert!(aborted.await.is_err());
        let (done, response) = oneshot::channel();
        invocations.start("1", 1, async { 7 }, |seven| done.send(seven).unwrap()).unwrap();
        assert_eq!(response.await, Ok(7));
    }

    #[tokio::test]
    async fn invocations_end_with_their_socket() {
        let invocations = Invocations::default();
        let (held, aborted) = oneshot::channel::<()>();
        let work = async move {
            let _held = held;
            pending::<()>().await;
        };
        invocations.start("1", 1, work, |()| ()).unwrap();
        drop(invocations);
        assert!(aborted.await.is_err());
    }
}
