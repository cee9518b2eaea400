//! The functions of a filter, with their parameters and results. Lengths and positions count characters.

use super::value::{Kind, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    ToLower,
    ToUpper,
    Trim,
    Substring,
    EndsWith,
    StartsWith,
    IndexOf,
    Length,
    Concat,
    Contains,
}

impl Function {
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "tolower" => Self::ToLower,
            "toupper" => Self::ToUpper,
            "trim" => Self::Trim,
            "substring" => Self::Substring,
            "endswith" => Self::EndsWith,
            "startswith" => Self::StartsWith,
            "indexof" => Self::IndexOf,
            "length" => Self::Length,
            "concat" => Self::Concat,
            "contains" => Self::Contains,
            _ => return None,
        })
    }

    /// The types of its parameters.
    pub(super) fn parameters(self) -> &'static [Kind] {
        match self {
            Self::ToLower | Self::ToUpper | Self::Trim | Self::Length => &[Kind::Text],
            Self::Substring => &[Kind::Text, Kind::Integer, Kind::Integer],
            Self::EndsWith | Self::StartsWith | Self::IndexOf | Self::Concat | Self::Contains => {
                &[Kind::Text, Kind::Text]
            }
        }
    }

    /// The number of required parameters.
    pub(super) fn required(self) -> usize {
        if self == Self::Substring { 2 } else { self.parameters().len() }
    }

    pub(super) fn result(self) -> Kind {
        match self {
            Self::ToLower | Self::ToUpper | Self::Trim | Self::Substring | Self::Concat => Kind::Text,
            Self::IndexOf | Self::Length => Kind::Integer,
            Self::EndsWith | Self::StartsWith | Self::Contains => Kind::Boolean,
        }
    }

    /// Its result. `null` if any argument is `null`.
    pub(super) fn call<'a>(self, arguments: &[Value<'a>]) -> Value<'a> {
        match arguments {
            [Value::Text(text)] => self.of_one(text),
            [Value::Text(text), Value::Text(other)] => self.of_two(text, other),
            [Value::Text(text), Value::Integer(start)] => substring(text, *start, i64::MAX),
            [Value::Text(text), Value::Integer(start), Value::Integer(length)] => {
                substring(text, *start, *length)
            }
            _ => Value::Null,
        }
    }

    fn of_one<'a>(self, text: &str) -> Value<'a> {
        match self {
            Self::ToLower => Value::from(text.to_lowercase()),
            Self::ToUpper => Value::from(text.to_uppercase()),
            Self::Trim => Value::from(text.trim().to_owned()),
            Self::Length => Value::from(text.chars().count()),
            _ => Value::Null,
        }
    }

    fn of_two<'a>(self, text: &str, other: &str) -> Value<'a> {
        match self {
            Self::EndsWith => Value::Boolean(text.ends_with(other)),
            Self::StartsWith => Value::Boolean(text.starts_with(other)),
            Self::Contains => Value::Boolean(text.contains(other)),
            Self::Concat => Value::from(format!("{text}{other}")),
            Self::IndexOf => {
                text.find(other).map_or(Value::Integer(-1), |at| Value::from(text[..at].chars().count()))
            }
            _ => Value::Null,
        }
    }
}

/// Positions outside of the text are clamped: a start before it is its first character.
fn substring<'a>(text: &str, start: i64, length: i64) -> Value<'a> {
    let count = |number: i64| usize::try_from(number.max(0)).unwrap_or(usize::MAX);
    Value::from(text.chars().skip(count(start)).take(count(length)).collect::<String>())
}
