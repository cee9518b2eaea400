//! The operations that add all connections matching a filter to several groups, or remove them.

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use super::call::Call;
use super::errors::{self, Rejection};
use super::filter::Filter;
use super::hub::Joined;
use super::media_type::media_type;
use super::member::Member;
use super::names;
use crate::message::{Response, json_from_slice};

/// The body of both operations.
#[derive(Deserialize)]
struct Body {
    groups: Option<Vec<String>>,
    /// Without a filter, all connections of the hub match.
    filter: Option<String>,
}

/// The validated body.
struct Change {
    groups: Vec<String>,
    filter: Option<Filter>,
}

/// `POST /:addToGroups`
pub(super) fn add(call: &Call<'_>) -> Result<Response, Rejection> {
    let change = read(call)?;
    let groups: Vec<_> = change.groups.iter().map(String::as_str).collect();
    match call.hubs.join(call.hub, &groups, |id, member| change.picks(id, member)) {
        Joined::All | Joined::NoMatch => Ok(errors::empty(StatusCode::OK)),
        Joined::TooMany => Err(errors::too_many_groups("Groups")),
    }
}

/// `POST /:removeFromGroups`
pub(super) fn remove(call: &Call<'_>) -> Result<Response, Rejection> {
    let change = read(call)?;
    let groups: Vec<_> = change.groups.iter().map(String::as_str).collect();
    call.hubs.leave(call.hub, &groups, |id, member| change.picks(id, member));
    Ok(errors::empty(StatusCode::OK))
}

fn read(call: &Call<'_>) -> Result<Change, Rejection> {
    call.check_body()?;
    let content_type = call.request.header(CONTENT_TYPE).unwrap_or("");
    let (media_type, is_utf8) = media_type(content_type);
    if media_type != "application/json" || !is_utf8 {
        return Err(errors::unsupported(content_type));
    }
    let body: Body = json_from_slice(&call.request.body)
        .map_err(|_| errors::invalid("body", "The body is not valid JSON of the expected form."))?;
    let mut groups = body.groups.unwrap_or_default();
    if groups.is_empty() || !groups.iter().all(|group| names::is_group(group)) {
        return Err(errors::invalid("Groups", errors::GROUP_NAME));
    }
    groups.sort();
    groups.dedup();
    let read =
        |text: &String| Filter::parse(text).map_err(|error| errors::invalid_filter("Filter", text, &error));
    Ok(Change { groups, filter: body.filter.as_ref().map(read).transpose()? })
}

impl Change {
    fn picks(&self, id: &str, member: &Member) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.matches(&member.subject(id)))
    }
}
