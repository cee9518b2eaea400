//! The string maps of the protocol: the metadata of messages, and the states of groups.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Entries(pub(super) BTreeMap<String, String>);

/// Shows the number of entries, but not the entries, which may be confidential.
impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entries({})", self.0.len())
    }
}
