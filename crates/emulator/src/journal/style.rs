//! Whether lines are printed, and whether in color.

use std::io::IsTerminal as _;
use std::str::FromStr;

use crate::invalid_setting::InvalidSetting;

/// A style that determines whether and how requests are logged on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogStyle {
    /// Logging is off.
    #[default]
    Off,
    /// Lines are printed without color.
    Plain,
    /// Lines are printed in color.
    Color,
    /// Lines are printed in color if standard error is a terminal and the environment variable `NO_COLOR` is unset or
    /// empty (<https://no-color.org>). Otherwise, they are plain.
    Auto,
}

impl LogStyle {
    /// `None` if lines are not printed; otherwise, whether in color.
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
            other => Err(InvalidSetting::new(format!("must be off, plain, color, or auto, not '{other}'"))),
        }
    }
}
