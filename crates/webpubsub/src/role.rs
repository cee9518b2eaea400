//! The roles of a client's token, which say what it may do with groups (section 5 of the notes on authentication).

use std::fmt;

use service_core::{Error, Result};

use crate::names;

/// The number of `*` that a pattern may have.
const MAX_STARS: usize = 5;

/// A role of a client, which its token carries. It permits the client to join groups or to send to them.
///
/// A client without roles can connect, receive messages, and send events to the event handler.
///
/// # Examples
///
/// ```
/// use webpubsub::Role;
///
/// assert_eq!(Role::join_leave_group("lobby").to_string(), "webpubsub.joinLeaveGroup.lobby");
/// assert_eq!(Role::send_to_groups("room-*").to_string(), "webpubsub.sendToGroups.room-*");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Role(Kind);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Kind {
    /// The name of a complete role.
    Plain(String),
    /// A verb that applies to one group.
    Group(&'static str, String),
    /// A verb that applies to the groups that match a pattern.
    Pattern(&'static str, String),
}

impl Role {
    /// Permits the client to send to any group.
    #[must_use]
    pub fn send_to_any_group() -> Self {
        Self(Kind::Plain("webpubsub.sendToGroup".into()))
    }

    /// Permits the client to send to this group.
    pub fn send_to_group(group: impl Into<String>) -> Self {
        Self(Kind::Group("webpubsub.sendToGroup", group.into()))
    }

    /// Permits the client to send to the groups whose names match a pattern.
    ///
    /// In a pattern, `?` matches one character other than `.`, `*` matches any number of characters other than `.`, and
    /// `**` matches any number of any characters. `\` escapes the next character. A pattern has at most five `*`.
    pub fn send_to_groups(pattern: impl Into<String>) -> Self {
        Self(Kind::Pattern("webpubsub.sendToGroups", pattern.into()))
    }

    /// Permits the client to join and leave any group.
    #[must_use]
    pub fn join_leave_any_group() -> Self {
        Self(Kind::Plain("webpubsub.joinLeaveGroup".into()))
    }

    /// Permits the client to join and leave this group.
    pub fn join_leave_group(group: impl Into<String>) -> Self {
        Self(Kind::Group("webpubsub.joinLeaveGroup", group.into()))
    }

    /// Permits the client to join and leave the groups whose names match a pattern. See
    /// [`send_to_groups`](Self::send_to_groups) for the syntax.
    pub fn join_leave_groups(pattern: impl Into<String>) -> Self {
        Self(Kind::Pattern("webpubsub.joinLeaveGroups", pattern.into()))
    }

    /// Permits the client to set its state in any group that it is a member of. Group states are a preview feature of the
    /// service.
    #[cfg(feature = "preview")]
    #[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
    #[must_use]
    pub fn set_any_group_state() -> Self {
        Self(Kind::Plain("webpubsub.setGroupState".into()))
    }

    /// Permits the client to set its state in this group. Group states are a preview feature of the service.
    #[cfg(feature = "preview")]
    #[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
    pub fn set_group_state(group: impl Into<String>) -> Self {
        Self(Kind::Group("webpubsub.setGroupState", group.into()))
    }

    /// Permits the client to view the states of any group that it is a member of. Group states are a preview feature of the
    /// service.
    #[cfg(feature = "preview")]
    #[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
    #[must_use]
    pub fn get_any_group_state() -> Self {
        Self(Kind::Plain("webpubsub.getGroupState".into()))
    }

    /// Permits the client to view the states of this group. Group states are a preview feature of the service.
    #[cfg(feature = "preview")]
    #[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
    pub fn get_group_state(group: impl Into<String>) -> Self {
        Self(Kind::Group("webpubsub.getGroupState", group.into()))
    }

    /// Creates a role with any name, such as one that only your event handler knows. The name is passed on verbatim.
    pub fn raw(name: impl Into<String>) -> Self {
        Self(Kind::Plain(name.into()))
    }

    /// Validates the role and returns its name.
    pub(crate) fn checked(&self) -> Result<String> {
        match &self.0 {
            Kind::Plain(name) if name.trim().is_empty() => {
                return Err(Error::invalid_input("role", "must not be empty", Some(name)));
            }
            Kind::Plain(_) => {}
            Kind::Group(_, group) => names::group(group)?,
            Kind::Pattern(_, pattern) => check_pattern(pattern)?,
        }
        Ok(self.to_string())
    }
}

/// Formats the role as it appears in the token.
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Plain(name) => f.write_str(name),
            Kind::Group(verb, rest) | Kind::Pattern(verb, rest) => write!(f, "{verb}.{rest}"),
        }
    }
}

fn check_pattern(pattern: &str) -> Result<()> {
    let invalid = |rule: &str| Err(Error::invalid_input("group pattern", rule, Some(pattern)));
    if pattern.trim().is_empty() {
        return invalid("must not be empty");
    }
    let (mut stars, mut characters) = (0, pattern.chars());
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.next().is_none() => {
                return invalid("must not end with a `\\` that escapes nothing");
            }
            '*' => stars += 1,
            _ => {}
        }
    }
    if stars > MAX_STARS {
        return invalid(&format!("must have at most {MAX_STARS} `*`, has {stars}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_named_as_the_service_names_them() {
        for (role, name) in [
            (Role::send_to_any_group(), "webpubsub.sendToGroup"),
            (Role::send_to_group("a.b"), "webpubsub.sendToGroup.a.b"),
            (Role::send_to_groups("room-*.?"), "webpubsub.sendToGroups.room-*.?"),
            (Role::join_leave_any_group(), "webpubsub.joinLeaveGroup"),
            (Role::join_leave_group("g"), "webpubsub.joinLeaveGroup.g"),
            (Role::join_leave_groups("**"), "webpubsub.joinLeaveGroups.**"),
            (Role::raw("mine"), "mine"),
        ] {
            assert_eq!(role.checked().unwrap(), name);
        }
    }

    #[cfg(feature = "preview")]
    #[test]
    fn the_roles_for_group_states_are_named_as_the_service_names_them() {
        for (role, name) in [
            (Role::set_any_group_state(), "webpubsub.setGroupState"),
            (Role::set_group_state("g"), "webpubsub.setGroupState.g"),
            (Role::get_any_group_state(), "webpubsub.getGroupState"),
            (Role::get_group_state("a.b"), "webpubsub.getGroupState.a.b"),
        ] {
            assert_eq!(role.checked().unwrap(), name);
        }
        assert!(Role::set_group_state("").checked().unwrap_err().is_invalid_input());
    }

    #[test]
    fn a_pattern_has_at_most_five_stars_that_are_not_escaped() {
        for good in ["*****", "**a**b*", r"\******", r"a\\"] {
            assert!(Role::send_to_groups(good).checked().is_ok(), "{good}");
        }
        for (bad, rule) in [
            ("******", "at most 5 `*`, has 6"),
            (r"\\******", "has 6"),
            (r"a\", "escapes nothing"),
            (" ", "empty"),
        ] {
            let error = Role::join_leave_groups(bad).checked().unwrap_err();
            assert!(error.to_string().contains(rule), "{bad}: {error}");
        }
    }

    #[test]
    fn a_role_for_an_invalid_group_is_rejected() {
        for bad in ["", " ", "..", &"g".repeat(1025)] {
            assert!(Role::send_to_group(bad).checked().unwrap_err().is_invalid_input(), "{bad}");
            assert!(Role::join_leave_group(bad).checked().unwrap_err().is_invalid_input(), "{bad}");
        }
        assert!(Role::raw("").checked().unwrap_err().is_invalid_input());
    }
}
