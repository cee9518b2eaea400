//! The most recent requests, within bounds, so that a test can see what a client sent on the wire.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method};

use crate::message::Request;

const MAX_REQUESTS: usize = 1_000;
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Represents one request as it was received, secrets included.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Received {
    /// Contains the method.
    pub method: Method,
    /// Contains the raw path and query of the request line.
    pub target: String,
    /// Contains the `Host` header. Empty if there was none.
    pub host: String,
    /// Contains all headers, including credentials.
    pub headers: HeaderMap,
    /// Contains the complete body.
    pub body: Bytes,
}

/// The most recent requests of one emulator.
#[derive(Default)]
pub(crate) struct Log(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    requests: VecDeque<Received>,
    bytes: usize,
}

impl Log {
    pub(crate) fn all(&self) -> Vec<Received> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Entries::default();
    }

    pub(super) fn add(&self, request: &Request) {
        let Request { method, target, host, headers, body, .. } = request.clone();
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.bytes += body.len();
        entries.requests.push_back(Received { method, target, host, headers, body });
        while entries.requests.len() > MAX_REQUESTS || entries.bytes > MAX_BYTES {
            let Some(oldest) = entries.requests.pop_front() else { break };
            entries.bytes -= oldest.body.len();
        }
    }
}

/// Omits the requests, which contain secrets.
impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, body: Bytes) -> Request {
        Request::read(Method::POST, target.to_owned(), HeaderMap::new(), body).unwrap()
    }

    #[test]
    fn only_the_last_thousand_requests_are_kept() {
        let log = Log::default();
        for number in 0..1_001 {
            log.add(&request(&format!("/{number}"), Bytes::new()));
        }
        let kept = log.all();
        assert_eq!((kept.len(), kept[0].target.as_str(), kept[999].target.as_str()), (1_000, "/1", "/1000"));
    }

    #[test]
    fn large_bodies_push_older_requests_out_early() {
        let log = Log::default();
        for number in 0..3 {
            log.add(&request(&format!("/{number}"), Bytes::from(vec![0; MAX_BYTES / 2])));
        }
        let kept = log.all();
        assert_eq!(kept.iter().map(|request| request.target.as_str()).collect::<Vec<_>>(), ["/1", "/2"]);
    }
}
