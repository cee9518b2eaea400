//! The service's own reason for a 401: the `WWW-Authenticate` header (RFC 9110, section 11.6.1; RFC 6750, section 3).

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

/// The error of the first challenge that contains one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) code: Option<String>,
    pub(super) description: Option<String>,
}

/// Reads all headers, each of which may contain several challenges. Malformed parts are ignored.
pub(super) fn read(headers: &HeaderMap) -> Challenge {
    let mut found = Challenge::default();
    for header in headers.get_all(WWW_AUTHENTICATE) {
        let text = String::from_utf8_lossy(header.as_bytes());
        for part in split(&text) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let mut words = name.split_whitespace();
            let name = words.next_back().unwrap_or_default();
            let starts_challenge = words.next().is_some() || !part.contains('=');
            if starts_challenge && found != Challenge::default() {
                return found;
            }
            let value = Some(unquoted(value.trim())).filter(|value| !value.is_empty());
            match name.to_ascii_lowercase().as_str() {
                "error" => found.code = found.code.or(value),
                "error_description" => found.description = found.description.or(value),
                _ => {}
            }
        }
        if found != Challenge::default() {
            break;
        }
    }
    found
}

/// Splits at commas outside quotation marks.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = text.split(move |c: char| {
        let separates = c == ',' && !quoted;
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && quoted && !escaped;
        separates
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let (mut text, mut escaped) = (String::with_capacity(inner.len()), false);
    for c in inner.chars() {
        match c {
            _ if escaped => text.push(c),
            '"' => break,
            '\\' => {}
            _ => text.push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[&str]) -> (Option<String>, Option<String>) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let Challenge { code, description } = read(&headers);
        (code, description)
    }

    #[test]
    fn error_and_description_are_found_in_every_form_of_the_header() {
        let both = (Some("invalid_token".to_owned()), Some("It expired, at \"noon\".".to_owned()));
        let bearer = r#"Bearer error="invalid_token", error_description="It expired, at \"noon\".""#;
        for values in [
            &[bearer][..],
            &["Basic realm=\"a, b\"", bearer],
            &[&format!("Negotiate, {bearer}, Basic realm=\"error=x\"")],
            &[&format!("{bearer}, DPoP error=\"other\", error_description=\"other\"")],
            &[bearer, "Bearer error=\"other\""],
            &[r#"bearer ERROR = invalid_token , Error_Description = "It expired, at \"noon\"." , scope="#],
            &[
                r#"Bearer authorization_uri="https://login.example/a", error="invalid_token", error_description="It expired, at \"noon\".""#,
            ],
        ] {
            assert_eq!(of(values), both, "{values:?}");
        }
        assert_eq!(
            of(&["Bearer error=\"a\"", "Basic error_description=\"b\""]),
            (Some("a".to_owned()), None)
        );
        for values in [&[][..], &["Bearer"], &["Bearer realm=\"error\""], &["Bearer error="], &["\\\", ,="]] {
            assert_eq!(of(values), (None, None), "{values:?}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_a_panic(value in "[ -~\u{e9}]{0,80}") {
            of(&[&value]);
        }
    }
}
