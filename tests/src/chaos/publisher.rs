//! A publisher: numbered messages, up to 32 of them on their way at a time, each with an end.

use std::future::{IntoFuture, poll_fn};
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use service_core::{Clock, SystemClock};
use webpubsub::{Client, Delivery, Result};

use super::judge::Judge;

const IN_FLIGHT: usize = 32;
/// The service keeps 1,000 messages that a connection has not acknowledged, and ends one that has more. Publishers leave
/// subscribers the time to reconnect; the rest is for what they have heard while their acknowledgements are on their way, or
/// were cut off.
const MAX_BEHIND: u64 = 200;
/// How often a publisher looks whether the others have come along.
const LOOK: Duration = Duration::from_millis(2);
/// Longer than a recovery may take. A subscriber that received nothing for so long has lost messages for good; waiting on would hide that.
const PATIENCE: Duration = Duration::from_secs(45);

/// What was reported to publishers about their messages.
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

/// How publishers and subscribers keep together.
pub(super) struct Pace {
    judge: Arc<Judge>,
    sent: AtomicU64,
    /// Not where messages are lost for good: then it is unknown which subscriber is behind.
    waits: AtomicBool,
}

impl Pace {
    pub(super) fn new(judge: &Arc<Judge>, waits: bool) -> Arc<Self> {
        Arc::new(Self { judge: Arc::clone(judge), sent: AtomicU64::new(0), waits: AtomicBool::new(waits) })
    }

    /// Counts messages that are not sent after all.
    pub(super) fn skip(&self, messages: u64) {
        self.sent.fetch_add(messages, Ordering::Relaxed);
    }

    pub(super) async fn take(&self) {
        let clock = SystemClock::new();
        let sent = self.sent.fetch_add(1, Ordering::Relaxed);
        let (mut before, mut since) = (self.judge.progress(), clock.elapsed());
        while self.waits.load(Ordering::Relaxed) && self.judge.behind(sent) > MAX_BEHIND {
            clock.sleep(LOOK).await;
            let (progress, now) = (self.judge.progress(), clock.elapsed());
            if progress != before {
                (before, since) = (progress, now);
            } else if now.saturating_sub(since) >= PATIENCE {
                self.waits.store(false, Ordering::Relaxed);
            }
        }
    }
}

/// Publishes the numbers below `messages` in their order.
pub(super) async fn run(
    client: Client,
    group: &str,
    publisher: usize,
    messages: u64,
    pace: Arc<Pace>,
) -> Outcomes {
    let mut outcomes = Outcomes { sent: messages, ..Outcomes::default() };
    let mut on_their_way = FuturesUnordered::new();
    for number in 0..messages {
        pace.take().await;
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
