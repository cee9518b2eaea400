//! Faults of requests and of open WebSockets. Request faults are scripted (first in, first out) or random with a seed.
//! WebSocket faults are scripted.
//!
//! See [`Faults`] for an example.

mod fault;
mod scheduled;
pub(crate) mod sockets;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

pub use fault::Fault;
pub use scheduled::{FaultId, ScheduledFault};
pub use sockets::{SocketFault, StreamNack};

use crate::message::{Request, Service};

/// A handle that schedules the faults of one emulator. [`Emulator::faults`](crate::Emulator::faults) returns it, and
/// all clones share the same faults.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use service_emulator::{Emulator, Fault};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let emulator = Emulator::start().await?;
/// let faults = emulator.faults();
/// // Two requests are throttled. Then one POST request is processed, but its response is lost.
/// faults.push(Fault::status(503).header("retry-after", "1").times(2));
/// faults.push(Fault::reset().after_processing().method("POST"));
/// assert_eq!(faults.pending(), 3);
///
/// // On average, one of ten other requests takes 200 ms longer.
/// faults.randomly(0.1, Fault::delay(Duration::from_millis(200)), 42);
///
/// faults.clear();
/// assert_eq!(faults.pending(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    /// The id of the newest fault. Ids are not reused.
    last: u64,
    queue: VecDeque<Fault>,
    random: Vec<Random>,
    sockets: sockets::SocketScript,
}

#[derive(Debug)]
struct Random {
    id: FaultId,
    probability: f64,
    fault: Fault,
    rng: fastrand::Rng,
}

impl Faults {
    /// Appends a fault to the queue and returns its id. The first fault in the queue that matches a request affects it.
    /// The others wait.
    pub fn push(&self, mut fault: Fault) -> FaultId {
        let mut script = self.script();
        fault.id = script.next_id();
        let id = fault.id;
        if fault.times > 0 {
            script.queue.push_back(fault);
        }
        id
    }

    /// Lets this fault affect each matching request with a probability from 0 to 1, until it is
    /// [removed](Self::remove). Returns its id.
    ///
    /// Scripted faults take precedence, and at most one fault affects a request. The same seed and the same order of
    /// requests produce the same faults.
    pub fn randomly(&self, probability: f64, fault: Fault, seed: u64) -> FaultId {
        let rng = fastrand::Rng::with_seed(seed);
        let mut script = self.script();
        let id = script.next_id();
        script.random.push(Random { id, probability, fault, rng });
        id
    }

    /// Returns how many times scripted faults are still to occur. Random faults do not count.
    pub fn pending(&self) -> usize {
        let script = self.script();
        let requests: usize = script.queue.iter().map(|fault| fault.times as usize).sum();
        requests + script.sockets.pending()
    }

    /// Removes all faults, scripted and random.
    pub fn clear(&self) {
        let mut script = self.script();
        script.queue.clear();
        script.random.clear();
        script.sockets.clear();
    }

    /// Returns the fault that affects this request. A scripted one is counted as used.
    pub(crate) fn strike(&self, request: &Request, service: Option<Service>) -> Option<Fault> {
        let mut script = self.script();
        if let Some(place) = script.queue.iter().position(|fault| fault.matches(request, service)) {
            let fault = &mut script.queue[place];
            fault.times -= 1;
            return if fault.times == 0 { script.queue.remove(place) } else { Some(fault.clone()) };
        }
        let random = script.random.iter_mut().filter(|random| random.fault.matches(request, service));
        random
            .into_iter()
            .find_map(|random| (random.rng.f64() < random.probability).then(|| random.fault.clone()))
    }

    fn script(&self) -> std::sync::MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: http::Method, target: &str) -> Request {
        Request::read(method, target.to_owned(), http::HeaderMap::new(), bytes::Bytes::new()).unwrap()
    }

    fn strikes(faults: &Faults, method: http::Method, target: &str) -> bool {
        faults.strike(&request(method, target), Some(Service::Hulft)).is_some()
    }

    #[test]
    fn a_fault_occurs_as_often_as_requested_and_no_more() {
        let faults = Faults::default();
        faults.push(Fault::status(500).times(2));
        faults.push(Fault::status(500).times(0));
        assert_eq!(faults.pending(), 2);
        let struck = [0; 3].map(|_| strikes(&faults, http::Method::GET, "/a"));
        assert_eq!((struck, faults.pending()), ([true, true, false], 0));
    }

    #[test]
    fn a_fault_waits_for_the_request_that_matches_it() {
        let faults = Faults::default();
        faults.push(Fault::reset().method("POST").path_contains(":send").service(Service::Hulft));
        assert!(!strikes(&faults, http::Method::GET, "/x/:send"));
        assert!(!strikes(&faults, http::Method::POST, "/x/other?y=:send"));
        assert!(faults.strike(&request(http::Method::POST, "/x/:send"), Some(Service::EventGrid)).is_none());
        assert!(strikes(&faults, http::Method::POST, "/x/:send"));
    }

    #[test]
    fn a_seed_decides_which_requests_are_affected() {
        let run = |seed| {
            let faults = Faults::default();
            faults.randomly(0.5, Fault::reset(), seed);
            (0..64).map(|_| strikes(&faults, http::Method::GET, "/a")).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!(run(7).contains(&true) && run(7).contains(&false));
    }

    #[test]
    fn clearing_ends_random_faults_too() {
        let faults = Faults::default();
        faults.randomly(1.0, Fault::reset(), 1);
        assert!(strikes(&faults, http::Method::GET, "/a"));
        faults.clear();
        assert!(!strikes(&faults, http::Method::GET, "/a"));
    }
}
