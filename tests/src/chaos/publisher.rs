//! A publisher: numbered messages, up to 32 of them on their way at a time, each with an end.

use std::future::{IntoFuture, poll_fn};
use std::ops::AddAssign;
use std::task::Poll;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use webpubsub::{Client, Delivery, Result};

const IN_FLIGHT: usize = 32;

/// What publishers were told of their messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// All that were given to the client.
    pub sent: u64,
    /// Acknowledged.
    pub acked: u64,
    /// Perhaps published: the client says that it does not know.
    pub unknown: u64,
    /// Certainly not published, as the client says.
    pub not_sent: u64,
}

impl AddAssign for Outcomes {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.acked += other.acked;
        self.unknown += other.unknown;
        self.not_sent += other.not_sent;
    }
}

impl Outcomes {
    fn count(&mut self, outcome: &Result<()>) {
        match outcome {
            Ok(()) => self.acked += 1,
            Err(error) if error.outcome_unknown() => self.unknown += 1,
            Err(error) if error.delivery() == Some(Delivery::NotSent) => self.not_sent += 1,
            // Anything else is no end, and shows as a message that is missing from the sum.
            Err(_) => {}
        }
    }
}

/// Publishes the numbers below `messages` in their order.
pub(super) async fn run(client: Client, group: &str, publisher: usize, messages: u64) -> Outcomes {
    let mut outcomes = Outcomes { sent: messages, ..Outcomes::default() };
    let mut on_their_way = FuturesUnordered::new();
    for number in 0..messages {
        let mut send = client.send_to_group(group, format!("{publisher}:{number}")).into_future();
        // The client takes a message when its future is first polled; in what order the others then are does not matter.
        match poll_fn(|context| Poll::Ready(send.as_mut().poll(context))).await {
            Poll::Ready(outcome) => outcomes.count(&outcome),
            Poll::Pending => on_their_way.push(send),
        }
        if on_their_way.len() >= IN_FLIGHT
            && let Some(outcome) = on_their_way.next().await
        {
            outcomes.count(&outcome);
        }
    }
    while let Some(outcome) = on_their_way.next().await {
        outcomes.count(&outcome);
    }
    client.close().await;
    outcomes
}
