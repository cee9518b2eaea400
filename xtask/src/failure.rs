//! The error type of commands and its exit status. Separate, because every command uses it.

/// The result of a command.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// The error of a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line is invalid: exit status 2, as in most Unix programs.
    Usage(String),
    /// A check failed, or a program could not be run.
    Failed(String),
}

impl Failure {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }

    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Failed(_) => 1,
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Usage(text) | Self::Failed(text) => text,
        }
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self::usage(error.to_string())
    }
}
