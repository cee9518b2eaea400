//! The findings of an explanation and their texts.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

/// Represents one thing that is wrong with a call or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// The error has another status than 401, or none: the service did not reject the credential.
    NotUnauthorized(Option<StatusCode>),
    /// The clocks of this machine and of the service differ by too much.
    ClockSkew {
        /// The difference between the clocks.
        by: Duration,
        /// Whether the clock of this machine is ahead.
        ahead: bool,
    },
    /// The service gave this reason in `WWW-Authenticate`.
    Challenge(String),
    /// The text is not a JSON Web Token.
    NotAToken,
    /// The token was issued by Microsoft Entra ID. Such a token authorizes REST calls only.
    EntraToken,
    /// The token is signed with this algorithm, which the service does not accept.
    Algorithm(String),
    /// The audience of the token is not the one that the service expects.
    Audience {
        /// The part that differs.
        part: AudiencePart,
        /// What the service expects.
        expected: String,
        /// What the token contains.
        found: String,
    },
    /// The token has no audience.
    NoAudience,
    /// The token has no expiry time.
    NoExpiry,
    /// The token expired this long ago.
    Expired(Duration),
    /// The token becomes valid after this much time.
    NotYetValid(Duration),
    /// The access key was used incorrectly.
    Key(KeyMisuse),
}

/// Identifies a part of an audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AudiencePart {
    /// The part before `://` differs.
    Scheme,
    /// The host or port differs.
    Host,
    /// The path other than the hub differs.
    Path,
    /// The name of the hub differs.
    Hub,
    /// The query differs. Only the names of its parameters are shown.
    Query,
}

/// Specifies how an access key was used incorrectly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyMisuse {
    /// The token was signed with the key and white space around it.
    WhiteSpace,
    /// The token was signed with the base64-decoded key.
    Decoded,
    /// The token was signed with another key, or it was changed afterward.
    SignatureMismatch,
    /// The service does not know the key: it belongs to another resource, or it was rotated.
    UnknownToService,
    /// The key of the client contains characters that no key of the service contains.
    InvalidCharacters,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUnauthorized(Some(status)) => {
                write!(f, "the service responded with {status}, not 401: it did not reject the credential")
            }
            Self::NotUnauthorized(None) => f.write_str("the service did not respond, so it did not reject the credential"),
            Self::ClockSkew { by, ahead } => {
                let way = if *ahead { "ahead of" } else { "behind" };
                write!(f, "this machine's clock is {} s {way} the service's: correct it", by.as_secs())
            }
            Self::Challenge(text) => write!(f, "the service gave the reason {text:?}"),
            Self::NotAToken => {
                f.write_str("the text is not a token: a token has three base64url parts separated by dots")
            }
            Self::EntraToken => f.write_str(
                "this is a token of Microsoft Entra ID, which authorizes REST calls only: clients need one from \
                 `client_access`",
            ),
            Self::Algorithm(found) => write!(f, "the algorithm of the token must be \"HS256\", but is {found:?}"),
            Self::Audience { part, expected, found } => {
                write!(f, "the {part} of the token's audience must be {expected:?}, but is {found:?}")
            }
            Self::NoAudience => f.write_str("the token has no audience (`aud`)"),
            Self::NoExpiry => f.write_str("the token has no expiry time (`exp`)"),
            Self::Expired(ago) => {
                write!(f, "the token expired {} s ago according to this machine's clock", ago.as_secs())
            }
            Self::NotYetValid(wait) => {
                write!(f, "the token becomes valid in {} s according to this machine's clock", wait.as_secs())
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
                "the token was signed with the base64-decoded access key: sign with its text instead"
            }
            Self::SignatureMismatch => {
                "the token was not signed with the client's access key: another key signed it (of another resource, or \
                 one that was regenerated), or the token was changed"
            }
            Self::UnknownToService => {
                "the access key belongs to another resource or was rotated: use one of the two current keys of this \
                 resource"
            }
            Self::InvalidCharacters => {
                "the client's access key contains characters other than letters, digits, `+`, `/`, and `=`: it is \
                 not the text that the portal shows"
            }
        })
    }
}
