//! A request that was routed to its operation, with the values of its path.

use std::time::SystemTime;

use super::errors::Rejection;
use super::rules::Rule;
use crate::message::Request;

/// A request that was routed to its operation.
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    /// The path segments that match the template's braces, in order.
    pub(super) parameters: Vec<&'a str>,
    pub(super) now: SystemTime,
}

impl<'a> Call<'a> {
    /// The path segment that matches one of the template's braces.
    pub(super) fn parameter(&self, index: usize) -> &'a str {
        self.parameters.get(index).copied().unwrap_or_default()
    }

    /// The path segment that matches the template's only braces, checked by a rule.
    pub(super) fn parameter_that(&self, name: &str, rule: &Rule) -> Result<&'a str, Rejection> {
        let value = self.parameter(0);
        if rule.holds_for(value) { Ok(value) } else { Err(Rejection::invalid_parameter(name, rule.says)) }
    }
}
