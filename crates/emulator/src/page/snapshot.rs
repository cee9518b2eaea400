//! The state of all services at one moment, with bounded lists, in the form in which it is shown.

use serde::Serialize;

use super::state::State;
use crate::journal::{Entry, time_of_day};

/// The maximum number of entries in a list: the page is for people.
pub(super) const MAX_ENTRIES: usize = 200;

/// The state that the page shows. The list of a service that this build lacks is `None`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Snapshot {
    pub(super) version: &'static str,
    pub(super) endpoint: String,
    /// The current time of the emulator's clock, in UTC.
    pub(super) time: String,
    pub(super) pending_faults: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hubs: Option<Listed<Hub>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) topics: Option<Listed<Topic>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agents: Option<Listed<Agent>>,
    /// Newest first.
    pub(super) requests: Vec<Event>,
}

/// The first entries of a list, and their total number.
#[derive(Debug, Serialize)]
pub(super) struct Listed<T> {
    pub(super) total: usize,
    pub(super) first: Vec<T>,
}

#[derive(Debug, Serialize)]
pub(super) struct Hub {
    pub(super) name: String,
    pub(super) connections: Listed<Connection>,
    pub(super) groups: Listed<Count>,
    pub(super) users: Listed<Count>,
}

#[derive(Debug, Serialize)]
pub(super) struct Connection {
    pub(super) id: String,
    pub(super) user: Option<String>,
    pub(super) subprotocol: Option<String>,
    pub(super) online: bool,
    pub(super) groups: usize,
}

/// A group or a user, with the number of its connections.
#[derive(Debug, Serialize)]
pub(super) struct Count {
    pub(super) name: String,
    pub(super) connections: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) subscriptions: Listed<Subscription>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subscription {
    pub(super) name: String,
    pub(super) waiting: usize,
    pub(super) locked: usize,
    pub(super) dead_letters: usize,
    /// The webhook to which events are pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) webhook: Option<Webhook>,
    /// Newest first. `None` if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) newest_dead_letters: Option<Listed<DeadLetter>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Webhook {
    pub(super) url: String,
    pub(super) validated: bool,
    pub(super) on_probation: bool,
}

/// A dead letter, without the event's data.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeadLetter {
    pub(super) id: String,
    pub(super) source: String,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    pub(super) subject: Option<String>,
    pub(super) reason: String,
    pub(super) deliveries: u32,
    pub(super) last_result: Option<String>,
}

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
    pub(super) fn new<S>(all: impl ExactSizeIterator<Item = S>, show: impl FnMut(S) -> T) -> Self {
        Self { total: all.len(), first: all.take(MAX_ENTRIES).map(show).collect() }
    }
}

impl Snapshot {
    /// The state without the services, which add their own.
    pub(super) fn new(state: &State<'_>) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            endpoint: state.endpoint.http(),
            time: time_of_day(state.clock.now()),
            pending_faults: state.faults.pending(),
            hubs: None,
            topics: None,
            agents: None,
            requests: state.journal.lines().into_iter().rev().map(Event::from).collect(),
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
