//! The operations that send a message: to all of a hub, a group, a user, a connection. Accepted is all that they tell.

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde_json::value::RawValue;

use super::delivery::{Data, Delivery, From};
use super::errors::{self, Refusal};
use super::routes::{Call, Outcome};
use crate::server::Request;

const MOST_BYTES: usize = 1024 * 1024;

/// `POST /:send`
pub(super) fn to_all(call: &Call<'_>) -> Outcome {
    let (delivery, excluded) = (delivery(call, From::Server, true)?, call.excluded());
    call.hubs.deliver(call.hub, &delivery, |id, _| !excluded.contains(&id));
    Ok(errors::empty(StatusCode::ACCEPTED))
}

/// `POST /groups/{group}/:send`
pub(super) fn to_group(call: &Call<'_>) -> Outcome {
    let group = call.group()?;
    let from = From::Group { group: group.to_owned(), user: None };
    let (delivery, excluded) = (delivery(call, from, true)?, call.excluded());
    call.hubs.deliver(call.hub, &delivery, |id, member| member.is_in(group) && !excluded.contains(&id));
    Ok(errors::empty(StatusCode::ACCEPTED))
}

/// `POST /users/{userId}/:send`
pub(super) fn to_user(call: &Call<'_>) -> Outcome {
    let user = call.value("user")?;
    let delivery = delivery(call, From::Server, true)?;
    call.hubs.deliver(call.hub, &delivery, |_, member| member.is_user(user));
    Ok(errors::empty(StatusCode::ACCEPTED))
}

/// `POST /connections/{connectionId}/:send`: it has no filter, and one in the query was seen to be ignored.
pub(super) fn to_connection(call: &Call<'_>) -> Outcome {
    let connection = call.value("connection")?;
    let delivery = delivery(call, From::Server, false)?;
    call.hubs.deliver(call.hub, &delivery, |id, _| id == connection);
    Ok(errors::empty(StatusCode::ACCEPTED))
}

fn delivery(call: &Call<'_>, from: From, has_filter: bool) -> Result<Delivery, Refusal> {
    let request = call.request;
    check_time_to_live(request)?;
    if has_filter && request.query("filter").is_some() {
        let message = "This emulator does not evaluate filters.";
        return Err(errors::error(StatusCode::NOT_IMPLEMENTED, "Error.NotImplemented", message, "filter"));
    }
    if request.header(CONTENT_LENGTH).is_none() {
        return Err(errors::invalid("body", "The request has no Content-Length."));
    }
    if request.body.len() > MOST_BYTES {
        return Err(errors::invalid("body", "The message is larger than 1 MB."));
    }
    Ok(Delivery { from, data: data(request)? })
}

fn check_time_to_live(request: &Request) -> Result<(), Refusal> {
    let Some(text) = request.query("messageTtlSeconds") else { return Ok(()) };
    match text.parse::<u32>() {
        Ok(0..=300) => Ok(()),
        _ => {
            let message = format!("The value '{text}' is not valid: a number from 0 to 300 is.");
            Err(errors::invalid("messageTtlSeconds", &message))
        }
    }
}

/// The media type decides how clients see the message.
fn data(request: &Request) -> Result<Data, Refusal> {
    let content_type = request.header(CONTENT_TYPE).unwrap_or("application/octet-stream");
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or("").to_ascii_lowercase();
    let charset =
        parts.find_map(|part| part.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("charset")));
    let is_utf8 = charset.is_none_or(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"));
    match media_type.as_str() {
        "application/octet-stream" => Ok(Data::Binary(request.body.clone())),
        "text/plain" if is_utf8 => text(&request.body).map(Data::Text),
        "application/json" if is_utf8 => {
            let json = serde_json::from_str::<Box<RawValue>>(&text(&request.body)?);
            json.map(Data::Json).map_err(|_| errors::invalid("body", "The body is not valid JSON."))
        }
        _ => {
            let message = format!("The content type '{content_type}' is not supported.");
            let (status, code) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Error.UnsupportedMediaType");
            Err(errors::error(status, code, &message, "Content-Type"))
        }
    }
}

fn text(body: &Bytes) -> Result<String, Refusal> {
    String::from_utf8(body.to_vec()).map_err(|_| errors::invalid("body", "The body is not valid UTF-8."))
}
