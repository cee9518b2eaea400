//! The one classification of outcomes, on which retries and the predicates of [`Error`] depend.

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::error::{Delivery, Error, ErrorKind, Result};

/// What the outcome of an attempt means for the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The request was not sent.
    NotSent,
    /// The service rejected the request for now, and did not act.
    Throttled,
    /// The service may have acted. Another attempt may succeed.
    Unknown,
    /// The service responded with success, but the response was lost. Another attempt may return it.
    Accepted,
    /// The service may have acted. Another attempt would fail in the same way.
    Ambiguous,
    /// The service, or a proxy, rejected the request. Another attempt would be rejected too.
    Rejected,
    /// The request failed for another reason, and the service did not act.
    Failed,
}

impl Outcome {
    /// Classifies an attempt that did not succeed. `unavailable` is whether a 503 means that the service did not act, because
    /// it has a `Retry-After` value or the caller declared it.
    pub(crate) fn of(attempt: &Result<Response<Bytes>>, unavailable: bool) -> Self {
        match attempt {
            Ok(response) => Self::of_status(response.status(), unavailable),
            Err(error) => Self::of_error(error, unavailable),
        }
    }

    /// Implements the table in the module's documentation for responses.
    fn of_status(status: StatusCode, unavailable: bool) -> Self {
        match status.as_u16() {
            429 => Self::Throttled,
            503 if unavailable => Self::Throttled,
            408 | 500 | 502 | 503 | 504 => Self::Unknown,
            501 | 505 | 511 => Self::Failed,
            // A success that the operation does not list did not come from the service.
            200..=299 | 500..=599 => Self::Ambiguous,
            400..=499 => Self::Rejected,
            _ => Self::Failed,
        }
    }

    fn of_error(error: &Error, unavailable: bool) -> Self {
        let permanent = error.inner().permanent;
        // A response that was read and found invalid is not lost.
        let unread = !matches!(error.kind(), ErrorKind::Decode | ErrorKind::ResponseTooLarge);
        match (error.delivery(), error.status()) {
            (Some(Delivery::NotSent), _) if !permanent => Self::NotSent,
            (Some(Delivery::Unknown), _) if !permanent && unread => Self::Unknown,
            (Some(Delivery::Accepted), _) if !permanent && unread && error.kind() != ErrorKind::Service => {
                Self::Accepted
            }
            (Some(Delivery::Unknown | Delivery::Accepted), _) => Self::Ambiguous,
            (Some(Delivery::Responded), Some(status)) if !permanent => Self::of_status(status, unavailable),
            _ => Self::Failed,
        }
    }

    /// Returns whether the service may have acted on the request.
    pub(crate) fn may_have_acted(self) -> bool {
        matches!(self, Self::Unknown | Self::Accepted | Self::Ambiguous)
    }

    /// Returns whether another attempt may succeed.
    pub(crate) fn is_transient(self) -> bool {
        matches!(self, Self::NotSent | Self::Throttled | Self::Unknown | Self::Accepted)
    }
}

impl Error {
    fn outcome(&self) -> Outcome {
        Outcome::of_error(self, self.inner().unavailable || self.retry_after().is_some())
    }

    /// Returns whether the service may have acted on the request, in the last attempt or in an earlier one, although no
    /// response of the service confirms it.
    ///
    /// This is the case if:
    ///
    /// * the request was sent, but no complete response arrived;
    /// * the status is 408 or a 5xx other than 501, 505, 511, and 503 with `Retry-After`
    ///   ([`RetryOptions::bare_503_is_rejection`](crate::RetryOptions::bare_503_is_rejection) excludes every 503); or
    /// * the status is a 2xx, but the response does not look like the service's.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        let confirmed = self.delivery() == Some(Delivery::Accepted) && self.kind() == ErrorKind::Decode;
        self.may_have_acted() && !confirmed
    }

    /// Returns whether the service may have acted on the request, or certainly has.
    ///
    /// This is the case if the [outcome is unknown](Self::outcome_unknown), and also if the service confirmed that it acted,
    /// but a value in its response could not be read.
    #[must_use]
    pub fn may_have_acted(&self) -> bool {
        self.outcome().may_have_acted()
    }

    /// Returns whether the failure is transient, so that a later call may succeed.
    ///
    /// If the [outcome is unknown](Self::outcome_unknown), a later call may also have a second effect.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.outcome().is_transient() || self.is_throttled()
    }

    /// Returns whether the client, a proxy, or the service rejected the request, so that a retry alone cannot succeed.
    ///
    /// This is the case if an argument is invalid, no credential could be obtained, or the last status is a 4xx other than 408
    /// and 429.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        let by_status = |status| Outcome::of_status(status, false) == Outcome::Rejected;
        matches!(self.kind(), ErrorKind::InvalidInput | ErrorKind::Credential)
            || self.status().is_some_and(by_status)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::retry::Cause::{Throttled, Transient};
    use crate::retry::{Decision, decide};

    fn responded(status: u16) -> Result<Response<Bytes>> {
        Ok(Response::builder().status(status).body(Bytes::new()).unwrap())
    }

    /// The error that a call returns for this response.
    fn error(status: u16, has_hint: bool) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        let mut error = Error::from_response(status, HeaderMap::new(), Bytes::new(), &[]);
        error.inner_mut().retry_after = has_hint.then_some(std::time::Duration::ZERO);
        error
    }

    /// What the rules say about a status: whether it is retried for idempotent and for other operations, whether the service
    /// may have acted, and whether it rejected the request for good.
    fn expected(status: u16, has_hint: bool) -> ([Decision; 2], bool, bool) {
        match (status, has_hint) {
            (429, _) | (503, true) => ([Decision::Retry(Throttled); 2], false, false),
            (408 | 500 | 502 | 503 | 504, _) => {
                ([Decision::Retry(Transient), Decision::NotIdempotent], true, false)
            }
            (501 | 505 | 511, _) => ([Decision::Final; 2], false, false),
            (500.., _) => ([Decision::Final; 2], true, false),
            (..500, _) => ([Decision::Final; 2], false, true),
        }
    }

    #[test]
    fn every_status_from_400_to_599_is_classified_once_for_retries_and_errors() {
        for (status, has_hint) in (400..600).flat_map(|status| [(status, false), (status, true)]) {
            let (decisions, may_have_acted, rejected) = expected(status, has_hint);
            let outcome = Outcome::of(&responded(status), has_hint);
            for (decision, idempotent) in decisions.into_iter().zip([true, false]) {
                for returns_value in [true, false] {
                    assert_eq!(decide(outcome, idempotent, returns_value), decision, "{status} {has_hint}");
                }
            }
            let error = error(status, has_hint);
            assert_eq!(error.outcome_unknown(), may_have_acted, "{status} {has_hint}");
            assert_eq!(error.is_rejected(), rejected, "{status} {has_hint}");
            assert_eq!(error.is_transient(), decisions[0] != Decision::Final, "{status} {has_hint}");
        }
    }

    #[test]
    fn a_status_below_400_is_final_and_only_an_unexpected_success_may_have_acted() {
        for status in [101, 200, 202, 204, 299, 300, 301, 302, 304, 399] {
            let outcome = Outcome::of(&responded(status), true);
            assert_eq!(decide(outcome, true, true), Decision::Final, "{status}");
            let error = error(status, false);
            assert_eq!(error.outcome_unknown(), (200..300).contains(&status), "{status}");
            assert!(!error.is_rejected() && !error.is_transient(), "{status}");
        }
    }

    #[test]
    fn a_request_without_a_response_is_classified_by_how_far_it_got() {
        let decisions = |outcome, value| [true, false].map(|idempotent| decide(outcome, idempotent, value));
        for (delivery, value, [idempotent, other], may_have_acted) in [
            (Delivery::NotSent, false, [Decision::Retry(Transient); 2], false),
            (Delivery::Unknown, false, [Decision::Retry(Transient), Decision::NotIdempotent], true),
            (Delivery::Accepted, true, [Decision::Retry(Transient), Decision::NotIdempotent], true),
            (Delivery::Accepted, false, [Decision::Final; 2], true),
            (Delivery::Responded, false, [Decision::Final; 2], false),
        ] {
            let fail = || Error::new(ErrorKind::Transport, "scripted").with_delivery(delivery);
            let outcome = Outcome::of(&Err(fail()), false);
            assert_eq!(decisions(outcome, value), [idempotent, other], "{delivery:?}");
            assert_eq!((fail().outcome_unknown(), fail().is_rejected()), (may_have_acted, false));
            // A permanent failure is never retried, and leaves open what it left open before.
            let outcome = Outcome::of(&Err(fail().permanent()), false);
            assert_eq!(decisions(outcome, true), [Decision::Final; 2], "{delivery:?}");
            assert_eq!(outcome.may_have_acted(), may_have_acted, "{delivery:?}");
        }
    }

    #[test]
    fn an_unreadable_success_may_have_acted_and_is_not_retried() {
        for (kind, delivery, unknown) in [
            (ErrorKind::Decode, Delivery::Unknown, true),
            // It looks like the service's, but a value in it cannot be read.
            (ErrorKind::Decode, Delivery::Accepted, false),
            (ErrorKind::ResponseTooLarge, Delivery::Accepted, true),
            (ErrorKind::Service, Delivery::Accepted, true),
        ] {
            let error = Error::new(kind, "scripted").with_delivery(delivery);
            assert_eq!((error.outcome_unknown(), error.may_have_acted()), (unknown, true), "{kind}");
            assert!(!error.is_transient() && !error.is_rejected(), "{kind}");
        }
    }

    #[test]
    fn a_request_that_the_client_or_a_proxy_rejects_is_rejected() {
        let invalid = Error::invalid_input("thing", "breaks a rule", None);
        let credential = Error::new(ErrorKind::Credential, "no token").with_delivery(Delivery::NotSent);
        let proxy = Error::new(ErrorKind::Transport, "the proxy requires authentication")
            .with_head(StatusCode::PROXY_AUTHENTICATION_REQUIRED, HeaderMap::new())
            .with_delivery(Delivery::NotSent);
        for error in [invalid, credential.permanent(), proxy.permanent()] {
            assert!(error.is_rejected() && !error.is_transient() && !error.outcome_unknown(), "{error}");
        }
    }
}
