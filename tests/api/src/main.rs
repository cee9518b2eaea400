//! Writes or checks the public API of crates as text, from rustdoc's JSON; `cargo xtask api` makes that and starts this.
//! A separate package, because the JSON parser takes too long to build for the task runner.

mod foreign;

use std::collections::HashSet;
use std::fs;
use std::process::ExitCode;

/// What went wrong, for a person.
type Result<T> = std::result::Result<T, String>;

/// The format of Rust 1.95's rustdoc, which the version of `public-api` in the root manifest reads.
const FORMAT: u64 = 57;
/// How much of a difference is shown.
const SHOWN: usize = 40;

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let check = args.first().is_some_and(|first| first == "--check");
    if check {
        args.remove(0);
    }
    let mut status = ExitCode::SUCCESS;
    for pair in args.chunks(2) {
        let [json, text] = pair else { continue };
        if let Err(error) = one(json, text, check) {
            eprintln!("error: {text}: {error}");
            status = ExitCode::FAILURE;
        }
    }
    status
}

/// Writes or checks the text of one crate, and looks for types of other crates in it.
fn one(json: &str, path: &str, check: bool) -> Result<()> {
    let text = text_of(json)?;
    if check {
        same(&fs::read_to_string(path).unwrap_or_default(), &text)?;
    } else {
        fs::write(path, &text).map_err(|error| error.to_string())?;
    }
    let not_allowed = foreign::not_allowed(&text);
    if !not_allowed.is_empty() {
        return Err(format!("shows types of other crates:\n{}", not_allowed.join("\n")));
    }
    println!("{path}: {} lines; types of {}", text.lines().count(), foreign::crates(&text).join(", "));
    Ok(())
}

fn text_of(json: &str) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| format!("{json}: {error}");
    let read = fs::read_to_string(json).map_err(|error| failed(&error))?;
    let value: serde_json::Value = serde_json::from_str(&read).map_err(|error| failed(&error))?;
    is_readable(&value["format_version"])?;
    // What every type has, such as `impl Send` and `impl<T> Any for T`, would be three quarters of the text.
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .map_err(|error| failed(&error))?;
    Ok(api.to_string())
}

fn is_readable(format: &serde_json::Value) -> Result<()> {
    if format == FORMAT {
        return Ok(());
    }
    Err(format!(
        "this rustdoc writes JSON of the format {format} and what reads it here knows {FORMAT}, that of Rust 1.95: use that \
         toolchain, or change FORMAT and the version of public-api to those of yours"
    ))
}

/// Fails with the lines that are in one of two texts only.
fn same(committed: &str, now: &str) -> Result<()> {
    if committed == now {
        return Ok(());
    }
    let (old, new): (HashSet<&str>, HashSet<&str>) = (committed.lines().collect(), now.lines().collect());
    let gone = committed.lines().filter(|line| !new.contains(line)).map(|line| format!("- {line}"));
    let come = now.lines().filter(|line| !old.contains(line)).map(|line| format!("+ {line}"));
    let lines: Vec<_> = gone.chain(come).collect();
    let shown = lines.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n");
    let more = lines.len().saturating_sub(SHOWN);
    Err(format!(
        "the public API is another one, by {} lines; `cargo xtask api` writes it\n{shown}{}",
        lines.len(),
        if more > 0 { format!("\n.. and {more} more") } else { String::new() }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_by_its_lines() {
        assert!(same("a\nb\n", "a\nb\n").is_ok());
        let text = same("pub fn a\npub fn b\n", "pub fn a\npub fn c\n").unwrap_err();
        assert!(text.contains("- pub fn b\n+ pub fn c") && !text.contains("pub fn a"), "{text}");
    }

    #[test]
    fn the_json_of_another_toolchain_is_told_as_such() {
        assert!(is_readable(&57.into()).is_ok());
        let text = is_readable(&58.into()).unwrap_err();
        assert!(text.contains("58") && text.contains("Rust 1.95"), "{text}");
    }
}
