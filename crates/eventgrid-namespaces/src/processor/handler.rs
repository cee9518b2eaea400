//! Handlers: the caller's code, run so that a panic affects only its event.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{Context, IntoSettlement, Settlement};
use crate::{BoxError, CloudEvent, InvalidEvent, ReceivedEvent};

/// Handles the events of a [`Processor`](crate::Processor).
///
/// Async closures and functions that take the event and its [`Context`] implement this trait. Implement it for a type to keep
/// state without cloning it into a closure.
///
/// `T` is [`CloudEvent`](crate::CloudEvent), [`ReceivedEvent`](crate::ReceivedEvent) for poison events, or the type of the events'
/// data for a [`typed_handler`](crate::ProcessorBuilder::typed_handler).
///
/// # Examples
///
/// ```
/// use eventgrid_namespaces::{BoxError, CloudEvent, Context, Handler, Settlement};
///
/// struct Billing {
///     currency: String,
/// }
///
/// impl Handler<CloudEvent> for Billing {
///     async fn handle(&self, event: CloudEvent, _: Context) -> Result<Settlement, BoxError> {
///         let amount: u32 = event.data_as()?;
///         println!("{amount} {}", self.currency);
///         Ok(Settlement::Acknowledge)
///     }
/// }
/// ```
pub trait Handler<T>: Send + Sync + 'static {
    /// Handles one event and returns its settlement. The event is not settled before this returns.
    ///
    /// The future is dropped if it outlasts the shutdown timeout, or if the processor's run is dropped.
    fn handle(&self, event: T, context: Context)
    -> impl Future<Output = Result<Settlement, BoxError>> + Send;
}

impl<T, F, Fut, O> Handler<T> for F
where
    T: Send + 'static,
    F: Fn(T, Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = O> + Send,
    O: IntoSettlement,
{
    async fn handle(&self, event: T, context: Context) -> Result<Settlement, BoxError> {
        self(event, context).await.into_settlement()
    }
}

pub(crate) type Handling = Pin<Box<dyn Future<Output = Result<Settlement, BoxError>> + Send>>;

/// A type-erased handler.
pub(crate) type Erased<T> = Arc<dyn Fn(T, Context) -> Handling + Send + Sync>;

pub(crate) fn erased<T: Send + 'static>(handler: impl Handler<T>) -> Erased<T> {
    let handler = Arc::new(handler);
    Arc::new(move |event, context| {
        let handler = Arc::clone(&handler);
        // Called inside the future, so that a panic of the call itself is caught with the rest.
        Box::pin(async move { handler.handle(event, context).await })
    })
}

/// Is the error of a typed handler whose event has other data. Its text is that of the reason.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct DataMismatch(pub(crate) InvalidEvent);

/// Erases a handler of deserialized data. Events whose data has another type go to the poison handler.
///
/// The data is deserialized inside the future, since that may take long or panic.
pub(crate) fn typed<T: DeserializeOwned + Send + 'static>(
    handler: impl Handler<T>,
    poison: Option<Erased<ReceivedEvent>>,
) -> Erased<CloudEvent> {
    let handler = Arc::new(handler);
    Arc::new(move |event, context| {
        let (handler, poison) = (Arc::clone(&handler), poison.clone());
        Box::pin(async move {
            let error = match event.data_as::<T>() {
                Ok(data) => return handler.handle(data, context).await,
                Err(error) => error,
            };
            let Some(poison) = poison else { return Err(DataMismatch(error).into()) };
            tracing::debug!(%error, "the data of an event has another type");
            let (lock_token, delivery_count) =
                (context.delivery().lock_token.clone(), context.delivery_count());
            poison(ReceivedEvent { event: Ok(event), lock_token, delivery_count }, context).await
        })
    })
}

/// How a handler ended.
pub(crate) enum Outcome {
    Decided(Settlement),
    Failed(BoxError),
    Panicked(String),
}

impl Outcome {
    /// Returns why the handler failed, as an attribute of spans and metrics.
    pub(crate) fn error_type(&self) -> Option<&'static str> {
        match self {
            Self::Decided(_) => None,
            Self::Failed(_) => Some("handler_failed"),
            Self::Panicked(_) => Some("handler_panicked"),
        }
    }
}

/// Runs a handler until it returns or panics.
pub(crate) async fn run(mut handling: Handling) -> Outcome {
    let guarded =
        poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => std::task::Poll::Ready(Err(panic)),
        });
    match guarded.await {
        Ok(Ok(settlement)) => Outcome::Decided(settlement),
        Ok(Err(error)) => Outcome::Failed(error),
        Err(panic) => Outcome::Panicked(message(&*panic)),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}
