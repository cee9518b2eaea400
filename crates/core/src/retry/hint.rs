//! The wait that a response requests, in the four forms of one header.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

/// Reads the retry hint of a response: `retry-after-ms`, `x-ms-retry-after-ms`, then `Retry-After` in seconds or as an HTTP
/// date.
///
/// A fraction is rounded up to the next whole second or millisecond, so that the wait is never shorter than what was asked for.
/// A malformed hint is ignored. A date in the past is a wait of zero. A number that is too large becomes the maximum duration,
/// which exceeds every deadline.
pub(crate) fn read(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let milliseconds = ["retry-after-ms", "x-ms-retry-after-ms"].iter().find_map(|name| number(text(name)?));
    milliseconds.map(Duration::from_millis).or_else(|| {
        let value = text("retry-after")?;
        number(value).map(Duration::from_secs).or_else(|| date(value, now))
    })
}

/// Digits, with or without a fraction, as a whole number.
fn number(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let rounded_up = u64::from(fraction.bytes().any(|digit| digit != b'0'));
    Some(whole.parse().unwrap_or(u64::MAX).saturating_add(rounded_up))
}

fn date(text: &str, now: SystemTime) -> Option<Duration> {
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hint(pairs: &[(&'static str, &str)]) -> Option<Duration> {
        let headers =
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        read(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770))
    }

    #[test]
    fn all_four_forms_are_read_and_the_finer_one_wins() {
        assert_eq!(hint(&[("retry-after-ms", "1500")]), Some(Duration::from_millis(1500)));
        assert_eq!(hint(&[("x-ms-retry-after-ms", " 20 ")]), Some(Duration::from_millis(20)));
        assert_eq!(hint(&[("retry-after", "8")]), Some(Duration::from_secs(8)));
        assert_eq!(hint(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(Duration::from_secs(7)));
        assert_eq!(hint(&[("retry-after", "8"), ("retry-after-ms", "1")]), Some(Duration::from_millis(1)));
    }

    #[test]
    fn a_hint_in_the_past_is_zero_and_a_malformed_one_is_none() {
        assert_eq!(hint(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), Some(Duration::ZERO));
        for malformed in ["-5", "", "soon", "1.", ".5", ".", "1.2.3", "1,5", "1e3", "5 s", "Sun, 99 Nov 1994"]
        {
            assert_eq!(hint(&[("retry-after", malformed)]), None, "{malformed}");
        }
        assert_eq!(hint(&[("retry-after-ms", "x"), ("retry-after", "3")]), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_fraction_is_rounded_up_in_every_form() {
        for (text, whole) in [("2.5", 3), ("2.0", 2), ("0.001", 1), ("1.999", 2), ("00.0", 0)] {
            assert_eq!(hint(&[("retry-after", text)]), Some(Duration::from_secs(whole)), "{text}");
            for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
                assert_eq!(hint(&[(name, text)]), Some(Duration::from_millis(whole)), "{name}: {text}");
            }
        }
        let large = format!("{}.5", u64::MAX);
        assert_eq!(hint(&[("retry-after", &large)]), Some(Duration::from_secs(u64::MAX)));
    }

    #[test]
    fn an_absurdly_large_hint_stays_large() {
        assert_eq!(
            hint(&[("retry-after", "99999999999999999999999999")]),
            Some(Duration::from_secs(u64::MAX))
        );
    }

    proptest! {
        #[test]
        fn any_header_text_is_read_without_a_panic(value in "[ -~]{0,40}") {
            let _ = hint(&[("retry-after", &value)]);
            let _ = hint(&[("retry-after-ms", &value)]);
        }
    }
}
