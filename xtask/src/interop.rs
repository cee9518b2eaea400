//! `cargo xtask interop`: runs the official JavaScript and Python SDKs, unmodified, against the emulator. They verify the
//! emulator independently of our clients. The scripts are in `tests/interop`.

mod emulator;
mod table;

use std::ffi::OsString;

use crate::failure::{Failure, Result};
use crate::sdks::Sdks;
use crate::{flags, process};
use emulator::Emulator;
use table::Table;

pub(crate) const HELP: &str = "\
usage: cargo xtask interop NAME

Installs the official SDKs for JavaScript and Python in target/sdks, starts the emulator, runs every operation of each SDK,
checks the effects, and prints a table. Fails if an operation fails. Needs npm, node, python3 with venv, and their package
registries.

  eventgrid         @azure/eventgrid-namespaces and azure-eventgrid
  webhook           @azure/web-pubsub-express, called by the emulator; there is none for Python
  webpubsub         @azure/web-pubsub and azure-messaging-webpubsubservice
  webpubsub-client  @azure/web-pubsub-client and azure-messaging-webpubsubclient
  webpubsub-entra   the same as webpubsub, over TLS and with tokens of Entra ID";

const NAMES: [&str; 5] = ["eventgrid", WEBHOOK, "webpubsub", CLIENT, ENTRA];
const WEBHOOK: &str = "webhook";
const CLIENT: &str = "webpubsub-client";
/// The SDKs send tokens of Entra ID over TLS only.
const ENTRA: &str = "webpubsub-entra";

/// Runs the scripts of a service.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let name = name_of(args)?;
    let sdks = Sdks::with("tests/interop")?;
    process::run(process::cargo(["build", "--quiet", "--package", "service-emulator", "--bins"]))?;
    let has_python = name != WEBHOOK;
    let emulator = match name {
        WEBHOOK | CLIENT => Emulator::with_webhooks(&sdks.folder),
        ENTRA => Emulator::start(&["--tls".as_ref()]),
        _ => Emulator::start(&[]),
    }?;
    let mut table = Table::default();
    table.add("JavaScript", &emulator.read(sdks.javascript(&format!("{name}.mjs")))?);
    if has_python {
        table.add("Python", &emulator.read(sdks.python(&format!("{name}.py")))?);
    }
    print!("{table}");
    table.check()
}

fn name_of(mut args: Vec<OsString>) -> Result<&'static str> {
    let (1, Some(given)) = (args.len(), args.pop()) else {
        return Err(Failure::usage(format!("one service is needed; there are: {}", NAMES.join(", "))));
    };
    flags::one_of("service", &given.to_string_lossy(), &NAMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_service_is_a_usage_error_that_names_the_known_ones() {
        for (given, expected) in [(vec![], "one service is needed"), (vec!["hulft".into()], "`hulft`")] {
            let failure = name_of(given).unwrap_err();
            assert_eq!(failure.exit_status(), 2);
            assert!(failure.text().contains(expected) && failure.text().contains("eventgrid, webhook"));
        }
        assert_eq!(name_of(vec!["webpubsub".into()]).unwrap(), "webpubsub");
    }
}
