//! The hubs that clients may enter without a token, as the setting of a hub in the service allows.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::names;
use crate::invalid_setting::InvalidSetting;

/// The names of these hubs, in lower case.
#[derive(Debug, Default)]
pub(super) struct AnonymousHubs(Mutex<HashSet<String>>);

impl AnonymousHubs {
    pub(super) fn set(&self, hub: &str, allow: bool) -> Result<(), InvalidSetting> {
        if !names::is_hub(hub) {
            return Err(InvalidSetting::new("the name of the hub is invalid"));
        }
        let mut hubs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = hub.to_ascii_lowercase();
        if allow {
            hubs.insert(name)
        } else {
            hubs.remove(&name)
        };
        Ok(())
    }

    /// The names, in lower case.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn allow(&self, hub: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&hub.to_ascii_lowercase())
    }
}
