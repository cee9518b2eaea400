//! A filter as a type-checked tree.

use super::function::Function;
use super::value::Value;

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
