//! Why a command fails: the message and the exit code, which scripts rely on. The help of the program lists the codes.

use std::io;

use service_core::{Error, ErrorKind};

/// The exit code for invalid arguments, environment variables, and input.
pub(crate) const USAGE: u8 = 2;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A call failed, or its arguments are invalid.
    Call(Error),
    /// A call failed with 401; the text explains why.
    Unauthorized(Error, String),
    /// The arguments, the environment, or the input are invalid.
    Usage(String),
    /// Something outside the services failed, such as a file.
    Failed(String),
    /// What the command asks about does not exist. The output says so.
    Missing,
    /// What the command acts on does not exist.
    NotFound(String),
    /// Something outside the services rejected the request as unauthorized or forbidden.
    Forbidden(String),
    /// A part of the work failed. The output or the message says which.
    Partial(String),
    /// The question was not confirmed.
    Declined,
    /// Ctrl-C or SIGTERM ended the command before its work was done.
    Interrupted(Option<String>),
    /// There is no reader of the output any more. This is not an error.
    Closed,
}

/// The result of a command.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// Creates a failure because of invalid input.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// Returns the message for standard error, or `None` if nothing is to be said.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Call(error) => Some(error.to_string()),
            Self::Unauthorized(error, explanation) => {
                let lines = explanation.lines().map(|line| format!("\n  {line}"));
                // The explanation follows, so the reader need not call what returns it.
                let error = error.to_string().replace("; see `ServiceClient::explain_unauthorized`", "");
                Some(format!("{error}{}", lines.collect::<String>()))
            }
            Self::Usage(text)
            | Self::Failed(text)
            | Self::NotFound(text)
            | Self::Forbidden(text)
            | Self::Partial(text) => Some(text.clone()),
            Self::Declined => Some("not confirmed; nothing was changed".to_owned()),
            Self::Interrupted(what) => what.clone(),
            Self::Missing | Self::Closed => None,
        }
    }

    /// Returns the exit code of the program.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Call(error) | Self::Unauthorized(error, _) => code_of(error),
            Self::Usage(_) => USAGE,
            Self::Failed(_) => 1,
            Self::Missing | Self::NotFound(_) => 3,
            Self::Forbidden(_) => 4,
            Self::Partial(_) => 5,
            Self::Declined => 7,
            // What a shell reports for a program that SIGINT ended.
            Self::Interrupted(_) => 130,
            Self::Closed => 0,
        }
    }
}

fn code_of(error: &Error) -> u8 {
    let status = error.status().map(|status| status.as_u16());
    match error.kind() {
        ErrorKind::InvalidInput => USAGE,
        ErrorKind::Credential => 4,
        _ if matches!(status, Some(401 | 403)) => 4,
        _ if error.is_not_found() => 3,
        _ if error.outcome_unknown() => 6,
        _ => 1,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use webpubsub::http::{HeaderMap, StatusCode};

    use super::*;

    fn with_status(status: u16) -> Failure {
        let status = StatusCode::from_u16(status).unwrap();
        Error::new(ErrorKind::Service, "x").with_head(status, HeaderMap::new()).into()
    }

    #[test]
    fn the_exit_code_distinguishes_what_a_script_must_handle_differently() {
        assert_eq!(Failure::from(Error::invalid_input("hub", "must not be empty", None)).exit_code(), 2);
        assert_eq!([401, 403, 404, 409].map(|status| with_status(status).exit_code()), [4, 4, 3, 1]);
        let unknown = Error::new(ErrorKind::Transport, "x").with_delivery(service_core::Delivery::Unknown);
        assert_eq!(Failure::from(unknown).exit_code(), 6);
    }

    #[test]
    fn a_closed_pipe_is_a_quiet_success() {
        let closed = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((closed.exit_code(), closed.message()), (0, None));
    }
}
