//! A filter as a type-checked tree.

use super::evaluate::Value;
use super::function::Function;

/// The type of an expression. Each may also be `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Boolean,
    /// The literal `null`, which fits every type.
    Null,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Literal(Value<'static>),
    UserId,
    ConnectionId,
    /// `length(groups)`
    GroupCount,
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    /// `... in groups`
    InGroups(Box<Expression>),
    /// `... in ('a','b')`
    InList(Box<Expression>, Vec<Value<'static>>),
    Call(Function, Vec<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Kind {
    pub(super) fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(_) => Self::Boolean,
            Value::Integer(_) => Self::Integer,
            Value::Text(_) => Self::Text,
        }
    }

    /// Whether a value of one type is accepted in place of the other.
    pub(super) fn fits(self, other: Self) -> bool {
        self == other || self == Self::Null || other == Self::Null
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Integer => "an integer",
            Self::Boolean => "a boolean",
            Self::Null => "null",
        }
    }
}

impl Comparison {
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "eq" => Self::Equal,
            "ne" => Self::NotEqual,
            "gt" => Self::Greater,
            "ge" => Self::GreaterOrEqual,
            "lt" => Self::Less,
            "le" => Self::LessOrEqual,
            _ => return None,
        })
    }

    /// Whether it compares by order, which booleans do not have.
    pub(super) fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}
