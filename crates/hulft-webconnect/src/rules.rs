//! The documented bounds of arguments, checked before anything is sent. The encoder rejects empty path segments and dot
//! segments; the service checks what the vendor does not document.

use service_core::{Error, Result, Secret};

/// The maximum index that a page can begin at.
pub(crate) const MAX_START_INDEX: u32 = 10_000;
/// The maximum number of rows in a page.
pub(crate) const MAX_RESULTS: u32 = 1_000;

/// A value that must not be empty.
pub(crate) fn required(what: &str, value: &str) -> Result<()> {
    if value.trim().is_empty() {
        return Err(Error::invalid_input(what, "must not be empty", Some(value)));
    }
    Ok(())
}

/// A text of `min` to `max` characters.
pub(crate) fn length(what: &str, value: &str, min: usize, max: usize) -> Result<()> {
    let characters = value.chars().count();
    if (min..=max).contains(&characters) {
        return Ok(());
    }
    let rule = match min {
        0 => format!("must be at most {max} characters, has {characters}"),
        _ => format!("must be {min} to {max} characters, has {characters}"),
    };
    Err(Error::invalid_input(what, &rule, Some(value)))
}

/// A note of at most 256 characters.
pub(crate) fn memo(value: &str) -> Result<()> {
    length("memo", value, 0, 256)
}

/// 1 to 32 letters, digits, `.` and `-`; not `.` or `..`.
pub(crate) fn name(what: &str, value: &str) -> Result<()> {
    let valid_characters =
        value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    if valid_characters && (1..=32).contains(&value.len()) && !matches!(value, "." | "..") {
        return Ok(());
    }
    let rule = "must be 1 to 32 letters, digits, `.` and `-`, and neither `.` nor `..`";
    Err(Error::invalid_input(what, rule, Some(value)))
}

/// 32 alphanumerics: a UUID without hyphens.
pub(crate) fn uuid(what: &str, value: &str) -> Result<()> {
    if value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(());
    }
    Err(Error::invalid_input(what, "must be 32 letters and digits, a UUID without hyphens", Some(value)))
}

/// An e-mail address of at most 256 characters.
pub(crate) fn mail_address(value: &str) -> Result<()> {
    length("mail address", value, 1, 256)?;
    let parts = value.rsplit_once('@');
    let whole = parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if whole && !value.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Ok(());
    }
    Err(Error::invalid_input("mail address", "must be an e-mail address", Some(value)))
}

/// 8 to 256 characters. The error does not contain the password.
pub(crate) fn password(value: &Secret) -> Result<()> {
    let characters = value.expose().chars().count();
    if (8..=256).contains(&characters) {
        return Ok(());
    }
    let rule = format!("must be 8 to 256 characters, has {characters}");
    Err(Error::invalid_input("password", &rule, None))
}

/// 0 for indefinitely, or 30 to 365 days.
pub(crate) fn password_validity(days: u16) -> Result<()> {
    if days == 0 || (30..=365).contains(&days) {
        return Ok(());
    }
    let rule = "must be 0, or 30 to 365 days";
    Err(Error::invalid_input("password validity period", rule, Some(&days.to_string())))
}

/// A number within bounds.
pub(crate) fn number(what: &str, value: u32, min: u32, max: u32) -> Result<()> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let rule = format!("must be between {min} and {max}");
    Err(Error::invalid_input(what, &rule, Some(&value.to_string())))
}

/// A list of `min` to `max` entries.
pub(crate) fn entries(what: &str, count: usize, min: usize, max: usize) -> Result<()> {
    if (min..=max).contains(&count) {
        return Ok(());
    }
    let rule = format!("must have {min} to {max} entries");
    Err(Error::invalid_input(what, &rule, Some(&count.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bound_holds_at_its_limits() {
        let long = |n: usize| "x".repeat(n);
        let at = |n: usize| format!("{}@e.example", "m".repeat(n - 10));
        type Case = (&'static str, Box<dyn Fn(&str) -> Result<()>>, Vec<String>, Vec<String>);
        let cases: Vec<Case> = vec![
            ("memo", Box::new(memo), vec![String::new(), long(256), "😀".repeat(256)], vec![long(257)]),
            (
                "name",
                Box::new(|value| name("name", value)),
                vec!["a".into(), long(32), "a.-9".into(), "...".into()],
                vec![
                    String::new(),
                    long(33),
                    ".".into(),
                    "..".into(),
                    "a_b".into(),
                    "é".into(),
                    "a/b".into(),
                ],
            ),
            (
                "uuid",
                Box::new(|value| uuid("id", value)),
                vec![long(32)],
                vec![long(31), long(33), format!("{}-", long(31)), String::new()],
            ),
            (
                "mail",
                Box::new(mail_address),
                vec!["a@b".into(), at(256)],
                vec![String::new(), "a".into(), "@b".into(), "a@".into(), "a b@c".into(), at(257)],
            ),
            (
                "password",
                Box::new(|value| password(&Secret::new(value))),
                vec![long(8), long(256)],
                vec![long(7), long(257), String::new()],
            ),
        ];
        for (what, rule, good, bad) in cases {
            for value in good {
                assert!(rule(&value).is_ok(), "{what} {value}");
            }
            for value in bad {
                assert!(rule(&value).unwrap_err().is_invalid_input(), "{what} {value}");
            }
        }
    }

    #[test]
    fn numbers_and_counts_hold_at_their_limits() {
        for (days, good) in [(0, true), (1, false), (29, false), (30, true), (365, true), (366, false)] {
            assert_eq!(password_validity(days).is_ok(), good, "{days}");
        }
        for (value, good) in [(0, false), (1, true), (1_000, true), (1_001, false)] {
            assert_eq!(number("rows", value, 1, 1_000).is_ok(), good, "{value}");
        }
        for (count, good) in [(0, false), (1, true), (100, true), (101, false)] {
            assert_eq!(entries("list", count, 1, 100).is_ok(), good, "{count}");
        }
    }

    #[test]
    fn an_invalid_password_does_not_appear_in_the_error() {
        let error = password(&Secret::new("planted")).unwrap_err();
        assert!(!format!("{error:?}").contains("planted") && error.to_string().contains("has 7"), "{error}");
    }
}
