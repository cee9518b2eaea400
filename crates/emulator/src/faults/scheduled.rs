//! The faults that are scheduled: their ids, their description, and their removal.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::fault::Kind;
use super::{Fault, Faults, Random, Script};
use crate::message::Service;

/// Identifies a scheduled fault of one emulator. Ids are not reused.
///
/// [`Faults::push`], [`Faults::randomly`], and [`Faults::push_socket`] return it.
///
/// # Examples
///
/// ```
/// use service_emulator::{Emulator, Fault};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let emulator = Emulator::start().await?;
/// let id = emulator.faults().push(Fault::status(503));
/// assert_eq!(emulator.faults().scheduled()[0].id, id);
/// assert!(emulator.faults().remove(id));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(u64);

/// Describes a fault that is scheduled. [`Faults::scheduled`] returns it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScheduledFault {
    /// The id with which the fault can be removed.
    pub id: FaultId,
    /// Whether the fault affects open WebSockets, not requests.
    pub sockets: bool,
    /// The number of times that the fault is still to occur. `None` for a random fault, which has no limit.
    pub remaining: Option<u32>,
    /// The fault as a table of the settings file, without `times`.
    pub settings: Value,
}

impl Faults {
    /// Returns the faults that are scheduled: those of requests, then random ones, then those of WebSockets, each in the
    /// order in which they were added.
    pub fn scheduled(&self) -> Vec<ScheduledFault> {
        let script = self.script();
        let requests = script.queue.iter().map(|fault| scheduled(fault.id, fault, Some(fault.times)));
        let random = script.random.iter().map(Random::scheduled);
        requests.chain(random).chain(script.sockets.scheduled()).collect()
    }

    /// Removes a fault that is scheduled, however often it was still to occur. Returns `false` if there is no such fault,
    /// or if it has occurred for the last time.
    pub fn remove(&self, id: FaultId) -> bool {
        let mut script = self.script();
        let Script { queue, random, sockets, .. } = &mut *script;
        let before = queue.len() + random.len();
        queue.retain(|fault| fault.id != id);
        random.retain(|random| random.id != id);
        sockets.remove(id) || queue.len() + random.len() < before
    }
}

impl Script {
    pub(super) fn next_id(&mut self) -> FaultId {
        self.last += 1;
        FaultId(self.last)
    }
}

impl Random {
    fn scheduled(&self) -> ScheduledFault {
        let mut fault = scheduled(self.id, &self.fault, None);
        if let Value::Object(table) = &mut fault.settings {
            table.insert("probability".to_owned(), self.probability.into());
        }
        fault
    }
}

fn scheduled(id: FaultId, fault: &Fault, remaining: Option<u32>) -> ScheduledFault {
    ScheduledFault { id, sockets: false, remaining, settings: fault.settings() }
}

impl Fault {
    /// The fault as a table of the settings file. A body that is not UTF-8 is shown with replacement characters.
    fn settings(&self) -> Value {
        let mut table = Map::new();
        let mut set = |name: &str, value: Value| table.insert(name.to_owned(), value);
        match &self.kind {
            Kind::Status { status, headers, body } => {
                set("kind", "status".into());
                set("status", (*status).into());
                if !headers.is_empty() {
                    let headers = headers.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
                    set("headers", Value::Object(headers.collect()));
                }
                if !body.is_empty() {
                    set("body", String::from_utf8_lossy(body).into());
                }
            }
            Kind::Delay(by) => {
                set("kind", "delay".into());
                set("delay_ms", u64::try_from(by.as_millis()).unwrap_or(u64::MAX).into());
            }
            Kind::Hang => drop(set("kind", "hang".into())),
            Kind::Reset => drop(set("kind", "reset".into())),
            Kind::CutBody => drop(set("kind", "cut_body".into())),
        }
        if self.after_processing {
            set("after_processing", true.into());
        }
        for (name, value) in [
            ("method", self.method.as_deref()),
            ("path_contains", self.path_contains.as_deref()),
            ("service", self.service.map(Service::name)),
        ] {
            if let Some(value) = value {
                set(name, value.into());
            }
        }
        Value::Object(table)
    }
}

impl fmt::Display for FaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for FaultId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_scheduled_is_listed_in_the_form_of_the_settings_file_and_can_be_removed() {
        let faults = Faults::default();
        let first = faults.push(Fault::status(503).header("retry-after", "1").method("POST").times(2));
        let second = faults.randomly(0.5, Fault::reset().service(Service::Hulft), 1);
        let listed = faults.scheduled();
        let expected =
            json!({ "kind": "status", "status": 503, "headers": { "retry-after": "1" }, "method": "POST" });
        assert_eq!((listed[0].id, listed[0].remaining, &listed[0].settings), (first, Some(2), &expected));
        let expected = json!({ "kind": "reset", "service": "hulft", "probability": 0.5 });
        assert_eq!((listed[1].id, listed[1].remaining, &listed[1].settings), (second, None, &expected));
        assert!(faults.remove(first) && !faults.remove(first) && faults.remove(second));
        assert!(faults.scheduled().is_empty());
    }
}
