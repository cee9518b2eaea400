//! The permissions of a client for groups: the roles of its token, with their patterns (webpubsub auth, section 5), and
//! the permissions granted to its connection later.

/// The service documents no bound. This one keeps grants from exhausting the memory.
const MAX_PERMISSIONS: usize = 1_000;

/// The roles of one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Roles(Vec<Role>);

#[derive(Debug, Clone, PartialEq)]
struct Role {
    permission: Permission,
    scope: Scope,
}

/// A permission that a role can grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permission {
    JoinLeaveGroup,
    SendToGroup,
    /// Cannot be granted through REST, and neither can the next one.
    SetGroupState,
    GetGroupState,
}

#[derive(Debug, Clone, PartialEq)]
enum Scope {
    Any,
    Group(String),
    Pattern(Vec<Token>),
    /// The text after the dot is a name or a pattern: there is only one form of the role (previews, section 4.2).
    GroupOrPattern(String, Vec<Token>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Character(char),
    /// `?`: one character except a dot.
    One,
    /// `*`: any number of characters except dots.
    Many,
    /// `**`: any number of characters.
    All,
}

impl Roles {
    /// Parses role names. Those that do not concern groups are ignored.
    pub(super) fn read<'a>(names: impl IntoIterator<Item = &'a String>) -> Self {
        Self(names.into_iter().filter_map(|name| Role::read(name)).collect())
    }

    /// Whether the permission holds in this group.
    pub(super) fn allow(&self, permission: Permission, group: &str) -> bool {
        self.0.iter().any(|role| role.permission == permission && role.scope.contains(group))
    }

    /// Whether the permission holds in every group.
    pub(super) fn allow_all(&self, permission: Permission) -> bool {
        self.0.contains(&Role { permission, scope: Scope::Any })
    }

    /// Grants the permission in one group, or in all. Returns `false` if the connection has too many permissions.
    pub(super) fn grant(&mut self, permission: Permission, group: Option<&str>) -> bool {
        let scope = group.map_or(Scope::Any, |group| Scope::Group(group.to_owned()));
        let role = Role { permission, scope };
        if !self.0.contains(&role) {
            if self.0.len() >= MAX_PERMISSIONS {
                return false;
            }
            self.0.push(role);
        }
        true
    }

    /// Revokes the permission for this one group. Grants that cover other groups as well stay.
    pub(super) fn revoke(&mut self, permission: Permission, group: &str) {
        let role = Role { permission, scope: Scope::Group(group.to_owned()) };
        self.0.retain(|other| *other != role);
    }
}

impl Permission {
    /// Parses the name in a path, which is case-insensitive, or its number. The order of the numbers is that of the
    /// service's .NET enumeration.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "sendtogroup" | "1" => Some(Self::SendToGroup),
            "joinleavegroup" | "2" => Some(Self::JoinLeaveGroup),
            _ => None,
        }
    }
}

impl Role {
    fn read(name: &str) -> Option<Self> {
        let name = name.strip_prefix("webpubsub.")?;
        let (verb, group) = name.split_once('.').map_or((name, None), |(verb, group)| (verb, Some(group)));
        let (permission, plural) = match verb {
            "joinLeaveGroup" => (Permission::JoinLeaveGroup, false),
            "joinLeaveGroups" => (Permission::JoinLeaveGroup, true),
            "sendToGroup" => (Permission::SendToGroup, false),
            "sendToGroups" => (Permission::SendToGroup, true),
            "setGroupState" => return Self::of_state(Permission::SetGroupState, group),
            "getGroupState" => return Self::of_state(Permission::GetGroupState, group),
            _ => return None,
        };
        let scope = match (group, plural) {
            (None, false) => Scope::Any,
            (Some(group), false) => Scope::Group(group.to_owned()),
            (Some(pattern), true) => Scope::Pattern(read_pattern(pattern)?),
            (None, true) => return None,
        };
        Some(Self { permission, scope })
    }

    fn of_state(permission: Permission, group: Option<&str>) -> Option<Self> {
        let scope = match group {
            None => Scope::Any,
            // A text that is no pattern can still be a name.
            Some(text) => Scope::GroupOrPattern(text.to_owned(), read_pattern(text).unwrap_or_default()),
        };
        Some(Self { permission, scope })
    }
}

impl Scope {
    fn contains(&self, group: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Group(name) => name == group,
            Self::Pattern(pattern) => matches(pattern, group),
            Self::GroupOrPattern(name, pattern) => name == group || matches(pattern, group),
        }
    }
}

/// Returns `None` for more than five `*`.
fn read_pattern(text: &str) -> Option<Vec<Token>> {
    if text.chars().filter(|c| *c == '*').count() > 5 {
        return None;
    }
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        tokens.push(match c {
            '?' => Token::One,
            '*' if rest.next_if_eq(&'*').is_some() => Token::All,
            '*' => Token::Many,
            '\\' => Token::Character(rest.next()?),
            other => Token::Character(other),
        });
    }
    Some(tokens)
}

/// Advances through the group's characters with the set of reachable positions in the pattern. There is no
/// backtracking, so no pattern takes long.
fn matches(pattern: &[Token], group: &str) -> bool {
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    skip_stars(pattern, &mut reached);
    for c in group.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (place, token) in pattern.iter().enumerate().filter(|(place, _)| reached[*place]) {
            match token {
                Token::Character(expected) if *expected == c => next[place + 1] = true,
                Token::One if c != '.' => next[place + 1] = true,
                Token::Many if c != '.' => next[place] = true,
                Token::All => next[place] = true,
                _ => {}
            }
        }
        skip_stars(pattern, &mut next);
        reached = next;
    }
    reached[pattern.len()]
}

fn skip_stars(pattern: &[Token], reached: &mut [bool]) {
    for (place, token) in pattern.iter().enumerate() {
        if reached[place] && matches!(token, Token::Many | Token::All) {
            reached[place + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_send(role: &str, group: &str) -> bool {
        Roles::read(&[role.to_owned()]).allow(Permission::SendToGroup, group)
    }

    #[test]
    fn a_role_without_a_group_grants_every_group() {
        assert!(may_send("webpubsub.sendToGroup", "any.thing"));
        assert!(!may_send("webpubsub.joinLeaveGroup", "any.thing"));
    }

    #[test]
    fn a_role_with_a_group_grants_that_group_only() {
        assert!(may_send("webpubsub.sendToGroup.a.b", "a.b"));
        assert!(!may_send("webpubsub.sendToGroup.a.b", "a.B"));
        assert!(!may_send("webpubsub.sendToGroup.*", "a"));
    }

    #[test]
    fn the_plural_form_is_a_pattern() {
        assert!(may_send("webpubsub.sendToGroups.room?", "room1"));
        assert!(!may_send("webpubsub.sendToGroups.room?", "room."));
        assert!(!may_send("webpubsub.sendToGroups.room?", "room"));
        assert!(may_send("webpubsub.sendToGroups.a.*.z", "a.bcd.z"));
        assert!(!may_send("webpubsub.sendToGroups.a.*.z", "a.b.c.z"));
        assert!(may_send("webpubsub.sendToGroups.a.**.z", "a.b.c.z"));
        assert!(may_send(r"webpubsub.sendToGroups.a\*", "a*"));
        assert!(!may_send(r"webpubsub.sendToGroups.a\*", "ab"));
        assert!(!may_send("webpubsub.sendToGroups", "a"));
    }

    #[test]
    fn a_role_for_group_states_has_one_form_for_names_and_patterns() {
        let may_set = |role: &str, group| {
            Roles::read(&[format!("webpubsub.{role}")]).allow(Permission::SetGroupState, group)
        };
        assert!(may_set("setGroupState", "a.b") && !may_set("getGroupState", "a.b"));
        assert!(may_set("setGroupState.a.b", "a.b") && !may_set("setGroupState.a.b", "a.c"));
        assert!(may_set("setGroupState.room*", "room1") && may_set("setGroupState.room*", "room*"));
        assert!(!may_set("setGroupState.room*", "room.1") && !may_set("setGroupStates.room*", "room1"));
        assert!(may_set("setGroupState.******", "******") && !may_set("setGroupState.******", "a"));
    }

    #[test]
    fn a_connection_has_a_thousand_permissions_at_most() {
        let mut roles = Roles::default();
        for number in 0..=MAX_PERMISSIONS {
            let granted = roles.grant(Permission::SendToGroup, Some(&format!("g{number}")));
            assert_eq!(granted, number < MAX_PERMISSIONS, "{number}");
        }
        assert!(roles.grant(Permission::SendToGroup, Some("g7")), "granting again takes no room");
    }

    #[test]
    fn a_pattern_with_more_than_five_stars_grants_nothing() {
        assert!(may_send("webpubsub.sendToGroups.*a*b*c*d*", "abcd"));
        assert!(!may_send("webpubsub.sendToGroups.*a*b*c*d*e*", "abcde"));
    }
}
