//! What `cargo xtask interop` starts, once the official SDKs are installed: `interop FOLDER PYTHON EMULATOR [NAME]`.

use std::path::Path;
use std::process::ExitCode;

use service_core::BoxError;
use workspace_tests::interop::Programs;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("interop: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the table and writes it to a file. Returns whether nothing failed.
fn run() -> Result<bool, BoxError> {
    let mut args = std::env::args_os().skip(1);
    let mut path = |what| args.next().map(Into::into).ok_or(format!("{what} is needed"));
    let programs = Programs { folder: path("FOLDER")?, python: path("PYTHON")?, emulator: path("EMULATOR")? };
    let name = args.next().map(|name| name.to_string_lossy().into_owned());
    let table = programs.run(name.as_deref())?;
    let file = programs.folder.join("report.md");
    std::fs::write(&file, table.to_string()).map_err(|error| at(&file, &error))?;
    print!("{table}");
    println!("The table is in {}", file.display());
    for failure in table.failures() {
        eprintln!("{failure}");
    }
    Ok(table.failures().is_empty())
}

fn at(file: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", file.display())
}
