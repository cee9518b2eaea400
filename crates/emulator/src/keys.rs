//! The two access keys of a service, which can be changed one after the other while it runs.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// The primary and the secondary key. Either grants access to the service.
pub(crate) struct KeyPair(RwLock<Arc<[String; 2]>>);

impl KeyPair {
    pub(crate) fn new(primary: &str, secondary: &str) -> Self {
        Self(RwLock::new(Arc::new([primary.to_owned(), secondary.to_owned()])))
    }

    pub(crate) fn both(&self) -> Arc<[String; 2]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, primary: &str, secondary: &str) {
        let keys = Arc::new([primary.to_owned(), secondary.to_owned()]);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair(***)")
    }
}
