//! Changes of group memberships: of one connection or user, and of many connections at once.

use serde::Serialize;
use service_core::{Call, Error, Result};

use crate::filter::Filter;
use crate::names;
use crate::request::request;

request! {
    /// A builder that changes, when awaited, the group memberships of a connection or of all connections of a user.
    ChangeMembership => ()
}

request! {
    /// A builder that changes, when awaited, the group memberships of many connections.
    /// [`ServiceClient::add_connections_to_groups`](crate::ServiceClient::add_connections_to_groups) and
    /// [`ServiceClient::remove_connections_from_groups`](crate::ServiceClient::remove_connections_from_groups) return it.
    ChangeMemberships => ()
}

/// Selects connections of the hub.
///
/// There is no default value, since a forgotten filter would select all connections.
#[derive(Debug, Clone)]
pub struct Connections(Option<Filter>);

impl Connections {
    /// Selects every current connection of the hub.
    #[must_use]
    pub fn all() -> Self {
        Self(None)
    }

    /// Selects the current connections that match a filter.
    #[must_use]
    pub fn matching(filter: Filter) -> Self {
        Self(Some(filter))
    }
}

#[derive(Serialize)]
struct Body {
    groups: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
}

pub(crate) fn change<S: AsRef<str>>(
    mut call: Call<()>,
    groups: impl IntoIterator<Item = S>,
    connections: Connections,
) -> ChangeMemberships {
    match body(groups, connections) {
        Ok(body) => call.body("application/json", body),
        Err(error) => call.check(Err(error)),
    }
    ChangeMemberships::new(call)
}

fn body<S: AsRef<str>>(groups: impl IntoIterator<Item = S>, connections: Connections) -> Result<Vec<u8>> {
    let groups: Vec<_> = groups.into_iter().map(|group| group.as_ref().to_owned()).collect();
    if groups.is_empty() {
        return Err(Error::invalid_input("groups", "must contain at least one name", None));
    }
    groups.iter().try_for_each(|group| names::group(group))?;
    let filter = connections.0.map(Filter::checked).transpose()?;
    serde_json::to_vec(&Body { groups, filter })
        .map_err(|error| Error::invalid_input("body", "cannot be written as JSON", None).with_source(error))
}
