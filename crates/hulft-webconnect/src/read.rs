//! Reads responses. A success counts only if it looks like a response from the service: a login page of a proxy also has
//! status 200, and `[]` would otherwise be read as an item without values.

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::MapAccessDeserializer;
use serde_json::Value;
use service_core::ErrorDetail;

use crate::page::sealed::Item;
use crate::page::{Page, PageParts, Row};
use crate::{Delivery, Error, ErrorKind, Result, lenient};

type Response = http::Response<Bytes>;

/// The body of a success that has none. JSON is accepted as well, unless it describes an error.
pub(crate) fn done(response: &Response) -> Result<()> {
    if body(response).is_empty() {
        return Ok(());
    }
    match error_code(object(response)?) {
        None => Ok(()),
        Some(code) => Err(unexpected(response, &format!("its body has the error code {code}"))),
    }
}

/// A value that is always present.
pub(crate) fn value<T: Item>(response: &Response) -> Result<T> {
    let Object(value) = parse::<Object<T>>(response)?;
    match value.missing() {
        None => Ok(value),
        Some(member) => Err(unexpected(response, &format!("`{member}` is missing"))),
    }
}

/// What was registered or updated, or `None` if the response has no body: clients must not assume one.
pub(crate) fn change<T: Item>(response: &Response) -> Result<Option<T>> {
    if body(response).is_empty() { Ok(None) } else { value(response).map(Some) }
}

/// An item, or `None` if it does not exist: the vendor's list of statuses says 204, and 404 is customary.
pub(crate) fn one<T: Item>(response: &Response) -> Result<Option<T>> {
    if is_absent(response)? { Ok(None) } else { value(response).map(Some) }
}

/// An item that the service returns as a list.
pub(crate) fn one_of_list<T: Row>(response: &Response) -> Result<Option<T>> {
    Ok(page::<T>(response)?.rows.into_iter().next())
}

/// A page. A list without matches is a 204 response without a body.
pub(crate) fn page<T: Row>(response: &Response) -> Result<Page<T>> {
    if is_absent(response)? {
        return Ok(Page::default());
    }
    let PageParts::<T> { page, has_total, has_rows } = parse(response)?;
    let missing_of_row = || {
        let mut rows = page.rows.iter().enumerate();
        rows.find_map(|(index, row)| Some(format!("{}[{index}].{}", T::NAME, row.missing()?)))
    };
    let missing = match (has_total, has_rows) {
        (false, _) => Some("totalSize".to_owned()),
        (_, false) => Some(T::NAME.to_owned()),
        _ => missing_of_row(),
    };
    match missing {
        None => Ok(page),
        Some(member) => Err(unexpected(response, &format!("`{member}` is missing"))),
    }
}

/// The JSON of a body that the service sent, without a byte order mark. Some programs between client and service add one.
pub(crate) fn json(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

fn body(response: &Response) -> &[u8] {
    json(response.body()).trim_ascii()
}

/// Whether the response says that an item does not exist. The 404 of a proxy or of a wrong address does not say that.
fn is_absent(response: &Response) -> Result<bool> {
    match response.status() {
        StatusCode::NO_CONTENT => Ok(true),
        StatusCode::NOT_FOUND if error_code(object(response)?).is_some() => Ok(true),
        StatusCode::NOT_FOUND => Err(unexpected(response, "its body has no error code")),
        _ => Ok(false),
    }
}

fn error_code(json: &[u8]) -> Option<String> {
    ErrorDetail::read(json)?.code
}

/// The body, which must be a JSON object as far as its content type and its first character say.
fn object(response: &Response) -> Result<&[u8]> {
    if let Some(content_type) = response.headers().get(CONTENT_TYPE) {
        let content_type = content_type.to_str().unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence != "application/json" && !essence.ends_with("+json") {
            return Err(unexpected(response, &format!("its content type is {essence}")));
        }
    }
    let body = body(response);
    if body.starts_with(b"{") { Ok(body) } else { Err(unexpected(response, "its body is not a JSON object")) }
}

/// The error of a response that something else than the service sent.
fn unexpected(response: &Response, why: &str) -> Error {
    let text = format!("the response does not look like one from the service: {why}");
    let error = match response.status() {
        // Whatever responded, it is unknown what the service did.
        status if status.is_success() => Error::new(ErrorKind::Decode, text).with_delivery(Delivery::Unknown),
        _ => Error::new(ErrorKind::Service, text).with_delivery(Delivery::Responded),
    };
    error.with_head(response.status(), response.headers().clone())
}

fn parse<T: DeserializeOwned>(response: &Response) -> Result<T> {
    let json = object(response)?;
    serde_json::from_slice(json).map_err(|error| {
        // serde_json's text can quote a value, which can be a secret.
        let value = serde_json::from_slice(json).ok();
        let text = value.and_then(|value| unreadable::<T>(&value)).unwrap_or_else(|| {
            let (line, column, bytes) = (error.line(), error.column(), json.len());
            format!(
                "could not parse the response: not valid JSON at line {line} column {column} of {bytes} bytes"
            )
        });
        Error::new(ErrorKind::Decode, text)
            .with_head(response.status(), response.headers().clone())
            .with_delivery(Delivery::Accepted)
    })
}

/// The text about a response that is JSON, but not a `T`. `None` if no single value is the cause, as with a repeated member.
fn unreadable<T: DeserializeOwned>(response: &Value) -> Option<String> {
    let Unreadable { path, row, value } =
        locate(response, &|value| serde_json::from_value::<T>(value).is_ok());
    let start = response.get("startIndex").and_then(|start| lenient::number::<u64, _>(start).ok());
    let row = row.filter(|_| response.get("totalSize").is_some());
    let row = row.map(|row| format!(" (row {} of the list)", start.unwrap_or_default() + row));
    let what = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let path = Some(path.trim_start_matches('.')).filter(|path| !path.is_empty())?;
    Some(format!("could not read `{path}`{}: it is {what}", row.unwrap_or_default()))
}

/// The value that makes a response unreadable.
struct Unreadable<'a> {
    path: String,
    /// The index in the first list on the path.
    row: Option<u64>,
    value: &'a Value,
}

/// Finds the first value that cannot be read. No member of a model is mandatory for reading it, so each can be tried
/// alone. `reads` tries a value in place of this one.
fn locate<'a>(value: &'a Value, reads: &dyn Fn(Value) -> bool) -> Unreadable<'a> {
    let member = |(name, inner): (&String, &'a Value)| {
        let alone = |inner: Value| Value::Object([(name.clone(), inner)].into_iter().collect());
        let found = (!reads(alone(inner.clone()))).then(|| locate(inner, &|inner| reads(alone(inner))))?;
        Some(Unreadable { path: format!(".{name}{}", found.path), ..found })
    };
    let element = |(index, inner): (usize, &'a Value)| {
        let alone = |inner| Value::Array(vec![inner]);
        let found = (!reads(alone(inner.clone()))).then(|| locate(inner, &|inner| reads(alone(inner))))?;
        Some(Unreadable { path: format!("[{index}]{}", found.path), row: u64::try_from(index).ok(), ..found })
    };
    let inner = match value {
        Value::Object(members) => members.iter().find_map(member),
        Value::Array(values) => values.iter().enumerate().find_map(element),
        _ => None,
    };
    inner.unwrap_or(Unreadable { path: String::new(), row: None, value })
}

/// A value that is a JSON object. The derived implementations also read a list, in the order of the fields.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}
