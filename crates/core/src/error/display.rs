//! The text of an error: one line with operation, status, code, message, request id, attempts, and elapsed time.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::{Delivery, Error, ErrorKind, StopReason};

/// The maximum number of characters of a message in the line; `Error::message` returns the whole message.
const MAX_SHOWN: usize = 400;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        if let Some(operation) = inner.operation {
            write!(f, "{operation}: ")?;
        }
        self.failure(f)?;
        if let Some(reason) = inner.reason.as_deref().filter(|reason| self.message() != Some(reason)) {
            write!(f, "; {reason}")?;
        }
        if inner.delivery == Some(Delivery::Accepted) {
            f.write_str("; the service accepted the request")?;
        } else if self.outcome_unknown() {
            f.write_str("; the service may have acted on it")?;
        }
        if let Some(stop) = inner.stop {
            write!(f, "; not retried: {stop}")?;
        }
        // Without a response, the wait is that of the client's rate limiter, and the message contains it.
        if let (Some(wait), Some(_)) = (inner.retry_after, self.status()) {
            write!(f, "; the service asked to wait {}", Short(wait))?;
        }
        if let (Some(help), Some(StatusCode::UNAUTHORIZED)) = (inner.unauthorized_help, self.status()) {
            write!(f, "; see {help}")?;
        }
        if let Some(note) = self.note() {
            write!(f, "; {}", OneLine(note))?;
        }
        self.attempts_and_time(f)
    }
}

impl Error {
    fn failure(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(status) = self.status() {
            write!(f, "{status}")?;
            separator = ", ";
        }
        if let Some(code) = self.code() {
            write!(f, "{separator}{}", OneLine(code))?;
            separator = ": ";
        }
        match self.message() {
            Some(message) => write!(f, "{separator}{}", OneLine(message)),
            None if self.body().is_empty() => f.write_str(if separator.is_empty() { "failed" } else { "" }),
            None if self.is_html() => write!(f, "{separator}an HTML page instead of the service's error"),
            // Not a documented shape, for example a proxy's page. Its beginning identifies it.
            None => write!(f, "{separator}{}", OneLine(&String::from_utf8_lossy(self.body()))),
        }
    }

    fn attempts_and_time(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, id) = (self.inner().host.as_deref(), self.request_id());
        if host.is_none() && id.is_none() && self.attempts() == 0 {
            return Ok(());
        }
        f.write_str(" (")?;
        if let Some(host) = host {
            write!(f, "host {host}, ")?;
        }
        if let Some(id) = id {
            write!(f, "request id {}, ", OneLine(id))?;
        }
        let attempts = if self.attempts() == 1 { "attempt" } else { "attempts" };
        write!(f, "{} {attempts}, {})", self.attempts(), Short(self.elapsed()))
    }
}

/// What a `main` prints that returns an error is the line, not a structure.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotIdempotent => "the operation is not idempotent",
            Self::Deadline => "the wait would exceed the deadline",
            Self::Quota => "the client's retry quota is exhausted",
            Self::Attempts => "the maximum number of retries was reached",
        })
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidInput => "invalid_input",
            Self::Credential => "credential",
            Self::Transport => "transport",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Service => "service",
            Self::Decode => "decode",
            Self::ResponseTooLarge => "response_too_large",
        })
    }
}

struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words =
            self.0.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let mut line = words.next().unwrap_or("").to_owned();
        for word in words.take(MAX_SHOWN) {
            line.push(' ');
            line.push_str(word);
        }
        match line.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => write!(f, "{}...", &line[..end]),
            None => f.write_str(&line),
        }
    }
}

/// External text on a single line of limited length.
pub(super) fn one_line(text: &str) -> String {
    OneLine(text).to_string()
}

/// A duration with the precision that people need.
struct Short(Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duration = rounded(self.0);
        match duration.as_secs() {
            0 => write!(f, "{} ms", duration.as_millis()),
            1..100 => write!(f, "{:.1} s", duration.as_secs_f64()),
            100..7200 => write!(f, "{} s", duration.as_secs()),
            long => write!(f, "{} h {} min", long / 3600, long / 60 % 60),
        }
    }
}

/// Rounds a duration to a tenth of a second, or to a millisecond if it is shorter than a second.
pub(crate) fn rounded(duration: Duration) -> Duration {
    const MILLISECOND: u128 = 1_000_000;
    let unit = if duration.as_nanos() + MILLISECOND / 2 < 1000 * MILLISECOND {
        MILLISECOND
    } else {
        100 * MILLISECOND
    };
    let nanos = (duration.as_nanos() + unit / 2) / unit * unit;
    u64::try_from(nanos).map_or(duration, Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    #[test]
    fn an_error_response_is_one_line_with_all_its_parts() {
        let body = Bytes::from_static(b"{\"code\":\"A.B\",\"message\":\"It is\\n not there.\"}");
        let mut error = Error::from_response(StatusCode::NOT_FOUND, HeaderMap::new(), body, &[]);
        let inner = error.inner_mut();
        inner.operation = Some("CloseRoom");
        inner.request_id = Some("id-1".to_owned());
        inner.attempts = 2;
        inner.elapsed = Duration::from_millis(1234);
        assert_eq!(
            error.to_string(),
            "CloseRoom: 404 Not Found, A.B: It is not there. (request id id-1, 2 attempts, 1.2 s)"
        );
    }

    #[test]
    fn a_note_follows_what_the_service_said() {
        let body = Bytes::from_static(b"{\"code\":\"A\",\"message\":\"No.\"}");
        let error = Error::from_response(StatusCode::FORBIDDEN, HeaderMap::new(), body, &[]);
        assert_eq!(error.with_note("it needs\nX").to_string(), "403 Forbidden, A: No.; it needs X");
    }

    #[test]
    fn the_page_of_a_proxy_is_shown_with_its_status_and_its_beginning() {
        let body = Bytes::from(format!("<html>\r\n<b>Bad gateway</b>{}", "x".repeat(10_000)));
        let error = Error::from_response(StatusCode::BAD_GATEWAY, HeaderMap::new(), body, &[]);
        let text = error.to_string();
        assert!(
            text.starts_with("502 Bad Gateway, <html> <b>Bad gateway</b>xxx") && text.len() < 500,
            "{text}"
        );
        assert!(error.message().is_none() && error.body().len() > 10_000);
        let empty = Error::from_response(StatusCode::BAD_GATEWAY, HeaderMap::new(), Bytes::new(), &[]);
        assert_eq!(empty.to_string(), "502 Bad Gateway; the service may have acted on it");
    }

    #[test]
    fn only_a_401_points_to_what_explains_it() {
        for (status, line) in [
            (StatusCode::UNAUTHORIZED, "401 Unauthorized; see `Rooms::explain`"),
            (StatusCode::FORBIDDEN, "403 Forbidden"),
        ] {
            let mut error = Error::from_response(status, HeaderMap::new(), Bytes::new(), &[]);
            error.inner_mut().unauthorized_help = Some("`Rooms::explain`");
            assert_eq!(error.to_string(), line);
        }
    }

    #[test]
    fn an_error_is_one_pointer_wide_and_does_not_repeat_its_source() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        let error = Error::new(ErrorKind::Transport, "could not connect")
            .with_source(std::io::Error::other("rejected by the test"));
        assert_eq!(error.to_string(), "could not connect");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "rejected by the test");
    }

    #[test]
    fn debug_is_the_same_line_and_the_innermost_cause_is_part_of_it() {
        let io = std::io::Error::other("rejected\nby the test");
        let error = Error::new(ErrorKind::Credential, "no token").with_cause(io).with_operation("CloseRoom");
        assert_eq!(error.to_string(), "CloseRoom: no token: rejected by the test");
        assert_eq!(format!("{error:?}\n{error:#?}"), format!("{error}\n{error}"));
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn durations_are_rounded_to_what_people_read() {
        let shown = |nanos| {
            let duration = Duration::from_nanos(nanos);
            (Short(duration).to_string(), format!("{:?}", rounded(duration)))
        };
        for (nanos, short, inline) in [
            (0, "0 ms", "0ns"),
            (1_400_000, "1 ms", "1ms"),
            (999_499_999, "999 ms", "999ms"),
            (999_999_999, "1.0 s", "1s"),
            (1_999_979_712, "2.0 s", "2s"),
            (1_234_567_890, "1.2 s", "1.2s"),
            (99_960_000_000, "100 s", "100s"),
            (7_199_000_000_000, "7199 s", "7199s"),
            (100_000_000_000_000, "27 h 46 min", "100000s"),
        ] {
            assert_eq!(shown(nanos), (short.to_owned(), inline.to_owned()));
        }
        assert!(Short(Duration::MAX).to_string().contains(" h "));
    }

    #[test]
    fn the_code_in_the_header_takes_precedence_over_the_one_in_the_body() {
        let mut headers = HeaderMap::new();
        headers.insert("error-code", "FromHeader".parse().unwrap());
        let body = Bytes::from_static(b"{\"code\":\"FromBody\"}");
        let error =
            Error::from_response(StatusCode::BAD_REQUEST, headers.clone(), body.clone(), &["error-code"]);
        assert_eq!(error.code(), Some("FromHeader"));
        assert_eq!(
            Error::from_response(StatusCode::BAD_REQUEST, headers, body, &[]).code(),
            Some("FromBody")
        );
    }
}
