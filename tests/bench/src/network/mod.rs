//! What a client does to a machine and a network in the long run: descriptors, memory, and connections that a server closes. A
//! test cannot look at these, since they need the limits of a whole process, a million calls, or minutes of real time.

mod idle;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::Result;
use crate::calls::message::Message;
use crate::calls::rooms::{self, Rooms};
use crate::load::{self, LANES};
use crate::resident::resident;
use crate::server::Server;

pub use idle::{Idle, idle};

/// What a run has measured, and the most that is allowed.
#[derive(Debug)]
pub struct Figures {
    text: String,
    measured: u64,
    limit: u64,
}

impl Figures {
    fn new(text: String, measured: u64, limit: u64) -> Self {
        Self { text, measured, limit }
    }

    /// Whether the figure is at most the limit.
    #[must_use]
    pub fn is_within_limit(&self) -> bool {
        self.measured <= self.limit
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = if self.is_within_limit() { "ok" } else { "TOO MUCH" };
        write!(f, "{}\n{outcome}: {} of at most {}", self.text, self.measured, self.limit)
    }
}

/// Makes so many calls at the same time, with room for so many file descriptors, and counts those that fail.
///
/// # Errors
///
/// A server that does not start, or a limit that the system does not accept.
pub fn descriptors(server: &Path, calls: usize, limit: Option<u64>) -> Result<Figures> {
    let server = Server::start(server)?;
    if let Some(limit) = limit {
        limit_descriptors(limit)?;
    }
    let message = Arc::new(Message::new(&server.origin())?);
    let rooms = Rooms::over(&message, None)?;
    let outcomes = load::runtime()?.block_on(async {
        let mut running = JoinSet::new();
        for _ in 0..calls {
            running.spawn(rooms::send(rooms.clone(), Arc::clone(&message)));
        }
        running.join_all().await
    });
    let failures: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    let first = failures.first().map_or_else(String::new, |error| format!(", the first with: {error}"));
    let limit = limit.map_or_else(|| "the system's limit".to_owned(), |limit| limit.to_string());
    let text = format!("{calls} calls at once, {limit} descriptors: {} failures{first}", failures.len());
    Ok(Figures::new(text, u64::try_from(failures.len())?, 0))
}

#[cfg(unix)]
fn limit_descriptors(limit: u64) -> Result<()> {
    use nix::sys::resource::{Resource, setrlimit};
    Ok(setrlimit(Resource::RLIMIT_NOFILE, limit, limit)?)
}

#[cfg(not(unix))]
fn limit_descriptors(_: u64) -> Result<()> {
    Err("this system has no limit of descriptors".into())
}

/// Makes so many calls in all, and compares the resident memory at the end, in KiB, with that after the first `first`.
///
/// # Errors
///
/// A call that fails, a server that does not start, or a system that does not report its memory.
pub fn memory(server: &Path, first: u32, all: u32) -> Result<Figures> {
    let server = Server::start(server)?;
    let message = Arc::new(Message::new(&server.origin())?);
    let rooms = Rooms::over(&message, None)?;
    let runtime = load::runtime()?;
    let mut run = load::turn(&runtime, (rooms, message), |(rooms, message)| rooms::send(rooms, message));
    let mut after = |calls| -> Result<u32> {
        run(calls)?;
        resident()?.ok_or_else(|| "this system does not report memory".into())
    };
    let (before, end) = (after(first)?, after(all - first)?);
    let text = format!(
        "{all} calls, {LANES} in flight: {before} KiB resident after the first {first}, {end} KiB at the end"
    );
    Ok(Figures::new(text, u64::from(end.saturating_sub(before)), 2048))
}
