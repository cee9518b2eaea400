//! The bounds of numbers, which are validated before anything is sent.

use service_core::{Error, Result};

/// Validates that a number is within bounds.
pub(crate) fn number(what: &str, value: u32, min: u32, max: u32) -> Result<()> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let rule = format!("must be between {min} and {max}");
    Err(Error::invalid_input(what, &rule, Some(&value.to_string())))
}
