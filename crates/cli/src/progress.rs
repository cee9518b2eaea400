//! Progress on standard error, only if that is a terminal.

use std::io::{self, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::table::printable;

/// A progress bar, or a counter if the total is unknown. Without a terminal, it draws nothing.
#[derive(Clone)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Starts the progress of some work, such as `rows`.
    pub(crate) fn start(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        bar.set_message(what);
        if let Ok(style) = ProgressStyle::with_template("{human_pos} {msg}, {per_sec}, {elapsed}") {
            bar.set_style(style);
        }
        // Draws only if standard error is a terminal.
        bar.set_draw_target(ProgressDrawTarget::stderr());
        Self(bar)
    }

    /// Sets how much is done, and the total once it is known.
    pub(crate) fn set(&self, done: u64, total: Option<u64>) {
        if let (Some(total), None) = (total, self.0.length()) {
            let style =
                ProgressStyle::with_template("[{bar:40}] {human_pos} of {human_len} {msg}, {eta} left");
            if let Ok(style) = style {
                self.0.set_style(style.progress_chars("=> "));
            }
            self.0.set_length(total);
        }
        self.0.set_position(done);
    }

    /// Writes a line to standard error above the bar.
    pub(crate) fn warn(&self, line: &str) {
        let line = printable(line);
        // If standard error is closed, the line is lost.
        self.0.suspend(|| {
            let _ = writeln!(io::stderr(), "{line}");
        });
    }

    /// Removes the bar from the terminal.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
