//! `eventgrid tail`: prints events as they arrive.

use std::future::IntoFuture as _;
use std::time::Duration;

use clap::Args;
use eventgrid_namespaces::{ReceivedEvent, Receiver};

use super::{Subscription, events, receive, settle};
use crate::failure::Result;
use crate::interrupt::Interrupt;
use crate::output::Output;

pub(super) const HELP: &str = "\
Consumes the events: each is acknowledged after it was printed, so other receivers of the subscription do not get it. Use a
subscription of its own. Events that were not printed, because of Ctrl-C or a closed pipe, are released.

Prints each event as a CloudEvent in JSON. An event that cannot be read is printed as `receive` prints it.

Examples:
  hubgrid eg tail --topic orders --subscription debug
  hubgrid eg tail --topic orders --subscription debug --count 10 | jq .data";

/// The options of `tail`.
#[derive(Debug, Args)]
pub(crate) struct Tail {
    #[command(flatten)]
    subscription: Subscription,
    /// End after this number of events.
    #[arg(long, value_name = "N")]
    count: Option<usize>,
}

impl Tail {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        output.live();
        let interrupt = Interrupt::listen()?;
        let receiver = self.subscription.receiver()?;
        let mut left = self.count.unwrap_or(usize::MAX);
        while left > 0 {
            let receive = receiver.receive().max_events(left.min(100)).max_wait_time(Duration::from_secs(60));
            // Ends without a failure: a tail has no other end.
            let Some(received) = interrupt.or(receive.into_future()).await else { return Ok(()) };
            let received = received?;
            left -= received.len();
            print_and_settle(&receiver, &received, &interrupt, output).await?;
        }
        Ok(())
    }
}

/// Prints events, acknowledges those that were printed, and releases the others.
async fn print_and_settle(
    receiver: &Receiver,
    received: &[ReceivedEvent],
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<()> {
    let mut printed = 0;
    let mut result = Ok(());
    for event in received {
        if interrupt.is_set() {
            break;
        }
        result = print(event, output);
        if result.is_err() {
            break;
        }
        printed += 1;
    }
    let (printed, others) = received.split_at(printed);
    receive::release(receiver, others).await;
    if !printed.is_empty() {
        let tokens = printed.iter().map(|event| event.lock_token.as_str());
        settle::check(&receiver.acknowledge(tokens).await?)?;
    }
    result
}

fn print(received: &ReceivedEvent, output: &mut Output) -> Result<()> {
    match &received.event {
        Ok(event) => output.record(event, || {
            let subject = event.subject().map(|subject| format!(" {subject}")).unwrap_or_default();
            let time = event.time_text().map(|time| format!("{time} ")).unwrap_or_default();
            format!("{time}{} {}{subject}: {}", event.id(), event.event_type(), events::data_text(event))
        }),
        Err(error) => {
            output.record(&receive::value(received), || format!("unreadable event: {}", error.reason()))
        }
    }
}
