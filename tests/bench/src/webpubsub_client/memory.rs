//! How much memory an idle client takes: the resident set of this process before and after many of them have connected.

use std::fmt;

use super::ours;
use crate::Result;
use crate::resident::resident;

/// What clients have added to the resident set, in KiB.
pub(super) struct Idle {
    clients: u32,
    added: u32,
}

impl Idle {
    /// What one of them has added on average.
    pub(super) fn each(&self) -> f64 {
        f64::from(self.added) / f64::from(self.clients)
    }
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (each, Self { clients, added }) = (self.each(), self);
        write!(f, "memory of {clients} idle clients: {added} KiB of resident set, {each:.1} KiB each")
    }
}

/// Connects as many clients as each of these counts says, which are in ascending order, and measures what they add; `None` if
/// the system does not report it.
pub(super) async fn of_idle(address: &str, counts: &[u32]) -> Result<Option<Vec<Idle>>> {
    // What the first one brings for all of them is not counted.
    let first = ours::connect(address).await?;
    let Some(before) = resident()? else { return Ok(None) };
    let (mut clients, mut measured) = (Vec::new(), Vec::new());
    for count in counts {
        while clients.len() < *count as usize {
            clients.push(ours::connect(address).await?);
        }
        let added = resident()?.unwrap_or_default().saturating_sub(before);
        measured.push(Idle { clients: *count, added });
    }
    drop((first, clients));
    Ok(Some(measured))
}
