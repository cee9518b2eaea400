//! What a connection may do with groups beyond what its token said: granted, asked for and revoked one by one.

use std::fmt;

use crate::request::request;

/// Something that a client may do with groups.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Permission {
    /// Publish to groups.
    SendToGroup,
    /// Join and leave groups.
    JoinLeaveGroup,
    /// What a later version of the service knows, by its name there.
    Other(String),
}

impl Permission {
    /// The service's name of it.
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
    /// Grants a permission; made by [`Connection::grant_permission`](crate::Connection::grant_permission).
    GrantPermission => (), group
}

request! {
    /// Revokes a permission; made by [`Connection::revoke_permission`](crate::Connection::revoke_permission).
    RevokePermission => (), group
}

request! {
    /// Asks for a permission; made by [`Connection::has_permission`](crate::Connection::has_permission).
    HasPermission => bool, group
}
