//! What a handler decides about its event, and the return types that say it.

use crate::{BoxError, ReleaseDelay};

/// What becomes of an event that was handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Settlement {
    /// It is done and is not delivered again.
    Acknowledge,
    /// It is delivered again, after this delay.
    Release(ReleaseDelay),
    /// It goes to the dead letters, or is dropped where the subscription has none.
    Reject,
}

/// What a handler may return: a [`Settlement`]; nothing, which acknowledges; or a `Result` with either, whose error is a failure of
/// the handler ([`failure_settlement`](crate::ProcessorBuilder::failure_settlement)).
pub trait IntoSettlement {
    /// The settlement, or why there is none.
    ///
    /// # Errors
    ///
    /// What kept the handler from its work.
    fn into_settlement(self) -> Result<Settlement, BoxError>;
}

impl IntoSettlement for Settlement {
    fn into_settlement(self) -> Result<Settlement, BoxError> {
        Ok(self)
    }
}

impl IntoSettlement for () {
    fn into_settlement(self) -> Result<Settlement, BoxError> {
        Ok(Settlement::Acknowledge)
    }
}

impl<T: IntoSettlement, E: Into<BoxError>> IntoSettlement for Result<T, E> {
    fn into_settlement(self) -> Result<Settlement, BoxError> {
        self.map_err(Into::into)?.into_settlement()
    }
}
