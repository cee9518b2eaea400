//! `Name=value;Name=value`: read without ever repeating a value, since one of them is a key.

use std::fmt;

use crate::{Error, Result, Secret};

/// A connection string's parts, by name.
///
/// Names are compared without regard to case, values run from the first `=` to the next `;` (keys end in `=` padding),
/// spaces around either are dropped, empty parts and unknown names are ignored.
pub struct ConnectionString {
    parts: Vec<(String, Secret)>,
}

impl ConnectionString {
    /// Splits the text.
    ///
    /// # Errors
    ///
    /// An empty text, a part without `=`, a name given twice. The message tells the part by its number, never its text.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |rule: &str| Error::invalid_input("connection string", rule, None);
        let mut parts: Vec<(String, Secret)> = Vec::new();
        for (index, part) in text.split(';').enumerate() {
            if part.trim().is_empty() {
                continue;
            }
            let (name, value) = part.split_once('=').ok_or_else(|| {
                refuse(&format!("part {} has no `=`; it reads `Name=value;Name=value`", index + 1))
            })?;
            let name = name.trim().to_ascii_lowercase();
            if parts.iter().any(|(known, _)| *known == name) {
                return Err(refuse(&format!("part {} repeats the name of an earlier part", index + 1)));
            }
            parts.push((name, Secret::new(value.trim())));
        }
        if parts.is_empty() {
            return Err(refuse("is empty; it reads `Name=value;Name=value`"));
        }
        Ok(Self { parts })
    }

    /// The value of a part that may be absent; an empty value counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Secret> {
        let named = self.parts.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value).filter(|value| !value.is_empty())
    }

    /// The value of a part that must be there.
    ///
    /// # Errors
    ///
    /// Names the missing part.
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

/// Without the names: in a text with a stray `;`, what looks like a name may be the rest of a key.
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
    fn what_is_missing_is_named_and_no_value_is_repeated() {
        for (text, named) in [
            ("", "empty"),
            (";;", "empty"),
            ("planted", "part 1"),
            ("Endpoint=https://x;planted", "part 2"),
            ("AccessKey=planted;accesskey=planted", "part 2"),
            ("AccessKey=planted", "`Endpoint`"),
            ("Endpoint=;AccessKey=planted", "`Endpoint`"),
        ] {
            let error =
                ConnectionString::parse(text).and_then(|it| it.require("Endpoint").cloned()).unwrap_err();
            assert!(error.to_string().contains(named), "{text}: {error}");
            assert!(!format!("{error} {error:?} {error:#?}").contains("planted"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused_without_repeating_it(text in "[a-z=;]{0,20}PLANTED[a-z=;]{0,20}") {
            let shown = match ConnectionString::parse(&text) {
                Ok(parsed) => format!("{parsed:?} {parsed:#?}"),
                Err(error) => format!("{error} {error:?} {error:#?}"),
            };
            prop_assert!(!shown.to_uppercase().contains("PLANTED"), "shown");
        }
    }
}
