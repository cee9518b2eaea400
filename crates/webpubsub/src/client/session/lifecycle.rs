//! The phases of a client from its first connection to its end, and their deadlines.

use std::time::Duration;

use service_core::{Delivery, Error, ErrorKind};

use super::backoff::{Jitter, Reconnect};
use super::{DRAIN, Settings};

/// The time for which the service keeps a dropped connection (client protocols, section 7).
const RECOVERY_WINDOW: Duration = Duration::from_secs(30);
/// The maximum backoff within that window.
const RECOVERY_MAX_BACKOFF: Duration = Duration::from_secs(5);
/// The lifetime after which a connection counts as stable.
const STABLE: Duration = Duration::from_secs(5);
/// The close code after which a connection is not recoverable.
pub(super) const NOT_RECOVERABLE: u16 = 1008;

/// What the task has to do for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Wait for the next deadline.
    Wait,
    /// Open a connection.
    Connect(Attempt),
    /// Write and read frames.
    Exchange,
    /// Write the last frames and perform the closing handshake.
    Close,
    /// End the task.
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    New,
    Recovery,
}

/// The end of a WebSocket.
#[derive(Debug)]
pub(crate) struct Loss {
    /// The code of the close frame, if one was received.
    pub(crate) code: Option<u16>,
    pub(crate) reason: String,
}

/// What is due after time has passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tick {
    Nothing,
    Ping,
    /// No data was received within the idle timeout.
    Idle,
    /// The `connected` frame did not arrive in time.
    NotConnected,
    /// The recovery window has ended.
    NotRecovered,
}

#[derive(Debug)]
enum Phase {
    Pausing {
        attempt: Attempt,
        until: Duration,
    },
    Connecting(Attempt),
    /// The WebSocket is open and waits for the `connected` frame.
    Opening {
        until: Duration,
    },
    Online {
        since: Duration,
    },
    /// Closed by the program; acks may still arrive.
    Draining {
        until: Duration,
    },
    Finishing {
        until: Duration,
    },
    Stopped(Option<Error>),
}

pub(super) struct Lifecycle {
    phase: Phase,
    reconnect: Reconnect,
    jitter: Jitter,
    attempt_timeout: Duration,
    ping_interval: Duration,
    idle_timeout: Duration,
    /// Attempts at a new connection since the last progress.
    attempts: u32,
    /// Attempts at a recovery since the last progress.
    recoveries: u32,
    /// When the connection under recovery was first lost since the last progress.
    lost_at: Option<Duration>,
    ping_at: Duration,
    heard_at: Duration,
}

impl Lifecycle {
    pub(super) fn new(settings: &Settings, jitter: Jitter, now: Duration) -> Self {
        Self {
            phase: Phase::Connecting(Attempt::New),
            reconnect: settings.reconnect.clone(),
            jitter,
            attempt_timeout: settings.attempt_timeout,
            ping_interval: settings.ping_interval,
            idle_timeout: settings.idle_timeout,
            attempts: 0,
            recoveries: 0,
            lost_at: None,
            ping_at: now,
            heard_at: now,
        }
    }

    pub(super) fn action(&self) -> Action {
        match &self.phase {
            Phase::Pausing { .. } => Action::Wait,
            Phase::Connecting(attempt) => Action::Connect(*attempt),
            Phase::Opening { .. } | Phase::Online { .. } | Phase::Draining { .. } => Action::Exchange,
            Phase::Finishing { .. } => Action::Close,
            Phase::Stopped(_) => Action::Stop,
        }
    }

    pub(super) fn opened(&mut self, attempt: Attempt, now: Duration) {
        match attempt {
            Attempt::New => self.phase = Phase::Opening { until: now.saturating_add(self.attempt_timeout) },
            Attempt::Recovery => self.connected(now),
        }
        self.heard_at = now;
    }

    pub(super) fn connected(&mut self, now: Duration) {
        if !self.is_ending() {
            self.phase = Phase::Online { since: now };
        }
        self.ping_at = now.saturating_add(self.ping_interval);
    }

    pub(super) fn heard(&mut self, now: Duration) {
        self.heard_at = now;
    }

    /// Resets the backoff: the connection delivered something useful.
    pub(super) fn progressed(&mut self) {
        (self.attempts, self.recoveries, self.lost_at) = (0, 0, None);
    }

    /// Resets the backoff if the lost connection was stable.
    pub(super) fn note_loss(&mut self, now: Duration) {
        if let Phase::Online { since } = self.phase
            && now.saturating_sub(since) >= STABLE
        {
            self.progressed();
        }
    }

    /// Schedules the next recovery attempt. Returns `false` if the recovery window has ended.
    pub(super) fn schedule_recovery(&mut self, retry_after: Option<Duration>, now: Duration) -> bool {
        let ends = self.lost_at.get_or_insert(now).saturating_add(RECOVERY_WINDOW);
        if now >= ends {
            return false;
        }
        let delay = self.reconnect.delay(self.recoveries, RECOVERY_MAX_BACKOFF, &self.jitter);
        self.recoveries = self.recoveries.saturating_add(1);
        let until = now.saturating_add(delay.max(retry_after.unwrap_or_default())).min(ends);
        self.phase = Phase::Pausing { attempt: Attempt::Recovery, until };
        true
    }

    /// Schedules the next new connection. Returns `false` if the maximum number of attempts is reached.
    pub(super) fn schedule_reconnect(&mut self, retry_after: Option<Duration>, now: Duration) -> bool {
        self.lost_at = None;
        if !self.reconnect.allows(self.attempts) {
            return false;
        }
        let delay = self.reconnect.delay(self.attempts, Duration::MAX, &self.jitter);
        self.attempts = self.attempts.saturating_add(1);
        let until = now.saturating_add(delay.max(retry_after.unwrap_or_default()));
        self.phase = Phase::Pausing { attempt: Attempt::New, until };
        true
    }

    pub(super) fn tick(&mut self, now: Duration, is_full: bool) -> Tick {
        if is_full {
            // Reading has paused, so the idle timeout does not apply.
            self.heard_at = now;
        }
        match self.phase {
            Phase::Pausing { attempt: Attempt::Recovery, .. } | Phase::Connecting(Attempt::Recovery)
                if self.window_ends().is_some_and(|ends| now >= ends) =>
            {
                Tick::NotRecovered
            }
            // A new connection brings new events, so the program has to receive the old ones first.
            Phase::Pausing { attempt, until }
                if now >= until && (attempt == Attempt::Recovery || !is_full) =>
            {
                self.phase = Phase::Connecting(attempt);
                Tick::Nothing
            }
            Phase::Opening { until } if now >= until => Tick::NotConnected,
            Phase::Online { .. } | Phase::Draining { .. } => self.keep_alive(now),
            Phase::Finishing { until } if now >= until => {
                self.stop(None);
                Tick::Nothing
            }
            _ => Tick::Nothing,
        }
    }

    fn keep_alive(&mut self, now: Duration) -> Tick {
        if !self.idle_timeout.is_zero() && now >= self.heard_at.saturating_add(self.idle_timeout) {
            return Tick::Idle;
        }
        if !self.ping_interval.is_zero() && now >= self.ping_at {
            self.ping_at = now.saturating_add(self.ping_interval);
            return Tick::Ping;
        }
        Tick::Nothing
    }

    fn window_ends(&self) -> Option<Duration> {
        self.lost_at.map(|at| at.saturating_add(RECOVERY_WINDOW))
    }

    pub(super) fn deadline(&self, is_full: bool) -> Option<Duration> {
        match self.phase {
            // Waits for the program, not for a deadline.
            Phase::Pausing { attempt: Attempt::New, .. } if is_full => None,
            Phase::Pausing { until, .. } | Phase::Opening { until } | Phase::Finishing { until } => {
                Some(until)
            }
            Phase::Connecting(Attempt::Recovery) => self.window_ends(),
            Phase::Connecting(Attempt::New) | Phase::Stopped(_) => None,
            Phase::Online { .. } => self.keep_alive_deadline(),
            Phase::Draining { until } => Some(self.keep_alive_deadline().map_or(until, |at| at.min(until))),
        }
    }

    fn keep_alive_deadline(&self) -> Option<Duration> {
        let ping = (!self.ping_interval.is_zero()).then_some(self.ping_at);
        let limit = self.idle_timeout;
        let idle = (!limit.is_zero()).then(|| self.heard_at.saturating_add(limit));
        ping.into_iter().chain(idle).min()
    }

    /// Starts closing. Returns `false` if there is no connection to close.
    pub(super) fn drain(&mut self, now: Duration) -> bool {
        match self.phase {
            Phase::Online { .. } => self.phase = Phase::Draining { until: now.saturating_add(DRAIN) },
            Phase::Opening { .. } => self.finish(now),
            Phase::Draining { .. } | Phase::Finishing { .. } => {}
            Phase::Pausing { .. } | Phase::Connecting(_) | Phase::Stopped(_) => return false,
        }
        true
    }

    pub(super) fn is_draining(&self) -> bool {
        matches!(self.phase, Phase::Draining { .. })
    }

    pub(super) fn drained_long_enough(&self, now: Duration) -> bool {
        matches!(self.phase, Phase::Draining { until } if now >= until)
    }

    pub(super) fn finish(&mut self, now: Duration) {
        self.phase = Phase::Finishing { until: now.saturating_add(DRAIN) };
    }

    pub(super) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Draining { .. } | Phase::Finishing { .. } | Phase::Stopped(_))
    }

    /// Stops the client. The first error is kept.
    pub(super) fn stop(&mut self, error: Option<Error>) {
        if !matches!(self.phase, Phase::Stopped(_)) {
            self.phase = Phase::Stopped(error);
        }
    }

    pub(super) fn take_error(&mut self) -> Option<Error> {
        match &mut self.phase {
            Phase::Stopped(error) => error.take(),
            _ => None,
        }
    }
}

pub(super) fn not_connected(reason: &str) -> Error {
    let text = format!("the connection ended: {reason}");
    Error::new(ErrorKind::Transport, text).with_delivery(Delivery::NotSent)
}

pub(super) fn too_slow(limit: Duration) -> Error {
    let text = format!("the service did not send a `connected` frame within {limit:?}");
    Error::new(ErrorKind::Timeout, text).with_delivery(Delivery::NotSent)
}
