//! Where a client stands between its first connection and its end, and when the next thing is due.

use std::time::Duration;

use http::StatusCode;
use service_core::{Delivery, Error, ErrorKind};

use super::backoff::{Jitter, Reconnect};
use super::{DRAIN, Settings};

/// How long the service keeps a lost connection (client protocols, section 7).
const RECOVERY_WINDOW: Duration = Duration::from_secs(30);
/// The longest pause within that window.
const RECOVERY_PAUSE: Duration = Duration::from_secs(5);
/// A connection that stood so long was a good one.
const STABLE: Duration = Duration::from_secs(5);
/// The close code after which a connection is not recoverable.
pub(super) const NOT_RECOVERABLE: u16 = 1008;

/// What a session wants of its surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing but time.
    Pause,
    /// A connection.
    Connect(Attempt),
    /// Frames to be written and read.
    Talk,
    /// The last frames to be written, and the closing handshake.
    Finish,
    /// Nothing any more.
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    New,
    Recovery,
}

/// How a WebSocket ended.
#[derive(Debug)]
pub(crate) struct Loss {
    /// The code of the close frame, if one came.
    pub(crate) code: Option<u16>,
    pub(crate) reason: String,
}

/// What time has brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tick {
    Nothing,
    Ping,
    /// Nothing has come for too long.
    Silent,
    /// `connected` has not come.
    NotConnected,
    /// The service does not keep the connection any longer.
    NotRecovered,
}

#[derive(Debug)]
enum Phase {
    Pausing {
        attempt: Attempt,
        until: Duration,
    },
    Connecting(Attempt),
    /// The WebSocket stands; `connected` is to come.
    Opening {
        until: Duration,
    },
    Online {
        since: Duration,
    },
    /// Closed by the program: acks may still come.
    Draining {
        until: Duration,
    },
    Finishing {
        until: Duration,
    },
    Stopped(Option<Error>),
}

pub(super) struct Life {
    phase: Phase,
    reconnect: Reconnect,
    jitter: Jitter,
    attempt_timeout: Duration,
    ping_interval: Duration,
    silence_limit: Duration,
    /// Attempts to make a new connection since one was good.
    attempts: u32,
    /// Attempts to recover one since it was good.
    recoveries: u32,
    /// When the connection that is to be recovered was lost, counted from the last good moment.
    lost_at: Option<Duration>,
    ping_at: Duration,
    heard_at: Duration,
}

impl Life {
    pub(super) fn new(settings: &Settings, jitter: Jitter, now: Duration) -> Self {
        Self {
            phase: Phase::Connecting(Attempt::New),
            reconnect: settings.reconnect.clone(),
            jitter,
            attempt_timeout: settings.attempt_timeout,
            ping_interval: settings.ping_interval,
            silence_limit: settings.silence_limit,
            attempts: 0,
            recoveries: 0,
            lost_at: None,
            ping_at: now,
            heard_at: now,
        }
    }

    pub(super) fn step(&self) -> Step {
        match &self.phase {
            Phase::Pausing { .. } => Step::Pause,
            Phase::Connecting(attempt) => Step::Connect(*attempt),
            Phase::Opening { .. } | Phase::Online { .. } | Phase::Draining { .. } => Step::Talk,
            Phase::Finishing { .. } => Step::Finish,
            Phase::Stopped(_) => Step::Stop,
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

    /// The connection has proved good.
    pub(super) fn progressed(&mut self) {
        (self.attempts, self.recoveries, self.lost_at) = (0, 0, None);
    }

    /// One that stood for a while was good too.
    pub(super) fn noted_loss(&mut self, now: Duration) {
        if let Phase::Online { since } = self.phase
            && now.saturating_sub(since) >= STABLE
        {
            self.progressed();
        }
    }

    /// Plans the next attempt to recover the connection; `false` when the service has forgotten it.
    pub(super) fn try_recovery(&mut self, hint: Option<Duration>, now: Duration) -> bool {
        let ends = self.lost_at.get_or_insert(now).saturating_add(RECOVERY_WINDOW);
        if now >= ends {
            return false;
        }
        let pause = self.reconnect.pause(self.recoveries, RECOVERY_PAUSE, &self.jitter);
        self.recoveries = self.recoveries.saturating_add(1);
        let until = now.saturating_add(pause.max(hint.unwrap_or_default())).min(ends);
        self.phase = Phase::Pausing { attempt: Attempt::Recovery, until };
        true
    }

    /// Plans the next new connection; `false` when there have been enough.
    pub(super) fn try_anew(&mut self, hint: Option<Duration>, now: Duration) -> bool {
        self.lost_at = None;
        if !self.reconnect.allows(self.attempts) {
            return false;
        }
        let pause = self.reconnect.pause(self.attempts, Duration::MAX, &self.jitter);
        self.attempts = self.attempts.saturating_add(1);
        let until = now.saturating_add(pause.max(hint.unwrap_or_default()));
        self.phase = Phase::Pausing { attempt: Attempt::New, until };
        true
    }

    pub(super) fn tick(&mut self, now: Duration, is_full: bool) -> Tick {
        if is_full {
            // Nothing is read meanwhile, so that silence says nothing.
            self.heard_at = now;
        }
        match self.phase {
            Phase::Pausing { attempt: Attempt::Recovery, .. } | Phase::Connecting(Attempt::Recovery)
                if self.window_ends().is_some_and(|ends| now >= ends) =>
            {
                Tick::NotRecovered
            }
            // A new connection brings new events: the program has to take the old ones first.
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
        if !self.silence_limit.is_zero() && now >= self.heard_at.saturating_add(self.silence_limit) {
            return Tick::Silent;
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
            // The program has to act, not time.
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
        let limit = self.silence_limit;
        let silence = (!limit.is_zero()).then(|| self.heard_at.saturating_add(limit));
        ping.into_iter().chain(silence).min()
    }

    /// Begins the end, if there is a connection to end.
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

    /// The first reason counts.
    pub(super) fn stop(&mut self, error: Option<Error>) {
        if !matches!(self.phase, Phase::Stopped(_)) {
            self.phase = Phase::Stopped(error);
        }
    }

    pub(super) fn verdict(&mut self) -> Option<Error> {
        match &mut self.phase {
            Phase::Stopped(error) => error.take(),
            _ => None,
        }
    }
}

/// Whether the service has said no, rather than not now.
pub(super) fn is_refusal(error: &Error) -> bool {
    let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    error.status().is_some_and(|status| status.is_client_error() && !passing.contains(&status))
}

/// A recovery that is refused so is refused for good: asking on would only hold up the new connection.
pub(super) fn refuses_recovery(error: &Error) -> bool {
    is_refusal(error)
}

pub(super) fn not_connected(reason: &str) -> Error {
    let text = format!("the connection ended: {reason}");
    Error::new(ErrorKind::Transport, text).with_delivery(Delivery::NotSent)
}

pub(super) fn too_slow(limit: Duration) -> Error {
    let text = format!("the service did not say `connected` within {limit:?}");
    Error::new(ErrorKind::Timeout, text).with_delivery(Delivery::NotSent)
}
