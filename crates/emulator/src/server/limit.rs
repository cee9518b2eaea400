//! The number of connections that are served at once: a setting, bounded by the process's limit of file descriptors.

use std::io;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

const DEFAULT: usize = 20_000;
/// Connections beyond the maximum that may still send REST requests and health probes, and as many again that are only
/// told that they are rejected.
const RESERVED: usize = 64;
/// The file descriptors for everything else: calls to webhooks, the listener, files, and standard streams.
const OTHER_FILES: usize = 128;

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Everything.
    Full,
    /// Single requests, but no WebSockets: the maximum is reached.
    Reserved,
    /// Nothing: the reserve is used up as well.
    Rejected,
}

/// The slots of one server.
#[derive(Debug)]
pub(super) struct Slots([(Admission, Arc<Semaphore>); 3]);

/// Returned when the connection ends.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) admission: Admission,
    _permit: OwnedSemaphorePermit,
}

impl Slots {
    pub(super) fn new(max_connections: usize) -> Self {
        let slots = |count| Arc::new(Semaphore::new(count));
        Self([
            (Admission::Full, slots(max_connections)),
            (Admission::Reserved, slots(RESERVED)),
            (Admission::Rejected, slots(RESERVED)),
        ])
    }

    /// The best slot that is free. Without one, the connection must be dropped.
    pub(super) fn take(&self) -> Option<Slot> {
        self.0.iter().find_map(|(admission, slots)| {
            let permit = Arc::clone(slots).try_acquire_owned().ok()?;
            Some(Slot { admission: *admission, _permit: permit })
        })
    }
}

/// The maximum number of connections for this setting. Without one, the default or what the file descriptors allow.
pub(crate) fn max_connections(setting: Option<usize>) -> io::Result<usize> {
    within(setting, file_limit())
}

fn within(setting: Option<usize>, files: usize) -> io::Result<usize> {
    let available = files.saturating_sub(2 * RESERVED + OTHER_FILES).clamp(1, Semaphore::MAX_PERMITS);
    match setting {
        None => Ok(DEFAULT.min(available)),
        Some(setting) if setting <= available => Ok(setting),
        Some(setting) => {
            let message = format!(
                "max_connections is {setting}, but the limit of {files} file descriptors allows {available}"
            );
            Err(io::Error::new(io::ErrorKind::InvalidInput, message))
        }
    }
}

#[cfg(unix)]
fn file_limit() -> usize {
    use nix::sys::resource::{Resource, getrlimit};
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[cfg(not(unix))]
fn file_limit() -> usize {
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_20_000_or_what_the_file_descriptors_allow() {
        assert_eq!(within(None, usize::MAX).unwrap(), 20_000);
        assert_eq!(within(None, 1_024).unwrap(), 768);
        assert_eq!(within(None, 10).unwrap(), 1);
    }

    #[test]
    fn a_setting_beyond_the_file_descriptors_is_an_error_that_names_both() {
        assert_eq!(within(Some(768), 1_024).unwrap(), 768);
        let error = within(Some(769), 1_024).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let text = "max_connections is 769, but the limit of 1024 file descriptors allows 768";
        assert_eq!(error.to_string(), text);
    }
}
