//! The state of a client's connection, as the program sees it.

use std::sync::atomic::{AtomicU8, Ordering};

/// Describes the state of a client's connection; see [`Client::state`](crate::Client::state).
///
/// # Examples
///
/// ```
/// use webpubsub::client::State;
///
/// fn banner(state: State) -> Option<&'static str> {
///     match state {
///         State::Connected => None,
///         State::Recovering | State::Reconnecting => Some("connecting ..."),
///         _ => Some("offline"),
///     }
/// }
/// assert_eq!(banner(State::Connected), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// The connection is established.
    Connected,
    /// The connection dropped, and the client tries to recover it. No message is lost so far.
    Recovering,
    /// No connection exists, and the client tries to establish a new one.
    Reconnecting,
    /// The program closed the client, which waits for outstanding acknowledgments.
    Closing,
    /// The client has stopped for good.
    Stopped,
}

const ALL: [State; 5] =
    [State::Connected, State::Recovering, State::Reconnecting, State::Closing, State::Stopped];

/// A state that the task writes and the handles read.
#[derive(Debug)]
pub(super) struct StateCell(AtomicU8);

impl StateCell {
    pub(super) fn new() -> Self {
        Self(AtomicU8::new(State::Reconnecting as u8))
    }

    pub(super) fn set(&self, state: State) {
        self.0.store(state as u8, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> State {
        ALL.get(usize::from(self.0.load(Ordering::Relaxed))).copied().unwrap_or(State::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_as_it_was_written() {
        let cell = StateCell::new();
        for state in ALL {
            cell.set(state);
            assert_eq!(cell.get(), state);
        }
    }
}
