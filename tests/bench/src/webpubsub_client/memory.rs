//! How much memory an idle client takes: the resident set of this process before and after many of them have connected.

use super::ours;
use crate::Result;
use crate::resident::resident;

/// Connects so many clients and returns what each has added.
pub(super) async fn of_idle(address: &str, count: u32) -> Result<String> {
    // What the first one brings for all of them is not counted.
    let first = ours::connect(address).await?;
    let before = resident()?;
    let mut clients = vec![first];
    for _ in 0..count {
        clients.push(ours::connect(address).await?);
    }
    let added = match (before, resident()?) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => return Ok("memory of an idle client: not reported by this system".to_owned()),
    };
    drop(clients);
    let each = f64::from(added) / f64::from(count);
    Ok(format!("memory of an idle client: {each:.1} KiB (resident set, {count} clients)"))
}
