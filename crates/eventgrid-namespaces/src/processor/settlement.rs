//! The settlement of an event by its handler, and the types that handlers may return.

use crate::{BoxError, ReleaseDelay};

/// Specifies how a handled event is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Settlement {
    /// The event is acknowledged and is not delivered again.
    Acknowledge,
    /// The event is released and is delivered again after this delay.
    Release(ReleaseDelay),
    /// The event is dead-lettered, or dropped if the subscription has no dead-letter destination.
    Reject,
}

impl Settlement {
    /// Returns the settlement as an attribute of spans and metrics, which do not contain the delay.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Release(_) => "release",
            Self::Reject => "reject",
        }
    }
}

/// Converts the return value of a handler into a [`Settlement`].
///
/// It is implemented for [`Settlement`], for `()`, which acknowledges the event, and for a `Result` of either. An `Err` means that
/// the handler failed, so [`failure_settlement`](crate::ProcessorBuilder::failure_settlement) applies.
///
/// # Examples
///
/// ```
/// use eventgrid_namespaces::{BoxError, IntoSettlement, Settlement};
///
/// enum Paid {
///     InFull,
///     Declined,
/// }
///
/// impl IntoSettlement for Paid {
///     fn into_settlement(self) -> Result<Settlement, BoxError> {
///         Ok(match self {
///             Paid::InFull => Settlement::Acknowledge,
///             Paid::Declined => Settlement::Reject,
///         })
///     }
/// }
///
/// # fn main() -> Result<(), BoxError> {
/// assert_eq!(Paid::Declined.into_settlement()?, Settlement::Reject);
/// assert_eq!(Paid::InFull.into_settlement()?, ().into_settlement()?);
/// # Ok(()) }
/// ```
pub trait IntoSettlement {
    /// Converts the value into a settlement.
    ///
    /// # Errors
    ///
    /// Returns an error if the handler failed.
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
