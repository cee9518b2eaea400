//! `emulator faults`: failures that the emulator causes on purpose.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::control::Location;
use super::{Service, Target};
use crate::failure::Result;
use crate::input;
use crate::output::Output;

const ADD_HELP: &str = "\
Kinds for requests: status, delay, hang, reset, cut-body. Kinds for open WebSockets: drop, half-open, delay-ack, lose-ack,
ignore-sequence-ack, reject-recovery. Prints the ID of the fault.

Examples:
  hubgrid emulator faults add status --status 503 --service eventgrid --path-contains :publish --times 2
  hubgrid emulator faults add delay --delay-ms 500 --probability 0.1
  hubgrid emulator faults add drop --hub chat --at-received 3";

/// The commands for faults.
#[derive(Debug, Subcommand)]
pub(crate) enum Faults {
    /// List the faults that are still to occur.
    #[command(after_help = "Example:\n  hubgrid emulator faults list")]
    List(Target),
    /// Add a fault.
    #[command(after_help = ADD_HELP)]
    Add(Box<Add>),
    /// Remove faults.
    #[command(
        after_help = "Examples:\n  hubgrid emulator faults remove f1\n  hubgrid emulator faults remove --all"
    )]
    Remove(Remove),
}

/// The options of `add`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What happens.
    #[arg(value_enum)]
    kind: Kind,
    #[command(flatten)]
    location: Location,
    /// Status of the response, for `status`.
    #[arg(long)]
    status: Option<u16>,
    /// Body of the response, for `status`.
    #[arg(long)]
    body: Option<String>,
    /// Header of the response, such as `retry-after=3`, for `status`; can be repeated.
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<String>,
    /// Delay, for `delay` and `delay-ack`.
    #[arg(long, value_name = "MILLISECONDS")]
    delay_ms: Option<u64>,
    /// Process the request before it fails.
    #[arg(long)]
    after_processing: bool,
    /// Affect only requests with this method.
    #[arg(long)]
    method: Option<String>,
    /// Affect only requests whose path contains this text.
    #[arg(long, value_name = "TEXT")]
    path_contains: Option<String>,
    /// Affect only requests of this service.
    #[arg(long, value_enum)]
    service: Option<Service>,
    /// Affect this number of requests or sockets. Default: 1.
    #[arg(long, value_name = "N")]
    times: Option<u32>,
    /// Affect requests at random, with a probability from 0 to 1.
    #[arg(long, conflicts_with = "times")]
    probability: Option<f64>,
    /// Affect only sockets of this hub.
    #[arg(long)]
    hub: Option<String>,
    /// Affect only this connection.
    #[arg(long)]
    connection: Option<String>,
    /// Affect a socket at this frame that it receives.
    #[arg(long, value_name = "N")]
    at_received: Option<u32>,
    /// Affect a socket after this frame that it sends.
    #[arg(long, value_name = "N")]
    after_sent: Option<u32>,
    /// Affect the socket of this number, counted from now.
    #[arg(long, value_name = "N")]
    nth: Option<u32>,
}

/// The options of `remove`.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// ID of the fault.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    fault: Option<String>,
    /// Remove all faults.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    location: Location,
}

/// The kinds of faults.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Status,
    Delay,
    Hang,
    Reset,
    CutBody,
    Drop,
    HalfOpen,
    DelayAck,
    LoseAck,
    IgnoreSequenceAck,
    RejectRecovery,
}

impl Kind {
    /// Returns the name of the control API, and whether the fault affects open WebSockets.
    fn name(self) -> (&'static str, bool) {
        match self {
            Self::Status => ("status", false),
            Self::Delay => ("delay", false),
            Self::Hang => ("hang", false),
            Self::Reset => ("reset", false),
            Self::CutBody => ("cut_body", false),
            Self::Drop => ("drop", true),
            Self::HalfOpen => ("half_open", true),
            Self::DelayAck => ("delay_ack", true),
            Self::LoseAck => ("lose_ack", true),
            Self::IgnoreSequenceAck => ("ignore_sequence_ack", true),
            Self::RejectRecovery => ("reject_recovery", true),
        }
    }
}

impl Faults {
    pub(super) async fn run(self, output: &mut Output) -> Result<()> {
        match self {
            Self::List(target) => {
                let faults = target.location.control()?.get(&["faults"]).await?;
                print(faults["faults"].as_array().map_or(&[], Vec::as_slice), output)
            }
            Self::Add(add) => {
                let fault = add.location.control()?.post(&["faults"], &add.body()?).await?;
                output.record(&fault, || fault["id"].as_str().unwrap_or_default().to_owned())
            }
            Self::Remove(Remove { fault, location, .. }) => {
                let control = location.control()?;
                match fault {
                    Some(fault) => control.delete(&["faults", &fault]).await?,
                    None => control.delete(&["faults"]).await?,
                };
                Ok(())
            }
        }
    }
}

impl Add {
    /// Returns the fault as the control API describes it. Members that do not fit the kind are rejected by the emulator.
    fn body(&self) -> Result<Value> {
        let (kind, sockets) = self.kind.name();
        let mut headers = Map::new();
        for (name, value) in input::pairs("--header", &self.headers)? {
            headers.insert(name.to_owned(), value.into());
        }
        let members = [
            ("status", json!(self.status)),
            ("body", json!(self.body)),
            ("headers", if headers.is_empty() { Value::Null } else { headers.into() }),
            ("delay_ms", json!(self.delay_ms)),
            ("after_processing", if self.after_processing { json!(true) } else { Value::Null }),
            ("method", json!(self.method)),
            ("path_contains", json!(self.path_contains)),
            ("service", json!(self.service.map(Service::name))),
            ("times", json!(self.times)),
            ("probability", json!(self.probability)),
            ("hub", json!(self.hub)),
            ("connection", json!(self.connection)),
            ("at_received", json!(self.at_received)),
            ("after_sent", json!(self.after_sent)),
            ("nth", json!(self.nth)),
        ];
        let given = members.into_iter().filter(|(_, value)| !value.is_null());
        let mut body: Map<_, _> = given.map(|(name, value)| (name.to_owned(), value)).collect();
        body.insert("kind".to_owned(), kind.into());
        body.insert("sockets".to_owned(), sockets.into());
        Ok(body.into())
    }
}

fn print(faults: &[Value], output: &mut Output) -> Result<()> {
    let mut table = output.table(["FAULT", "KIND", "AFFECTS", "TIMES"]);
    for fault in faults {
        let text = |name: &str| fault[name].as_str().unwrap_or_default().to_owned();
        let affects = if fault["sockets"] == true { "WebSockets" } else { "requests" };
        let times = fault["times"].as_u64().map(|times| times.to_string()).unwrap_or_default();
        table.row(fault, [text("id"), text("kind"), affects.to_owned(), times])?;
    }
    table.end()
}
