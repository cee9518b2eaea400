//! Command-line parsing that several commands share: switches, and arguments to pass to a program.

use std::ffi::OsString;

use crate::failure::{Failure, Result};

/// Returns which of `known` (without dashes) are given.
pub(crate) fn switches<const N: usize>(args: Vec<OsString>, known: [&str; N]) -> Result<[bool; N]> {
    let mut given = [false; N];
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        let index = known.iter().position(|known| arg == lexopt::Arg::Long(known));
        *index.and_then(|index| given.get_mut(index)).ok_or_else(|| arg.unexpected())? = true;
    }
    Ok(given)
}

/// Returns the known name that is given; otherwise fails with the known ones.
pub(crate) fn one_of<'a>(what: &str, given: &str, known: &[&'a str]) -> Result<&'a str> {
    known.iter().find(|known| **known == given).copied().ok_or_else(|| not_one_of(what, given, known))
}

pub(crate) fn not_one_of(what: &str, given: &str, known: &[&str]) -> Failure {
    Failure::usage(format!("no {what} `{given}`; there are: {}", known.join(", ")))
}

/// Checks the flags (with dashes) of a program before it is built. The program itself checks values and words.
pub(crate) fn are_known(args: &[OsString], known: &[&str]) -> Result<()> {
    for arg in args {
        let text = arg.to_string_lossy();
        let flag = text.split('=').next().unwrap_or_default();
        if flag.starts_with("--") && !known.contains(&flag) {
            return Err(Failure::usage(format!("invalid option '{flag}'; there are: {}", known.join(", "))));
        }
    }
    Ok(())
}

/// The arguments to pass to a program: all except a leading `--`, after which even `--help` belongs to the program.
pub(crate) fn passed_on(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.first().is_some_and(|first| first == "--") {
        args.remove(0);
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn a_switch_is_set_only_when_given() {
        assert_eq!(switches(words("--b"), ["a", "b"]).unwrap(), [false, true]);
        assert_eq!(switches(words(""), ["a", "b"]).unwrap(), [false, false]);
    }

    #[test]
    fn a_stray_word_is_a_usage_error() {
        assert_eq!(switches(words("stray"), ["a"]).unwrap_err().exit_status(), 2);
    }

    #[test]
    fn flags_of_a_program_are_checked_and_its_values_are_not() {
        let known = |line: &str| are_known(&words(line), &["--seed"]);
        assert!(known("eventgrid --seed 1").is_ok() && known("--seed=-1").is_ok());
        assert_eq!(known("--sede 1").unwrap_err().exit_status(), 2);
    }

    #[test]
    fn all_arguments_are_passed_on_except_a_leading_double_dash() {
        assert_eq!(passed_on(words("-- --help -- x")), words("--help -- x"));
        assert_eq!(passed_on(words("--port 1 -- x")), words("--port 1 -- x"));
    }
}
