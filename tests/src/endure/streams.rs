//! The ledger of group streams: how each stream ended for its writer and for its reader, and whether that fits together. A stream
//! is forgotten when it is judged.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::line::Line;
use crate::stream_parts::Ending;

/// How many parts a stream has.
pub(super) const PARTS: u64 = 10;
/// For this long after its writer's end, the end of a stream may reach the reader.
const LATE: Duration = Duration::from_secs(45);

/// Streams that are not judged, and counts of those that are.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    open: BTreeMap<u64, Stream>,
    /// How many connections the reader has lost for good.
    lost_connections: u64,
    counts: Counts,
}

#[derive(Debug)]
struct Stream {
    written: Option<(Ending, Duration)>,
    read: Option<Ending>,
    parts: u64,
    /// How many parts were sent before the reader learned of the stream.
    missed: u64,
    /// The number of lost connections when the stream was opened.
    lost_connections: u64,
}

#[derive(Debug, Default)]
struct Counts {
    complete: u64,
    failed: u64,
    excused: u64,
    not_opened: u64,
    differing: u64,
    parts_lost: u64,
    parts_repeated: u64,
}

impl Streams {
    /// A writer is about to open a stream. Returns its number.
    pub(super) fn opening(&self) -> u64 {
        let mut state = self.lock();
        let (number, lost_connections) = (state.next, state.lost_connections);
        state.next += 1;
        state
            .open
            .insert(number, Stream { written: None, read: None, parts: 0, missed: 0, lost_connections });
        number
    }

    /// The stream could not be opened. Its writer has sent no part.
    pub(super) fn not_opened(&self, number: u64) {
        let mut state = self.lock();
        state.open.remove(&number);
        state.counts.not_opened += 1;
    }

    /// How the stream ended for its writer.
    pub(super) fn written(&self, number: u64, ending: Ending, now: Duration) {
        if let Some(stream) = self.lock().open.get_mut(&number) {
            stream.written = Some((ending, now));
        }
        self.sweep(now);
    }

    /// The reader starts to read the stream, of which it has missed this many parts.
    pub(super) fn reading(&self, number: u64, missed: u64) {
        if let Some(stream) = self.lock().open.get_mut(&number) {
            (stream.missed, stream.parts) = (missed, stream.parts.max(missed));
        }
    }

    /// The reader received a part.
    pub(super) fn part(&self, number: u64, part: u64) {
        let mut state = self.lock();
        let State { open, counts, .. } = &mut *state;
        let Some(stream) = open.get_mut(&number) else { return };
        counts.parts_repeated += u64::from(part < stream.parts);
        counts.parts_lost += part.saturating_sub(stream.parts);
        stream.parts = stream.parts.max(part + 1);
    }

    /// How the stream ended for the reader.
    pub(super) fn read(&self, number: u64, ending: Ending, now: Duration) {
        if let Some(stream) = self.lock().open.get_mut(&number) {
            stream.read = Some(ending);
        }
        self.sweep(now);
    }

    /// The reader's connection was lost for good.
    pub(super) fn disconnected(&self) {
        self.lock().lost_connections += 1;
    }

    /// Judges all streams that are over. Returns whether no other ones are left.
    pub(super) fn sweep(&self, now: Duration) -> bool {
        let mut state = self.lock();
        let State { open, lost_connections, counts, .. } = &mut *state;
        open.retain(|_, stream| !counts.judge(stream, *lost_connections, now));
        open.is_empty()
    }

    /// Judges everything that is left. Nothing more will happen.
    pub(super) fn close(&self) {
        self.sweep(Duration::MAX);
        let mut state = self.lock();
        state.counts.differing += state.open.len() as u64;
    }

    /// How many streams are not judged.
    pub(super) fn open(&self) -> usize {
        self.lock().open.len()
    }

    /// How many streams were complete at both ends.
    pub(super) fn total(&self) -> u64 {
        self.lock().counts.complete
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let counts = &self.lock().counts;
        vec![
            Line::count("streams complete", counts.complete),
            Line::count("  failed at both ends, or unknown to the writer", counts.failed),
            Line::count("  not read, because a connection was lost for good", counts.excused),
            Line::count("  not opened", counts.not_opened),
            Line::fault("streams different at both ends", counts.differing),
            Line::fault("parts lost", counts.parts_lost),
            Line::fault("parts received twice, or out of order", counts.parts_repeated),
        ]
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Judges a stream, unless its other end may still come.
    fn judge(&mut self, stream: &Stream, lost_connections: u64, now: Duration) -> bool {
        let Some((written, since)) = stream.written else { return false };
        let excused = stream.lost_connections < lost_connections;
        match (written, stream.read) {
            (Ending::Complete | Ending::Unknown, Some(Ending::Complete))
                if stream.missed == 0 || !excused =>
            {
                self.parts_lost += PARTS.saturating_sub(stream.parts) + stream.missed;
                self.complete += 1;
            }
            (Ending::Failed | Ending::Unknown, Some(Ending::Failed)) => self.failed += 1,
            // A lost connection may become known after the reader's end, and the end may still come.
            _ if excused => self.excused += 1,
            _ if now.saturating_sub(since) < LATE => return false,
            // A stream that failed before its first part may never have reached the reader.
            (Ending::Failed | Ending::Unknown, None) if stream.parts == 0 => self.failed += 1,
            _ => self.differing += 1,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ending::{Complete, Failed, Unknown};

    /// The counts of complete, failed, excused, and differing streams, and of lost and repeated parts.
    fn judged(written: Ending, read: Option<Ending>, parts: &[u64], loses_connection: bool) -> [u64; 6] {
        let streams = Streams::default();
        let number = streams.opening();
        parts.iter().for_each(|part| streams.part(number, *part));
        if loses_connection {
            streams.disconnected();
        }
        streams.written(number, written, Duration::ZERO);
        read.into_iter().for_each(|ending| streams.read(number, ending, Duration::ZERO));
        streams.close();
        let counts = &streams.lock().counts;
        [
            counts.complete,
            counts.failed,
            counts.excused,
            counts.differing,
            counts.parts_lost,
            counts.parts_repeated,
        ]
    }

    const ALL: [u64; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

    #[test]
    fn both_ends_must_agree() {
        assert_eq!(judged(Complete, Some(Complete), &ALL, false), [1, 0, 0, 0, 0, 0]);
        assert_eq!(judged(Failed, Some(Failed), &[0], false), [0, 1, 0, 0, 0, 0]);
        assert_eq!(judged(Unknown, Some(Complete), &ALL, false), [1, 0, 0, 0, 0, 0]);
        assert_eq!(judged(Failed, None, &[], false), [0, 1, 0, 0, 0, 0]);
        for (written, read) in [(Complete, Some(Failed)), (Failed, Some(Complete)), (Complete, None)] {
            assert_eq!(judged(written, read, &ALL, false), [0, 0, 0, 1, 0, 0], "{written:?} {read:?}");
        }
        assert_eq!(judged(Failed, None, &[0], false), [0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_reader_that_lost_its_connection_need_not_see_the_end() {
        assert_eq!(judged(Complete, None, &[0], true), [0, 0, 1, 0, 0, 0]);
        assert_eq!(judged(Complete, Some(Failed), &[0], true), [0, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn parts_are_received_once_and_in_order() {
        assert_eq!(judged(Complete, Some(Complete), &ALL[..9], false), [1, 0, 0, 0, 1, 0]);
        assert_eq!(judged(Complete, Some(Complete), &[0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9], false)[5], 1);
        assert_eq!(judged(Failed, Some(Failed), &[0, 2], false)[4], 1);
    }

    #[test]
    fn a_reader_that_comes_late_has_lost_parts_unless_it_lost_its_connection() {
        for (loses_connection, counts) in [(false, (1, 0, 3)), (true, (0, 1, 0))] {
            let streams = Streams::default();
            let number = streams.opening();
            if loses_connection {
                streams.disconnected();
            }
            streams.reading(number, 3);
            ALL[3..].iter().for_each(|part| streams.part(number, *part));
            streams.read(number, Complete, Duration::ZERO);
            streams.written(number, Complete, Duration::ZERO);
            let seen = &streams.lock().counts;
            assert_eq!((seen.complete, seen.excused, seen.parts_lost), counts);
        }
    }

    #[test]
    fn the_end_may_come_late() {
        let streams = Streams::default();
        let number = streams.opening();
        streams.written(number, Complete, Duration::ZERO);
        assert!(!streams.sweep(LATE - Duration::from_secs(1)));
        ALL.iter().for_each(|part| streams.part(number, *part));
        streams.read(number, Complete, LATE);
        assert_eq!((streams.total(), streams.open()), (1, 0));
    }
}
