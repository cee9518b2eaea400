//! What a handler decides about its event, and the return types that say it.

use crate::{BoxError, ReleaseDelay};

/// What becomes of an event that was handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// It is done and is not delivered again.
    Acknowledge,
    /// It is delivered again, after this delay.
    Release(ReleaseDelay),
    /// It goes to the dead letters, or is dropped where the subscription has none.
    Reject,
}

/// What a handler may return: a [`Verdict`]; nothing, which acknowledges; or a `Result` with either, whose error is a failure of
/// the handler ([`failure_verdict`](crate::ProcessorBuilder::failure_verdict)).
pub trait IntoVerdict {
    /// The verdict, or why there is none.
    ///
    /// # Errors
    ///
    /// What kept the handler from its work.
    fn into_verdict(self) -> Result<Verdict, BoxError>;
}

impl IntoVerdict for Verdict {
    fn into_verdict(self) -> Result<Verdict, BoxError> {
        Ok(self)
    }
}

impl IntoVerdict for () {
    fn into_verdict(self) -> Result<Verdict, BoxError> {
        Ok(Verdict::Acknowledge)
    }
}

impl<T: IntoVerdict, E: Into<BoxError>> IntoVerdict for Result<T, E> {
    fn into_verdict(self) -> Result<Verdict, BoxError> {
        self.map_err(Into::into)?.into_verdict()
    }
}
