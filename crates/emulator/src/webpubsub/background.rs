//! A task in the background that ends when its owner no longer needs it.

use tokio::task::{AbortHandle, JoinHandle};

/// Aborts the task when dropped.
#[derive(Debug)]
pub(super) struct Background(AbortHandle);

impl<T> From<JoinHandle<T>> for Background {
    fn from(task: JoinHandle<T>) -> Self {
        Self(task.abort_handle())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}
