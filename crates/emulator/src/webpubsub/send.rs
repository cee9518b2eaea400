//! The operations that send a message to a hub, a group, a user, or a connection. Their response says only that the
//! message was accepted.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::value::RawValue;

use super::call::Call;
use super::delivery::{self, Data, Delivery, From, MAX_SECONDS, Payload};
use super::errors::{self, Rejection};
use super::filter::Filter;
use super::frame::Invalid;
use super::media_type::media_type;
use super::member::Member;
use super::metadata::{BarePrefix, Metadata};
use crate::message::{Request, Response, json_from_str};

/// `POST /:send`
pub(super) fn to_all(call: &Call<'_>) -> Result<Response, Rejection> {
    let (delivery, fits, excluded) = (delivery(call, From::Server)?, filter(call)?, call.excluded());
    call.hubs.deliver(call.hub, &delivery, |id, member| !excluded.contains(&id) && fits(id, member));
    Ok(errors::empty(StatusCode::ACCEPTED))
}

/// `POST /groups/{group}/:send`
pub(super) fn to_group(call: &Call<'_>) -> Result<Response, Rejection> {
    let group = call.group()?;
    let from = From::Group { group: group.to_owned(), user: None };
    let (delivery, fits, excluded) = (delivery(call, from)?, filter(call)?, call.excluded());
    call.hubs.deliver(call.hub, &delivery, |id, member| {
        member.is_in(group) && !excluded.contains(&id) && fits(id, member)
    });
    Ok(errors::empty(StatusCode::ACCEPTED))
}

/// `POST /users/{userId}/:send`
pub(super) fn to_user(call: &Call<'_>) -> Result<Response, Rejection> {
    let user = call.value("user")?;
    let (delivery, fits) = (delivery(call, From::Server)?, filter(call)?);
    call.hubs.deliver(call.hub, &delivery, |id, member| member.is_user(user) && fits(id, member));
    Ok(errors::empty(StatusCode::ACCEPTED))
}

/// `POST /connections/{connectionId}/:send`. It has no filter; as observed, one in the query is ignored.
pub(super) fn to_connection(call: &Call<'_>) -> Result<Response, Rejection> {
    let connection = call.value("connection")?;
    let delivery = delivery(call, From::Server)?;
    call.hubs.deliver(call.hub, &delivery, |id, _| id == connection);
    Ok(errors::empty(StatusCode::ACCEPTED))
}

/// The connections that match the request's filter. Without one, all.
fn filter(call: &Call<'_>) -> Result<impl Fn(&str, &Member) -> bool, Rejection> {
    let read = |text| Filter::parse(text).map_err(|error| errors::invalid_filter("filter", text, &error));
    let filter = call.request.query("filter").map(read).transpose()?;
    Ok(move |id: &str, member: &Member| {
        filter.as_ref().is_none_or(|filter| filter.matches(&member.subject(id)))
    })
}

fn delivery(call: &Call<'_>, from: From) -> Result<Delivery, Rejection> {
    let time_to_live = time_to_live(call.request)?;
    call.check_body()?;
    let metadata = metadata(call.request)?;
    let payload = Payload { data: data(call.request)?, metadata };
    Ok(Delivery { from, payload, stream: None, time_to_live })
}

fn metadata(request: &Request) -> Result<Metadata, Rejection> {
    Metadata::from_headers(&request.headers, BarePrefix::Invalid)
        .map_err(|Invalid(why)| errors::error(StatusCode::BAD_REQUEST, "Error.BadRequest", why, "Request"))
}

fn time_to_live(request: &Request) -> Result<Option<Duration>, Rejection> {
    let text = request.query("messageTtlSeconds").unwrap_or("0");
    text.parse().ok().and_then(delivery::time_to_live).ok_or_else(|| {
        let message =
            format!("The value '{text}' is not valid: it must be a number from 0 to {MAX_SECONDS}.");
        errors::invalid("messageTtlSeconds", &message)
    })
}

/// The media type determines how clients see the message.
fn data(request: &Request) -> Result<Data, Rejection> {
    let content_type = request.header(CONTENT_TYPE).unwrap_or("application/octet-stream");
    let (media_type, is_utf8) = media_type(content_type);
    match media_type.as_str() {
        "application/octet-stream" => Ok(Data::Binary(request.body.clone())),
        "text/plain" if is_utf8 => text(&request.body).map(Data::Text),
        "application/json" if is_utf8 => {
            let json = json_from_str::<Box<RawValue>>(&text(&request.body)?);
            json.map(Data::Json).map_err(|_| errors::invalid("body", "The body is not valid JSON."))
        }
        _ => Err(errors::unsupported(content_type)),
    }
}

fn text(body: &Bytes) -> Result<String, Rejection> {
    String::from_utf8(body.to_vec()).map_err(|_| errors::invalid("body", "The body is not valid UTF-8."))
}
