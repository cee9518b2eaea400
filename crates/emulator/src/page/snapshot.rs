//! The state of all services at one moment, with bounded lists, in the form in which it is shown.

use serde::Serialize;

use super::state::State;
use crate::journal::{Entry, time_of_day};

/// The maximum number of entries in a list: the page is for people.
pub(crate) const MAX_ENTRIES: usize = 200;

/// The state that the page shows. The list of a service that this build lacks is `None`.
#[derive(Debug, Serialize)]
pub(crate) struct Snapshot {
    pub(crate) version: &'static str,
    pub(crate) endpoint: String,
    /// The current time of the emulator's clock, in UTC.
    pub(crate) time: String,
    pub(crate) pending_faults: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hubs: Option<Listed<Hub>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) topics: Option<Listed<Topic>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) agents: Option<Listed<Agent>>,
    /// Newest first.
    pub(crate) requests: Vec<Event>,
}

/// The first entries of a list, and their total number.
#[derive(Debug, Serialize)]
pub(crate) struct Listed<T> {
    pub(crate) total: usize,
    pub(crate) first: Vec<T>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Hub {
    pub(crate) name: String,
    pub(crate) connections: Listed<Connection>,
    pub(crate) groups: Listed<Count>,
    pub(crate) users: Listed<Count>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Connection {
    pub(crate) id: String,
    pub(crate) user: Option<String>,
    pub(crate) subprotocol: Option<String>,
    pub(crate) online: bool,
    pub(crate) groups: usize,
}

/// A group or a user, with the number of its connections.
#[derive(Debug, Serialize)]
pub(crate) struct Count {
    pub(crate) name: String,
    pub(crate) connections: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) subscriptions: Listed<Subscription>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Subscription {
    pub(crate) name: String,
    pub(crate) waiting: usize,
    pub(crate) locked: usize,
    pub(crate) dead_letters: usize,
    /// The webhook to which events are pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) webhook: Option<Webhook>,
    /// Newest first. `None` if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) newest_dead_letters: Option<Listed<DeadLetter>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) validated: bool,
    pub(crate) on_probation: bool,
}

/// A dead letter, without the event's data.
#[derive(Debug, Serialize)]
pub(crate) struct DeadLetter {
    pub(crate) id: String,
    pub(crate) source: String,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) subject: Option<String>,
    pub(crate) reason: String,
    pub(crate) deliveries: u32,
    pub(crate) last_result: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Agent {
    pub(crate) id: String,
    pub(crate) direction: &'static str,
    pub(crate) connection_ids: Vec<String>,
    pub(crate) endpoint: String,
    pub(crate) version: String,
}

/// A line of the journal.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    pub(crate) time: String,
    pub(crate) service: &'static str,
    pub(crate) verb: String,
    pub(crate) outcome: String,
    pub(crate) took: String,
    pub(crate) target: String,
    pub(crate) note: String,
}

impl<T> Listed<T> {
    pub(crate) fn new<S>(all: impl ExactSizeIterator<Item = S>, show: impl FnMut(S) -> T) -> Self {
        Self { total: all.len(), first: all.take(MAX_ENTRIES).map(show).collect() }
    }
}

impl Snapshot {
    /// The state without the services, which add their own.
    pub(crate) fn new(state: &State<'_>) -> Self {
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
