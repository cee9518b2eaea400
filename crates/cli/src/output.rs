//! Standard output: tables and plain lines for people, JSON lines for programs.

use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write};

use clap::ValueEnum;
use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::table;

/// The format of the output as the command line states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table on a terminal, JSON lines otherwise.
    Auto,
    /// Tables and lines for people.
    Table,
    /// One JSON value per line.
    Json,
}

/// Writes what a command prints.
pub(crate) struct Output {
    out: BufWriter<Stdout>,
    json: bool,
    bold: bool,
    /// Whether each line is written at once, because its reader waits for it.
    live: bool,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        let terminal = io::stdout().is_terminal();
        let json = match format {
            Format::Auto => !terminal,
            Format::Table => false,
            Format::Json => true,
        };
        let bold = terminal && colors_allowed();
        Self { out: BufWriter::with_capacity(1 << 16, io::stdout()), json, bold, live: false }
    }

    /// Returns whether the output is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Writes each further line at once.
    pub(crate) fn live(&mut self) {
        self.live = true;
    }

    /// Writes a value: as one line of JSON, or as the line for people that `text` returns.
    pub(crate) fn record(&mut self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        if self.json { self.json_line(value) } else { self.line(&text()) }
    }

    /// Writes a value as one line of JSON.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.out, value).map_err(io::Error::from)?;
        self.end_line()
    }

    /// Writes a line verbatim, except for control characters.
    pub(crate) fn line(&mut self, text: &str) -> Result<()> {
        self.out.write_all(table::printable(text).as_bytes())?;
        self.end_line()
    }

    /// Starts a table, which is written as JSON lines if the output is JSON.
    pub(crate) fn table<const N: usize>(&mut self, headings: [&'static str; N]) -> Table<'_, N> {
        Table { output: self, headings, rows: Vec::new() }
    }

    /// Returns the writer, for formats of their own.
    pub(crate) fn writer(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Writes everything that is buffered.
    pub(crate) fn flush(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }

    fn end_line(&mut self) -> Result<()> {
        self.out.write_all(b"\n")?;
        if self.live { self.flush() } else { Ok(()) }
    }
}

/// A table whose rows are collected, because the width of its columns depends on all of them.
pub(crate) struct Table<'a, const N: usize> {
    output: &'a mut Output,
    headings: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<'_, N> {
    /// Adds a row: a value for JSON, which is written at once, and the cells for people.
    pub(crate) fn row(&mut self, value: &impl Serialize, cells: [String; N]) -> Result<()> {
        if self.output.json {
            return self.output.json_line(value);
        }
        self.rows.push(cells);
        Ok(())
    }

    /// Writes the table.
    pub(crate) fn end(self) -> Result<()> {
        if self.output.json {
            return self.output.flush();
        }
        let text = table::render(self.headings, &self.rows, self.output.bold);
        self.output.out.write_all(text.as_bytes())?;
        self.output.flush()
    }
}

/// Returns whether text may have colors. See <https://no-color.org>.
fn colors_allowed() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Prints the result of a question, and fails with the exit code for something that does not exist.
pub(crate) fn existence(output: &mut Output, what: &str, exists: bool) -> Result<()> {
    let text = || format!("{what} {}", if exists { "exists" } else { "does not exist" });
    output.record(&serde_json::json!({ "exists": exists }), text)?;
    if exists { Ok(()) } else { Err(Failure::Missing) }
}
