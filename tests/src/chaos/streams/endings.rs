//! How each stream ended for its writer and for each reader, and whether that fits together. It knows nothing of the
//! client.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::chaos::judge::{Judge, Judgement};
use crate::stream_parts::Ending;

/// The endings that were reported so far.
#[derive(Debug)]
pub(super) struct Endings {
    written: Mutex<Vec<Option<Attempt>>>,
    /// For each reader and stream.
    read: Mutex<Vec<Vec<Option<Attempt>>>>,
}

/// How the newest attempt to send a stream ended. Earlier ones were not opened from the writer's point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Attempt {
    number: u64,
    ending: Ending,
}

/// What there is to say in the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Streams that were complete at both ends.
    pub complete: u64,
    /// Streams with an error at both ends.
    pub failed: u64,
    /// Streams whose writer does not know whether they are complete.
    pub unknown: u64,
    /// Streams whose ends differ, or that did not end.
    pub differing: u64,
    /// Parts of complete streams, over all readers.
    pub expected: u64,
    /// Parts of complete streams that a reader did not receive, or not in order.
    pub lost: u64,
    /// Parts of any stream that a reader received again.
    pub repeated: u64,
}

impl Endings {
    /// For this many readers and streams.
    pub(super) fn new(readers: usize, streams: usize) -> Self {
        let read = Mutex::new(vec![vec![None; streams]; readers]);
        Self { written: Mutex::new(vec![None; streams]), read }
    }

    /// The writer of a stream reports its end.
    pub(super) fn written(&self, stream: usize, number: u64, ending: Ending) {
        lock(&self.written)[stream] = Some(Attempt { number, ending });
    }

    /// A reader reports the end of a stream.
    pub(super) fn read(&self, reader: usize, stream: usize, number: u64, ending: Ending) {
        let newest = &mut lock(&self.read)[reader][stream];
        if newest.is_none_or(|newest| newest.number <= number) {
            *newest = Some(Attempt { number, ending });
        }
    }

    /// How many endings readers have seen.
    pub(super) fn seen(&self) -> u64 {
        lock(&self.read).iter().flatten().flatten().count() as u64
    }

    /// Whether every reader has seen the end of every stream.
    pub(super) fn are_complete(&self) -> bool {
        let (written, read) = (lock(&self.written), lock(&self.read));
        let number = |attempt: &Option<Attempt>| attempt.map(|attempt| attempt.number);
        read.iter().all(|streams| {
            let mut both = streams.iter().zip(written.iter());
            both.all(|(read, written)| read.is_some() && number(read) == number(written))
        })
    }

    /// Compares both ends of each stream, and counts the parts.
    pub(super) fn judge(&self, judge: &Judge) -> Tally {
        let (written, read) = (lock(&self.written), lock(&self.read));
        let mut tally = Tally::default();
        let mut complete = vec![false; written.len()];
        for (stream, attempt) in written.iter().enumerate() {
            let number = attempt.map_or(0, |attempt| attempt.number);
            let all = |ending| read.iter().all(|streams| streams[stream] == Some(Attempt { number, ending }));
            let is_complete = all(Ending::Complete);
            complete[stream] = is_complete;
            let count = match attempt.map(|attempt| attempt.ending) {
                Some(Ending::Complete) if is_complete => &mut tally.complete,
                Some(Ending::Failed) if all(Ending::Failed) => &mut tally.failed,
                Some(Ending::Unknown) if is_complete || all(Ending::Failed) => &mut tally.unknown,
                _ => &mut tally.differing,
            };
            *count += 1;
        }
        let Judgement { expected, lost, .. } = judge.judge_only(|stream| complete[stream]);
        let repeated = judge.judge().doubled;
        Tally { expected, lost, repeated, ..tally }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { complete, failed, unknown, differing, expected, lost, repeated } = self;
        writeln!(f, "streams complete           {complete:>10}")?;
        writeln!(f, "  failed at both ends      {failed:>10}")?;
        writeln!(f, "  unknown to the writer    {unknown:>10}")?;
        writeln!(f, "  different at both ends   {differing:>10}  must be 0")?;
        writeln!(f, "parts of complete streams  {expected:>10}  (over all readers)")?;
        writeln!(f, "  lost                     {lost:>10}")?;
        write!(f, "repeated or out of order   {repeated:>10}")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One stream of two parts and one reader.
    fn judged(written: Ending, read: Option<Ending>, heard: &[u64]) -> Tally {
        let (endings, judge) = (Endings::new(1, 1), Judge::new(1, 1, 2));
        endings.written(0, 1, written);
        read.into_iter().for_each(|ending| endings.read(0, 0, 1, ending));
        heard.iter().for_each(|number| judge.heard(0, 0, *number));
        assert_eq!(endings.are_complete(), read.is_some());
        // An earlier attempt that ends late does not count.
        endings.read(0, 0, 0, Ending::Failed);
        endings.judge(&judge)
    }

    #[test]
    fn both_ends_must_agree() {
        use Ending::{Complete, Failed, Unknown};
        assert_eq!(judged(Complete, Some(Complete), &[0, 1]).complete, 1);
        assert_eq!(judged(Failed, Some(Failed), &[0]).failed, 1);
        assert_eq!(judged(Unknown, Some(Complete), &[0, 1]).unknown, 1);
        for (written, read) in [(Complete, Some(Failed)), (Failed, Some(Complete)), (Complete, None)] {
            assert_eq!(judged(written, read, &[0, 1]).differing, 1);
        }
    }

    #[test]
    fn parts_are_lost_in_complete_streams_only_and_repeated_in_any() {
        use Ending::{Complete, Failed};
        let counts = |tally: Tally| (tally.expected, tally.lost, tally.repeated);
        assert_eq!(counts(judged(Complete, Some(Complete), &[0, 1])), (2, 0, 0));
        assert_eq!(counts(judged(Complete, Some(Complete), &[0])), (2, 1, 0));
        assert_eq!(counts(judged(Failed, Some(Failed), &[0, 0])), (0, 0, 1));
    }
}
