//! The state of all services at one moment, with bounded lists, in the form in which it is shown.

#[cfg(feature = "webpubsub")]
use std::collections::BTreeMap;

use serde::Serialize;

use crate::journal::Entry;
use crate::server::Shared;

/// The maximum number of entries in a list: the page is for people.
const MAX_ENTRIES: usize = 200;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Snapshot {
    pub(super) version: &'static str,
    pub(super) endpoint: String,
    /// The current time of the emulator's clock, in UTC.
    pub(super) time: String,
    pub(super) pending_faults: usize,
    #[cfg(feature = "webpubsub")]
    pub(super) hubs: Listed<Hub>,
    #[cfg(feature = "eventgrid")]
    pub(super) topics: Listed<Topic>,
    #[cfg(feature = "hulft")]
    pub(super) agents: Listed<Agent>,
    /// Newest first.
    pub(super) requests: Vec<Event>,
}

/// The first entries of a list, and their total number.
#[derive(Debug, Serialize)]
pub(super) struct Listed<T> {
    pub(super) total: usize,
    pub(super) first: Vec<T>,
}

#[cfg(feature = "webpubsub")]
#[derive(Debug, Serialize)]
pub(super) struct Hub {
    pub(super) name: String,
    pub(super) connections: Listed<Connection>,
    pub(super) groups: Listed<Count>,
    pub(super) users: Listed<Count>,
}

#[cfg(feature = "webpubsub")]
#[derive(Debug, Serialize)]
pub(super) struct Connection {
    pub(super) id: String,
    pub(super) user: Option<String>,
    pub(super) subprotocol: Option<String>,
    pub(super) online: bool,
    pub(super) groups: usize,
}

/// A group or a user, with the number of its connections.
#[cfg(feature = "webpubsub")]
#[derive(Debug, Serialize)]
pub(super) struct Count {
    pub(super) name: String,
    pub(super) connections: usize,
}

#[cfg(feature = "eventgrid")]
#[derive(Debug, Serialize)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) subscriptions: Listed<Subscription>,
}

#[cfg(feature = "eventgrid")]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subscription {
    pub(super) name: String,
    pub(super) waiting: usize,
    pub(super) locked: usize,
    pub(super) dead_letters: usize,
}

#[cfg(feature = "hulft")]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Agent {
    pub(super) id: String,
    pub(super) direction: &'static str,
    pub(super) connection_ids: Vec<String>,
    pub(super) endpoint: String,
    pub(super) version: String,
}

/// A line of the journal.
#[derive(Debug, Serialize)]
pub(super) struct Event {
    pub(super) time: String,
    pub(super) service: &'static str,
    pub(super) verb: String,
    pub(super) outcome: String,
    pub(super) took: String,
    pub(super) target: String,
    pub(super) note: String,
}

impl<T> Listed<T> {
    fn new<S>(all: impl ExactSizeIterator<Item = S>, show: impl FnMut(S) -> T) -> Self {
        Self { total: all.len(), first: all.take(MAX_ENTRIES).map(show).collect() }
    }
}

impl Snapshot {
    pub(super) fn take(shared: &Shared) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            endpoint: shared.endpoint.http(),
            time: crate::journal::time_of_day(shared.clock.now()),
            pending_faults: shared.faults.pending(),
            #[cfg(feature = "webpubsub")]
            hubs: hubs(&shared.services.webpubsub),
            #[cfg(feature = "eventgrid")]
            topics: Listed::new(shared.services.eventgrid.topics().into_iter(), Topic::from),
            #[cfg(feature = "hulft")]
            agents: Listed::new(shared.services.hulft.agents().into_iter(), Agent::from),
            requests: shared.journal.lines().into_iter().rev().map(Event::from).collect(),
        }
    }
}

#[cfg(feature = "webpubsub")]
fn hubs(service: &crate::webpubsub::WebPubSub) -> Listed<Hub> {
    Listed::new(service.hubs().into_iter(), |name| {
        let connections = service.connections(&name);
        let groups = counted(connections.iter().flat_map(|connection| &connection.groups));
        let users = counted(connections.iter().filter_map(|connection| connection.user_id.as_ref()));
        Hub { name, groups, users, connections: Listed::new(connections.into_iter(), Connection::from) }
    })
}

/// How often each name occurs, sorted by name.
#[cfg(feature = "webpubsub")]
fn counted<'a>(names: impl Iterator<Item = &'a String>) -> Listed<Count> {
    let mut counts = BTreeMap::<&String, usize>::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    Listed::new(counts.into_iter(), |(name, connections)| Count { name: name.clone(), connections })
}

#[cfg(feature = "webpubsub")]
impl From<crate::webpubsub::ConnectionInfo> for Connection {
    fn from(info: crate::webpubsub::ConnectionInfo) -> Self {
        Self {
            id: info.connection_id,
            user: info.user_id,
            subprotocol: info.subprotocol,
            online: info.online,
            groups: info.groups.len(),
        }
    }
}

#[cfg(feature = "eventgrid")]
impl From<crate::eventgrid::TopicInfo> for Topic {
    fn from(info: crate::eventgrid::TopicInfo) -> Self {
        let subscriptions = Listed::new(info.subscriptions.into_iter(), |info| Subscription {
            name: info.name,
            waiting: info.waiting,
            locked: info.locked,
            dead_letters: info.dead_letters,
        });
        Self { name: info.name, subscriptions }
    }
}

#[cfg(feature = "hulft")]
impl From<crate::hulft::ConnectedAgent> for Agent {
    fn from(connected: crate::hulft::ConnectedAgent) -> Self {
        let agent = connected.agent;
        let direction = match agent.direction {
            crate::hulft::Direction::Send => "send",
            crate::hulft::Direction::Receive => "receive",
        };
        Self {
            id: agent.agent_id,
            direction,
            connection_ids: agent.connection_ids,
            endpoint: agent.endpoint,
            version: agent.agent_version,
        }
    }
}

impl From<Entry> for Event {
    fn from(line: Entry) -> Self {
        Self {
            time: line.time(),
            service: line.service_name(),
            outcome: line.outcome.text(),
            took: line.duration(),
            verb: line.verb,
            target: line.target,
            note: line.note,
        }
    }
}
