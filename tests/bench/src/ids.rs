//! Ids from the cheapest generator that there is, so that no contender pays for a better one.

use std::sync::{Mutex, PoisonError};

/// A source of UUIDs.
#[derive(Debug)]
pub struct Ids(Mutex<fastrand::Rng>);

impl Default for Ids {
    fn default() -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(7)))
    }
}

impl Ids {
    /// One more, as a text.
    pub fn next(&self) -> String {
        let random = self.0.lock().unwrap_or_else(PoisonError::into_inner).u128(..);
        uuid::Builder::from_random_bytes(random.to_ne_bytes()).into_uuid().hyphenated().to_string()
    }
}
