//! `cargo xtask interop`: installs the official JavaScript and Python SDKs, and runs the program of `tests` that starts their
//! scripts, which are in `tests/interop`, against the emulator.

use std::ffi::OsString;

use crate::failure::{Failure, Result};
use crate::sdks::Sdks;
use crate::{flags, process, workspace};

pub(crate) const HELP: &str = "\
usage: cargo xtask interop [NAME]

Installs the official SDKs for JavaScript and Python in target/sdks, starts the emulator, and runs every operation of each SDK
and every scenario that its README and its samples show. Checks the effects, prints a table of what passed, failed, or was left
out, and why, and writes it to target/sdks/report.md. Fails if a scenario fails, or if a README shows one that no script has.
Needs npm, node, python3 with venv, and their package registries.

  entra             @azure/web-pubsub, @azure/eventgrid-namespaces, azure-messaging-webpubsubservice, and azure-eventgrid,
                    over TLS and with tokens of Entra ID
  eventgrid         @azure/eventgrid-namespaces, the deserializer of @azure/eventgrid, and azure-eventgrid
  webhook           @azure/web-pubsub-express, called by the emulator; there is none for Python
  webpubsub         @azure/web-pubsub and azure-messaging-webpubsubservice
  webpubsub-client  @azure/web-pubsub-client and azure-messaging-webpubsubclient";

const NAMES: [&str; 5] = ["entra", "eventgrid", "webhook", "webpubsub", "webpubsub-client"];

/// Runs the scripts of all suites, or of one.
pub(crate) fn run(args: Vec<OsString>) -> Result<()> {
    let name = name_of(args)?;
    let sdks = Sdks::with("tests/interop")?;
    process::run(process::cargo(["build", "--quiet", "--package", "service-emulator", "--bins"]))?;
    let emulator = format!("debug/service-emulator{}", std::env::consts::EXE_SUFFIX);
    let mut command =
        process::cargo(["run", "--quiet", "--package", "workspace-tests", "--bin", "interop", "--"]);
    command.args([sdks.folder, sdks.python, workspace::target_directory()?.join(emulator)]).args(name);
    process::exec(command)
}

fn name_of(mut args: Vec<OsString>) -> Result<Option<&'static str>> {
    match (args.len(), args.pop()) {
        (0, _) => Ok(None),
        (1, Some(name)) => flags::one_of("suite", &name.to_string_lossy(), &NAMES).map(Some),
        _ => Err(Failure::usage("one suite, or none for all")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_suite_is_a_usage_error_that_names_the_known_ones() {
        let failure = name_of(vec!["hulft".into()]).unwrap_err();
        assert_eq!(failure.exit_status(), 2);
        assert!(failure.text().contains("`hulft`") && failure.text().contains("eventgrid, webhook"));
        assert_eq!(name_of(vec!["webhook".into(), "entra".into()]).unwrap_err().exit_status(), 2);
        assert_eq!(name_of(vec!["webpubsub".into()]).unwrap(), Some("webpubsub"));
        assert_eq!(name_of(vec![]).unwrap(), None);
    }
}
