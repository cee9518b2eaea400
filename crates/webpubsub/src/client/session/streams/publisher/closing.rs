//! How a stream ends: what the service's last frame says about its parts, and how its writer is notified.

use std::time::Duration;

use service_core::{Delivery, ErrorKind};

use super::{Phase, Publisher};
use crate::client::frame::Rejection;
use crate::client::streams::Failure;

impl Publisher {
    /// Handles the end of the stream at the service.
    pub(in crate::client::session::streams) fn closed(mut self, rejection: Option<Rejection>, now: Duration) {
        let is_complete = self.parts.is_empty();
        // The service may have closed the stream before, so that its frame was lost with the connection.
        let may_be_finished = rejection.as_ref().is_some_and(|rejection| rejection.name == "StreamNotFound")
            && self.end.as_ref().is_some_and(|end| end.was_written);
        let confirms = match (&rejection, &self.end) {
            // The service processes frames in order, so it has accepted what it has not rejected.
            (None, Some(end)) => end.is_written && (is_complete || self.rejections == 0),
            (Some(_), Some(_)) => may_be_finished && is_complete && !self.may_have_been_idle(now),
            (_, None) => false,
        };
        if confirms {
            if let Some(done) = self.end.take().and_then(|end| end.done) {
                let _ = done.send(Ok(()));
            }
            return;
        }
        let delivery = if may_be_finished { Delivery::Unknown } else { Delivery::Responded };
        let Rejection { name, message } = rejection.unwrap_or_default();
        let mut failure = Failure::new(ErrorKind::Service, message, delivery);
        if failure.text.is_empty() {
            failure.text = "the service closed the stream before all its parts were accepted".to_owned();
        }
        failure.code = Some(if name.is_empty() { "Failed".to_owned() } else { name });
        self.fail(failure);
    }

    /// Returns whether the service may have ended the stream for being idle, so that subscribers did not receive its end.
    ///
    /// The service renews the idle time before its acknowledgment arrives. A late acknowledgment must not make the end of a
    /// stream look like a success, so half of the idle time is enough.
    fn may_have_been_idle(&self, now: Duration) -> bool {
        now.saturating_sub(self.accepted_at) >= self.idle_timeout / 2
    }

    pub(in crate::client::session::streams) fn fail(mut self, mut failure: Failure) {
        if self.is_unstarted() {
            failure.delivery = Delivery::NotSent;
        }
        let error = || Err(failure.to_error());
        if let Phase::Opening { opened: Some(opened), .. } = self.phase {
            let _ = opened.send(error());
        }
        if let Some(done) = self.end.take().and_then(|end| end.done) {
            let _ = done.send(error());
        }
        self.window.fail(failure);
    }
}
