//! Filters of Web PubSub: what the client's builder writes is valid for the emulator, and selects what was meant.

use service_emulator::webpubsub::{Filter as Parsed, FilterSubject};
use webpubsub::Filter;
use webpubsub::filter::{self, Number, Text};

/// How deep a filter may be nested. The service accepts 50 levels.
const MAX_DEPTH: usize = 8;
/// The maximum number of conditions. The service accepts about 100.
const MAX_CONDITIONS: usize = 60;

const CONNECTIONS: [FilterSubject<'_>; 2] = [
    FilterSubject { connection_id: "c1", user_id: None, groups: &[] },
    FilterSubject { connection_id: "O'Hara \u{e9}", user_id: Some(" Ann\u{df} "), groups: &[] },
];

/// A filter and, for each connection, the value that it must have.
struct Condition(Filter, Vec<Option<bool>>);
/// A text, and its values.
struct Texts(Text, Vec<Option<String>>);
/// A number, and its values.
struct Numbers(Number, Vec<Option<i64>>);

/// The bytes as decisions.
struct Choices<'a> {
    rest: &'a [u8],
    conditions: usize,
}

/// The steps that build a filter.
pub(super) fn filters(data: &[u8]) {
    let mut choices = Choices { rest: data, conditions: 0 };
    let Condition(filter, expected) = choices.condition(0);
    let text = filter.to_string();
    let parsed = Parsed::parse(&text).unwrap_or_else(|error| panic!("{error}"));
    for (connection, expected) in subjects().iter().zip(expected) {
        let subject = connection.subject();
        assert_eq!(parsed.matches(&subject), expected == Some(true), "{text} for {subject:?}");
    }
    // The bytes as a text of the language: it is valid or not, and an error points into it.
    if let Some(text) = super::text(data)
        && let Err(error) = Parsed::parse(text)
    {
        assert!(error.position() <= text.chars().count() + 1, "{error}");
    }
}

/// A connection with groups.
struct Subject {
    of: FilterSubject<'static>,
    groups: Vec<String>,
}

impl Subject {
    fn subject(&self) -> FilterSubject<'_> {
        FilterSubject { groups: &self.groups, ..self.of }
    }
}

fn subjects() -> Vec<Subject> {
    let [anonymous, named] = CONNECTIONS;
    let groups = vec!["vip".to_owned(), "it's".to_owned()];
    vec![
        Subject { of: anonymous, groups: Vec::new() },
        Subject { of: named, groups: Vec::new() },
        Subject { of: anonymous, groups: groups.clone() },
        Subject { of: named, groups },
    ]
}

/// The value for each connection.
fn each<T>(value: impl Fn(&Subject) -> Option<T>) -> Vec<Option<T>> {
    subjects().iter().map(value).collect()
}

fn zip<A, B, T>(left: &[Option<A>], right: &[Option<B>], value: impl Fn(&A, &B) -> T) -> Vec<Option<T>> {
    let pairs = left.iter().zip(right);
    pairs
        .map(|(left, right)| left.as_ref().zip(right.as_ref()).map(|(left, right)| value(left, right)))
        .collect()
}

fn map<A, T>(values: &[Option<A>], value: impl Fn(&A) -> T) -> Vec<Option<T>> {
    values.iter().map(|one| one.as_ref().map(&value)).collect()
}

/// A comparison: equal, less, and so on. With null, only `eq` and `ne` can hold.
fn compared<T: PartialEq + PartialOrd>(
    kind: u8,
    left: &[Option<T>],
    right: &[Option<T>],
) -> Vec<Option<bool>> {
    let hold = |(left, right): (&Option<T>, &Option<T>)| match (kind % 6, left, right) {
        (0, ..) => left == right,
        (1, ..) => left != right,
        (2, Some(left), Some(right)) => left > right,
        (3, Some(left), Some(right)) => left >= right,
        (4, Some(left), Some(right)) => left < right,
        (5, Some(left), Some(right)) => left <= right,
        _ => false,
    };
    left.iter().zip(right).map(|pair| Some(hold(pair))).collect()
}

impl Choices<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    /// A text of up to 15 bytes.
    fn literal(&mut self) -> String {
        let length = usize::from(self.next() % 16).min(self.rest.len());
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    fn condition(&mut self, depth: usize) -> Condition {
        let is_leaf = depth >= MAX_DEPTH || self.conditions >= MAX_CONDITIONS || self.rest.is_empty();
        let kind = self.next();
        match kind % if is_leaf { 8 } else { 14 } {
            8 | 9 => self.joined(depth, kind),
            10 | 11 => {
                let Condition(filter, values) = self.condition(depth + 1);
                Condition(!filter, map(&values, |value| !value))
            }
            12 => {
                let (Condition(filter, values), outcome) =
                    (self.condition(depth + 1), self.next().is_multiple_of(2));
                Condition(
                    filter.is(outcome),
                    values.iter().map(|value| Some(*value == Some(outcome))).collect(),
                )
            }
            13 => {
                let Condition(filter, values) = self.condition(depth + 1);
                Condition(Filter::raw(filter.to_string()), values)
            }
            leaf => {
                self.conditions += 1;
                self.leaf(leaf, depth)
            }
        }
    }

    fn joined(&mut self, depth: usize, kind: u8) -> Condition {
        let Condition(left, lefts) = self.condition(depth + 1);
        let Condition(right, rights) = self.condition(depth + 1);
        let decisive = kind % 2 == 1;
        let value = |(left, right): (&Option<bool>, &Option<bool>)| match (left, right) {
            _ if *left == Some(decisive) || *right == Some(decisive) => Some(decisive),
            (Some(_), Some(_)) => Some(!decisive),
            _ => None,
        };
        let values = lefts.iter().zip(&rights).map(value).collect();
        Condition(if decisive { left.or(right) } else { left.and(right) }, values)
    }

    fn leaf(&mut self, kind: u8, depth: usize) -> Condition {
        let Texts(text, values) = self.text(depth);
        match kind {
            0 => {
                let (is_null, is) = (self.next().is_multiple_of(2), map_all(&values, Option::is_none));
                let filter = if is_null { text.is_null() } else { text.is_not_null() };
                Condition(filter, map(&is, |is| *is == is_null))
            }
            1 => {
                let list: Vec<_> = (0..=self.next() % 3).map(|_| self.literal()).collect();
                let is_in = |value: &Option<String>| value.as_ref().is_some_and(|value| list.contains(value));
                let values = map_all(&values, is_in);
                Condition(text.is_in(&list), values)
            }
            2 => {
                let all = subjects();
                let is_member = |(subject, value): (&Subject, &Option<String>)| {
                    Some(value.as_ref().is_some_and(|value| subject.groups.contains(value)))
                };
                let values = all.iter().zip(&values).map(is_member).collect();
                Condition(filter::groups().contains(text), values)
            }
            3 => {
                let (kind, Numbers(left, lefts), Numbers(right, rights)) =
                    (self.next(), self.number(depth), self.number(depth));
                let values = compared(kind, &lefts, &rights);
                let filter = match kind % 6 {
                    0 => left.eq(right),
                    1 => left.ne(right),
                    2 => left.gt(right),
                    3 => left.ge(right),
                    4 => left.lt(right),
                    _ => left.le(right),
                };
                Condition(filter, values)
            }
            4 => {
                let (kind, Texts(other, others)) = (self.next(), self.text(depth));
                let values = compared(kind, &values, &others);
                let filter = match kind % 6 {
                    0 => text.eq(other),
                    1 => text.ne(other),
                    2 => text.gt(other),
                    3 => text.ge(other),
                    4 => text.lt(other),
                    _ => text.le(other),
                };
                Condition(filter, values)
            }
            kind => {
                let Texts(other, others) = self.text(depth);
                let (filter, holds): (_, fn(&String, &String) -> bool) = match kind {
                    5 => (text.starts_with(other), |text, other| text.starts_with(other.as_str())),
                    6 => (text.ends_with(other), |text, other| text.ends_with(other.as_str())),
                    _ => (text.contains(other), |text, other| text.contains(other.as_str())),
                };
                Condition(filter, zip(&values, &others, holds))
            }
        }
    }

    fn text(&mut self, depth: usize) -> Texts {
        let is_leaf = depth >= MAX_DEPTH || self.rest.is_empty();
        match self.next() % if is_leaf { 3 } else { 8 } {
            0 => Texts(filter::user_id(), each(|subject| subject.of.user_id.map(str::to_owned))),
            1 => Texts(filter::connection_id(), each(|subject| Some(subject.of.connection_id.to_owned()))),
            2 => {
                let literal = self.literal();
                Texts(filter::text(&literal), each(|_| Some(literal.clone())))
            }
            3 => {
                let Texts(text, values) = self.text(depth + 1);
                Texts(text.to_lower(), map(&values, |text| text.to_lowercase()))
            }
            4 => {
                let Texts(text, values) = self.text(depth + 1);
                Texts(text.to_upper(), map(&values, |text| text.to_uppercase()))
            }
            5 => {
                let Texts(text, values) = self.text(depth + 1);
                Texts(text.trim(), map(&values, |text| text.trim().to_owned()))
            }
            6 => {
                let (Texts(text, values), Texts(other, others)) =
                    (self.text(depth + 1), self.text(depth + 1));
                Texts(text.concat(other), zip(&values, &others, |text, other| format!("{text}{other}")))
            }
            _ => {
                let (Texts(text, values), Numbers(start, starts)) =
                    (self.text(depth + 1), self.number(depth + 1));
                let from = zip(&values, &starts, |text, start| part(text, *start, i64::MAX));
                if self.next().is_multiple_of(2) {
                    return Texts(text.substring(start), from);
                }
                let Numbers(length, lengths) = self.number(depth + 1);
                Texts(
                    text.substring_of(start, length),
                    zip(&from, &lengths, |from, length| part(from, 0, *length)),
                )
            }
        }
    }

    fn number(&mut self, depth: usize) -> Numbers {
        let is_leaf = depth >= MAX_DEPTH || self.rest.is_empty();
        match self.next() % if is_leaf { 2 } else { 4 } {
            0 => {
                let number = i32::from_be_bytes(std::array::from_fn(|_| self.next())) >> (self.next() % 32);
                Numbers(number.into(), each(|_| Some(i64::from(number))))
            }
            1 => Numbers(filter::groups().length(), each(|subject| i64::try_from(subject.groups.len()).ok())),
            2 => {
                let Texts(text, values) = self.text(depth + 1);
                Numbers(text.length(), map(&values, |text| text.chars().count() as i64))
            }
            _ => {
                let (Texts(text, values), Texts(other, others)) =
                    (self.text(depth + 1), self.text(depth + 1));
                let index = |text: &String, other: &String| {
                    text.find(other.as_str()).map_or(-1, |at| text[..at].chars().count() as i64)
                };
                Numbers(text.index_of(other), zip(&values, &others, index))
            }
        }
    }
}

fn map_all<A>(values: &[A], value: impl Fn(&A) -> bool) -> Vec<Option<bool>> {
    values.iter().map(|one| Some(value(one))).collect()
}

/// The characters from an index, at most this many.
fn part(text: &str, start: i64, length: i64) -> String {
    let count = |number: i64| usize::try_from(number.max(0)).unwrap();
    text.chars().skip(count(start)).take(count(length)).collect()
}
