//! Panics of a handler. Without a response, the service would know only that the connection was closed.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use super::{HandlerError, Result};

/// Awaits what a handler returns. A panic becomes an error with status 500.
pub(super) async fn caught<T>(handling: impl Future<Output = Result<T>>) -> Result<T> {
    let mut handling = pin!(handling);
    poll_fn(|context| {
        catch("the handler", || handling.as_mut().poll(context))
            .unwrap_or_else(|error| Poll::Ready(Err(error)))
    })
    .await
}

/// Calls a function that `what` identifies. A panic becomes an error with status 500.
pub(super) fn catch<T>(what: &str, act: impl FnOnce() -> T) -> Result<T> {
    // What the function has left half-done is not used afterward: a future that panicked is dropped.
    catch_unwind(AssertUnwindSafe(act))
        .map_err(|panic| HandlerError::internal(format!("{what} panicked: {}", message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
