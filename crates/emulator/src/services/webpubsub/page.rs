//! What the page shows of Web PubSub.

use std::collections::BTreeMap;

use crate::page::snapshot::{Connection, Count, Hub, Listed, Snapshot};
use crate::webpubsub::{ConnectionInfo, WebPubSub};

/// Adds the hubs with their connections.
pub(super) fn add_to(snapshot: &mut Snapshot, service: &WebPubSub) {
    snapshot.hubs = Some(hubs(service));
}

fn hubs(service: &WebPubSub) -> Listed<Hub> {
    Listed::new(service.hubs().into_iter(), |name| {
        let connections = service.connections(&name);
        let groups = counted(connections.iter().flat_map(|connection| &connection.groups));
        let users = counted(connections.iter().filter_map(|connection| connection.user_id.as_ref()));
        Hub { name, groups, users, connections: Listed::new(connections.into_iter(), Connection::from) }
    })
}

/// How often each name occurs, sorted by name.
fn counted<'a>(names: impl Iterator<Item = &'a String>) -> Listed<Count> {
    let mut counts = BTreeMap::<&String, usize>::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    Listed::new(counts.into_iter(), |(name, connections)| Count { name: name.clone(), connections })
}

impl From<ConnectionInfo> for Connection {
    fn from(info: ConnectionInfo) -> Self {
        Self {
            id: info.connection_id,
            user: info.user_id,
            subprotocol: info.subprotocol,
            online: info.online,
            groups: info.groups.len(),
        }
    }
}
