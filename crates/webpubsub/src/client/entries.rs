//! The string maps of the protocol: the metadata of messages, and the states of groups. Without the feature `preview`, they are
//! received and not shown.

#[cfg(not(feature = "preview"))]
use std::collections::BTreeMap;

#[cfg(feature = "preview")]
pub(super) use crate::Metadata as Entries;

#[cfg(not(feature = "preview"))]
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Entries(pub(super) BTreeMap<String, String>);
