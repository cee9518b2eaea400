//! How the emulator was used in the last minute, for the charts of the page. Sampled once a second from the first time that
//! the page is viewed, so that an emulator without viewers does nothing.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::clock::real_time;
use crate::server::Shared;

/// The number of samples, a second apart.
pub(crate) const LENGTH: usize = 60;
/// In real time.
const INTERVAL: Duration = Duration::from_secs(1);

/// The samples of one emulator.
#[derive(Debug, Default)]
pub(crate) struct History {
    started: AtomicBool,
    samples: Mutex<VecDeque<Sample>>,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) connections: u64,
    pub(crate) groups: u64,
    pub(crate) users: u64,
    /// Since the start.
    pub(crate) messages: u64,
    /// Since the start.
    pub(crate) requests: u64,
}

impl History {
    /// Samples from now on, if that has not begun yet.
    pub(crate) fn start(shared: &Arc<Shared>) {
        if !shared.history.started.swap(true, Ordering::Relaxed) {
            shared.history.add(sample(shared));
            tokio::spawn(run(Arc::downgrade(shared)));
        }
    }

    /// The samples, oldest first, and the current counts.
    pub(crate) fn samples(&self) -> Vec<Sample> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    fn add(&self, sample: Sample) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.push_back(sample);
        if samples.len() > LENGTH {
            samples.pop_front();
        }
    }
}

/// Ends with the emulator.
async fn run(shared: Weak<Shared>) {
    loop {
        real_time::within(INTERVAL, std::future::pending::<()>()).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.history.add(sample(&shared));
    }
}

fn sample(shared: &Shared) -> Sample {
    let mut sample = Sample { requests: shared.journal.count(), ..Sample::default() };
    shared.services.all().iter().for_each(|service| service.count(&mut sample));
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_minute_is_kept() {
        let history = History::default();
        for requests in 0..=60 {
            history.add(Sample { requests, ..Sample::default() });
        }
        let samples = history.samples();
        assert_eq!((samples.len(), samples[0].requests, samples[59].requests), (LENGTH, 1, 60));
    }
}
