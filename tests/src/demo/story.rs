//! How the demo speaks: numbered steps, each with what was before, what was sent, what came back and what changed.

use std::io::{self, Write};

use service_core::BoxError;

use super::Ask;
use super::recorder::Exchange;

/// The demo's voice.
pub struct Story<'a> {
    out: &'a mut (dyn Write + Send),
    ask: Ask<'a>,
    step: u32,
}

impl<'a> Story<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), ask: Ask<'a>) -> Self {
        Self { out, ask, step: 0 }
    }

    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    pub(super) fn step(&mut self, title: &str) -> io::Result<()> {
        self.step += 1;
        writeln!(self.out, "\n{}. {title}", self.step)
    }

    /// The call as Rust code.
    pub(super) fn call(&mut self, code: &str) -> io::Result<()> {
        self.line("call", code)
    }

    pub(super) fn before(&mut self, text: &str) -> io::Result<()> {
        self.line("before", text)
    }

    pub(super) fn exchange(&mut self, exchange: &Exchange) -> io::Result<()> {
        self.line("sent", &exchange.sent)?;
        self.line("response", &exchange.response)
    }

    pub(super) fn effect(&mut self, text: &str) -> io::Result<()> {
        self.line("effect", text)
    }

    /// Asks before something real is touched.
    pub(super) fn consent(&mut self, question: &str) -> Result<(), BoxError> {
        if (self.ask)(question) { Ok(()) } else { Err("you said no, so nothing was changed there".into()) }
    }

    fn line(&mut self, label: &str, text: &str) -> io::Result<()> {
        let mut label = label;
        for text in text.lines() {
            writeln!(self.out, "   {label:<8}{text}")?;
            label = "";
        }
        Ok(())
    }
}
