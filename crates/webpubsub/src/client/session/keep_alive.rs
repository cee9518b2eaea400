//! The pings of an established connection, and its end if nothing is received.

use std::time::Duration;

use super::lifecycle::Tick;

/// The delay of the client's task that is logged. The runtime is blocked or overloaded, or the machine was suspended.
const LATE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct KeepAlive {
    /// Zero disables it.
    ping_interval: Duration,
    /// Zero disables it.
    idle_timeout: Duration,
    ping_at: Duration,
    heard_at: Duration,
}

impl KeepAlive {
    pub(super) fn new(ping_interval: Duration, idle_timeout: Duration, now: Duration) -> Self {
        Self { ping_interval, idle_timeout, ping_at: now, heard_at: now }
    }

    /// Records that something was received, or that the connection was opened.
    pub(super) fn heard(&mut self, now: Duration) {
        self.heard_at = now;
    }

    pub(super) fn heard_at(&self) -> Duration {
        self.heard_at
    }

    pub(super) fn postpone_ping(&mut self, now: Duration) {
        self.ping_at = now.saturating_add(self.ping_interval);
    }

    pub(super) fn tick(&mut self, now: Duration) -> Tick {
        if !self.idle_timeout.is_zero() && now >= self.heard_at.saturating_add(self.idle_timeout) {
            return Tick::Idle;
        }
        if !self.ping_interval.is_zero() && now >= self.ping_at {
            self.log_delay(now);
            self.postpone_ping(now);
            return Tick::Ping;
        }
        Tick::Nothing
    }

    fn log_delay(&self, now: Duration) {
        let late_by = now.saturating_sub(self.ping_at);
        if late_by >= LATE {
            tracing::warn!(
                ?late_by,
                "the client's task ran late, and could not respond to the service meanwhile"
            );
        }
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        let ping = (!self.ping_interval.is_zero()).then_some(self.ping_at);
        let limit = self.idle_timeout;
        let idle = (!limit.is_zero()).then(|| self.heard_at.saturating_add(limit));
        ping.into_iter().chain(idle).min()
    }
}
