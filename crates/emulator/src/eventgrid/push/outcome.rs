//! What becomes of an event after an attempt to push it (push delivery, section A4). Where the documentation contradicts
//! itself, the strict reading loses the event, and the lenient one retries.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::webhook::NoResponse;

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::eventgrid) struct Failure {
    /// What happened, for the dead letter.
    pub(in crate::eventgrid) result: String,
    /// The minimum time until the next attempt. `None` if there is none.
    pub(in crate::eventgrid) retry: Option<Duration>,
    /// How long the service pauses the subscription for this cause. `None` if the cause does not lead to probation.
    pub(in crate::eventgrid) pause: Option<Duration>,
}

const BRIEF: Duration = Duration::from_secs(10);
const BUSY: Duration = Duration::from_secs(30);
const TIMED_OUT: Duration = Duration::from_secs(2 * 60);
const LONG: Duration = Duration::from_secs(5 * 60);

/// Returns the failure that a response, or the lack of one, means. `None` is a success.
pub(super) fn failure(outcome: &Result<Response<Bytes>, NoResponse>, lenient: bool) -> Option<Failure> {
    match outcome {
        Ok(response) if is_success(response.status()) => None,
        Ok(response) => {
            let status = response.status();
            let (retry, pause) = (retry(status, lenient), pause(status));
            Some(Failure { result: status.to_string(), retry, pause })
        }
        Err(error) => {
            let (retry, pause) = (lenient.then_some(BRIEF), pause_without_response(error));
            Some(Failure { result: error.to_string(), retry, pause })
        }
    }
}

/// Section A5: the pause for Busy, TimedOut, and what makes it longer. Other causes are not documented.
fn pause(status: StatusCode) -> Option<Duration> {
    match status.as_u16() {
        408 | 429 | 503 => Some(BRIEF),
        401 | 403 | 404 => Some(LONG),
        _ => None,
    }
}

/// The pause for TimedOut, SocketError, ResolutionError, and Forbidden.
fn pause_without_response(error: &NoResponse) -> Option<Duration> {
    match error {
        NoResponse::Late => Some(BRIEF),
        // The resolver's errors are not the system's, so they have no number.
        NoResponse::Unreachable(error) if error.raw_os_error().is_none() => Some(LONG),
        NoResponse::Unreachable(_) | NoResponse::NoTls(_) | NoResponse::Broken(_) | NoResponse::Cut => {
            Some(BUSY)
        }
        NoResponse::Forbidden => Some(LONG),
        NoResponse::TooLarge => None,
    }
}

fn is_success(status: StatusCode) -> bool {
    (200..=204).contains(&status.as_u16())
}

fn retry(status: StatusCode, lenient: bool) -> Option<Duration> {
    match status.as_u16() {
        400 | 403 | 413 => None,
        401 | 404 => lenient.then_some(LONG),
        414 => lenient.then_some(BRIEF),
        408 => Some(TIMED_OUT),
        503 => Some(BUSY),
        _ => Some(BRIEF),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry_after(status: u16, lenient: bool) -> Option<Option<u64>> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let failure = failure(&Ok(response), lenient)?;
        Some(failure.retry.map(|wait| wait.as_secs()))
    }

    #[test]
    fn only_five_statuses_are_a_success() {
        for status in 200..=299 {
            assert_eq!(retry_after(status, false).is_none(), status <= 204, "{status}");
        }
    }

    #[test]
    fn a_status_is_retried_as_the_strict_and_the_lenient_reading_say() {
        for (status, strict, lenient) in [
            (400, None, None),
            (401, None, Some(300)),
            (403, None, None),
            (404, None, Some(300)),
            (408, Some(120), Some(120)),
            (413, None, None),
            (414, None, Some(10)),
            (503, Some(30), Some(30)),
            (302, Some(10), Some(10)),
            (409, Some(10), Some(10)),
            (410, Some(10), Some(10)),
            (415, Some(10), Some(10)),
            (429, Some(10), Some(10)),
            (500, Some(10), Some(10)),
            (502, Some(10), Some(10)),
            (504, Some(10), Some(10)),
            (205, Some(10), Some(10)),
        ] {
            assert_eq!(retry_after(status, false), Some(strict), "{status}");
            assert_eq!(retry_after(status, true), Some(lenient), "{status}");
        }
    }

    #[test]
    fn without_a_response_an_event_is_lost_unless_retries_are_lenient() {
        assert_eq!(failure(&Err(NoResponse::Late), false).unwrap().retry, None);
        assert_eq!(failure(&Err(NoResponse::Late), true).unwrap().retry, Some(BRIEF));
    }
}
