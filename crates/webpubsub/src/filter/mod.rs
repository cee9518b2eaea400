//! Filters: which connections a message or a change of groups is for, in the service's subset of OData 4.
//!
//! Filters are built from values, so that no value can change what a filter means: quotes are doubled, parentheses stand
//! where they are needed.
//!
//! ```
//! use webpubsub::filter::{groups, user_id};
//!
//! let filter = user_id().ne("o'hara").and(groups().contains("vip").or(groups().contains("staff")));
//! assert_eq!(filter.to_string(), "userId ne 'o''hara' and ('vip' in groups or 'staff' in groups)");
//! ```
//!
//! [The service's reference](https://learn.microsoft.com/azure/azure-web-pubsub/reference-odata-filter)

mod terms;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Not;

pub use terms::{Groups, Number, Text, connection_id, groups, text, user_id};

use crate::{Error, Result};

/// How many clauses a filter may have. The service documents no exact number: about a hundred.
pub const MAX_CLAUSES: usize = 100;

/// A condition that a connection meets or does not.
///
/// Conditions are made from [`user_id`], [`connection_id`] and [`groups`], and combined by [`and`](Self::and),
/// [`or`](Self::or) and `!`. At most [`MAX_CLAUSES`] conditions may be combined; more are an error of the call that the
/// filter is given to. A [list of values](Text::is_in) is one condition, however long.
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    binding: Binding,
    clauses: usize,
    fault: Option<&'static str>,
}

/// What holds the outermost part of a filter together, the loosest first.
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
    /// A filter in the service's own language, sent as it is. Never make one from values that come from outside: a quote in
    /// them changes what the filter means.
    pub fn raw(text: impl Into<String>) -> Self {
        let mut filter = Self::new(text.into(), Binding::Unknown);
        if filter.text.trim().is_empty() {
            filter.fault = Some("must not be empty, which would mean everyone");
        }
        filter
    }

    /// Both conditions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.join(" and ", other, Binding::And)
    }

    /// Either condition, or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.join(" or ", other, Binding::Or)
    }

    /// Whether the condition has this outcome: `startswith(userId,'a') eq true`.
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

    /// The text, in parentheses where it would fall apart in a place that binds so strongly.
    fn within(self, place: Binding) -> String {
        if self.binding < place { format!("({})", self.text) } else { self.text }
    }

    /// The text, if it can be sent.
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

/// The opposite condition. The service's `not` binds more strongly than a comparison, so what it denies stands in
/// parentheses.
impl Not for Filter {
    type Output = Self;

    fn not(mut self) -> Self {
        self.text = format!("not ({})", self.text);
        self.binding = Binding::Not;
        self
    }
}

/// The filter as it is sent.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
