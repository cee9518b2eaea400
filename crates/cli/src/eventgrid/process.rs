//! `eventgrid process`: a command per event, whose exit status settles it.

use std::io::{self, Write as _};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use eventgrid_namespaces::{
    BoxError, CloudEvent, Context, Processor, ReceivedEvent, ReleaseDelay, Settlement,
};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::Notify;

use super::Subscription;
use crate::count;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::table::printable;

pub(super) const HELP: &str = "\
Runs the command in a shell, with the event as JSON on its standard input. HUBGRID_EVENT_ID, HUBGRID_EVENT_TYPE,
HUBGRID_EVENT_SUBJECT, and HUBGRID_DELIVERY_COUNT are in its environment. Locks are renewed while it runs.

Exit status of the command:
  0              the event is acknowledged
  65             the event is rejected: it is never delivered again
  anything else  the event is released, and delivered again after --delay

Ctrl-C receives no more events, waits up to 25 s for running commands, and releases the rest. A second Ctrl-C kills the running
commands and releases their events.

Examples:
  hubgrid eg process --topic orders --subscription billing --exec './bill.sh'
  hubgrid eg process --topic orders --subscription billing --concurrency 4 --max-deliveries 5 --exec 'jq .data >> orders'";

/// The exit status with which a command rejects its event: `EX_DATAERR` of sysexits.h.
const REJECT: i32 = 65;

/// The options of `process`.
#[derive(Debug, Args)]
pub(crate) struct Process {
    #[command(flatten)]
    subscription: Subscription,
    /// Command that handles an event.
    #[arg(long, value_name = "COMMAND")]
    exec: String,
    /// Maximum number of commands that run at a time.
    #[arg(long, value_name = "N", default_value_t = 1)]
    concurrency: usize,
    /// Deliver released events again no sooner than after this number of seconds: 0, 10, 60, 600, or 3600. Other values are
    /// rounded up.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    delay: u64,
    /// Reject events that were delivered more often than this.
    #[arg(long, value_name = "N")]
    max_deliveries: Option<u32>,
    /// Lock duration of the subscription in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lock_duration: u64,
    /// End after this number of commands, and those that already run then.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// Runs the commands and counts their outcomes.
struct Runner {
    exec: String,
    delay: ReleaseDelay,
    count: u64,
    acknowledged: AtomicU64,
    released: AtomicU64,
    rejected: AtomicU64,
    done: Notify,
    interrupt: Interrupt,
}

impl Process {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        let interrupt = Interrupt::listen_twice()?;
        let delay = ReleaseDelay::at_least(Duration::from_secs(self.delay));
        let runner = Arc::new(Runner {
            exec: self.exec,
            delay,
            count: self.count.unwrap_or(u64::MAX),
            acknowledged: AtomicU64::new(0),
            released: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            done: Notify::new(),
            interrupt: interrupt.clone(),
        });
        let mut builder = Processor::builder(self.subscription.receiver()?)
            .concurrency(self.concurrency)
            // An event waits for its command with the service, where another receiver can have it.
            .prefetch(0)
            .lock_duration(Duration::from_secs(self.lock_duration))
            .failure_settlement(Settlement::Release(delay))
            .on_notice(|notice| {
                self::notice(&notice.to_string());
            });
        if let Some(max) = self.max_deliveries {
            builder = builder.max_deliveries(max).on_poison(reject_poison);
        }
        let handler = Arc::clone(&runner);
        let processor = builder.handler(move |event, context| {
            let runner = Arc::clone(&handler);
            async move { runner.handle(event, context).await }
        })?;
        let done = Arc::clone(&runner);
        let stop = async {
            tokio::select! {
                () = interrupt.wait() => {
                    notice("no more events are received; Ctrl-C again kills the running commands");
                }
                () = done.done.notified() => {}
            }
        };
        processor.run_until(stop).await?;
        let killed = interrupt.is_set_again();
        let [acknowledged, released, rejected] =
            [&runner.acknowledged, &runner.released, &runner.rejected].map(|n| n.load(Ordering::Relaxed));
        let value =
            serde_json::json!({ "acknowledged": acknowledged, "released": released, "rejected": rejected });
        output.record(&value, || {
            let events = count::counted(acknowledged, "event");
            format!("{events} acknowledged, {released} released, {rejected} rejected")
        })?;
        if killed { Err(Failure::Interrupted(None)) } else { Ok(()) }
    }
}

/// Rejects an event that cannot be read or was delivered too often. The reason becomes visible as a notice or in the log.
async fn reject_poison(received: ReceivedEvent, context: Context) -> Settlement {
    let id = context.delivery().id.clone().unwrap_or_default();
    let reason = match received.event {
        Err(error) => error.reason().to_string(),
        Ok(_) => format!("delivered {}", count::counted(received.delivery_count, "time")),
    };
    notice(&format!("event {id} is rejected: {reason}"));
    Settlement::Reject
}

/// Writes a line to standard error. If it is closed, the line is lost.
fn notice(text: &str) {
    let _ = writeln!(io::stderr(), "hubgrid: {}", printable(text));
}

impl Runner {
    async fn handle(&self, event: CloudEvent, context: Context) -> std::result::Result<Settlement, BoxError> {
        let status = self.run_command(&event, &context).await?;
        let (settlement, counter) = match status.code() {
            Some(0) => (Settlement::Acknowledge, &self.acknowledged),
            Some(REJECT) => (Settlement::Reject, &self.rejected),
            _ => {
                notice(&format!("event {} is released: the command ended with {status}", event.id()));
                (Settlement::Release(self.delay), &self.released)
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let counters = [&self.acknowledged, &self.released, &self.rejected];
        if counters.iter().map(|n| n.load(Ordering::Relaxed)).sum::<u64>() >= self.count {
            self.done.notify_one();
        }
        Ok(settlement)
    }

    async fn run_command(
        &self,
        event: &CloudEvent,
        context: &Context,
    ) -> std::result::Result<ExitStatus, BoxError> {
        let json = serde_json::to_vec(event)?;
        let mut child = shell(&self.exec)
            .env("HUBGRID_EVENT_ID", event.id())
            .env("HUBGRID_EVENT_TYPE", event.event_type())
            .env("HUBGRID_EVENT_SUBJECT", event.subject().unwrap_or_default())
            .env("HUBGRID_DELIVERY_COUNT", context.delivery_count().to_string())
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // Fails if the command ends without reading its input, which it may.
            let _ = stdin.write_all(&json).await;
            let _ = stdin.write_all(b"\n").await;
        }
        tokio::select! {
            status = child.wait() => Ok(status?),
            () = self.interrupt.wait_again() => {
                child.kill().await?;
                Ok(child.wait().await?)
            }
        }
    }
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    // In a process group of its own, so that Ctrl-C on the terminal reaches this program and not the command.
    shell.arg("-c").arg(command).process_group(0);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}
