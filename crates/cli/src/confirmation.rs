//! Confirmation of what closes, rejects, or deletes something.

use std::io::{self, IsTerminal as _, Write as _};

use clap::Args;

use crate::failure::{Failure, Result};
use crate::table::printable;

/// The option that replaces the question.
#[derive(Debug, Args)]
pub(crate) struct Confirmation {
    /// Do not ask for confirmation.
    #[arg(short, long)]
    yes: bool,
}

impl Confirmation {
    /// Asks a question, unless the option is set.
    ///
    /// # Errors
    ///
    /// Returns an error if the response is not `y` or `yes`, and if there is no terminal to ask on.
    pub(crate) fn obtain(&self, question: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            let text = format!("{}? Without a terminal, pass --yes to confirm", printable(question));
            return Err(Failure::Usage(text));
        }
        let mut prompt = io::stderr();
        write!(prompt, "{}? [y/N] ", printable(question))?;
        prompt.flush()?;
        let mut response = String::new();
        io::stdin().read_line(&mut response)?;
        match response.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::Declined),
        }
    }
}
