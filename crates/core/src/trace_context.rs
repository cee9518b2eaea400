//! W3C trace context: checked when it is created, so that what a client sends and what an event carries is well-formed. Separate
//! from the pipeline's spans, since it needs neither `tracing` nor OpenTelemetry.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{Error, Result};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// The length of a `traceparent` of version 00, and of the part of later versions that can be read.
const LENGTH: usize = 55;

/// Identifies a span of a trace: the values of the headers `traceparent` and `tracestate` of W3C Trace Context.
///
/// # Examples
///
/// ```
/// use service_core::TraceContext;
///
/// # fn main() -> service_core::Result<()> {
/// let context = TraceContext::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")?
///     .with_tracestate("congo=t61rcWkgMzE")?;
/// assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
/// assert!(TraceContext::new("00-00000000000000000000000000000000-b7ad6b7169203331-01").is_err());
/// # Ok(()) }
/// ```
///
/// [W3C Trace Context](https://www.w3.org/TR/trace-context/)
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TraceContext {
    traceparent: String,
    tracestate: Option<String>,
}

impl TraceContext {
    /// Creates a trace context from a `traceparent`.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text is not a `traceparent`: a version other
    /// than `ff`, a trace ID and a parent ID that are not all zeros, and flags, in lowercase hexadecimal. Later versions than
    /// `00` may be longer.
    pub fn new(traceparent: impl Into<String>) -> Result<Self> {
        let traceparent = traceparent.into();
        if !is_traceparent(&traceparent) {
            let rule = "must be a W3C traceparent, such as \
                        00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            return Err(Error::invalid_input("traceparent", rule, Some(&traceparent)));
        }
        Ok(Self { traceparent, tracestate: None })
    }

    /// Adds a `tracestate`: data of tracing systems that travels with the trace.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text is empty, longer than 512 bytes, or
    /// contains anything but visible ASCII characters and spaces.
    pub fn with_tracestate(mut self, tracestate: impl Into<String>) -> Result<Self> {
        let tracestate = tracestate.into();
        let valid = (1..=512).contains(&tracestate.len())
            && !tracestate.trim().is_empty()
            && tracestate.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !valid {
            let rule = "must have 1 to 512 bytes of visible ASCII characters and spaces";
            return Err(Error::invalid_input("tracestate", rule, None));
        }
        self.tracestate = Some(tracestate);
        Ok(self)
    }

    /// Returns the `traceparent`, verbatim.
    #[must_use]
    pub fn traceparent(&self) -> &str {
        &self.traceparent
    }

    /// Returns the `tracestate`, verbatim.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.tracestate.as_deref()
    }

    /// Returns the trace ID: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.traceparent[3..35]
    }

    /// Returns the ID of the span: 16 hexadecimal digits.
    #[must_use]
    pub fn parent_id(&self) -> &str {
        &self.traceparent[36..52]
    }

    /// Adds the headers, unless one of them is present. Mixing two contexts would produce neither.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        if headers.contains_key(TRACEPARENT) || headers.contains_key(TRACESTATE) {
            return;
        }
        let Ok(traceparent) = HeaderValue::from_str(&self.traceparent) else { return };
        headers.insert(TRACEPARENT, traceparent);
        if let Some(Ok(tracestate)) = self.tracestate.as_deref().map(HeaderValue::from_str) {
            headers.insert(TRACESTATE, tracestate);
        }
    }
}

fn is_traceparent(text: &str) -> bool {
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.len() < LENGTH || bytes.iter().any(u8::is_ascii_control) {
        return false;
    }
    let (known, rest) = text.split_at(LENGTH);
    let mut parts = known.split('-');
    let (Some(version), Some(trace), Some(parent), Some(flags), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let hex = |part: &str, length| {
        part.len() == length
            && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let id = |part: &str, length| hex(part, length) && part.bytes().any(|byte| byte != b'0');
    let complete = rest.is_empty() || (version != "00" && rest.starts_with('-'));
    complete && hex(version, 2) && version != "ff" && id(trace, 32) && id(parent, 16) && hex(flags, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_checked_by_the_rules_of_w3c() {
        for valid in [VALID.to_owned(), VALID.replace("00-0a", "01-0a"), format!("cc{}-extra", &VALID[2..])] {
            let context = TraceContext::new(&*valid).unwrap();
            assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c", "{valid}");
            assert_eq!(context.parent_id(), "b7ad6b7169203331", "{valid}");
        }
        for invalid in [
            String::new(),
            VALID[..54].to_owned(),
            format!("{VALID}-extra"),
            format!("01{}x", &VALID[2..]),
            VALID.to_uppercase(),
            VALID.replace("00-0a", "ff-0a"),
            VALID.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            VALID.replace("b7ad6b7169203331", &"0".repeat(16)),
            VALID.replace('-', "_"),
            format!("é{}", &VALID[2..]),
        ] {
            assert!(TraceContext::new(&*invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn a_tracestate_cannot_break_a_header() {
        let context = || TraceContext::new(VALID).unwrap();
        assert_eq!(context().with_tracestate("a=1, b=2").unwrap().tracestate(), Some("a=1, b=2"));
        for invalid in ["", "  ", "a=1\r\nx: y", "é=1", &"a".repeat(513)] {
            assert!(context().with_tracestate(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn headers_that_the_caller_has_set_are_kept() {
        let context = TraceContext::new(VALID).unwrap().with_tracestate("a=1").unwrap();
        let mut headers = HeaderMap::new();
        context.add_to(&mut headers);
        assert_eq!(
            (&headers["traceparent"], &headers["tracestate"]),
            (&VALID.parse().unwrap(), &"a=1".parse().unwrap())
        );
        for name in ["traceparent", "tracestate"] {
            let name = HeaderName::from_static(name);
            let mut headers = HeaderMap::from_iter([(name, HeaderValue::from_static("own"))]);
            context.add_to(&mut headers);
            assert_eq!(headers.len(), 1);
        }
    }
}
