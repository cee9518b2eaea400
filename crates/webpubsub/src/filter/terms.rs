//! The terms that filters compare: texts, numbers, and the groups of a connection.

use super::{Binding, Filter};

/// Refers to the ID of the connection's user, which is null for an anonymous connection.
#[must_use]
pub fn user_id() -> Text {
    Text("userId".into())
}

/// Refers to the ID of the connection.
#[must_use]
pub fn connection_id() -> Text {
    Text("connectionId".into())
}

/// Refers to the groups that the connection is a member of.
#[must_use]
pub fn groups() -> Groups {
    Groups(())
}

/// Creates a literal text. A `&str` or `String` converts into one automatically.
pub fn text(value: impl AsRef<str>) -> Text {
    Text(format!("'{}'", value.as_ref().replace('\'', "''")))
}

/// Represents a text: a property of the connection, a literal, or the result of a function.
#[derive(Debug, Clone)]
pub struct Text(String);

/// Represents an integer: a literal or the result of a function.
#[derive(Debug, Clone)]
pub struct Number(String);

/// Represents the groups that the connection is a member of. [`groups`] returns it.
#[derive(Debug, Clone, Copy)]
pub struct Groups(());

/// Defines comparisons with another term of the same kind.
macro_rules! comparisons {
    ($($term:ident)*) => {
        $(comparisons! { $term:
            /// Matches if both are equal.
            eq
            /// Matches if they differ.
            ne
            /// Matches if this term is greater than the other.
            gt
            /// Matches if this term is greater than or equal to the other.
            ge
            /// Matches if this term is less than the other.
            lt
            /// Matches if this term is less than or equal to the other.
            le
        })*
    };
    ($term:ident: $($(#[$doc:meta])* $name:ident)*) => {
        impl $term {
            $(
                $(#[$doc])*
                pub fn $name(self, other: impl Into<Self>) -> Filter {
                    let text = format!(concat!("{} ", stringify!($name), " {}"), self.0, other.into().0);
                    Filter::new(text, Binding::Comparison)
                }
            )*
        }
    };
}

comparisons! { Text Number }

impl Text {
    /// Matches if the text is null, as [`user_id`] is for an anonymous connection.
    #[must_use]
    pub fn is_null(self) -> Filter {
        Filter::new(format!("{} eq null", self.0), Binding::Comparison)
    }

    /// Matches if the text is not null.
    #[must_use]
    pub fn is_not_null(self) -> Filter {
        Filter::new(format!("{} ne null", self.0), Binding::Comparison)
    }

    /// Matches if the text equals one of these values.
    ///
    /// There must be at least one value; otherwise, the call fails with
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
    pub fn is_in<S: AsRef<str>>(self, values: impl IntoIterator<Item = S>) -> Filter {
        let values: Vec<_> = values.into_iter().map(|value| text(value).0).collect();
        let mut filter = Filter::new(format!("{} in ({})", self.0, values.join(",")), Binding::Comparison);
        filter.fault = values.is_empty().then_some("must list at least one value after `in`");
        filter
    }

    /// Matches if the text starts with another text.
    pub fn starts_with(self, start: impl Into<Self>) -> Filter {
        Filter::new(self.call("startswith", &[&start.into().0]), Binding::Function)
    }

    /// Matches if the text ends with another text.
    pub fn ends_with(self, end: impl Into<Self>) -> Filter {
        Filter::new(self.call("endswith", &[&end.into().0]), Binding::Function)
    }

    /// Matches if the text contains another text.
    pub fn contains(self, part: impl Into<Self>) -> Filter {
        Filter::new(self.call("contains", &[&part.into().0]), Binding::Function)
    }

    /// Converts the text to lower case.
    #[must_use]
    pub fn to_lower(self) -> Self {
        Self(self.call("tolower", &[]))
    }

    /// Converts the text to upper case.
    #[must_use]
    pub fn to_upper(self) -> Self {
        Self(self.call("toupper", &[]))
    }

    /// Removes white space from both ends of the text.
    #[must_use]
    pub fn trim(self) -> Self {
        Self(self.call("trim", &[]))
    }

    /// Returns the part of the text that begins at index `start`. Indexes start at 0.
    #[must_use]
    pub fn substring(self, start: impl Into<Number>) -> Self {
        Self(self.call("substring", &[&start.into().0]))
    }

    /// Returns the part of the text that begins at index `start` and has at most `length` characters.
    #[must_use]
    pub fn substring_of(self, start: impl Into<Number>, length: impl Into<Number>) -> Self {
        Self(self.call("substring", &[&start.into().0, &length.into().0]))
    }

    /// Appends another text.
    #[must_use]
    pub fn concat(self, other: impl Into<Self>) -> Self {
        Self(self.call("concat", &[&other.into().0]))
    }

    /// Returns the index at which another text first occurs, starting at 0, or -1 if it does not occur.
    pub fn index_of(self, part: impl Into<Self>) -> Number {
        Number(self.call("indexof", &[&part.into().0]))
    }

    /// Returns the number of characters.
    #[must_use]
    pub fn length(self) -> Number {
        Number(self.call("length", &[]))
    }

    fn call(self, function: &str, arguments: &[&str]) -> String {
        let mut text = format!("{function}({}", self.0);
        for argument in arguments {
            text.push(',');
            text.push_str(argument);
        }
        text.push(')');
        text
    }
}

impl Groups {
    /// Matches if the connection is a member of this group.
    pub fn contains(self, group: impl Into<Text>) -> Filter {
        Filter::new(format!("{} in groups", group.into().0), Binding::Comparison)
    }

    /// Returns the number of groups.
    #[must_use]
    pub fn length(self) -> Number {
        Number("length(groups)".into())
    }
}

impl From<&str> for Text {
    fn from(value: &str) -> Self {
        text(value)
    }
}

impl From<String> for Text {
    fn from(value: String) -> Self {
        text(value)
    }
}

impl From<&String> for Text {
    fn from(value: &String) -> Self {
        text(value)
    }
}

impl From<i32> for Number {
    fn from(value: i32) -> Self {
        Self(value.to_string())
    }
}
