//! `hulft logs`: the relay log of a range of dates.

use clap::{Args, ValueEnum};
use hulft_webconnect::{Date, RelayLog, TransferStatus, write_csv};

use super::{Zone, site};
use crate::count;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::Progress;

pub(super) const HELP: &str = "\
The newest transfer comes first. The dates include both days. Logs of any length are read; requests are delayed to stay below
the rate limit of the contract. If the log changes meanwhile, the command fails, so choose days in the past. Ctrl-C and
failures print the rows that were read until then, and the exit code is not 0.

Examples:
  hubgrid hulft logs --from 2026-11-01 --to 2026-11-30 --csv > logs.csv
  hubgrid hulft logs --from 2026-11-01 --to 2026-11-02 --status failed --time-zone Asia/Tokyo
  hubgrid hulft logs --from 2026-11-01 --to 2026-11-30 --sender head-office --file report";

/// The options of `logs`.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// First day, such as 2026-11-01.
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// Last day.
    #[arg(long, value_name = "DATE")]
    to: Date,
    #[command(flatten)]
    zone: Zone,
    /// Only transfers from this connection.
    #[arg(long, value_name = "CONNECTION")]
    sender: Option<String>,
    /// Only transfers to this connection.
    #[arg(long, value_name = "CONNECTION")]
    receiver: Option<String>,
    /// Only transfers whose file name contains this text.
    #[arg(long, value_name = "TEXT")]
    file: Option<String>,
    /// Only transfers with this result.
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// Print CSV.
    #[arg(long)]
    csv: bool,
}

/// The results of transfers.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Normal,
    Failed,
}

impl Logs {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        let interrupt = Interrupt::listen()?;
        let mut list = site()?.relay_logs().list().from(self.from).to(self.to).time_zone(self.zone.get()?);
        if let Some(sender) = &self.sender {
            list = list.sender_connection_id(sender);
        }
        if let Some(receiver) = &self.receiver {
            list = list.receiver_connection_id(receiver);
        }
        let progress = Progress::start("transfers");
        let shown = progress.clone();
        let mut search = list.by_date().on_progress(move |state| shown.set(state.rows, Some(state.total)));
        let mut rows = Vec::new();
        let mut result = Ok(());
        loop {
            match interrupt.or(search.next()).await {
                Some(Some(Ok(row))) if self.matches(&row) => rows.push(row),
                Some(Some(Ok(_))) => {}
                Some(Some(Err(error))) => {
                    result = Err(error.into());
                    break;
                }
                Some(None) => break,
                None => {
                    let (read, total) = (search.progress().rows, search.progress().total);
                    let text = format!("interrupted: {} read", count::part_was(read, total, "transfer"));
                    result = Err(Failure::Interrupted(Some(text)));
                    break;
                }
            }
        }
        progress.end();
        self.print(&rows, output)?;
        result
    }

    fn matches(&self, row: &RelayLog) -> bool {
        let has_status = match self.status {
            None => true,
            Some(Status::Normal) => row.status == TransferStatus::Normal,
            Some(Status::Failed) => row.status == TransferStatus::Failed,
        };
        has_status && self.file.as_ref().is_none_or(|text| row.file_name.contains(text.as_str()))
    }

    fn print(&self, rows: &[RelayLog], output: &mut Output) -> Result<()> {
        if self.csv {
            write_csv(output.writer(), rows)?;
            return output.flush();
        }
        let mut table = output.table(["START", "FILE", "SENDER", "RECEIVER", "BYTES", "STATUS"]);
        for row in rows {
            let cells = [
                row.start_time.as_str(),
                &row.file_name,
                &row.sender_connection_id,
                &row.receiver_connection_id,
                row.data_size.as_str(),
                status(&row.status),
            ];
            table.row(row, cells.map(str::to_owned))?;
        }
        table.end()
    }
}

/// Returns the status by the name that `--status` has for it. An unknown one is shown as received.
fn status(status: &TransferStatus) -> &str {
    match status {
        TransferStatus::Normal => "normal",
        TransferStatus::Failed => "failed",
        other => other.as_str(),
    }
}
