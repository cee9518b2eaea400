//! What filters compare: texts, numbers and the groups of a connection.

use super::{Binding, Filter};

/// The id of the connection's user; null for an anonymous one.
#[must_use]
pub fn user_id() -> Text {
    Text("userId".into())
}

/// The connection's id.
#[must_use]
pub fn connection_id() -> Text {
    Text("connectionId".into())
}

/// The groups that the connection is in.
#[must_use]
pub fn groups() -> Groups {
    Groups(())
}

/// A text of its own. Wherever a text is asked for, a `&str` or `String` will do.
pub fn text(value: impl AsRef<str>) -> Text {
    Text(format!("'{}'", value.as_ref().replace('\'', "''")))
}

/// A text: a property of the connection, a value, or what a function makes of them.
#[derive(Debug, Clone)]
pub struct Text(String);

/// A whole number: a value, or what a function gives.
#[derive(Debug, Clone)]
pub struct Number(String);

/// The groups that the connection is in; made by [`groups`].
#[derive(Debug, Clone, Copy)]
pub struct Groups(());

/// Comparisons with another term of the same kind.
macro_rules! comparisons {
    ($($term:ident)*) => {
        $(comparisons! { $term:
            /// Whether both are equal.
            eq
            /// Whether they differ.
            ne
            /// Whether this one comes after the other.
            gt
            /// Whether this one comes after the other or is equal to it.
            ge
            /// Whether this one comes before the other.
            lt
            /// Whether this one comes before the other or is equal to it.
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
    /// Whether there is no such text: [`user_id`] of an anonymous connection.
    #[must_use]
    pub fn is_null(self) -> Filter {
        Filter::new(format!("{} eq null", self.0), Binding::Comparison)
    }

    /// Whether there is such a text.
    #[must_use]
    pub fn is_not_null(self) -> Filter {
        Filter::new(format!("{} ne null", self.0), Binding::Comparison)
    }

    /// Whether it is one of these, of which there must be at least one.
    pub fn is_in<S: AsRef<str>>(self, values: impl IntoIterator<Item = S>) -> Filter {
        let values: Vec<_> = values.into_iter().map(|value| text(value).0).collect();
        let mut filter = Filter::new(format!("{} in ({})", self.0, values.join(",")), Binding::Comparison);
        filter.fault = values.is_empty().then_some("must list at least one value after `in`");
        filter
    }

    /// Whether it starts with the other.
    pub fn starts_with(self, start: impl Into<Self>) -> Filter {
        Filter::new(self.call("startswith", &[&start.into().0]), Binding::Function)
    }

    /// Whether it ends with the other.
    pub fn ends_with(self, end: impl Into<Self>) -> Filter {
        Filter::new(self.call("endswith", &[&end.into().0]), Binding::Function)
    }

    /// Whether the other is part of it.
    pub fn contains(self, part: impl Into<Self>) -> Filter {
        Filter::new(self.call("contains", &[&part.into().0]), Binding::Function)
    }

    /// The same in lower case.
    #[must_use]
    pub fn to_lower(self) -> Self {
        Self(self.call("tolower", &[]))
    }

    /// The same in upper case.
    #[must_use]
    pub fn to_upper(self) -> Self {
        Self(self.call("toupper", &[]))
    }

    /// The same without white space around it.
    #[must_use]
    pub fn trim(self) -> Self {
        Self(self.call("trim", &[]))
    }

    /// What is left behind so many characters.
    #[must_use]
    pub fn substring(self, start: impl Into<Number>) -> Self {
        Self(self.call("substring", &[&start.into().0]))
    }

    /// So many characters behind so many.
    #[must_use]
    pub fn substring_of(self, start: impl Into<Number>, length: impl Into<Number>) -> Self {
        Self(self.call("substring", &[&start.into().0, &length.into().0]))
    }

    /// Both texts, one behind the other.
    #[must_use]
    pub fn concat(self, other: impl Into<Self>) -> Self {
        Self(self.call("concat", &[&other.into().0]))
    }

    /// Where the other begins in it, from 0 on; -1 if it is no part of it.
    pub fn index_of(self, part: impl Into<Self>) -> Number {
        Number(self.call("indexof", &[&part.into().0]))
    }

    /// How many characters it has.
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
    /// Whether the connection is in this group.
    pub fn contains(self, group: impl Into<Text>) -> Filter {
        Filter::new(format!("{} in groups", group.into().0), Binding::Comparison)
    }

    /// How many groups it is in.
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
