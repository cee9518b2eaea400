//! The task that closes connections that have been idle for too long.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

use super::{Pool, State};
use crate::clock::{Clock as _, SystemClock};

impl Pool {
    /// Starts the task unless it is running.
    pub(super) fn start_keeper(self: &Arc<Self>, state: &mut State) {
        if state.keeper.as_ref().is_some_and(|keeper| !keeper.is_finished()) {
            return;
        }
        // A call that is dropped may be outside of any runtime. Its connection is then closed by a later one.
        let Ok(runtime) = Handle::try_current() else { return };
        state.keeper = Some(runtime.spawn(keep(Arc::downgrade(self))).abort_handle());
    }

    /// Closes the connections that must not be used again. Returns how long the next one may stay idle, or `None` if none is.
    fn close_idle(&self) -> Option<Duration> {
        let mut state = self.state();
        let now = self.clock.elapsed();
        let closed = state.idle.extract_if(.., |(sender, since)| {
            now.saturating_sub(*since) >= self.idle_timeout || !sender.is_ready()
        });
        let closed: Vec<_> = closed.collect();
        let shared = state.shared.take_if(|shared| !shared.is_open(now, self.idle_timeout));
        let shared_idle = state.shared.as_ref().and_then(|shared| shared.idle_time(now));
        let oldest = state.idle.first().map(|(_, since)| now.saturating_sub(*since)).max(shared_idle);
        if oldest.is_none() {
            state.keeper = None;
        }
        drop(state);
        drop((closed, shared));
        oldest.map(|idle| self.idle_timeout.saturating_sub(idle))
    }
}

async fn keep(pool: Weak<Pool>) {
    let clock = SystemClock::new();
    while let Some(wait) = pool.upgrade().and_then(|pool| pool.close_idle()) {
        clock.sleep(wait).await;
    }
}
