//! Raises the limit of file descriptors, because each connection takes one. Only the program does this: a library must
//! not change its process.

/// More than the default maximum of connections takes.
#[cfg(unix)]
const WANTED: u64 = 32_768;

/// Raises the soft limit as far as the hard limit allows. A failure is not an error: the maximum of connections is then
/// lower.
#[cfg(unix)]
pub(super) fn raise_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, soft.max(WANTED.min(hard)), hard);
    }
}

#[cfg(not(unix))]
pub(super) fn raise_limit() {}
