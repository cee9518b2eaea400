//! `eventgrid receive`: one receive call, and how received events are shown.

use std::future::IntoFuture as _;
use std::time::Duration;

use clap::Args;
use eventgrid_namespaces::{ReceivedEvent, Receiver};
use serde_json::{Value, json};

use super::{Subscription, settle};
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::output::Output;

pub(super) const HELP: &str = "\
Waits until at least one event is available, or until --wait is over. The events stay locked for the lock duration of the
subscription. Settle them with their lock tokens, or pass --acknowledge. If the output cannot be written, they are released.

Ctrl-C ends the wait. It does not interrupt the acknowledgment of events that were printed. If the service was already sending
events, they are delivered again when their locks expire.

Each JSON line has the members `lockToken`, `deliveryCount`, and `event`; or `unreadable`, which says why the event cannot be
read.

Examples:
  hubgrid eg receive --topic orders --subscription billing --max 10
  hubgrid eg receive --topic orders --subscription billing --acknowledge | jq .event.data";

/// The options of `receive`.
#[derive(Debug, Args)]
pub(crate) struct Receive {
    #[command(flatten)]
    subscription: Subscription,
    /// Receive at most this number of events.
    #[arg(long, value_name = "N", default_value_t = 1)]
    max: usize,
    /// Wait at most this number of seconds (10 to 120).
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u64,
    /// Acknowledge the events after they were printed.
    #[arg(long)]
    acknowledge: bool,
}

impl Receive {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        let interrupt = Interrupt::listen()?;
        let receiver = self.subscription.receiver()?;
        let receive = receiver.receive().max_events(self.max).max_wait_time(Duration::from_secs(self.wait));
        let Some(received) = interrupt.or(receive.into_future()).await else {
            return Err(Failure::Interrupted(None));
        };
        let received = received?;
        if let Err(failure) = print(&received, output) {
            release(&receiver, &received).await;
            return Err(failure);
        }
        if self.acknowledge && !received.is_empty() {
            let tokens = received.iter().map(|event| event.lock_token.as_str());
            settle::check(&receiver.acknowledge(tokens).await?)?;
        }
        Ok(())
    }
}

fn print(received: &[ReceivedEvent], output: &mut Output) -> Result<()> {
    let mut table = output.table(["ID", "TYPE", "SUBJECT", "DELIVERIES", "LOCK TOKEN"]);
    for event in received {
        let (id, event_type, subject) = match &event.event {
            Ok(event) => (event.id(), event.event_type(), event.subject().unwrap_or_default()),
            Err(_) => ("-", "(unreadable)", ""),
        };
        let cells = [id, event_type, subject, &event.delivery_count.to_string(), &event.lock_token];
        table.row(&value(event), cells.map(str::to_owned))?;
    }
    table.end()
}

/// Returns a received event as JSON.
pub(super) fn value(received: &ReceivedEvent) -> Value {
    let (token, count) = (&received.lock_token, received.delivery_count);
    match &received.event {
        Ok(event) => json!({ "lockToken": token, "deliveryCount": count, "event": event }),
        Err(error) => {
            json!({ "lockToken": token, "deliveryCount": count, "unreadable": error.reason().to_string() })
        }
    }
}

/// Releases events because their output failed. If this fails too, they are delivered again when their locks expire.
pub(super) async fn release(receiver: &Receiver, received: &[ReceivedEvent]) {
    if received.is_empty() {
        return;
    }
    let tokens = received.iter().map(|event| event.lock_token.as_str());
    let _ = receiver.release(tokens).await;
}
