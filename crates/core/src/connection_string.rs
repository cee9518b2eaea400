//! Connection strings of the form `Name=value;Name=value`. Errors never repeat a value, since one of them is a key.

use std::fmt;

use crate::secret::{NAMED, variable, wrapping};
use crate::{Error, Result, Secret};

/// Contains the parts of a connection string.
///
/// Names are case-insensitive. A value extends from the first `=` to the next `;`, since keys end in `=` padding. White space
/// around names and values is removed. Empty parts and unknown names are ignored.
///
/// # Examples
///
/// ```
/// use service_core::ConnectionString;
///
/// let parsed = ConnectionString::parse("Endpoint=https://rooms.example;AccessKey=abc==;Version=1.0;")?;
/// assert_eq!(parsed.require("Endpoint")?.expose(), "https://rooms.example");
/// assert_eq!(parsed.require("accesskey")?.expose(), "abc==");
/// assert!(parsed.get("Port").is_none());
/// # Ok::<(), service_core::Error>(())
/// ```
pub struct ConnectionString {
    parts: Vec<(String, Secret)>,
}

impl ConnectionString {
    /// Parses a connection string.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is empty, a part has no `=`, or a name occurs twice; if the text or a value is in quotation
    /// marks; or if the text begins with a byte order mark or with the name of a variable. The error identifies the part by its
    /// number, starting at 1, and does not contain its text.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |rule: &str| Error::invalid_input("connection string", rule, None);
        check_start(text).map_or(Ok(()), |rule| Err(invalid(rule)))?;
        let mut parts: Vec<(String, Secret)> = Vec::new();
        for (index, part) in text.split(';').enumerate() {
            if part.trim().is_empty() {
                continue;
            }
            if let Some(rule) = wrapping(part).or_else(|| wrapping(part.split_once('=')?.1)) {
                return Err(invalid(&format!("has a part, number {}, whose value {rule}", index + 1)));
            }
            let (name, value) = part.split_once('=').ok_or_else(|| {
                invalid(&format!("part {} has no `=`; the form is `Name=value;Name=value`", index + 1))
            })?;
            let name = name.trim().to_ascii_lowercase();
            if parts.iter().any(|(known, _)| *known == name) {
                return Err(invalid(&format!("part {} repeats the name of an earlier part", index + 1)));
            }
            parts.push((name, Secret::new(value.trim())));
        }
        if parts.is_empty() {
            return Err(invalid("must not be empty; write `Name=value;Name=value`"));
        }
        Ok(Self { parts })
    }

    /// Returns the value of an optional part, or `None` if the part is missing or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        let named = self.parts.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value).filter(|value| !value.is_empty())
    }

    /// Returns the value of a required part.
    ///
    /// # Errors
    ///
    /// Returns an error that names the part if it is missing or empty.
    pub fn require(&self, name: &str) -> Result<&Secret> {
        self.get(name).ok_or_else(|| {
            Error::invalid_input(
                "connection string",
                &format!("has no `{name}` part: `{name}=...` is missing or empty"),
                None,
            )
        })
    }
}

/// What is wrong with the start of the text, such as the rest of the line that it was copied from.
fn check_start(text: &str) -> Option<&'static str> {
    let first = text.split(';').next().unwrap_or_default();
    let starts_with_quote = wrapping(text).filter(|_| wrapping(first).is_some());
    // A key is never first with an `=` inside, since that is only its padding.
    let is_named = || variable(first.split_once('=')?.1).map(|_| NAMED);
    starts_with_quote.or_else(is_named)
}

/// Omits the names: in a text with a stray `;`, what looks like a name may be the rest of a key.
impl fmt::Debug for ConnectionString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionString({} parts)", self.parts.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_keys_keep_their_padding() {
        let parsed = ConnectionString::parse(" endpoint = https://x ;ACCESSKEY=abc==;;Version=1.0;").unwrap();
        assert_eq!(parsed.require("Endpoint").unwrap().expose(), "https://x");
        assert_eq!(parsed.require("AccessKey").unwrap().expose(), "abc==");
        assert!(parsed.get("Port").is_none());
    }

    #[test]
    fn errors_name_the_part_and_repeat_no_value() {
        for (text, named) in [
            ("", "empty"),
            (";;", "empty"),
            ("planted", "part 1"),
            ("Endpoint=https://x;planted", "part 2"),
            ("AccessKey=planted;accesskey=planted", "part 2"),
            ("AccessKey=planted", "`Endpoint`"),
            ("Endpoint=;AccessKey=planted", "`Endpoint`"),
            ("\"Endpoint=https://x;AccessKey=planted;\"", "string is in quotation marks"),
            ("'Endpoint=https://x;AccessKey=planted'", "string is in quotation marks"),
            ("\"Endpoint=https://x;AccessKey=planted", "string is in quotation marks"),
            ("Endpoint=https://x;AccessKey=\"planted\"", "number 2, whose value is in quotation marks"),
            ("Endpoint=https://x;AccessKey=planted;\"", "number 3, whose value is in quotation marks"),
            ("Endpoint='https://x';AccessKey=planted", "number 1, whose value is in quotation marks"),
            (
                "Endpoint=https://x;AccessKey=\u{feff}planted",
                "number 2, whose value begins with a byte order mark",
            ),
            ("\u{feff}Endpoint=https://x;AccessKey=planted", "string begins with a byte order mark"),
            ("\u{feff}\"Endpoint=https://x;AccessKey=planted\"", "string begins with a byte order mark"),
            ("ROOMS_PLANTED=Endpoint=https://x;AccessKey=planted", "name of a variable (`NAME=`)"),
            ("export ROOMS=Endpoint=https://x;AccessKey=planted", "name of a variable (`NAME=`)"),
            ("ROOMS=\"Endpoint=https://x;AccessKey=planted\"", "number 1, whose value is in quotation marks"),
        ] {
            let error =
                ConnectionString::parse(text).and_then(|it| it.require("Endpoint").cloned()).unwrap_err();
            assert!(error.to_string().contains(named), "{text}: {error}");
            assert!(!format!("{error} {error:?} {error:#?}").contains("planted"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_rejected_without_repeating_it(text in "[a-z=;]{0,20}PLANTED[a-z=;]{0,20}") {
            let shown = match ConnectionString::parse(&text) {
                Ok(parsed) => format!("{parsed:?} {parsed:#?}"),
                Err(error) => format!("{error} {error:?} {error:#?}"),
            };
            prop_assert!(!shown.to_uppercase().contains("PLANTED"), "shown");
        }
    }
}
