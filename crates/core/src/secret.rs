//! Text that must not be shown: it prints as `***` everywhere and is wiped from memory when dropped.

use std::fmt;

use zeroize::Zeroizing;

use crate::{Error, Result};

/// Holds a key, token, or password.
///
/// `Debug` and `Display` print `***`. A secret cannot be serialized, and its memory is zeroed on drop.
///
/// # Examples
///
/// ```
/// use service_core::Secret;
///
/// let secret = Secret::new("hunter2");
/// assert_eq!(format!("{secret} {secret:?}"), "*** ***");
/// assert_eq!(secret.expose(), "hunter2");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Creates a secret from text. Copies that the caller keeps are not wiped.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Returns the text, for the code that puts it on the wire.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Checks that the text has nothing around it from the place that it was copied from. `what` names the secret.
    ///
    /// # Errors
    ///
    /// Returns an error if the text begins with a byte order mark or with the name of a variable such as `ACCESS_KEY=`, or if it
    /// begins or ends with a quotation mark. The error does not contain the text.
    pub fn check_pasted(&self, what: &str) -> Result<()> {
        let is_named = |name: &str| name.contains('_') || name.to_ascii_lowercase().ends_with("key");
        let rule = wrapping(self.expose())
            .or_else(|| variable(self.expose()).filter(|name| is_named(name)).map(|_| NAMED));
        rule.map_or(Ok(()), |rule| Err(Error::invalid_input(what, rule, None)))
    }

    /// Returns whether the text is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What errors say about a text with the name of a variable in front of it.
pub(crate) const NAMED: &str = "begins with the name of a variable (`NAME=`): pass only what follows the `=`";

/// Returns what errors say about a text with a byte order mark or quotation marks around it, or `None` if it has neither.
pub(crate) fn wrapping(text: &str) -> Option<&'static str> {
    if text.trim().starts_with('\u{feff}') {
        return Some("begins with a byte order mark (U+FEFF), which editors do not show: remove it");
    }
    let quotes = ['"', '\'', '`', '\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}'];
    let text = text.trim();
    (text.starts_with(quotes) || text.ends_with(quotes)).then_some("is in quotation marks: remove them")
}

/// Returns the name in front of the first `=`, unless that is the padding of a key.
pub(crate) fn variable(text: &str) -> Option<&str> {
    let (name, rest) = text.trim().split_once('=')?;
    let name = name.trim();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_name && !rest.trim_matches('=').is_empty()).then_some(name)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_with_what_was_around_it_is_rejected_without_being_repeated() {
        for (text, named) in [
            ("\"planted\"", "quotation marks"),
            ("'planted'", "quotation marks"),
            (" \"planted", "quotation marks"),
            ("planted\u{201d}", "quotation marks"),
            ("\u{feff}planted", "byte order mark"),
            ("\u{feff}\"planted\"", "byte order mark"),
            ("ACCESS_KEY=planted=", "`NAME=`"),
            ("AccessKey=planted==", "`NAME=`"),
            ("KEY=\"planted\"", "quotation marks"),
        ] {
            let error = Secret::new(text).check_pasted("key").unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains(named), "{text}: {error}");
            assert!(!format!("{error:?}").contains("planted"), "{error}");
        }
        for text in
            ["", "planted==", "plan+ted/=", "a_b=", "r=x&e=y&s=z", "id=planted", "plan\"ted", "planted key="]
        {
            assert!(Secret::new(text).check_pasted("key").is_ok(), "{text}");
        }
    }

    #[test]
    fn a_secret_prints_as_stars_in_every_format() {
        let secret = Secret::new("planted");
        assert_eq!(format!("{secret} {secret:?} {secret:#?} {:?}", Some(&secret)), "*** *** *** Some(***)");
        assert_eq!(secret.expose(), "planted");
    }
}
