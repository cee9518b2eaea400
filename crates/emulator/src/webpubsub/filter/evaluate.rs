//! Evaluates a filter for one connection. `null` behaves as in OData (OData 4.01 URL Conventions, section 5.1.1).

use std::cmp::Ordering;

use super::expression::{Comparison, Expression};
use super::value::Value;

/// Describes a connection for which a filter is evaluated.
#[derive(Debug, Clone, Copy)]
pub struct FilterSubject<'a> {
    /// Contains the connection id.
    pub connection_id: &'a str,
    /// Contains the user id. `None` is `null` in the filter.
    pub user_id: Option<&'a str>,
    /// Contains the groups of the connection.
    pub groups: &'a [String],
}

impl Expression {
    pub(super) fn value<'a>(&'a self, subject: &FilterSubject<'a>) -> Value<'a> {
        match self {
            Self::Literal(value) => value.borrowed(),
            Self::UserId => subject.user_id.map_or(Value::Null, Value::from),
            Self::ConnectionId => Value::from(subject.connection_id),
            Self::GroupCount => Value::from(subject.groups.len()),
            Self::Not(operand) => match operand.value(subject) {
                Value::Boolean(value) => Value::Boolean(!value),
                _ => Value::Null,
            },
            Self::And(left, right) => join(left, right, false, subject),
            Self::Or(left, right) => join(left, right, true, subject),
            Self::Compare(comparison, left, right) => {
                Value::Boolean(comparison.holds(&left.value(subject), &right.value(subject)))
            }
            Self::InGroups(member) => {
                let member = member.value(subject);
                Value::Boolean(subject.groups.iter().any(|group| Value::from(group.as_str()) == member))
            }
            Self::InList(member, list) => Value::Boolean(list.contains(&member.value(subject))),
            Self::Call(function, arguments) => {
                let arguments: Vec<_> = arguments.iter().map(|argument| argument.value(subject)).collect();
                function.call(&arguments)
            }
        }
    }
}

/// `and` and `or`: an operand that alone determines the result takes precedence, even over `null`.
fn join<'a>(
    left: &'a Expression,
    right: &'a Expression,
    decisive: bool,
    subject: &FilterSubject<'a>,
) -> Value<'a> {
    let decisive = Value::Boolean(decisive);
    let left = left.value(subject);
    if left == decisive {
        return left;
    }
    let right = right.value(subject);
    if right == decisive || left != Value::Null { right } else { left }
}

impl Comparison {
    fn holds(self, left: &Value<'_>, right: &Value<'_>) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Greater => order(left, right).is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => order(left, right).is_some_and(Ordering::is_ge),
            Self::Less => order(left, right).is_some_and(Ordering::is_lt),
            Self::LessOrEqual => order(left, right).is_some_and(Ordering::is_le),
        }
    }
}

/// Strings are compared by code point, not by the rules of a language.
fn order(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        _ => None,
    }
}
