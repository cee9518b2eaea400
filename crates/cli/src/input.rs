//! Input of commands: files, standard input, and secrets.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use service_core::Secret;

use crate::failure::{Failure, Result};

/// An open input.
pub(crate) type Input = BufReader<Box<dyn Read + Send>>;

/// Opens a file, or standard input for `-`.
pub(crate) fn open(path: &Path) -> Result<Input> {
    if path.as_os_str() == "-" {
        return Ok(buffered(Box::new(io::stdin())));
    }
    let file = File::open(path).map_err(|error| could_not_read(path, &error))?;
    Ok(buffered(Box::new(file)))
}

/// Adds a buffer to a reader.
pub(crate) fn buffered(reader: Box<dyn Read + Send>) -> Input {
    BufReader::with_capacity(1 << 16, reader)
}

/// Returns the given paths, or standard input if there are none.
pub(crate) fn or_stdin(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    if paths.is_empty() { vec![PathBuf::from("-")] } else { paths }
}

/// Reads a whole file, or standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes).map_err(|error| could_not_read(path, &error))?;
    Ok(bytes)
}

/// Returns the name of an input for messages.
pub(crate) fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() }
}

/// Reads a secret: the first line of standard input. Secrets are never arguments, because other users of the machine can
/// read those.
pub(crate) fn secret(what: &str) -> Result<Secret> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| could_not_read(Path::new("-"), &error))?;
    match line.trim_end_matches(['\n', '\r']) {
        "" => Err(Failure::usage(format!("{what} is missing on standard input"))),
        secret => Ok(Secret::new(secret)),
    }
}

/// Returns the names and values of an option of the form `NAME=VALUE`. The error does not repeat the value.
pub(crate) fn pairs<'a>(option: &str, values: &'a [String]) -> Result<Vec<(&'a str, &'a str)>> {
    let pair = |value: &'a String| {
        value.split_once('=').ok_or_else(|| Failure::usage(format!("{option} must be NAME=VALUE")))
    };
    values.iter().map(pair).collect()
}

fn could_not_read(path: &Path, error: &io::Error) -> Failure {
    Failure::Usage(format!("could not read {}: {error}", name(path)))
}
