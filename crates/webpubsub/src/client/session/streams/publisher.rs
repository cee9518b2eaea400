//! One stream that the program sends, as a state machine (previews, section 3.3). Parts are kept until the service has
//! acknowledged them, and resent from the first unacknowledged one after a rejection or a recovery.

mod closing;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use service_core::{Delivery, ErrorKind, Result};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

use crate::client::streams::{Failure, Opening, Window};

/// The wait before parts are resent that were rejected repeatedly. It doubles up to the maximum.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// How long the end waits for the acknowledgments of all parts. A service that closed the stream after it had rejected a part
/// would lose this part. The service may acknowledge late, so the wait is limited.
const END_WAIT: Duration = Duration::from_secs(2);

/// The number of closes after which a stream is given up.
const MAX_CLOSES: u8 = 2;

#[derive(Debug)]
pub(super) struct Publisher {
    id: String,
    window: Arc<Window>,
    phase: Phase,
    keep_alive: Message,
    idle_timeout: Duration,
    timeout: Duration,
    /// The parts from `first` on.
    parts: VecDeque<Message>,
    /// The number of the first part that is not acknowledged.
    first: u64,
    /// The number of the next part to write, at least `first`.
    next: u64,
    /// The number after that of the last part that was ever written.
    written: u64,
    end: Option<End>,
    /// Whether the connection was lost and has not been recovered yet.
    is_paused: bool,
    /// When the last frame was written.
    wrote_at: Duration,
    /// When the service last acknowledged the start or a new part.
    accepted_at: Duration,
    /// When the service has to respond, which it does by acknowledging a part or by closing the stream.
    respond_by: Option<Duration>,
    /// The time that was left when the connection was lost.
    remaining: Option<Duration>,
    /// How often the service closed the connection for what it contained while parts of this stream were in flight.
    closes: u8,
    is_keep_alive_due: bool,
    /// Rejections since the last acknowledged part.
    rejections: u32,
    /// When the parts are resent that were rejected repeatedly.
    resend_at: Option<Duration>,
    /// Whether the stream waits for its turn to write.
    pub(super) is_ready: bool,
    /// When the end is written although parts are not acknowledged.
    end_at: Option<Duration>,
}

#[derive(Debug)]
enum Phase {
    Opening {
        start: Message,
        is_written: bool,
        deadline: Duration,
        opened: Option<oneshot::Sender<Result<()>>>,
    },
    Open,
}

/// The end of a stream, from the writer's call until the service has closed the stream.
#[derive(Debug)]
struct End {
    frame: Message,
    done: Option<oneshot::Sender<Result<()>>>,
    is_written: bool,
    /// Whether it was written on a connection that was lost and recovered. Its response may be lost too.
    was_written: bool,
}

impl Publisher {
    pub(super) fn new(opening: Opening) -> Self {
        Self {
            id: opening.id,
            window: opening.window,
            phase: Phase::Opening {
                start: opening.frame,
                is_written: false,
                deadline: opening.deadline,
                opened: Some(opening.opened),
            },
            keep_alive: opening.keep_alive,
            idle_timeout: opening.idle_timeout,
            timeout: opening.timeout,
            parts: VecDeque::new(),
            first: 1,
            next: 1,
            written: 1,
            end: None,
            is_paused: false,
            wrote_at: Duration::ZERO,
            accepted_at: Duration::ZERO,
            respond_by: None,
            remaining: None,
            closes: 0,
            is_keep_alive_due: false,
            rejections: 0,
            resend_at: None,
            is_ready: false,
            end_at: None,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn part(&mut self, frame: Message) {
        self.parts.push_back(frame);
    }

    /// Ends the stream after its parts. Returns `false` if it was never started.
    pub(super) fn end(
        &mut self,
        frame: Message,
        done: Option<oneshot::Sender<Result<()>>>,
        now: Duration,
    ) -> bool {
        if matches!(self.phase, Phase::Opening { is_written: false, .. }) {
            return false;
        }
        self.end = Some(End { frame, done, is_written: false, was_written: false });
        self.end_at = Some(now.saturating_add(END_WAIT));
        true
    }

    /// Returns whether the end is sent and not confirmed yet.
    pub(super) fn is_ending(&self) -> bool {
        self.end.is_some()
    }

    /// Returns the next frame to write, if there is one now.
    pub(super) fn next_frame(&mut self, now: Duration) -> Option<Message> {
        let next = self.next;
        let frame = self.due_frame(now)?;
        // Parts that the service rejects do not renew the idle time.
        let is_resent = self.rejections > 0 && self.next != next;
        if !is_resent {
            (self.is_keep_alive_due, self.wrote_at) = (false, now);
        }
        Some(frame)
    }

    fn due_frame(&mut self, now: Duration) -> Option<Message> {
        if let Phase::Opening { start, is_written, .. } = &mut self.phase {
            return (!std::mem::replace(is_written, true)).then(|| start.clone());
        }
        if self.resend_at.is_none()
            && let Some(frame) = index(self.first, self.next).and_then(|at| self.parts.get(at))
        {
            let frame = frame.clone();
            self.next += 1;
            self.written = self.written.max(self.next);
            self.expect_response(now);
            return Some(frame);
        }
        if self.is_end_due(now)
            && let Some(end) = &mut self.end
        {
            end.is_written = true;
            let frame = end.frame.clone();
            self.expect_response(now);
            return Some(frame);
        }
        self.is_keep_alive_due.then(|| self.keep_alive.clone())
    }

    fn is_end_due(&self, now: Duration) -> bool {
        let waited = self.end_at.is_none_or(|at| now >= at) && self.rejections == 0;
        self.end.as_ref().is_some_and(|end| !end.is_written) && (self.parts.is_empty() || waited)
    }

    fn expect_response(&mut self, now: Duration) {
        let within = self.remaining.take().unwrap_or(self.timeout);
        self.respond_by.get_or_insert(now.saturating_add(within));
    }

    /// Handles an acknowledgment of all parts below `expected`.
    pub(super) fn acked(&mut self, expected: u64, now: Duration) -> Result<(), Failure> {
        if let Phase::Opening { is_written: true, opened, .. } = &mut self.phase
            && expected == 1
        {
            let opened = opened.take();
            (self.phase, self.accepted_at) = (Phase::Open, now);
            if let Some(opened) = opened {
                // A writer whose caller is gone ends the stream.
                let _ = opened.send(Ok(()));
            }
            return Ok(());
        }
        self.accepted(expected, now)
    }

    /// Handles a rejection: the parts from `expected` on are resent.
    ///
    /// The parts that were written after a rejected one are rejected too, each on its own. Only the first rejection therefore
    /// sends them again at once, and the others only if no acknowledgment follows.
    pub(super) fn rejected(&mut self, expected: u64, now: Duration) -> Result<(), Failure> {
        self.accepted(expected, now)?;
        if self.rejections == 0 {
            self.next = self.first;
        } else if self.resend_at.is_none() && self.next > self.first {
            let doublings = (self.rejections - 1).min(16);
            let wait = FIRST_BACKOFF.saturating_mul(1 << doublings).min(MAX_BACKOFF);
            self.resend_at = Some(now.saturating_add(wait));
        } else {
            return Ok(());
        }
        self.rejections = self.rejections.saturating_add(1);
        Ok(())
    }

    fn accepted(&mut self, expected: u64, now: Duration) -> Result<(), Failure> {
        let is_open = matches!(self.phase, Phase::Open);
        if !is_open || !(self.first..=self.written).contains(&expected) {
            let text = format!(
                "the service acknowledged parts below {expected}; parts {} to {} were in flight",
                self.first,
                self.written - 1
            );
            return Err(Failure::new(ErrorKind::Decode, text, Delivery::Unknown));
        }
        if expected == self.first {
            return Ok(());
        }
        while self.first < expected {
            if let Some(part) = self.parts.pop_front() {
                self.window.release(part.len());
            }
            self.first += 1;
        }
        self.next = self.next.max(self.first);
        (self.rejections, self.resend_at, self.accepted_at) = (0, None, now);
        (self.remaining, self.closes) = (None, 0);
        let is_waiting = self.first < self.written || self.end.as_ref().is_some_and(|end| end.is_written);
        self.respond_by = is_waiting.then(|| now.saturating_add(self.timeout));
        if self.end_at.is_some() {
            self.end_at = Some(now.saturating_add(END_WAIT));
        }
        Ok(())
    }

    /// Handles the loss of the socket. Returns the reason if the stream cannot go on.
    ///
    /// `blames` is set if the service closed it because of what a frame contained. If the frame is a part of this stream, this
    /// happens again after each recovery.
    pub(super) fn interrupted(&mut self, blames: bool, now: Duration) -> Result<(), &'static str> {
        // A stream that was not started belongs to no connection.
        self.is_paused = !self.is_unstarted();
        self.remaining = self.respond_by.take().map(|at| at.saturating_sub(now)).or(self.remaining);
        self.resend_at = None;
        self.is_keep_alive_due = false;
        if matches!(self.phase, Phase::Opening { is_written: true, .. }) {
            return Err("the connection was lost before the service accepted the stream");
        }
        self.closes += u8::from(blames && self.first < self.next);
        match self.closes {
            0..MAX_CLOSES => Ok(()),
            _ => Err("the service repeatedly closed the connection after parts of this stream"),
        }
    }

    /// Sends everything again that the service has not acknowledged, on a recovered connection.
    pub(super) fn recovered(&mut self, now: Duration) {
        self.is_paused = false;
        self.next = self.first;
        self.rejections = 0;
        if let Some(end) = &mut self.end {
            end.was_written |= std::mem::take(&mut end.is_written);
            self.end_at = Some(now.saturating_add(END_WAIT));
        }
    }

    /// Returns whether the stream was not started yet, so that it can start on another connection.
    pub(super) fn is_unstarted(&self) -> bool {
        matches!(self.phase, Phase::Opening { is_written: false, .. })
    }

    /// Continues on another connection.
    pub(super) fn resume(&mut self) {
        self.is_paused = false;
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        if let Phase::Opening { deadline, .. } = self.phase {
            return Some(deadline);
        }
        if self.is_paused {
            return None;
        }
        let is_ended = self.end.as_ref().is_some_and(|end| end.is_written);
        let keeps_alive = !is_ended && !self.is_keep_alive_due;
        let keep_alive = keeps_alive.then(|| self.keep_alive_at());
        let end = self.end_at.filter(|_| !is_ended && !self.parts.is_empty() && self.rejections == 0);
        [self.respond_by, self.resend_at, keep_alive, end].into_iter().flatten().min()
    }

    fn keep_alive_at(&self) -> Duration {
        self.wrote_at.saturating_add(self.idle_timeout / 2)
    }

    /// Handles what is due at `now`. Returns the reason if the stream has failed.
    pub(super) fn tick(&mut self, now: Duration) -> Result<(), Failure> {
        let limit = self.timeout;
        if let Phase::Opening { deadline, is_written, .. } = self.phase {
            if now < deadline {
                return Ok(());
            }
            let (text, delivery) = match is_written {
                true => ("the service did not accept the stream", Delivery::Unknown),
                false => ("the start of the stream was not sent", Delivery::NotSent),
            };
            return Err(Failure::new(ErrorKind::Timeout, format!("{text} within {limit:?}"), delivery));
        }
        if self.is_paused {
            return Ok(());
        }
        if self.respond_by.is_some_and(|at| now >= at) {
            let text = format!("the service acknowledged no part within {limit:?}");
            return Err(Failure::new(ErrorKind::Timeout, text, Delivery::Unknown));
        }
        if self.resend_at.is_some_and(|at| now >= at) {
            (self.resend_at, self.next) = (None, self.first);
        }
        if now >= self.keep_alive_at() {
            self.is_keep_alive_due = true;
        }
        if self.rejections == 0 && self.end_at.is_some_and(|at| now >= at) {
            self.end_at = None;
        }
        Ok(())
    }
}

/// Returns the position of the part with this number.
fn index(first: u64, number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(first)?).ok()
}
