//! The error of an invalid configuration file, in one line that names the place.

use std::borrow::Cow;

/// Is returned when a configuration file is invalid.
///
/// Its text is one line: the line number in the file, the key, and what is wrong. It never contains an access key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct ConfigError {
    line: Option<usize>,
    message: String,
}

impl ConfigError {
    /// Returns the line number in the file, starting at 1, or `None` if the error has no position.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    pub(super) fn new(message: &dyn std::fmt::Display) -> Self {
        Self { line: None, message: message.to_string() }
    }

    /// The error of a value in an environment variable.
    pub(super) fn of_value(error: &toml::de::Error, variable: &str) -> Self {
        Self { line: None, message: format!("{variable}: {}", in_own_words(error)) }
    }

    pub(super) fn of(error: &toml::de::Error, text: &str) -> Self {
        let message = in_own_words(error);
        let Some(span) = error.span() else { return Self { line: None, message } };
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        // An error in a value names the key on the left of the `=`. An error in a key names the key in its own text.
        let message = match before[start..].split_once('=') {
            Some((key, _)) => format!("`{}`: {message}", key.trim()),
            None => message,
        };
        Self { line: Some(line), message }
    }
}

/// serde calls them fields and variants, the file has keys and values. It also repeats values, which may be secrets.
fn in_own_words(error: &toml::de::Error) -> String {
    let mut message = without_value(error.message()).replace('\n', ", ");
    for (theirs, ours) in [
        ("unknown field", "unknown key"),
        ("missing field", "missing key"),
        ("unknown variant", "unknown value"),
    ] {
        message = message.replace(theirs, ours);
    }
    message
}

/// Removes the value from `invalid type: string "value", expected a sequence`, and from an invalid value. What kind of
/// value it is remains.
fn without_value(message: &str) -> Cow<'_, str> {
    const EXPECTED: &str = ", expected ";
    let quotes = ["invalid type: ", "invalid value: "].iter().any(|start| message.starts_with(start));
    let Some(start) = message.find(['"', '`']).filter(|_| quotes) else { return message.into() };
    // The value may contain the words that follow it, but what is expected does not.
    let expected = message.rfind(EXPECTED).map_or("", |end| &message[end..]);
    format!("{}{expected}", message[..start].trim_end()).into()
}
