//! The ledger of messages to a group: numbers per publisher, and what each subscriber received of each publisher. A number is
//! forgotten when its outcome is known and all subscribers are past it, so the ledger holds only what is open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::line::Line;

/// What was reported to a publisher about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The service has accepted it.
    Acknowledged,
    /// The service may have accepted it.
    Unknown,
    /// It has not.
    NotSent,
}

/// Everything that is open, and counts of everything else.
#[derive(Debug)]
pub(super) struct Messages(Mutex<State>);

#[derive(Debug)]
struct State {
    publishers: Vec<Publisher>,
    /// For each subscriber, what it received of each publisher.
    received: Vec<Vec<Received>>,
    counts: Counts,
}

#[derive(Debug, Default, Clone)]
struct Publisher {
    next: u64,
    open: BTreeMap<u64, Message>,
}

/// A message whose outcome is not known, or that some subscriber is not past.
#[derive(Debug, Default, Clone, Copy)]
struct Message {
    outcome: Option<Outcome>,
    /// Whether a subscriber received it.
    received: bool,
}

#[derive(Debug, Default, Clone)]
struct Received {
    /// The number that comes next if nothing is lost.
    next: u64,
    /// Whether messages may be missing, because a connection was lost for good.
    excused: bool,
    /// Numbers that are missing, and whose outcome is not known yet.
    missing: BTreeSet<u64>,
}

#[derive(Debug, Default)]
struct Counts {
    acknowledged: u64,
    unknown: u64,
    not_sent: u64,
    received: u64,
    disconnected: u64,
    excused: u64,
    duplicated: u64,
    lost: u64,
    contradicted: u64,
}

impl Messages {
    pub(super) fn new(publishers: usize, subscribers: usize) -> Self {
        let received = vec![vec![Received::default(); publishers]; subscribers];
        let publishers = vec![Publisher::default(); publishers];
        Self(Mutex::new(State { publishers, received, counts: Counts::default() }))
    }

    /// A publisher is about to send its next message. Returns the number.
    pub(super) fn sending(&self, publisher: usize) -> u64 {
        let mut state = self.lock();
        let publisher = &mut state.publishers[publisher];
        let number = publisher.next;
        publisher.next += 1;
        publisher.open.insert(number, Message::default());
        number
    }

    /// The outcome of a message.
    pub(super) fn sent(&self, publisher: usize, number: u64, outcome: Outcome) {
        let mut state = self.lock();
        let State { publishers, received, counts } = &mut *state;
        if let Some(message) = publishers[publisher].open.get_mut(&number) {
            message.outcome = Some(outcome);
            counts.contradicted += u64::from(message.received && outcome == Outcome::NotSent);
        }
        for subscriber in received {
            let missing = subscriber[publisher].missing.remove(&number);
            counts.lost += u64::from(missing && outcome == Outcome::Acknowledged);
        }
        match outcome {
            Outcome::Acknowledged => counts.acknowledged += 1,
            Outcome::Unknown => counts.unknown += 1,
            Outcome::NotSent => counts.not_sent += 1,
        }
        state.forget(publisher);
    }

    /// A subscriber receives a message.
    pub(super) fn received(&self, subscriber: usize, publisher: usize, number: u64) {
        let mut state = self.lock();
        let State { publishers, received, counts } = &mut *state;
        let (open, received) = (&mut publishers[publisher].open, &mut received[subscriber][publisher]);
        counts.received += 1;
        if number < received.next {
            counts.duplicated += 1;
            return;
        }
        if let Some(message) = open.get_mut(&number) {
            message.received = true;
            counts.contradicted += u64::from(message.outcome == Some(Outcome::NotSent));
        }
        for missing in received.next..number {
            match open.get(&missing).map(|message| message.outcome) {
                Some(Some(Outcome::Unknown | Outcome::NotSent)) => {}
                _ if received.excused => counts.excused += 1,
                Some(None) => drop(received.missing.insert(missing)),
                Some(Some(Outcome::Acknowledged)) | None => counts.lost += 1,
            }
        }
        (received.next, received.excused) = (number + 1, false);
        state.forget(publisher);
    }

    /// A subscriber's connection was lost for good, and with it some messages.
    pub(super) fn disconnected(&self, subscriber: usize) {
        let mut state = self.lock();
        state.counts.disconnected += 1;
        state.received[subscriber].iter_mut().for_each(|received| received.excused = true);
    }

    /// How many numbers the ledger holds.
    pub(super) fn open(&self) -> usize {
        self.lock().publishers.iter().map(|publisher| publisher.open.len()).sum()
    }

    /// How many messages subscribers have received.
    pub(super) fn total(&self) -> u64 {
        self.lock().counts.received
    }

    /// Whether every subscriber has received everything that was sent.
    pub(super) fn is_settled(&self) -> bool {
        self.lock().behind() == 0
    }

    /// Counts what subscribers have not received as lost. Nothing more will happen.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.counts.lost += state.behind();
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let counts = &self.lock().counts;
        vec![
            Line::count("messages acknowledged", counts.acknowledged),
            Line::count("  outcome unknown", counts.unknown),
            Line::count("  reported as not sent", counts.not_sent),
            Line::count("messages received, by all subscribers", counts.received),
            Line::count("connections of subscribers lost for good", counts.disconnected),
            Line::count("  messages missed because of that", counts.excused),
            Line::fault("messages lost", counts.lost),
            Line::fault("messages received twice, or out of order", counts.duplicated),
            Line::fault("messages reported as not sent, but received", counts.contradicted),
        ]
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Numbers that subscribers have not got to, or whose outcome is not known.
    fn behind(&self) -> u64 {
        let all = self.received.iter().flat_map(|of| of.iter().zip(&self.publishers));
        let behind = |(received, publisher): (&Received, &Publisher)| {
            let acknowledged = |message: &Message| message.outcome == Some(Outcome::Acknowledged);
            let last = publisher.open.iter().rev().find(|(_, message)| acknowledged(message));
            let end = last.map_or(received.next, |(number, _)| number + 1);
            end.saturating_sub(received.next) + received.missing.len() as u64
        };
        all.map(behind).sum()
    }

    fn forget(&mut self, publisher: usize) {
        let past = self.received.iter().map(|of| of[publisher].next).min().unwrap_or_default();
        let open = &mut self.publishers[publisher].open;
        while let Some(entry) = open.first_entry()
            && *entry.key() < past
            && entry.get().outcome.is_some()
        {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Acknowledged, NotSent, Unknown};

    /// One publisher that sent messages with these outcomes, and one subscriber that received these numbers afterwards.
    fn run(outcomes: &[Outcome], received: &[u64]) -> Messages {
        let messages = Messages::new(1, 1);
        for outcome in outcomes {
            let number = messages.sending(0);
            messages.sent(0, number, *outcome);
        }
        received.iter().for_each(|number| messages.received(0, 0, *number));
        messages
    }

    /// Messages that are lost, duplicated, and contradicted at the end.
    fn faults(messages: &Messages) -> [u64; 3] {
        messages.close();
        let lines = messages.lines();
        let faults: Vec<_> = lines.iter().filter(|line| line.must_be_zero).map(|line| line.count).collect();
        faults.try_into().unwrap()
    }

    #[test]
    fn what_everybody_received_is_forgotten() {
        let messages = run(&[Acknowledged, Acknowledged], &[0, 1]);
        assert_eq!((messages.open(), messages.total(), messages.is_settled()), (0, 2, true));
        assert_eq!(faults(&messages), [0, 0, 0]);
    }

    #[test]
    fn an_acknowledged_message_must_arrive_once_and_in_order() {
        assert_eq!(faults(&run(&[Acknowledged; 3], &[0, 2])), [1, 0, 0]);
        assert_eq!(faults(&run(&[Acknowledged; 3], &[0, 1])), [1, 0, 0], "at the end");
        assert_eq!(faults(&run(&[Acknowledged; 3], &[])), [3, 0, 0]);
        assert_eq!(faults(&run(&[Acknowledged; 3], &[0, 1, 1, 2])), [0, 1, 0]);
        assert_eq!(faults(&run(&[Acknowledged; 3], &[1, 0, 2])), [1, 1, 0]);
    }

    #[test]
    fn a_message_with_an_unknown_outcome_may_be_missing_and_one_that_was_not_sent_must_be() {
        assert_eq!(faults(&run(&[Acknowledged, Unknown, NotSent, Acknowledged], &[0, 3])), [0, 0, 0]);
        assert_eq!(faults(&run(&[Acknowledged, Unknown, Acknowledged], &[0, 1, 2])), [0, 0, 0]);
        assert_eq!(faults(&run(&[NotSent, Acknowledged], &[0, 1])), [0, 0, 1]);
        let messages = Messages::new(1, 1);
        let number = messages.sending(0);
        messages.received(0, 0, number);
        messages.sent(0, number, NotSent);
        assert_eq!(faults(&messages), [0, 0, 1], "received before the outcome was known");
    }

    #[test]
    fn a_gap_is_judged_when_its_outcome_is_known() {
        for (outcome, lost) in [(Acknowledged, 1), (Unknown, 0), (NotSent, 0)] {
            let messages = Messages::new(1, 1);
            let (first, second) = (messages.sending(0), messages.sending(0));
            messages.sent(0, second, Acknowledged);
            messages.received(0, 0, second);
            assert!(!messages.is_settled(), "the first one is open");
            messages.sent(0, first, outcome);
            assert_eq!(faults(&messages), [lost, 0, 0], "{outcome:?}");
            assert_eq!(messages.open(), 0);
        }
    }

    #[test]
    fn a_lost_connection_excuses_one_gap_of_each_publisher() {
        let messages = run(&[Acknowledged; 4], &[0]);
        messages.disconnected(0);
        messages.received(0, 0, 2);
        assert_eq!(faults(&messages), [1, 0, 0], "the last one");
        let messages = run(&[Acknowledged; 4], &[0]);
        messages.disconnected(0);
        messages.received(0, 0, 3);
        assert_eq!(faults(&messages), [0, 0, 0]);
    }
}
