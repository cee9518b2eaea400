//! Filters that select the connections of a send or of a membership change, in the service's subset of OData 4.
//!
//! Filters are built from values, so that no value can change the meaning of a filter: quotes are doubled, and parentheses
//! are added where they are needed.
//!
//! ```
//! use webpubsub::filter::{groups, user_id};
//!
//! let filter = user_id().ne("o'hara").and(groups().contains("vip").or(groups().contains("staff")));
//! assert_eq!(filter.to_string(), "userId ne 'o''hara' and ('vip' in groups or 'staff' in groups)");
//! ```
//!
//! [Service documentation](https://learn.microsoft.com/azure/azure-web-pubsub/reference-odata-filter)

mod terms;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Not;

pub use terms::{Groups, Number, Text, connection_id, groups, text, user_id};

use crate::{Error, Result};

/// The maximum number of clauses that a filter can have. The service documents no exact number, only about a hundred.
pub const MAX_CLAUSES: usize = 100;

/// A condition that selects connections.
///
/// Conditions are created from [`user_id`], [`connection_id`], and [`groups`], and combined with [`and`](Self::and),
/// [`or`](Self::or), and `!`. At most [`MAX_CLAUSES`] conditions can be combined; a call with more fails with
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput). A [list of values](Text::is_in) is one condition, however
/// long it is.
///
/// # Examples
///
/// ```
/// use webpubsub::filter::{groups, user_id};
///
/// let not_muted = !groups().contains("muted");
/// let filter = user_id().is_in(["alice", "bob"]).and(not_muted);
/// assert_eq!(filter.to_string(), "userId in ('alice','bob') and not ('muted' in groups)");
/// ```
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    binding: Binding,
    clauses: usize,
    fault: Option<&'static str>,
}

/// Describes how tightly the outermost operator of a filter binds, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Unknown,
    Or,
    And,
    Comparison,
    Not,
    Function,
}

impl Filter {
    /// Creates a filter from text in the service's own language, which is sent verbatim.
    ///
    /// Never build the text from external values: a quote in them would change the meaning of the filter.
    pub fn raw(text: impl Into<String>) -> Self {
        let mut filter = Self::new(text.into(), Binding::Unknown);
        if filter.text.trim().is_empty() {
            filter.fault = Some("must not be empty, since it would select all connections");
        }
        filter
    }

    /// Returns a condition that is met if both conditions are met.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.join(" and ", other, Binding::And)
    }

    /// Returns a condition that is met if at least one of the two conditions is met.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.join(" or ", other, Binding::Or)
    }

    /// Compares the condition with an outcome, as in `startswith(userId,'a') eq true`.
    #[must_use]
    pub fn is(self, outcome: bool) -> Self {
        let (clauses, fault) = (self.clauses, self.fault);
        let text = format!("{} eq {outcome}", self.within(Binding::Function));
        Self { text, binding: Binding::Comparison, clauses, fault }
    }

    fn new(text: String, binding: Binding) -> Self {
        Self { text, binding, clauses: 1, fault: None }
    }

    fn join(self, word: &str, other: Self, binding: Binding) -> Self {
        let clauses = self.clauses.saturating_add(other.clauses);
        let fault = self.fault.or(other.fault);
        let text = format!("{}{word}{}", self.within(binding), other.within(binding));
        Self { text, binding, clauses, fault }
    }

    /// Returns the text, in parentheses if the context binds more tightly.
    fn within(self, place: Binding) -> String {
        if self.binding < place { format!("({})", self.text) } else { self.text }
    }

    /// Validates the filter and returns its text.
    pub(crate) fn checked(self) -> Result<String> {
        if let Some(rule) = self.fault {
            return Err(Error::invalid_input("filter", rule, Some(&self.text)));
        }
        if self.clauses > MAX_CLAUSES {
            let rule = format!("must have at most {MAX_CLAUSES} clauses, has {}", self.clauses);
            return Err(Error::invalid_input("filter", &rule, None));
        }
        Ok(self.text)
    }
}

/// Negates the condition. The service's `not` binds more tightly than a comparison, so its operand is put in parentheses.
impl Not for Filter {
    type Output = Self;

    fn not(mut self) -> Self {
        self.text = format!("not ({})", self.text);
        self.binding = Binding::Not;
        self
    }
}

/// Formats the filter as it is sent.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
