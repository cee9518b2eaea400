//! The OData filters of Web PubSub (REST, section 4): read and type-checked once, then asked about each connection.
//!
//! A subset of OData 4: the names `userId`, `connectionId` and `groups` in any case; `eq ne gt ge lt le in and or not`;
//! the string functions and `length(groups)`; texts, 64-bit integers, `true`, `false`, `null`. Operators and functions
//! are written in lower case.

mod evaluate;
mod expression;
mod function;
mod lexer;
mod parser;

use std::fmt;

use evaluate::Value;
use expression::Expression;

/// A filter that has been read and whose types fit.
///
/// ```
/// use service_emulator::webpubsub::{Filter, FilterSubject};
///
/// let filter = Filter::parse("userId ne 'ann' and 'vip' in groups")?;
/// let groups = ["vip".to_owned()];
/// assert!(filter.matches(&FilterSubject { connection_id: "c1", user_id: Some("bob"), groups: &groups }));
/// # Ok::<(), service_emulator::webpubsub::FilterError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Expression);

/// What a filter is asked about: one connection.
#[derive(Debug, Clone, Copy)]
pub struct FilterSubject<'a> {
    /// The id of the connection.
    pub connection_id: &'a str,
    /// Its user; absent, it is `null` to the filter.
    pub user_id: Option<&'a str>,
    /// The groups that it is in.
    pub groups: &'a [String],
}

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    message: String,
    position: usize,
    text: String,
}

impl Filter {
    /// Reads a filter: at most 100 clauses (operands of `and` and `or`), nested at most 50 deep.
    ///
    /// # Errors
    /// When the text is not in the grammar, compares or joins what has different types, or goes beyond a bound.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parser::parse(text).map(Self).map_err(|problem| FilterError {
            message: problem.message,
            position: problem.position,
            text: text.to_owned(),
        })
    }

    /// Whether the filter is true of a connection; `null` is not true.
    ///
    /// `null eq null` is true, `null ne` anything else too; every other comparison with `null` is false. A function of
    /// `null` is `null`, and so is `not null`.
    pub fn matches(&self, subject: &FilterSubject<'_>) -> bool {
        self.0.value(subject) == Value::Boolean(true)
    }
}

impl FilterError {
    /// What is wrong, without the place: `Syntax error`, or the rule that is broken.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The place just behind what is wrong, counted in characters from 0.
    pub fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at position {} in '{}'", self.message, self.position, self.text)
    }
}

impl std::error::Error for FilterError {}

#[cfg(test)]
mod tests;
