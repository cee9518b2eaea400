//! What goes wrong at the service: bursts of rejections and failures, and locks that expire while events are handled.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use service_core::{SystemClock, timeout};
use service_emulator::{Emulator, Fault, Faults};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::LOCK;

const STORM: Duration = Duration::from_millis(300);
const CALM: Duration = Duration::from_millis(700);
/// All locks run out after so many storms.
const STORMS_PER_LOSS: u32 = 8;

/// Trouble until it is stopped.
pub(super) struct Troubles {
    task: JoinHandle<u32>,
    stop: Arc<Notify>,
    losses: Arc<AtomicU32>,
}

impl Troubles {
    pub(super) fn start(emulator: &Emulator, seed: u64) -> Self {
        let (stop, losses) = (Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
        let (stopped, lost) = (Arc::clone(&stop), Arc::clone(&losses));
        let (faults, time) = (emulator.faults(), emulator.clock());
        let task = tokio::spawn(async move {
            let clock = SystemClock::new();
            let mut storms = 0;
            loop {
                storm(&faults, seed.wrapping_add(u64::from(storms)));
                storms += 1;
                let over = timeout(&clock, STORM, stopped.notified()).await.is_some();
                faults.clear();
                if over || timeout(&clock, CALM, stopped.notified()).await.is_some() {
                    return storms;
                }
                if storms % STORMS_PER_LOSS == 0 {
                    time.advance(LOCK);
                    lost.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { task, stop, losses }
    }

    /// Lets every lock run out.
    pub(super) fn lose_locks(&self, emulator: &Emulator) {
        emulator.clock().advance(LOCK);
        self.losses.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends it; says how many storms there were, and how often all locks ran out.
    pub(super) async fn stop(self) -> (u32, u32) {
        self.stop.notify_one();
        (self.task.await.unwrap_or_default(), self.losses.load(Ordering::Relaxed))
    }
}

/// The service rejects, fails before it acts, fails after it acted, and cuts off its response.
fn storm(faults: &Faults, seed: u64) {
    let throttled = Fault::status(429).header("retry-after-ms", "20");
    faults.randomly(0.15, throttled, seed);
    faults.randomly(0.05, Fault::status(503).header("retry-after-ms", "20"), seed ^ 1);
    faults.randomly(0.05, Fault::status(503), seed ^ 2);
    faults.randomly(0.03, Fault::status(500).after_processing(), seed ^ 3);
    faults.randomly(0.03, Fault::reset(), seed ^ 4);
    faults.randomly(0.03, Fault::reset().after_processing(), seed ^ 5);
    faults.randomly(0.03, Fault::cut_body(), seed ^ 6);
}
