//! Who is in which group: changes for one connection or user, and for many connections at once.

use serde::Serialize;
use service_core::{Call, Error, Result};

use crate::filter::Filter;
use crate::names;
use crate::request::request;

request! {
    /// Changes which groups a connection, or the connections of a user, are in.
    ChangeMembership => ()
}

request! {
    /// Changes which groups many connections are in; made by
    /// [`ServiceClient::add_connections_to_groups`](crate::ServiceClient::add_connections_to_groups) and
    /// [`ServiceClient::remove_connections_from_groups`](crate::ServiceClient::remove_connections_from_groups).
    ChangeMemberships => ()
}

/// Which connections of the hub are meant. There is no default: a forgotten filter would mean all of them.
#[derive(Debug, Clone)]
pub struct Connections(Option<Filter>);

impl Connections {
    /// Every connection that the hub has now.
    #[must_use]
    pub fn all() -> Self {
        Self(None)
    }

    /// The connections that match now.
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
        return Err(Error::invalid_input("groups", "must have at least one name", None));
    }
    groups.iter().try_for_each(|group| names::group(group))?;
    let filter = connections.0.map(Filter::checked).transpose()?;
    serde_json::to_vec(&Body { groups, filter })
        .map_err(|error| Error::invalid_input("body", "cannot be written as JSON", None).with_source(error))
}
