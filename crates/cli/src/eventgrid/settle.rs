//! `eventgrid acknowledge`, `release`, and `reject`: received events are settled by their lock tokens.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use eventgrid_namespaces::{FailedToken, ReleaseDelay, SettleResult};
use serde_json::json;

use super::Subscription;
use crate::confirmation::Confirmation;
use crate::count;
use crate::failure::{Failure, Result};
use crate::input;
use crate::output::Output;

/// The options of `acknowledge`.
#[derive(Debug, Args)]
pub(crate) struct Acknowledge {
    #[command(flatten)]
    subscription: Subscription,
    #[command(flatten)]
    tokens: Tokens,
}

/// The options of `release`.
#[derive(Debug, Args)]
pub(crate) struct Release {
    #[command(flatten)]
    subscription: Subscription,
    /// Deliver the events again no sooner than after this number of seconds: 0, 10, 60, 600, or 3600. Other values are
    /// rounded up.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    delay: u64,
    #[command(flatten)]
    tokens: Tokens,
}

/// The options of `reject`.
#[derive(Debug, Args)]
pub(crate) struct Reject {
    #[command(flatten)]
    subscription: Subscription,
    #[command(flatten)]
    tokens: Tokens,
    #[command(flatten)]
    confirmation: Confirmation,
}

/// The events that are settled.
#[derive(Debug, Args)]
struct Tokens {
    /// Lock tokens; `-` and no token mean standard input with one token per line.
    tokens: Vec<String>,
}

impl Tokens {
    fn read(self) -> Result<Vec<String>> {
        if !matches!(self.tokens.iter().map(String::as_str).collect::<Vec<_>>()[..], [] | ["-"]) {
            return Ok(self.tokens);
        }
        let text = String::from_utf8(input::read(Path::new("-"))?)
            .map_err(|_| Failure::usage("standard input is not UTF-8"))?;
        let tokens = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
        Ok(tokens.collect())
    }
}

impl Acknowledge {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        let tokens = self.tokens.read()?;
        if tokens.is_empty() {
            return Ok(());
        }
        report(&self.subscription.receiver()?.acknowledge(tokens).await?, output)
    }
}

impl Release {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        let tokens = self.tokens.read()?;
        if tokens.is_empty() {
            return Ok(());
        }
        let delay = ReleaseDelay::at_least(Duration::from_secs(self.delay));
        report(&self.subscription.receiver()?.release(tokens).delay(delay).await?, output)
    }
}

impl Reject {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        let receiver = self.subscription.receiver()?;
        let tokens = self.tokens.read()?;
        if tokens.is_empty() {
            return Ok(());
        }
        let verb = if tokens.len() == 1 { "is" } else { "are" };
        let events = count::counted(tokens.len(), "event");
        let question = format!("reject {events}, which {verb} then never delivered again");
        self.confirmation.obtain(&question)?;
        report(&receiver.reject(tokens).await?, output)
    }
}

/// Prints what became of each token.
fn report(result: &SettleResult, output: &mut Output) -> Result<()> {
    let mut table = output.table(["LOCK TOKEN", "RESULT", "REASON"]);
    for token in &result.succeeded {
        let cells = [token, "settled", ""].map(str::to_owned);
        table.row(&json!({ "lockToken": token, "result": "settled" }), cells)?;
    }
    let failed = result.failed.iter().map(|failed| (failed, "failed"));
    let unknown = result.maybe_settled.iter().map(|failed| (failed, "unknown"));
    for (FailedToken { lock_token, code, message, .. }, outcome) in failed.chain(unknown) {
        let value =
            json!({ "lockToken": lock_token, "result": outcome, "code": code.as_str(), "message": message });
        table
            .row(&value, [lock_token.clone(), outcome.to_owned(), format!("{}: {message}", code.as_str())])?;
    }
    if let Some(interrupted) = &result.interrupted {
        let outcome = if interrupted.error.outcome_unknown() { "unknown" } else { "failed" };
        let tokens = interrupted.no_response.iter().map(|token| (token, outcome));
        for (token, outcome) in tokens.chain(interrupted.unsent.iter().map(|token| (token, "failed"))) {
            let message = interrupted.error.to_string();
            let value = json!({ "lockToken": token, "result": outcome, "message": message });
            table.row(&value, [token.clone(), outcome.to_owned(), message])?;
        }
    }
    table.end()?;
    check(result)
}

/// Fails if an event was not settled.
pub(super) fn check(result: &SettleResult) -> Result<()> {
    let interrupted = result.interrupted.as_ref().map_or(0, |i| i.no_response.len() + i.unsent.len());
    let failed = result.failed.len() + result.maybe_settled.len() + interrupted;
    if failed == 0 {
        return Ok(());
    }
    let first = result.failed.iter().chain(&result.maybe_settled).next();
    let reason = match (first, &result.interrupted) {
        (Some(token), _) => token.to_string(),
        (None, Some(interrupted)) => interrupted.error.to_string(),
        (None, None) => String::new(),
    };
    let all = failed + result.succeeded.len();
    let unsettled = count::part_was(failed, all, "event");
    Err(Failure::Partial(format!("{unsettled} not settled; first reason: {reason}")))
}
