//! The JSON body of a request, read member by member, so that an error names the member and its rule. A PUT
//! distinguishes an absent member, null, and a value (section 7).

use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use super::errors::Rejection;
use super::rules::Rule;
use crate::message::{Request, json_from_slice};

/// A member for which null has a meaning.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given<T> {
    Absent,
    Null,
    Value(T),
}

/// The members that have not been read yet.
#[derive(Debug)]
pub(super) struct Body {
    /// The path of a nested object, such as `hulft.`.
    prefix: String,
    members: Map<String, Value>,
}

impl Body {
    pub(super) fn read(request: &Request) -> Result<Self, Rejection> {
        let content_type = request.header(CONTENT_TYPE).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Rejection::invalid_body("The content type must be application/json."));
        }
        let members =
            json_from_slice(&request.body).map_err(|error| Rejection::invalid_body(error.to_string()))?;
        Ok(Self { prefix: String::new(), members })
    }

    /// Reads a string. Null is invalid.
    pub(super) fn text(&mut self, name: &str, rule: &Rule) -> Result<Option<String>, Rejection> {
        self.member(name, rule.says, |value| match value {
            Value::String(text) if rule.holds_for(&text) => Some(text),
            _ => None,
        })
    }

    /// Reads a string that may be null.
    pub(super) fn nullable_text(&mut self, name: &str, rule: &Rule) -> Result<Given<String>, Rejection> {
        if self.take_null(name) {
            return Ok(Given::Null);
        }
        Ok(self.text(name, rule)?.map_or(Given::Absent, Given::Value))
    }

    /// Reads a boolean that is written as a string.
    pub(super) fn switch(&mut self, name: &str) -> Result<Option<bool>, Rejection> {
        Ok(self.text(name, &super::rules::SWITCH)?.map(|text| text == "true"))
    }

    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Rejection> {
        self.member(name, "true or false", |value| value.as_bool())
    }

    pub(super) fn integer(
        &mut self,
        name: &str,
        says: &str,
        holds: fn(u64) -> bool,
    ) -> Result<Option<u16>, Rejection> {
        let read = |value: Value| value.as_u64().filter(|number| holds(*number));
        self.member(name, says, |value| read(value).and_then(|number| number.try_into().ok()))
    }

    /// Reads a list of different strings. A string must not appear twice: the vendor does not describe what that would
    /// mean.
    pub(super) fn texts(&mut self, name: &str, rule: &Rule) -> Result<Option<Vec<String>>, Rejection> {
        self.member(name, &format!("a list of different values, each {}", rule.says), |value| {
            let Value::Array(values) = value else { return None };
            let texts: Vec<String> =
                values.iter().map(|value| Some(value.as_str()?.to_owned())).collect::<Option<_>>()?;
            let is_new = |(index, text): (usize, &String)| !texts[..index].contains(text);
            let holds = texts.iter().all(|text| rule.holds_for(text)) && texts.iter().enumerate().all(is_new);
            holds.then_some(texts)
        })
    }

    /// Removes the member if it is null. Returns whether it was.
    pub(super) fn take_null(&mut self, name: &str) -> bool {
        let is_null = self.members.get(name).is_some_and(Value::is_null);
        if is_null {
            self.members.remove(name);
        }
        is_null
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Rejection> {
        let prefix = format!("{}{name}.", self.prefix);
        self.member(name, "an object", |value| match value {
            Value::Object(members) => Some(Self { prefix, members }),
            _ => None,
        })
    }

    /// Reads any JSON, for a caller with an error of its own.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    /// Rejects members that no caller has read: otherwise, a misspelled member would be ignored silently.
    pub(super) fn finish(self) -> Result<(), Rejection> {
        match self.members.keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(Rejection::invalid_body(format!("There is no member '{}{name}'.", self.prefix)))
            }
        }
    }

    fn member<T>(
        &mut self,
        name: &str,
        says: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, Rejection> {
        let Some(value) = self.members.remove(name) else { return Ok(None) };
        let wrong = || Rejection::invalid_body(format!("'{}{name}' must be {says}.", self.prefix));
        read(value).map(Some).ok_or_else(wrong)
    }
}

/// Rejects a missing member.
pub(super) fn required<T>(member: Option<T>, name: &str) -> Result<T, Rejection> {
    member.ok_or_else(|| Rejection::invalid_body(format!("'{name}' is required.")))
}
