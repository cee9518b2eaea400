//! Lists the members of a group in pages. A page ends at a position in the order of connection ids, so members that
//! join or leave between pages do not shift others: a member that stays is listed exactly once.

use serde_json::{Value, json};

use super::call::Call;
use super::errors::{self, Rejection};
use super::names;
use crate::message::Response;

const MAX_PAGE_SIZE: i32 = 200;

/// `GET /groups/{group}/connections`
pub(super) fn connections(call: &Call<'_>) -> Result<Response, Rejection> {
    call.check_since("2024-12-01")?;
    let group = call.group()?;
    let top = number(call, "top", i32::MAX)?;
    let page_size = number(call, "maxpagesize", MAX_PAGE_SIZE)?.unwrap_or(MAX_PAGE_SIZE);
    let after = call.request.query("continuationToken").map(read_token).transpose()?;
    let wanted = top.map_or(page_size, |top| top.min(page_size));
    let count = usize::try_from(wanted).unwrap_or_default();
    let mut page = call.hubs.page(call.hub, after, count + 1, |member| member.is_in(group));
    let has_more = page.len() > count && top != Some(wanted);
    page.truncate(count);
    // As observed, the token is the first id of the page. It is also the largest if a page is written in reverse.
    page.reverse();
    let next = page.first().filter(|_| has_more);
    let next = next.map(|(id, _)| next_link(call, top.map(|top| top - wanted), page_size, id));
    Ok(errors::json(body(&page, next.as_deref())))
}

fn body(page: &[(String, Option<String>)], next: Option<&str>) -> String {
    let member = |(id, user): &(String, Option<String>)| {
        format!(r#"{{"connectionId":{},"userId":{}}}"#, Value::from(id.as_str()), json!(user))
    };
    let members = page.iter().map(member).collect::<Vec<_>>().join(",");
    let next = next.map_or(String::new(), |next| format!(r#","nextLink":{}"#, Value::from(next)));
    format!(r#"{{"value":[{members}]{next}}}"#)
}

/// An absolute URL, with its parameters in the observed order.
fn next_link(call: &Call<'_>, top: Option<i32>, page_size: i32, token: &str) -> String {
    let request = call.request;
    let path = request.target.split('?').next().unwrap_or("");
    let version = request.query("api-version").unwrap_or("");
    let top = top.map_or(String::new(), |top| format!("top={top}&"));
    format!(
        "{}{path}?{top}maxpagesize={page_size}&continuationToken={token}&api-version={version}",
        request.origin()
    )
}

/// A token is an id. As observed, a whole `nextLink` is accepted in place of the token that it contains.
fn read_token(text: &str) -> Result<&str, Rejection> {
    let held = text.split_once("continuationToken=").map(|(_, rest)| rest.split('&').next().unwrap_or(rest));
    let token = if text.contains("://") { held.unwrap_or("") } else { text };
    if names::is_connection(token) {
        return Ok(token);
    }
    Err(errors::invalid("continuationToken", &format!("The value '{text}' is not valid.")))
}

fn number(call: &Call<'_>, name: &'static str, max: i32) -> Result<Option<i32>, Rejection> {
    let Some(text) = call.request.query(name) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| (1..=max).contains(number));
    let message = || format!("The value '{text}' is not valid: it must be a number from 1 to {max}.");
    number.map(Some).ok_or_else(|| errors::invalid(name, &message()))
}
