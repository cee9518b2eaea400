//! The error type of commands and its exit status. Separate, because every command uses it.

use std::fmt::Display;

/// The result of a command.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// The error of a command.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    exit_status: u8,
}

impl Failure {
    /// The command line is invalid: exit status 2, as in most Unix programs.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit_status: 2 }
    }

    /// A check failed, or a program could not be run.
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), exit_status: 1 }
    }

    /// Converts an error to a failure that names the file or program that it concerns.
    pub(crate) fn at<E: Display>(what: impl Display) -> impl Fn(E) -> Self {
        move |error| Self::failed(format!("{what}: {error}"))
    }

    /// Fails with all of these reasons, if there are any.
    pub(crate) fn all(heading: &str, reasons: &[String]) -> Result<()> {
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(Self::failed(format!("{heading}{}", reasons.join("\n"))))
        }
    }

    pub(crate) fn exit_status(&self) -> u8 {
        self.exit_status
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self::usage(error.to_string())
    }
}
