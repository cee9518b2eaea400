//! The bounds of numbers, checked before anything is sent.

use service_core::{Error, Result};

/// A number within bounds.
pub(crate) fn number(what: &str, value: u32, least: u32, most: u32) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let rule = format!("must be between {least} and {most}");
    Err(Error::invalid_input(what, &rule, Some(&value.to_string())))
}
