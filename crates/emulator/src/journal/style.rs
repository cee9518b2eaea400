//! Whether lines are printed, and whether in colour.

use std::io::IsTerminal as _;
use std::str::FromStr;

use crate::invalid_setting::InvalidSetting;

/// Whether each request, each end of a WebSocket and each call to a webhook is told in a line on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogStyle {
    /// No lines.
    #[default]
    Off,
    /// Lines without colour.
    Plain,
    /// Lines in colour.
    Color,
    /// In colour when standard error is a terminal and the environment variable `NO_COLOR` is not set, or empty
    /// (<https://no-color.org>); otherwise plain.
    Auto,
}

impl LogStyle {
    /// Nothing when lines are not printed, otherwise whether in colour.
    pub(super) fn resolve(self) -> Option<bool> {
        match self {
            Self::Off => None,
            Self::Plain => Some(false),
            Self::Color => Some(true),
            Self::Auto => {
                let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                Some(std::io::stderr().is_terminal() && !unwanted)
            }
        }
    }
}

impl FromStr for LogStyle {
    type Err = InvalidSetting;

    fn from_str(text: &str) -> Result<Self, InvalidSetting> {
        match text {
            "off" => Ok(Self::Off),
            "plain" => Ok(Self::Plain),
            "color" => Ok(Self::Color),
            "auto" => Ok(Self::Auto),
            other => Err(InvalidSetting::new(format!("must be off, plain, color or auto, not '{other}'"))),
        }
    }
}
