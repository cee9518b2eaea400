//! How much is measured, as the command line of every benchmark says it.

use std::ffi::OsString;

use lexopt::prelude::*;

use crate::Result;

/// Fewer rounds say nothing about the spread.
pub const FEWEST_ROUNDS: u32 = 9;

/// How often and how long the contenders run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How often each contender has its turn.
    pub rounds: u32,
    /// How many requests a turn has.
    pub requests: u32,
}

impl Plan {
    /// Reads `--rounds N` and `--requests N`; `None` when help is asked for.
    ///
    /// # Errors
    ///
    /// Anything else on the command line, fewer than [`FEWEST_ROUNDS`] rounds, no requests.
    pub fn from_args(mut self, args: impl IntoIterator<Item = OsString>) -> Result<Option<Self>> {
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Short('h') | Long("help") => return Ok(None),
                Long("rounds") => self.rounds = parser.value()?.parse()?,
                Long("requests") => self.requests = parser.value()?.parse()?,
                other => return Err(other.unexpected().into()),
            }
        }
        if self.rounds < FEWEST_ROUNDS {
            return Err(format!("--rounds {}: must be at least {FEWEST_ROUNDS}", self.rounds).into());
        }
        if self.requests == 0 {
            return Err("--requests 0: must be at least 1".into());
        }
        Ok(Some(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Plan = Plan { rounds: 11, requests: 100 };

    fn read(line: &str) -> Result<Option<Plan>> {
        USUAL.from_args(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn what_is_not_said_stays_as_it_was() {
        assert_eq!(read("").unwrap(), Some(USUAL));
        assert_eq!(read("--rounds 9").unwrap(), Some(Plan { rounds: 9, ..USUAL }));
        assert_eq!(read("--requests 7 --rounds 20").unwrap(), Some(Plan { rounds: 20, requests: 7 }));
        assert_eq!(read("--help").unwrap(), None);
    }

    #[test]
    fn what_would_measure_nothing_is_rejected_and_named() {
        for line in ["--rounds 8", "--requests 0", "--round 9", "--rounds nine", "stray"] {
            let text = read(line).unwrap_err().to_string();
            assert!(line.split(' ').any(|word| text.contains(word)), "{line}: {text}");
        }
    }
}
