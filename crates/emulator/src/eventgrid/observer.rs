//! Observation of deliveries: each step of every lock token, reported in the order in which it happens.

use std::fmt;
use std::sync::Arc;

/// Describes one step of a delivery, which [`EventGrid::observe`](super::EventGrid::observe) reports.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Observation<'a> {
    /// The lock token that identifies the delivery.
    pub lock_token: &'a str,
    /// Contains the event, as JSON.
    pub event: &'a str,
    /// Counts the deliveries of the event, including this one.
    pub deliveries: u32,
    /// The step that happened.
    pub step: DeliveryStep,
}

/// Says what happened to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryStep {
    /// The event was locked for a receiver.
    Locked,
    /// The receiver acknowledged the event.
    Acknowledged,
    /// The receiver released the event.
    Released,
    /// The receiver rejected the event.
    Rejected,
    /// The lock expired.
    Expired,
}

/// The function that observes a subscription, if there is one.
#[derive(Clone, Default)]
pub(super) struct Observer(Option<Arc<Observe>>);

type Observe = dyn Fn(&Observation<'_>) + Send + Sync;

impl Observer {
    pub(super) fn new(observe: impl Fn(&Observation<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(observe)))
    }

    /// Reports a step. The lock token is encoded only if there is an observer.
    pub(super) fn report(
        &self,
        step: DeliveryStep,
        lock_token: impl FnOnce() -> String,
        event: &str,
        deliveries: u32,
    ) {
        if let Some(observe) = &self.0 {
            observe(&Observation { lock_token: &lock_token(), event, deliveries, step });
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.is_some()).finish()
    }
}
