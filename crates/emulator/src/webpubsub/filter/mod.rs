//! The OData filters of Web PubSub (REST, section 4): parsed and type-checked once, then evaluated for each connection.
//!
//! A subset of OData 4: the names `userId`, `connectionId`, and `groups` in any case; `eq ne gt ge lt le in and or
//! not`; the string functions and `length(groups)`; strings, 64-bit integers, `true`, `false`, `null`. Operators and
//! functions are written in lower case.

mod evaluate;
mod expression;
mod function;
mod lexer;
mod parser;
mod value;

pub use evaluate::FilterSubject;
use expression::Expression;
use value::Value;

/// Represents a parsed and type-checked filter.
///
/// Supports a subset of OData 4: the names `userId`, `connectionId`, and `groups`, the operators
/// `eq ne gt ge lt le in and or not`, the string functions, and `length(groups)`.
///
/// # Examples
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

/// Is returned when a text is not a valid filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at position {position} in '{text}'")]
pub struct FilterError {
    message: String,
    position: usize,
    text: String,
}

impl Filter {
    /// Parses a filter: at most 100 clauses (operands of `and` and `or`), nested at most 50 deep.
    ///
    /// # Errors
    ///
    /// Returns an error if the text violates the grammar, mixes types, or exceeds a bound.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parser::parse(text).map(Self).map_err(|problem| FilterError {
            message: problem.message,
            position: problem.position,
            text: text.to_owned(),
        })
    }

    /// Returns whether the filter is true for a connection. `null` is not true.
    ///
    /// `null eq null` is true, and so is `null ne` any other value. Every other comparison with `null` is false. A
    /// function of `null` is `null`, and so is `not null`.
    pub fn matches(&self, subject: &FilterSubject<'_>) -> bool {
        self.0.value(subject) == Value::Boolean(true)
    }
}

impl FilterError {
    /// Returns the problem without its position: `Syntax error`, or the rule that is broken.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the position right after the problem, in characters starting at 0.
    pub fn position(&self) -> usize {
        self.position
    }
}

#[cfg(test)]
mod tests;
