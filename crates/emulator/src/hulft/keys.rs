//! API keys and their scopes. The vendor documents a scope as a check box, a resource and an action, without a
//! technical name. Here, each documented pair is a constant.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::invalid_setting::InvalidSetting;

/// Represents a permission of an API key: an action on a resource, as selected in the vendor's console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    resource: &'static str,
    action: &'static str,
}

macro_rules! scopes {
    ($($name:ident: $resource:literal, $action:literal;)*) => {
        impl Scope {
            /// Contains every scope of the Site API.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            $(
                #[doc = concat!("Permits the action `", $action, "` on `", $resource, "`.")]
                pub const $name: Self = Self { resource: $resource, action: $action };
            )*
        }
    };
}

scopes! {
    AGENT_GET: "Agent", "Get";
    AGENT_DISCONNECT: "Agent", "Disconnect";
    CONNECTION_SETTINGS_GET: "Connection Settings", "Get";
    CONNECTION_SETTINGS_CREATE: "Connection Settings", "Create";
    CONNECTION_SETTINGS_UPDATE: "Connection Settings", "Update";
    CONNECTION_SETTINGS_DELETE: "Connection Settings", "Delete";
    RELAY_AUTH_SETTINGS_GET: "Relay Auth Settings", "Get";
    RELAY_AUTH_SETTINGS_CREATE: "Relay Auth Settings", "Create";
    RELAY_AUTH_SETTINGS_UPDATE: "Relay Auth Settings", "Update";
    RELAY_AUTH_SETTINGS_DELETE: "Relay Auth Settings", "Delete";
    RELAY_LOG_GET: "Relay Log", "Get";
    BROWSER_SEND_FILE_GET: "Browser Send File", "Get";
    BROWSER_SEND_FILE_CREATE: "Browser Send File", "Create";
    BROWSER_SEND_FILE_UPDATE: "Browser Send File", "Update";
    BROWSER_SEND_FILE_DELETE: "Browser Send File", "Delete";
    BROWSER_SEND_REQUEST_GET: "Browser Send Request", "Get";
    BROWSER_SEND_REQUEST_CREATE: "Browser Send Request", "Create";
    BROWSER_SEND_REQUEST_UPDATE: "Browser Send Request", "Update";
    BROWSER_SEND_REQUEST_DELETE: "Browser Send Request", "Delete";
    SERVICE_STATUS_GET: "Service Status", "Get";
    SECONDARY_ACCOUNT_GET: "Previous secondary account for Browser Transfer Settings", "Get";
    SECONDARY_ACCOUNT_DELETE: "Previous secondary account for Browser Transfer Settings", "Delete";
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.resource, self.action)
    }
}

/// Checks whether a text can be an API key. It must be a valid header value.
pub(crate) fn check_key(key: &str) -> Result<(), InvalidSetting> {
    if (1..=256).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(InvalidSetting::new("an API key of HULFT-WebConnect must be 1 to 256 visible ASCII characters"))
}

/// The API keys of the contract.
#[derive(Default)]
pub(super) struct Keys(HashMap<String, BTreeSet<Scope>>);

impl Keys {
    pub(super) fn add(&mut self, key: &str, scopes: &[Scope]) {
        self.0.insert(key.to_owned(), scopes.iter().copied().collect());
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// The scopes of the key in an `Authorization` header. `None` if the key is unknown.
    pub(super) fn scopes(&self, authorization: Option<&str>) -> Option<&BTreeSet<Scope>> {
        let (scheme, key) = authorization?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("Bearer") { self.0.get(key.trim()) } else { None }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_bearer_header_only() {
        let mut keys = Keys::default();
        keys.add("secret", &[Scope::AGENT_GET]);
        assert!(keys.scopes(Some("Bearer secret")).is_some_and(|scopes| scopes.contains(&Scope::AGENT_GET)));
        for header in [None, Some("secret"), Some("Basic secret"), Some("Bearer other"), Some("Bearer")] {
            assert_eq!(keys.scopes(header), None, "{header:?}");
        }
        assert!(!format!("{keys:?}").contains("secret"));
    }
}
