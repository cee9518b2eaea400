//! The official SDKs, unmodified, against the emulator: every operation, and every scenario that their documentation shows.
//! They verify the emulator independently of our clients. The scripts are in `tests/interop`.

mod emulator;
mod table;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use service_core::BoxError;

use emulator::Emulator;
pub use table::Table;

/// A script for each language that has one, and the emulator that it needs.
struct Suite {
    name: &'static str,
    has_python: bool,
    needs: Needs,
}

#[derive(Clone, Copy)]
enum Needs {
    Nothing,
    /// Event handlers of the script.
    Webhooks,
    /// The SDKs send tokens of Entra ID over TLS only.
    Tls,
}

#[rustfmt::skip] // One suite per line.
const SUITES: [Suite; 5] = [
    Suite { name: "entra", has_python: true, needs: Needs::Tls },
    Suite { name: "eventgrid", has_python: true, needs: Needs::Nothing },
    Suite { name: "webhook", has_python: false, needs: Needs::Webhooks },
    Suite { name: "webpubsub", has_python: true, needs: Needs::Nothing },
    Suite { name: "webpubsub-client", has_python: true, needs: Needs::Webhooks },
];

/// Where the programs are that take part.
#[derive(Debug)]
pub struct Programs {
    /// The folder with the installed packages and the scripts.
    pub folder: PathBuf,
    /// The interpreter that has the packages for Python.
    pub python: PathBuf,
    /// The emulator.
    pub emulator: PathBuf,
}

impl Programs {
    /// Runs a suite, or all of them, and returns the results. All of them must cover everything that is documented.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no suite with this name, or if the emulator does not start.
    pub fn run(&self, name: Option<&str>) -> Result<Table, BoxError> {
        let suites: Vec<_> =
            SUITES.iter().filter(|suite| name.is_none_or(|name| name == suite.name)).collect();
        if suites.is_empty() {
            let names = SUITES.map(|suite| suite.name).join(", ");
            return Err(format!("no suite `{}`; there are: {names}", name.unwrap_or_default()).into());
        }
        let mut table = Table::default();
        for suite in suites {
            eprintln!("{} ..", suite.name);
            let emulator = match suite.needs {
                Needs::Nothing => Emulator::start(&self.emulator, &[]),
                Needs::Webhooks => Emulator::with_webhooks(&self.emulator, &self.folder),
                Needs::Tls => Emulator::start(&self.emulator, &["--tls".as_ref()]),
            }?;
            let (javascript, python) = (Command::new("node"), Command::new(&self.python));
            collect(&mut table, &emulator, self.script(javascript, &format!("{}.mjs", suite.name)));
            if suite.has_python {
                collect(&mut table, &emulator, self.script(python, &format!("{}.py", suite.name)));
            }
        }
        if name.is_none() {
            table.require_all_documented();
        }
        Ok(table)
    }

    fn script(&self, mut interpreter: Command, name: &str) -> Command {
        interpreter.arg(name).current_dir(&self.folder);
        interpreter
    }
}

/// Runs a script to its end and adds its lines. A script that fails itself is a failure, but not the end.
fn collect(table: &mut Table, emulator: &Emulator, mut script: Command) {
    let name = script.get_args().next().unwrap_or_default().to_string_lossy().into_owned();
    let output = script.envs(emulator.environment()).stdin(Stdio::null()).output();
    match output {
        Ok(output) => {
            table.add(&String::from_utf8_lossy(&output.stdout));
            if !output.status.success() {
                let error = String::from_utf8_lossy(&output.stderr);
                table.fail(format!("{name}: {}\n{}", output.status, error.trim_end()));
            }
        }
        Err(error) => table.fail(format!("{name}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(script: &str) -> Table {
        let mut table = Table::default();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        collect(&mut table, &Emulator::named(&[("PLACE", "here")]), command);
        table
    }

    #[cfg(unix)]
    #[test]
    fn the_lines_of_a_script_are_results_and_it_knows_the_emulator() {
        let table = collected(r#"printf "result\tp\t1.0\tSend $PLACE\tpassed\t\n""#);
        assert!(table.to_string().contains("| p 1.0 | Send here | passed |"), "{table}");
        assert!(table.failures().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_script_that_ends_early_is_a_failure_and_keeps_its_results() {
        let table = collected(r#"printf "result\tp\t1.0\tSend\tpassed\t\n"; echo out of order >&2; exit 3"#);
        assert!(table.to_string().contains("| Send | passed |"), "{table}");
        let [failure] = table.failures() else { panic!("{:?}", table.failures()) };
        assert!(failure.contains("exit status: 3") && failure.contains("out of order"), "{failure}");
    }

    #[test]
    fn an_unknown_suite_is_an_error_that_names_the_known_ones() {
        let programs = Programs { folder: PathBuf::new(), python: PathBuf::new(), emulator: PathBuf::new() };
        let error = programs.run(Some("hulft")).unwrap_err().to_string();
        assert_eq!(
            error,
            "no suite `hulft`; there are: entra, eventgrid, webhook, webpubsub, webpubsub-client"
        );
    }
}
