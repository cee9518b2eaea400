//! How much memory an idle client takes: the resident set of this process before and after many of them have connected.

use super::ours;
use crate::Result;

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

/// The resident set in KiB, if the system reports it (proc(5), `VmRSS`).
fn resident() -> Result<Option<u32>> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("VmRSS is missing")?;
    Ok(Some(line.trim().trim_end_matches("kB").trim().parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_that_is_used_shows() {
        let before = resident().unwrap().unwrap();
        let used = vec![1u8; 64 << 20];
        let after = resident().unwrap().unwrap();
        assert!(after - before > 60 << 10, "{before} {after} {}", used[1]);
    }
}
