//! Values that are checked while they are read.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;

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

#[cfg(any(feature = "webpubsub", feature = "eventgrid"))]
/// Reads a file of certificates. The file is read here, so that an error names the line of its path.
pub(super) fn authorities<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    let in_file = |error: &dyn Display| D::Error::custom(format!("{}: {error}", path.display()));
    let pem = std::fs::read_to_string(&path).map_err(|error| in_file(&error))?;
    crate::webhook::certificates(&pem).map_err(|error| in_file(&error))?;
    Ok(Some(pem))
}
