//! What can be found, and how each finding reads.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The error is no 401: the service did not refuse the credential.
    NotUnauthorized(Option<StatusCode>),
    /// This machine's clock and the service's differ, `ahead` if this one is ahead.
    ClockSkew {
        /// By how much.
        by: Duration,
        /// Whether this machine's clock is ahead.
        ahead: bool,
    },
    /// What the service said in `WWW-Authenticate`.
    Challenge(String),
    /// The text is no JSON Web Token.
    NotAToken,
    /// A token of Microsoft Entra ID, which authorises REST calls only.
    EntraToken,
    /// The token is not signed in the way that the service takes.
    Algorithm(String),
    /// The token's audience is not what the service compares it with.
    Audience {
        /// Where they differ.
        part: AudiencePart,
        /// What it must be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The token has no audience.
    NoAudience,
    /// The token does not say when it ends.
    NoExpiry,
    /// The token ended this long ago.
    Expired(Duration),
    /// The token is valid in this much time only.
    NotYetValid(Duration),
    /// The access key was used in a wrong way.
    Key(KeyMisuse),
}

/// A part of an audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AudiencePart {
    /// Before `://`.
    Scheme,
    /// Host and port.
    Host,
    /// The path, save the hub.
    Path,
    /// The hub's name.
    Hub,
    /// Behind the `?`; only the names of its parameters are told.
    Query,
}

/// How an access key was used in a wrong way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyMisuse {
    /// It signed with white space around it.
    WhiteSpace,
    /// It was base64-decoded before it signed.
    Decoded,
    /// Another key made the signature, or the token was changed since.
    SignatureMismatch,
    /// The client's key has characters that the service's keys do not have.
    InvalidCharacters,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUnauthorized(Some(status)) => {
                write!(f, "the service answered {status}, which is no refusal of the credential (401)")
            }
            Self::NotUnauthorized(None) => f.write_str("the service did not answer, so it refused nothing"),
            Self::ClockSkew { by, ahead } => {
                let way = if *ahead { "ahead of" } else { "behind" };
                write!(f, "this machine's clock is {} s {way} the service's: set it right", by.as_secs())
            }
            Self::Challenge(text) => write!(f, "the service says {text:?}"),
            Self::NotAToken => {
                f.write_str("the text is no token: a token is three parts in base64url with dots between")
            }
            Self::EntraToken => f.write_str(
                "this is a token of Microsoft Entra ID, which authorises REST calls only: clients need one of `client_access`",
            ),
            Self::Algorithm(found) => write!(f, "the token's algorithm is {found:?}, but must be \"HS256\""),
            Self::Audience { part, expected, found } => {
                write!(f, "the {part} of the token's audience must be {expected:?}, but is {found:?}")
            }
            Self::NoAudience => f.write_str("the token has no audience, `aud`"),
            Self::NoExpiry => f.write_str("the token does not say when it ends, `exp`"),
            Self::Expired(ago) => write!(f, "the token ended {} s ago by this machine's clock", ago.as_secs()),
            Self::NotYetValid(wait) => {
                write!(f, "the token is valid in {} s only, by this machine's clock", wait.as_secs())
            }
            Self::Key(misuse) => misuse.fmt(f),
        }
    }
}

impl fmt::Display for AudiencePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "scheme",
            Self::Host => "host",
            Self::Path => "path",
            Self::Hub => "hub",
            Self::Query => "query",
        })
    }
}

impl fmt::Display for KeyMisuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WhiteSpace => "the token was signed with white space around the access key",
            Self::Decoded => {
                "the token was signed with the access key base64-decoded: its text as it is must sign"
            }
            Self::SignatureMismatch => {
                "the token's signature does not fit the client's access key: another key made it, such as that of \
                 another resource or one that was regenerated, or the token was changed"
            }
            Self::InvalidCharacters => {
                "the client's access key has other characters than letters, digits, `+`, `/` and `=`: it is \
                 not the text that the portal shows"
            }
        })
    }
}
