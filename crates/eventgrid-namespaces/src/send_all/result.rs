//! What became of the events.

use std::fmt;

use crate::{CloudEvent, Error, Result};

/// Reports which events of [`Sender::send_all`](crate::Sender::send_all) were published and which were not.
#[must_use = "publishing succeeds even if no event could be published"]
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SendAllResult {
    /// Counts the events that were published.
    pub sent: usize,
    /// Lists the events that were not published, or not certainly, by request.
    pub failed: Vec<FailedEvents>,
}

impl SendAllResult {
    /// Returns the number of events if all of them were published.
    ///
    /// # Errors
    ///
    /// Returns an error if any event was not published. It reports how many, and the first reason. Its outcome is unknown if that
    /// of any request is.
    pub fn into_result(self) -> Result<usize> {
        let events: usize = self.failed.iter().map(|failed| failed.events.len()).sum();
        let unknown = self.failed.iter().position(|failed| failed.error.outcome_unknown());
        // If an outcome is unknown, that is what the caller needs to see.
        match self.failed.into_iter().nth(unknown.unwrap_or_default()) {
            None => Ok(self.sent),
            Some(FailedEvents { error, .. }) => {
                let all = events + self.sent;
                let text = format!(
                    "{events} of {all} events were not published or not certainly; first failure: {error}"
                );
                let (kind, delivery) = (error.kind(), error.delivery());
                let failed = Error::new(kind, text).with_source(error);
                Err(delivery.into_iter().fold(failed, Error::with_delivery))
            }
        }
    }
}

/// Contains the events of a failed request, or an event that cannot be part of any request.
#[derive(thiserror::Error)]
#[error("could not publish {}: {error}", range(.events))]
#[non_exhaustive]
pub struct FailedEvents {
    /// Contains the error of the request, or the rule that the event breaks.
    ///
    /// If [`outcome_unknown`](Error::outcome_unknown) returns `true`, the events may have been published.
    #[source]
    pub error: Error,
    /// Lists the events in order, each with its index in the input, starting at 0.
    pub events: Vec<(usize, CloudEvent)>,
}

/// Names the events of a request by their indexes.
fn range(events: &[(usize, CloudEvent)]) -> String {
    match events {
        [] => "no event".to_owned(),
        [(index, _)] => format!("event {index}"),
        [(first, _), .., (last, _)] => format!("{} events ({first} to {last})", events.len()),
    }
}

impl fmt::Debug for FailedEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the events, whose data may be secret and fill pages.
        f.debug_struct("FailedEvents")
            .field("error", &self.error)
            .field("events", &self.events.len())
            .finish()
    }
}

impl From<FailedEvents> for Error {
    fn from(failed: FailedEvents) -> Self {
        failed.error
    }
}
