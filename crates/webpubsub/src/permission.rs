//! Permissions that a connection gets in addition to the roles of its token.

use std::fmt;

use crate::request::request;

/// Represents a permission of a connection with regard to groups.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Permission {
    /// Permits the connection to send to groups.
    SendToGroup,
    /// Permits the connection to join and leave groups.
    JoinLeaveGroup,
    /// A permission that this version of the crate does not know, by the name that the service has for it.
    Other(String),
}

impl Permission {
    /// Returns the name that the service has for the permission.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::SendToGroup => "sendToGroup",
            Self::JoinLeaveGroup => "joinLeaveGroup",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Permission {
    fn from(name: &str) -> Self {
        match name {
            "sendToGroup" => Self::SendToGroup,
            "joinLeaveGroup" => Self::JoinLeaveGroup,
            _ => Self::Other(name.to_owned()),
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

request! {
    /// A builder that grants a permission when awaited.
    /// [`Connection::grant_permission`](crate::Connection::grant_permission) returns it.
    GrantPermission => (), group
}

request! {
    /// A builder that revokes a permission when awaited.
    /// [`Connection::revoke_permission`](crate::Connection::revoke_permission) returns it.
    RevokePermission => (), group
}

request! {
    /// A builder that checks a permission when awaited.
    /// [`Connection::has_permission`](crate::Connection::has_permission) returns it.
    HasPermission => bool, group
}
