//! Probation: the service pauses a subscription whose attempts keep failing (push delivery, section A5). The documentation says
//! neither how many failures that takes, nor which causes lose events meanwhile.

use std::time::{Duration, SystemTime};

use super::Failure;

/// The failures of a subscription, and the pause that they led to.
#[derive(Debug, Default)]
pub(in crate::eventgrid) struct Probation {
    /// The failed attempts since the last success whose cause leads to probation.
    failures: u32,
    pause: Option<Pause>,
}

/// A pause in which nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::eventgrid) struct Pause {
    pub(in crate::eventgrid) until: SystemTime,
    /// Whether events that are due meanwhile are lost. That is so if the failed attempt is not retried.
    pub(in crate::eventgrid) loses_events: bool,
}

impl Probation {
    /// Records the outcome of an attempt. Returns the length of the pause to which it leads. A limit of 0 disables probation.
    pub(in crate::eventgrid) fn record(
        &mut self,
        failure: Option<&Failure>,
        limit: u32,
        now: SystemTime,
    ) -> Option<Duration> {
        let Some(failure) = failure else {
            self.failures = 0;
            return None;
        };
        let length = failure.pause?;
        self.failures = self.failures.saturating_add(1);
        if limit == 0 || self.failures < limit {
            return None;
        }
        let pause = Pause { until: now + length, loses_events: failure.retry.is_none() };
        // Attempts in flight may fail during a pause. They do not shorten it.
        if self.at(now).is_none_or(|current| current.until < pause.until) {
            self.pause = Some(pause);
        }
        Some(length)
    }

    /// The pause at this moment.
    pub(in crate::eventgrid) fn at(&self, now: SystemTime) -> Option<Pause> {
        self.pause.filter(|pause| now < pause.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(pause: Option<u64>, retried: bool) -> Failure {
        let retry = retried.then_some(Duration::ZERO);
        Failure { result: String::new(), retry, pause: pause.map(Duration::from_secs) }
    }

    fn after(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn failures_in_a_row_lead_to_probation_and_a_success_between_them_does_not() {
        let mut probation = Probation::default();
        let busy = failure(Some(10), true);
        assert_eq!(probation.record(Some(&busy), 2, after(0)), None);
        assert_eq!(probation.record(None, 2, after(0)), None);
        assert_eq!(probation.record(Some(&busy), 2, after(0)), None);
        assert_eq!(probation.record(Some(&failure(None, true)), 2, after(0)), None);
        assert_eq!(probation.at(after(0)), None);
        assert_eq!(probation.record(Some(&busy), 2, after(5)), Some(Duration::from_secs(10)));
        assert_eq!(probation.at(after(14)), Some(Pause { until: after(15), loses_events: false }));
        assert_eq!(probation.at(after(15)), None);
        // The webhook still fails, so the next attempt is enough.
        assert_eq!(probation.record(Some(&busy), 2, after(15)), Some(Duration::from_secs(10)));
    }

    #[test]
    fn a_pause_is_not_shortened_and_loses_events_if_its_cause_is_not_retried() {
        let mut probation = Probation::default();
        probation.record(Some(&failure(Some(300), false)), 1, after(0));
        probation.record(Some(&failure(Some(10), true)), 1, after(100));
        assert_eq!(probation.at(after(299)), Some(Pause { until: after(300), loses_events: true }));
    }

    #[test]
    fn without_a_limit_there_is_no_probation() {
        let mut probation = Probation::default();
        for _ in 0..100 {
            assert_eq!(probation.record(Some(&failure(Some(10), true)), 0, after(0)), None);
        }
        assert_eq!(probation.at(after(0)), None);
    }
}
