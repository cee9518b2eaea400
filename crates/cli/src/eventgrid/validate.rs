//! `eventgrid validate`: whether events can be published.

use std::path::PathBuf;

use clap::Args;
use eventgrid_namespaces::{CloudEvent, EventBatch};
use serde_json::json;

use super::events::{self, Values};
use crate::count;
use crate::failure::{Failure, Result};
use crate::input;
use crate::output::Output;

pub(super) const HELP: &str = "\
Checks the rules of CloudEvents and those of Event Grid, such as the maximum size. Sends nothing. Prints each invalid event with
the rule that it breaks; the exit code is then 5.

Examples:
  hubgrid eg validate events.jsonl
  echo '{\"specversion\": \"1.0\", \"id\": \"1\"}' | hubgrid eg validate";

/// The options of `validate`.
#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// Files; `-` and no file mean standard input.
    files: Vec<PathBuf>,
}

impl Validate {
    pub(super) fn run(self, output: &mut Output) -> Result<()> {
        let (mut valid, mut invalid) = (0_u64, 0_u64);
        for path in input::or_stdin(self.files) {
            let mut values = Values::open(&path)?;
            while let Some(item) = values.next(check)? {
                match item.value {
                    Ok(()) => valid += 1,
                    Err(rule) => {
                        invalid += 1;
                        let (name, at) = (values.name(), item.at);
                        let value = json!({ "file": name, "line": at, "valid": false, "rule": rule });
                        output.record(&value, || format!("{name}:{at}: {rule}"))?;
                    }
                }
            }
        }
        let value = json!({ "validEvents": valid, "invalidEvents": invalid });
        output.record(&value, || format!("{valid} valid, {invalid} invalid"))?;
        match invalid {
            0 => Ok(()),
            _ => {
                let invalid = count::part_is(invalid, valid + invalid, "event");
                Err(Failure::Partial(format!("{invalid} invalid")))
            }
        }
    }
}

fn check(json: &[u8]) -> std::result::Result<(), String> {
    let event: CloudEvent = events::strict(json).map_err(|error| error.to_string())?;
    EventBatch::new().try_add(event).map_err(|not_added| reason(&not_added.to_string()))
}

/// Returns the rule without the position in the batch.
fn reason(text: &str) -> String {
    text.split_once("to the batch: ").map_or(text, |(_, rule)| rule).to_owned()
}
