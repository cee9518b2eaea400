//! Values that are checked while they are read.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Reads a value and checks it. An error of `check` is reported at the position of the value in the file.
pub(super) fn checked<'de, D, T, E>(
    deserializer: D,
    check: impl FnOnce(&T) -> Result<(), E>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
    E: Display,
{
    let value = T::deserialize(deserializer)?;
    check(&value).map_err(D::Error::custom)?;
    Ok(value)
}

/// Reads a number within bounds.
pub(super) fn within<'de, D, T>(deserializer: D, bounds: &RangeInclusive<T>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + PartialOrd + Display,
{
    checked(deserializer, |value: &T| {
        if bounds.contains(value) {
            return Ok(());
        }
        Err(format!("must be {} to {}, not {value}", bounds.start(), bounds.end()))
    })
}

/// Reads a number that is at least 1.
pub(super) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    within(deserializer, &(1..=u32::MAX)).map(Some)
}
