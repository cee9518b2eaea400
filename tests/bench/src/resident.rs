//! The memory that the system counts for this process.

use crate::Result;

/// The resident set in KiB, if the system reports it (proc(5), `VmRSS`).
///
/// # Errors
///
/// The system's text is not what it documents.
pub fn resident() -> Result<Option<u32>> {
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
