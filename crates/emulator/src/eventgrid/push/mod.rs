//! Push subscriptions: events are sent to a webhook, which first consents, on the documented schedule (push delivery,
//! sections A2 to A7).

mod dispatch;
mod open_id;
mod outcome;
mod probation;
mod request;
mod settings;
mod token;

use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::watch;

pub(super) use dispatch::run;
pub(super) use open_id::respond as respond_open_id;
pub(super) use outcome::Failure;
use probation::Probation;
pub(crate) use settings::Checked;
pub use settings::{PushContent, PushSettings};
pub(super) use token::Issuer;
pub use token::PushToken;

/// Describes the webhook of a push subscription at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushInfo {
    /// The URL without its query, which may contain a secret.
    pub url: String,
    /// Whether the webhook has consented to deliveries. Until then, events wait.
    pub validated: bool,
    /// Whether the subscription is on probation: deliveries are paused because attempts kept failing.
    pub on_probation: bool,
}

/// The settings of a push subscription after they were checked.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) settings: PushSettings,
    pub(super) checked: Checked,
}

/// The push part of a subscription. New settings reach the task that delivers through the channel.
#[derive(Debug)]
pub(super) struct Push {
    pub(super) config: watch::Sender<Arc<Config>>,
    pub(super) validated: bool,
    pub(super) probation: Probation,
}

impl Push {
    pub(super) fn new(config: watch::Sender<Arc<Config>>) -> Self {
        Self { config, validated: false, probation: Probation::default() }
    }

    pub(super) fn info(&self, now: SystemTime) -> PushInfo {
        let on_probation = self.probation.at(now).is_some();
        PushInfo { url: self.config.borrow().checked.url(), validated: self.validated, on_probation }
    }
}
