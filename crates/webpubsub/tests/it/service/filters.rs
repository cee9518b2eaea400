//! The emulator's parser gives the text of the builder the same meaning. The expected meaning is computed here
//! independently, from the tree that the builder received.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use service_emulator::webpubsub::{Filter as Parsed, FilterSubject};
use webpubsub::Filter;
use webpubsub::filter::{Number, Text, connection_id, groups, text, user_id};

#[derive(Debug, Clone)]
enum Condition {
    Texts(&'static str, Term, Term),
    Numbers(&'static str, Count, Count),
    Null(Term, bool),
    OneOf(Term, Vec<String>),
    InGroups(Term),
    Part(&'static str, Term, Term),
    Is(Box<Condition>, bool),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

#[derive(Debug, Clone)]
enum Term {
    User,
    Connection,
    Value(String),
    Changed(&'static str, Box<Term>),
    Cut(Box<Term>, i32, Option<i32>),
    Joined(Box<Term>, Box<Term>),
}

#[derive(Debug, Clone)]
enum Count {
    Value(i32),
    Groups,
    Length(Term),
    Place(Term, Term),
}

#[derive(Debug, Clone)]
struct Subject {
    connection: String,
    user: Option<String>,
    groups: Vec<String>,
}

const COMPARISONS: [&str; 6] = ["eq", "ne", "gt", "ge", "lt", "le"];

/// Generates texts that are often equal, texts that could break out of quotes, and sometimes arbitrary texts.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[ab' B(),é]{0,3}", 1 => any::<String>()]
}

fn terms() -> impl Strategy<Value = Term> {
    let leaf = prop_oneof![Just(Term::User), Just(Term::Connection), texts().prop_map(Term::Value)];
    leaf.prop_recursive(2, 6, 2, |term| {
        let names = prop::sample::select(vec!["tolower", "toupper", "trim"]);
        prop_oneof![
            (names, term.clone()).prop_map(|(name, term)| Term::Changed(name, Box::new(term))),
            (term.clone(), -1..3_i32, option::of(-1..3_i32)).prop_map(|(term, from, most)| Term::Cut(
                Box::new(term),
                from,
                most
            )),
            (term.clone(), term).prop_map(|(first, then)| Term::Joined(Box::new(first), Box::new(then))),
        ]
    })
}

fn counts() -> impl Strategy<Value = Count> {
    prop_oneof![
        prop_oneof![-2..4_i32, any::<i32>()].prop_map(Count::Value),
        Just(Count::Groups),
        terms().prop_map(Count::Length),
        (terms(), terms()).prop_map(|(whole, part)| Count::Place(whole, part)),
    ]
}

fn conditions() -> impl Strategy<Value = Condition> {
    let comparison = || prop::sample::select(COMPARISONS.to_vec());
    let parts = prop::sample::select(vec!["startswith", "endswith", "contains"]);
    let leaf = prop_oneof![
        (comparison(), terms(), terms()).prop_map(|(name, a, b)| Condition::Texts(name, a, b)),
        (comparison(), counts(), counts()).prop_map(|(name, a, b)| Condition::Numbers(name, a, b)),
        (terms(), any::<bool>()).prop_map(|(term, is)| Condition::Null(term, is)),
        (terms(), vec(texts(), 1..4)).prop_map(|(term, values)| Condition::OneOf(term, values)),
        terms().prop_map(Condition::InGroups),
        (parts, terms(), terms()).prop_map(|(name, a, b)| Condition::Part(name, a, b)),
    ];
    leaf.prop_recursive(5, 32, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (inner.clone(), any::<bool>()).prop_map(|(inner, is)| Condition::Is(Box::new(inner), is)),
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
            pair.clone().prop_map(|(a, b)| Condition::And(Box::new(a), Box::new(b))),
            pair.prop_map(|(a, b)| Condition::Or(Box::new(a), Box::new(b))),
        ]
    })
}

fn subjects() -> impl Strategy<Value = Subject> {
    (texts(), option::of(texts()), vec(texts(), 0..3)).prop_map(|(connection, user, groups)| Subject {
        connection,
        user,
        groups,
    })
}

/// Returns the comparison of the builder that has this name.
macro_rules! compare {
    ($name:expr, $left:expr, $right:expr) => {
        match *$name {
            "eq" => $left.eq($right),
            "ne" => $left.ne($right),
            "gt" => $left.gt($right),
            "ge" => $left.ge($right),
            "lt" => $left.lt($right),
            _ => $left.le($right),
        }
    };
}
impl Condition {
    fn build(&self) -> Filter {
        match self {
            Self::Texts(name, a, b) => compare!(name, a.build(), b.build()),
            Self::Numbers(name, a, b) => compare!(name, a.build(), b.build()),
            Self::Null(term, true) => term.build().is_null(),
            Self::Null(term, false) => term.build().is_not_null(),
            Self::OneOf(term, values) => term.build().is_in(values),
            Self::InGroups(term) => groups().contains(term.build()),
            Self::Part("startswith", a, b) => a.build().starts_with(b.build()),
            Self::Part("endswith", a, b) => a.build().ends_with(b.build()),
            Self::Part(_, a, b) => a.build().contains(b.build()),
            Self::Is(inner, outcome) => inner.build().is(*outcome),
            Self::Not(inner) => !inner.build(),
            Self::And(a, b) => a.build().and(b.build()),
            Self::Or(a, b) => a.build().or(b.build()),
        }
    }

    /// `None` is null: neither true nor false.
    fn holds(&self, of: &Subject) -> Option<bool> {
        match self {
            Self::Texts(name, a, b) => Some(compared(name, &a.value(of), &b.value(of))),
            Self::Numbers(name, a, b) => Some(compared(name, &a.value(of), &b.value(of))),
            Self::Null(term, is) => Some(term.value(of).is_none() == *is),
            Self::OneOf(term, values) => Some(term.value(of).is_some_and(|value| values.contains(&value))),
            Self::InGroups(term) => Some(term.value(of).is_some_and(|value| of.groups.contains(&value))),
            Self::Part(name, a, b) => {
                let (whole, part) = (a.value(of)?, b.value(of)?);
                Some(match *name {
                    "startswith" => whole.starts_with(&part),
                    "endswith" => whole.ends_with(&part),
                    _ => whole.contains(&part),
                })
            }
            Self::Is(inner, outcome) => Some(inner.holds(of) == Some(*outcome)),
            Self::Not(inner) => inner.holds(of).map(|holds| !holds),
            Self::And(a, b) => match (a.holds(of), b.holds(of)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(a, b) => match (a.holds(of), b.holds(of)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
        }
    }
}

/// With null, only equality has a result.
fn compared<T: Ord>(name: &str, left: &Option<T>, right: &Option<T>) -> bool {
    let both = left.is_some() && right.is_some();
    match name {
        "eq" => left == right,
        "ne" => left != right,
        "gt" => both && left > right,
        "ge" => both && left >= right,
        "lt" => both && left < right,
        _ => both && left <= right,
    }
}

impl Term {
    fn build(&self) -> Text {
        match self {
            Self::User => user_id(),
            Self::Connection => connection_id(),
            Self::Value(value) => text(value),
            Self::Changed("tolower", term) => term.build().to_lower(),
            Self::Changed("toupper", term) => term.build().to_upper(),
            Self::Changed(_, term) => term.build().trim(),
            Self::Cut(term, from, None) => term.build().substring(*from),
            Self::Cut(term, from, Some(most)) => term.build().substring_of(*from, *most),
            Self::Joined(first, then) => first.build().concat(then.build()),
        }
    }

    fn value(&self, of: &Subject) -> Option<String> {
        Some(match self {
            Self::User => of.user.clone()?,
            Self::Connection => of.connection.clone(),
            Self::Value(value) => value.clone(),
            Self::Changed("tolower", term) => term.value(of)?.to_lowercase(),
            Self::Changed("toupper", term) => term.value(of)?.to_uppercase(),
            Self::Changed(_, term) => term.value(of)?.trim().to_owned(),
            Self::Cut(term, from, most) => {
                let at_least_zero = |number: i32| usize::try_from(number).unwrap_or(0);
                let most = most.map_or(usize::MAX, at_least_zero);
                term.value(of)?.chars().skip(at_least_zero(*from)).take(most).collect()
            }
            Self::Joined(first, then) => first.value(of)? + &then.value(of)?,
        })
    }
}

impl Count {
    fn build(&self) -> Number {
        match self {
            Self::Value(value) => Number::from(*value),
            Self::Groups => groups().length(),
            Self::Length(term) => term.build().length(),
            Self::Place(whole, part) => whole.build().index_of(part.build()),
        }
    }

    fn value(&self, of: &Subject) -> Option<i64> {
        let count = |text: &str| i64::try_from(text.chars().count()).unwrap();
        match self {
            Self::Value(value) => Some(i64::from(*value)),
            Self::Groups => Some(i64::try_from(of.groups.len()).unwrap()),
            Self::Length(term) => Some(count(&term.value(of)?)),
            Self::Place(whole, part) => {
                let (whole, part) = (whole.value(of)?, part.value(of)?);
                Some(whole.find(&part).map_or(-1, |at| count(&whole[..at])))
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn what_is_written_is_read_back_to_the_same_meaning(condition in conditions(), of in subjects()) {
        let written = condition.build().to_string();
        let parsed = Parsed::parse(&written).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let subject =
            FilterSubject { connection_id: &of.connection, user_id: of.user.as_deref(), groups: &of.groups };
        prop_assert_eq!(parsed.matches(&subject), condition.holds(&of) == Some(true), "{}", written);
    }
}
