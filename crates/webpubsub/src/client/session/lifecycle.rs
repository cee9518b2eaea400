//! The phases of a client from its first connection to its end, and their deadlines.

use std::time::Duration;

use service_core::Error;

use super::backoff::{Jitter, Reconnect};
use super::keep_alive::KeepAlive;
use super::{DRAIN, Settings};
use crate::client::state::State;

/// The time for which the service keeps a dropped connection (client protocols, section 7).
const RECOVERY_WINDOW: Duration = Duration::from_secs(30);
/// The maximum backoff within that window.
const RECOVERY_MAX_BACKOFF: Duration = Duration::from_secs(5);
/// The maximum time of an attempt to recover, and then of the silence on the recovered connection.
pub(super) const RECOVERY_ATTEMPT: Duration = Duration::from_secs(5);
/// The silence on a recovered connection after which the service is pinged. Usually, it sends something unprompted.
const PROBE_AFTER: Duration = Duration::from_secs(1);
/// The setbacks up to which `RECOVERY_MAX_BACKOFF` applies. A service that closes more connections than this is not restarting.
const HURRIED: u32 = 5;
/// The lifetime after which a connection counts as stable, if something was received on it.
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
    /// An attempt to recover took too long.
    RecoveryTimedOut,
    /// Nothing was received so far on the recovered connection.
    Probe,
    /// Nothing was received in time on the recovered connection.
    Silent,
    /// The recovery window has ended.
    NotRecovered,
}

#[derive(Debug)]
enum Phase {
    Pausing {
        attempt: Attempt,
        until: Duration,
    },
    Connecting {
        attempt: Attempt,
        /// The end of an attempt to recover. A new connection has its own timeout.
        until: Option<Duration>,
    },
    /// The WebSocket is open and waits for the `connected` frame.
    Opening {
        until: Duration,
    },
    Online {
        since: Duration,
        /// `None` once something was received.
        silence: Option<Silence>,
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

/// The deadlines of a recovered connection on which nothing was received so far.
#[derive(Debug, Clone, Copy)]
struct Silence {
    probe_at: Option<Duration>,
    until: Duration,
}

pub(super) struct Lifecycle {
    phase: Phase,
    reconnect: Reconnect,
    jitter: Jitter,
    attempt_timeout: Duration,
    keep_alive: KeepAlive,
    /// Attempts at a new connection since the last progress.
    attempts: u32,
    /// Attempts at a recovery since the last progress.
    recoveries: u32,
    /// Lost connections and rejected recoveries since the last progress. The service responded, so that it is not the network
    /// that the client waits for.
    setbacks: u32,
    /// Whether the next attempt follows at once.
    at_once: bool,
    /// When the `Retry-After` value of the service ends.
    not_before: Duration,
    /// When the connection under recovery was first lost since the last progress.
    lost_at: Option<Duration>,
}

impl Lifecycle {
    pub(super) fn new(settings: &Settings, jitter: Jitter, now: Duration) -> Self {
        Self {
            phase: Phase::Connecting { attempt: Attempt::New, until: None },
            reconnect: settings.reconnect.clone(),
            jitter,
            attempt_timeout: settings.attempt_timeout,
            keep_alive: KeepAlive::new(settings.ping_interval, settings.idle_timeout, now),
            attempts: 0,
            recoveries: 0,
            setbacks: 0,
            at_once: false,
            not_before: Duration::ZERO,
            lost_at: None,
        }
    }

    pub(super) fn action(&self) -> Action {
        match &self.phase {
            Phase::Pausing { .. } => Action::Wait,
            Phase::Connecting { attempt, .. } => Action::Connect(*attempt),
            Phase::Opening { .. } | Phase::Online { .. } | Phase::Draining { .. } => Action::Exchange,
            Phase::Finishing { .. } => Action::Close,
            Phase::Stopped(_) => Action::Stop,
        }
    }

    pub(super) fn opened(&mut self, attempt: Attempt, now: Duration) {
        match attempt {
            Attempt::New => self.phase = Phase::Opening { until: now.saturating_add(self.attempt_timeout) },
            Attempt::Recovery => {
                let until = now.saturating_add(RECOVERY_ATTEMPT);
                let until = self.window_ends().map_or(until, |ends| ends.min(until));
                let probe_at = Some(now.saturating_add(PROBE_AFTER));
                self.online(Some(Silence { probe_at, until }), now);
            }
        }
        self.keep_alive.heard(now);
        self.not_before = Duration::ZERO;
    }

    pub(super) fn connected(&mut self, now: Duration) {
        self.online(None, now);
    }

    fn online(&mut self, silence: Option<Silence>, now: Duration) {
        if !self.is_ending() {
            self.phase = Phase::Online { since: now, silence };
        }
        self.keep_alive.postpone_ping(now);
    }

    /// Returns when data was last received, or the connection was opened.
    pub(super) fn heard_at(&self) -> Duration {
        self.keep_alive.heard_at()
    }

    pub(super) fn heard(&mut self, now: Duration) {
        self.keep_alive.heard(now);
        if let Phase::Online { silence, .. } = &mut self.phase {
            *silence = None;
        }
    }

    /// Resets the backoff: the connection delivered something useful.
    pub(super) fn progressed(&mut self) {
        (self.attempts, self.recoveries, self.setbacks, self.lost_at) = (0, 0, 0, None);
    }

    /// Resets the backoff if the lost connection was stable.
    pub(super) fn note_loss(&mut self, now: Duration) {
        if let Phase::Online { since, silence: None } = self.phase
            && now.saturating_sub(since) >= STABLE
        {
            self.progressed();
        }
        self.setbacks = self.setbacks.saturating_add(1);
    }

    /// Returns whether the connection was lost before and has made no progress since.
    pub(super) fn is_retrying(&self) -> bool {
        self.lost_at.is_some()
    }

    /// Records that the service rejected a recovery. The pause before it was one already, so the first new connection follows
    /// at once.
    pub(super) fn recovery_rejected(&mut self) {
        self.setbacks = self.setbacks.saturating_add(1);
        self.at_once = true;
    }

    /// Makes the next attempt without a pause. The client itself drops the connection.
    pub(super) fn hurry(&mut self) {
        self.at_once = true;
    }

    /// Respects the `Retry-After` value of the service, also for a new connection if recovery is given up.
    pub(super) fn hold_off(&mut self, retry_after: Option<Duration>, now: Duration) {
        if let Some(wait) = retry_after {
            self.not_before = now.saturating_add(wait);
        }
    }

    /// Schedules the next recovery attempt. Returns `false` if the recovery window has ended, or ends before the service accepts
    /// another attempt.
    pub(super) fn schedule_recovery(&mut self, now: Duration) -> bool {
        let ends = self.lost_at.get_or_insert(now).saturating_add(RECOVERY_WINDOW);
        if now >= ends || self.not_before >= ends {
            return false;
        }
        let max_backoff = if self.setbacks > HURRIED { Duration::MAX } else { RECOVERY_MAX_BACKOFF };
        let delay = match std::mem::take(&mut self.at_once) {
            true => Duration::ZERO,
            false => self.backoff(self.recoveries, max_backoff),
        };
        self.recoveries = self.recoveries.saturating_add(1);
        let until = self.not_earlier(now, delay).min(ends);
        self.phase = Phase::Pausing { attempt: Attempt::Recovery, until };
        true
    }

    /// Schedules the next new connection. Returns `false` if the maximum number of attempts is reached.
    pub(super) fn schedule_reconnect(&mut self, retry_after: Option<Duration>, now: Duration) -> bool {
        self.lost_at = None;
        self.hold_off(retry_after, now);
        let at_once = std::mem::take(&mut self.at_once);
        if !self.reconnect.allows(self.attempts) {
            return false;
        }
        let delay = match self.attempts {
            0 if at_once => Duration::ZERO,
            // A new connection may work where recoveries did not.
            0 => self.reconnect.delay(0, Duration::MAX, &self.jitter),
            attempts => self.backoff(attempts, Duration::MAX),
        };
        self.attempts = self.attempts.saturating_add(1);
        let until = self.not_earlier(now, delay);
        self.phase = Phase::Pausing { attempt: Attempt::New, until };
        true
    }

    /// Returns the end of a delay, or a random time after the end of the `Retry-After` value if that is later. The value can be a
    /// date, which is the same for all clients.
    fn not_earlier(&self, now: Duration, delay: Duration) -> Duration {
        let until = now.saturating_add(delay);
        if self.not_before <= now {
            return until;
        }
        until.max(self.not_before.saturating_add(self.reconnect.spread(&self.jitter)))
    }

    fn backoff(&self, attempts: u32, at_most: Duration) -> Duration {
        self.reconnect.delay(attempts.max(self.setbacks.saturating_sub(1)), at_most, &self.jitter)
    }

    pub(super) fn tick(&mut self, now: Duration) -> Tick {
        match self.phase {
            Phase::Pausing { attempt: Attempt::Recovery, .. }
            | Phase::Connecting { attempt: Attempt::Recovery, .. }
                if self.window_ends().is_some_and(|ends| now >= ends) =>
            {
                Tick::NotRecovered
            }
            Phase::Pausing { attempt, until } if now >= until => {
                let recovers = attempt == Attempt::Recovery;
                let until = recovers.then(|| now.saturating_add(RECOVERY_ATTEMPT));
                self.phase = Phase::Connecting { attempt, until };
                Tick::Nothing
            }
            Phase::Connecting { until: Some(until), .. } if now >= until => Tick::RecoveryTimedOut,
            Phase::Online { silence: Some(Silence { until, .. }), .. } if now >= until => Tick::Silent,
            Phase::Online { since, silence: Some(Silence { probe_at: Some(at), until }) } if now >= at => {
                self.phase = Phase::Online { since, silence: Some(Silence { probe_at: None, until }) };
                Tick::Probe
            }
            Phase::Opening { until } if now >= until => Tick::NotConnected,
            Phase::Online { .. } | Phase::Draining { .. } => self.keep_alive.tick(now),
            Phase::Finishing { until } if now >= until => {
                self.stop(None);
                Tick::Nothing
            }
            _ => Tick::Nothing,
        }
    }

    fn window_ends(&self) -> Option<Duration> {
        self.lost_at.map(|at| at.saturating_add(RECOVERY_WINDOW))
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Pausing { until, .. } | Phase::Opening { until } | Phase::Finishing { until } => {
                Some(until)
            }
            Phase::Connecting { until, .. } => until.into_iter().chain(self.window_ends()).min(),
            Phase::Stopped(_) => None,
            Phase::Online { silence, .. } => {
                let silence = silence.map(|silence| silence.probe_at.unwrap_or(silence.until));
                silence.into_iter().chain(self.keep_alive.deadline()).min()
            }
            Phase::Draining { until } => Some(self.keep_alive.deadline().map_or(until, |at| at.min(until))),
        }
    }

    /// Starts closing. Returns `false` if there is no connection to close.
    pub(super) fn drain(&mut self, now: Duration) -> bool {
        match self.phase {
            Phase::Online { .. } => self.phase = Phase::Draining { until: now.saturating_add(DRAIN) },
            Phase::Opening { .. } => self.finish(now),
            Phase::Draining { .. } | Phase::Finishing { .. } => {}
            Phase::Pausing { .. } | Phase::Connecting { .. } | Phase::Stopped(_) => return false,
        }
        true
    }

    /// Returns the state that the program sees.
    pub(super) fn state(&self, is_recovering: bool) -> State {
        match &self.phase {
            Phase::Stopped(_) => State::Stopped,
            Phase::Draining { .. } | Phase::Finishing { .. } => State::Closing,
            _ if is_recovering => State::Recovering,
            Phase::Online { .. } => State::Connected,
            _ => State::Reconnecting,
        }
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
