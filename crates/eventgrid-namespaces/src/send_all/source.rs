//! Where the events come from: anything that is an iterator or a stream of events.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::CloudEvent;

/// The source of events of a [`SendAll`](crate::SendAll).
pub(crate) type Events = Pin<Box<dyn Stream<Item = CloudEvent> + Send>>;

/// Converts a value into the events that [`Sender::send_all`](crate::Sender::send_all) publishes.
///
/// This trait is sealed. It is implemented for everything that can be iterated over, such as a `Vec<CloudEvent>`, and for streams.
/// The parameter `Kind` only distinguishes the two, and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an iterator nor a stream of `CloudEvent` that is `Send + 'static`"
)]
pub trait IntoEvents<Kind>: sealed::Convert<Kind> {}

impl<I> IntoEvents<sealed::Iterated> for I
where
    I: IntoIterator<Item = CloudEvent>,
    I::IntoIter: Send + 'static,
{
}

impl<S: Stream<Item = CloudEvent> + Send + 'static> IntoEvents<sealed::Streamed> for S {}

mod sealed {
    /// The kind of iterators.
    #[derive(Debug)]
    pub enum Iterated {}
    /// The kind of streams.
    #[derive(Debug)]
    pub enum Streamed {}

    pub trait Convert<Kind> {
        #[doc(hidden)]
        fn into_events(self) -> super::Events;
    }
}

impl<I> sealed::Convert<sealed::Iterated> for I
where
    I: IntoIterator<Item = CloudEvent>,
    I::IntoIter: Send + 'static,
{
    fn into_events(self) -> Events {
        Box::pin(Iterated(self.into_iter()))
    }
}

impl<S: Stream<Item = CloudEvent> + Send + 'static> sealed::Convert<sealed::Streamed> for S {
    fn into_events(self) -> Events {
        Box::pin(self)
    }
}

/// A stream that never waits.
struct Iterated<I>(I);

impl<I> Unpin for Iterated<I> {}

impl<I: Iterator> Stream for Iterated<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }
}
