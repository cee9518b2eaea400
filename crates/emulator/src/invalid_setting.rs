//! The error for a setting that breaks a rule.

/// Is returned when a setting breaks a rule. Its `Display` names the setting and the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSetting(String);

impl InvalidSetting {
    pub(crate) fn new(rule: impl Into<String>) -> Self {
        Self(rule.into())
    }
}
