//! The overrides of a call, recorded so that they can be applied to each of its requests.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use service_core::Call;

use crate::{Error, Policy, RetryOptions};

type Override = Box<dyn Fn(&mut Call<()>) + Send>;

#[derive(Default)]
pub(super) struct Overrides(Vec<Override>);

impl Overrides {
    pub(super) fn apply(&self, call: &mut Call<()>) {
        self.0.iter().for_each(|change| change(call));
    }

    /// Makes every request fail before it is sent, because an argument is invalid.
    pub(super) fn invalid(&mut self, what: &'static str, rule: &'static str, value: &'static str) {
        self.push(move |call| call.check(Err(Error::invalid_input(what, rule, Some(value)))));
    }

    pub(super) fn header<N: TryInto<HeaderName>, V: TryInto<HeaderValue>>(&mut self, name: N, value: V) {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => self.push(move |call| call.header(name.clone(), value.clone())),
            // An invalid name and an invalid value make the core report its own error for each.
            (Err(_), _) => self.push(|call| call.header("", "")),
            (_, Err(_)) => self.push(|call| call.header("x", "\n")),
        }
    }

    pub(super) fn deadline(&mut self, limit: Duration) {
        self.push(move |call| call.deadline(limit));
    }

    pub(super) fn attempt_timeout(&mut self, limit: Duration) {
        self.push(move |call| call.attempt_timeout(limit));
    }

    pub(super) fn connect_timeout(&mut self, limit: Duration) {
        self.push(move |call| call.connect_timeout(limit));
    }

    pub(super) fn retry(&mut self, retry: RetryOptions) {
        self.push(move |call| call.retry(retry.clone()));
    }

    pub(super) fn idempotent(&mut self, idempotent: bool) {
        self.push(move |call| call.idempotent(idempotent));
    }

    pub(super) fn policy(&mut self, policy: Arc<dyn Policy>) {
        self.push(move |call| call.policy(Arc::clone(&policy)));
    }

    fn push(&mut self, change: impl Fn(&mut Call<()>) + Send + 'static) {
        self.0.push(Box::new(change));
    }
}
