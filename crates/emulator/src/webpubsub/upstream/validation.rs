//! Whether a webhook's address allows this service to call it (event handler, section 2). A success is refreshed in the
//! background; a failure is checked again at the next event, after a pause that grows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::{Upstream, headers};
use crate::webhook::Outgoing;
use crate::webhook::Target;

const VALIDITY: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// A bound of the emulator, because clients choose the origin. Beyond it, all results are forgotten.
const MAX_RESULTS: usize = 1_000;

/// The results of the checks so far, by address and by the origin that was asked for.
#[derive(Debug, Default)]
pub(super) struct Validations(Mutex<HashMap<(Target, String), Arc<Validation>>>);

#[derive(Debug, Default)]
struct Validation {
    last: Mutex<Option<Checked>>,
    /// Held during a check, so that only one runs at a time.
    running: Arc<AsyncMutex<()>>,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Checked {
    allowed: bool,
    /// The failures in a row.
    failures: u32,
    /// When the address is checked again.
    due: SystemTime,
}

impl Validations {
    fn of(&self, target: &Target, origin: &str) -> Arc<Validation> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (target.clone(), origin.to_owned());
        if all.len() >= MAX_RESULTS && !all.contains_key(&key) {
            all.clear();
        }
        Arc::clone(all.entry(key).or_default())
    }
}

impl Validation {
    fn last(&self) -> Option<Checked> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checked {
    fn after(last: Option<Self>, allowed: bool, now: SystemTime) -> Self {
        if allowed {
            return Self { allowed, failures: 0, due: now + VALIDITY };
        }
        let failures = last.map_or(0, |last| last.failures).saturating_add(1);
        Self { allowed, failures, due: now + pause(failures) }
    }
}

/// 1, 2, 4, 8, 16, 32 s, and then 60 s.
fn pause(failures: u32) -> Duration {
    Duration::from_secs(1 << (failures - 1).min(6)).min(MAX_PAUSE)
}

impl Upstream {
    /// Whether the address allows this service to call it. Waits for a check if there was none, or if the last one
    /// failed and its pause is over.
    pub(super) async fn may_call(self: &Arc<Self>, target: &Target, origin: &str) -> bool {
        let validation = self.validations.of(target, origin);
        let valid = |last: &Checked| self.clock.now() < last.due;
        match validation.last() {
            Some(last) if valid(&last) => return last.allowed,
            Some(Checked { allowed: true, .. }) => {
                if let Ok(turn) = Arc::clone(&validation.running).try_lock_owned() {
                    self.refresh(validation, target.clone(), origin.to_owned(), turn);
                }
                return true;
            }
            _ => {}
        }
        let _turn = validation.running.lock().await;
        // Another event may have waited for the same check.
        match validation.last().filter(valid) {
            Some(last) => last.allowed,
            None => self.validate(&validation, target, origin).await,
        }
    }

    fn refresh(
        self: &Arc<Self>,
        validation: Arc<Validation>,
        target: Target,
        origin: String,
        turn: OwnedMutexGuard<()>,
    ) {
        let upstream = Arc::clone(self);
        tokio::spawn(async move {
            upstream.validate(&validation, &target, &origin).await;
            drop(turn);
        });
    }

    async fn validate(&self, validation: &Validation, target: &Target, origin: &str) -> bool {
        let allowed = self.check(target, origin).await;
        let mut last = validation.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(Checked::after(*last, allowed, self.clock.now()));
        allowed
    }

    /// Asks with `OPTIONS`, and with `GET` where that is 404.
    async fn check(&self, target: &Target, origin: &str) -> bool {
        for method in [Method::OPTIONS, Method::GET] {
            let headers = headers::check(origin);
            let request = Outgoing { target, method, headers, body: bytes::Bytes::new() };
            match self.call(TIMEOUT, "validate", request.clone()).await {
                Ok(response) if response.status().is_success() => {
                    let allowed = headers::allows(response.headers(), origin);
                    if !allowed {
                        tracing::warn!(origin, "an event handler does not allow this origin");
                    }
                    return allowed;
                }
                Ok(response)
                    if response.status() == StatusCode::NOT_FOUND && request.method == Method::OPTIONS => {}
                Ok(response) => {
                    tracing::warn!(status = response.status().as_u16(), "an event handler failed its check");
                    return false;
                }
                Err(error) => {
                    tracing::warn!(%error, "an event handler could not be checked");
                    return false;
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_start_over_after_a_success() {
        let now = SystemTime::UNIX_EPOCH;
        let mut last = Some(Checked::after(None, true, now));
        assert_eq!(last.map(|last| last.due), Some(now + Duration::from_secs(60)));
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            last = Some(Checked::after(last, false, now));
            assert_eq!(last.map(|last| last.due), Some(now + Duration::from_secs(seconds)));
        }
        last = Some(Checked::after(last, true, now));
        last = Some(Checked::after(last, false, now));
        assert_eq!(last.map(|last| last.due), Some(now + Duration::from_secs(1)));
    }

    #[test]
    fn the_number_of_results_is_bounded() {
        let validations = Validations::default();
        let target = super::super::EventHandlerSettings::new("http://h/").check_target("chat").unwrap();
        for number in 0..=MAX_RESULTS {
            validations.of(&target, &number.to_string());
        }
        assert_eq!(validations.0.lock().unwrap().len(), 1);
    }
}
