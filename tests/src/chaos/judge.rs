//! The judge of the chaos: numbers of messages, in the order in which each subscriber heard them. It knows nothing of the
//! client, nor of what a message is.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What each subscriber has heard of each publisher so far.
#[derive(Debug)]
pub struct Judge {
    messages: u64,
    heard: Mutex<Vec<Vec<Heard>>>,
}

/// One subscriber's ear for one publisher.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Heard {
    /// The number that comes next if nothing is lost.
    next: u64,
    lost: u64,
    doubled: u64,
    /// Whether no more is to come.
    has_ended: bool,
}

impl Judge {
    /// A judge for this many subscribers and publishers, each of which sends the numbers from 0 below `messages`.
    #[must_use]
    pub fn new(subscribers: usize, publishers: usize, messages: u64) -> Self {
        let heard = vec![vec![Heard::default(); publishers]; subscribers];
        Self { messages, heard: Mutex::new(heard) }
    }

    /// A subscriber hears a number of a publisher.
    pub fn heard(&self, subscriber: usize, publisher: usize, number: u64) {
        let mut all = self.all();
        let Heard { next, lost, doubled, has_ended } = &mut all[subscriber][publisher];
        // What ended may have been an earlier attempt.
        *has_ended = false;
        if number < *next {
            // What comes late has either come before or was counted as lost; order is broken in both cases.
            *doubled += 1;
        } else {
            *lost += number - *next;
            *next = number + 1;
        }
    }

    /// A subscriber hears no more of a publisher: it has got past all its messages.
    pub fn ended(&self, subscriber: usize, publisher: usize) {
        self.all()[subscriber][publisher].has_ended = true;
    }

    /// How many messages all subscribers together have got past, heard or lost.
    #[must_use]
    pub fn progress(&self) -> u64 {
        self.all().iter().flatten().map(|heard| self.past(heard)).sum()
    }

    fn past(&self, heard: &Heard) -> u64 {
        if heard.has_ended { self.messages } else { heard.next }
    }

    /// How far the subscriber that has got least is behind so many messages.
    #[must_use]
    pub fn behind(&self, sent: u64) -> u64 {
        let all = self.all();
        let least = all.iter().map(|of| of.iter().map(|heard| self.past(heard)).sum::<u64>()).min();
        sent.saturating_sub(least.unwrap_or(0))
    }

    /// Whether every subscriber has got to the end of every publisher.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.all().iter().flatten().all(|heard| heard.next == self.messages)
    }

    /// What there is to say in the end.
    #[must_use]
    pub fn judge(&self) -> Judgement {
        self.judge_only(|_| true)
    }

    /// What there is to say of some publishers.
    #[must_use]
    pub fn judge_only(&self, counts: impl Fn(usize) -> bool) -> Judgement {
        let all = self.all();
        let of = |subscriber: &Vec<Heard>| {
            let heard = subscriber.iter().enumerate().filter(|(publisher, _)| counts(*publisher));
            heard.map(|(_, heard)| *heard).collect::<Vec<_>>()
        };
        let all: Vec<_> = all.iter().flat_map(of).collect();
        let expected = self.messages * all.len() as u64;
        let missing: u64 = all.iter().map(|heard| heard.lost + self.messages - heard.next).sum();
        let doubled = all.iter().map(|heard| heard.doubled).sum();
        Judgement { expected, lost: missing, doubled }
    }

    fn all(&self) -> MutexGuard<'_, Vec<Vec<Heard>>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many messages were to be heard, by all subscribers together, and what happened to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// All of them.
    pub expected: u64,
    /// Not heard, or heard after a later one of the same publisher.
    pub lost: u64,
    /// Heard again, or late.
    pub doubled: u64,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, lost, doubled } = self;
        write!(f, "to be heard                {expected:>10}\nlost                       {lost:>10}\n")?;
        write!(f, "doubled or out of order    {doubled:>10}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(heard: &[u64]) -> (u64, u64, bool) {
        let judge = Judge::new(1, 1, 4);
        heard.iter().for_each(|number| judge.heard(0, 0, *number));
        let Judgement { expected, lost, doubled } = judge.judge();
        assert_eq!(expected, 4);
        (lost, doubled, judge.is_complete())
    }

    #[test]
    fn all_in_order_is_neither_lost_nor_doubled() {
        assert_eq!(judged(&[0, 1, 2, 3]), (0, 0, true));
    }

    #[test]
    fn each_way_to_go_wrong_is_counted() {
        assert_eq!(judged(&[0, 1, 3]), (1, 0, true), "lost in the middle");
        assert_eq!(judged(&[0, 1, 2]), (1, 0, false), "lost at the end");
        assert_eq!(judged(&[]), (4, 0, false), "lost altogether");
        assert_eq!(judged(&[0, 1, 1, 2, 3]), (0, 1, true), "doubled");
        assert_eq!(judged(&[0, 2, 1, 3]), (1, 1, true), "out of order");
    }

    #[test]
    fn subscribers_and_publishers_are_kept_apart() {
        let judge = Judge::new(2, 2, 1);
        judge.heard(0, 0, 0);
        judge.heard(1, 1, 0);
        assert_eq!(judge.judge(), Judgement { expected: 4, lost: 2, doubled: 0 });
        assert_eq!((judge.progress(), judge.is_complete()), (2, false));
        assert_eq!((judge.behind(2), judge.behind(1), judge.behind(0)), (1, 0, 0));
    }

    #[test]
    fn who_hears_no_more_of_a_publisher_is_not_behind_although_messages_are_lost() {
        let judge = Judge::new(1, 1, 4);
        judge.heard(0, 0, 0);
        assert_eq!(judge.behind(4), 3);
        judge.ended(0, 0);
        assert_eq!((judge.behind(4), judge.progress(), judge.judge().lost), (0, 4, 3));
    }
}
