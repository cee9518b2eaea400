//! `eventgrid dead-letters`: the events of dead-letter blobs.

use std::path::PathBuf;

use clap::Args;
use eventgrid_namespaces::dead_letter::{self, DeadLetter};
use serde_json::json;

use crate::count;
use crate::failure::{Failure, Result};
use crate::input;
use crate::output::Output;
use crate::times::rfc3339;

pub(super) const HELP: &str = "\
The service stores dead letters as blobs of Azure Blob Storage. Download them first. With --events, only the events are printed,
as JSON lines that `eg publish` reads.

Examples:
  hubgrid eg dead-letters letter.json
  hubgrid eg dead-letters --events letter.json | hubgrid eg publish --topic orders";

/// The options of `dead-letters`.
#[derive(Debug, Args)]
pub(crate) struct DeadLetters {
    /// Print only the events, as JSON lines.
    #[arg(long)]
    events: bool,
    /// Files; `-` and no file mean standard input.
    files: Vec<PathBuf>,
}

impl DeadLetters {
    pub(super) fn run(self, output: &mut Output) -> Result<()> {
        let mut letters = Vec::new();
        for path in input::or_stdin(self.files) {
            let read = dead_letter::read(input::read(&path)?);
            letters.extend(read.map_err(|error| Failure::Usage(format!("{}: {error}", input::name(&path))))?);
        }
        let unreadable = letters.iter().filter(|letter| letter.event.is_err()).count();
        if self.events {
            for event in letters.iter().filter_map(|letter| letter.event.as_ref().ok()) {
                output.json_line(event)?;
            }
        } else {
            print(&letters, output)?;
        }
        match unreadable {
            0 => Ok(()),
            unreadable => {
                let events = count::counted(letters.len(), "event");
                Err(Failure::Partial(format!("{unreadable} of {events} cannot be read")))
            }
        }
    }
}

fn print(letters: &[DeadLetter], output: &mut Output) -> Result<()> {
    let mut table = output.table(["ID", "TYPE", "REASON", "DELIVERIES", "LAST DELIVERY"]);
    for letter in letters {
        let mut value = json!({
            "reason": letter.reason, "deliveries": letter.deliveries, "result": letter.result,
            "published": letter.published.map(rfc3339), "lastDelivery": letter.last_delivery.map(rfc3339),
        });
        let (id, event_type) = match &letter.event {
            Ok(event) => {
                value["event"] = json!(event);
                (event.id().to_owned(), event.event_type().to_owned())
            }
            Err(error) => {
                let reason = error.reason().to_string();
                value["unreadable"] = json!(reason);
                ("-".to_owned(), format!("(unreadable: {reason})"))
            }
        };
        let deliveries = letter.deliveries.map(|count| count.to_string()).unwrap_or_default();
        let last = letter.last_delivery.map(rfc3339).unwrap_or_default();
        table.row(&value, [id, event_type, letter.reason.clone().unwrap_or_default(), deliveries, last])?;
    }
    table.end()
}
