//! Routes a request to its operation. Path, credential, api-version, and names are checked in this order.

use http::{HeaderValue, Method, StatusCode, header};

use super::errors::Rejection;
use super::settle::Settlement;
use super::target::{ApiVersion, Target};
use super::{EventGrid, credential, names, publish, push, receive, settle};
use crate::message::{Request, Response};

#[derive(Clone, Copy, Debug)]
enum Operation {
    Publish,
    Receive,
    Settle(Settlement),
}

pub(super) async fn respond(grid: &EventGrid, request: &Request) -> Result<Response, Rejection> {
    if let Some(response) = push::respond_open_id(grid, request) {
        return response;
    }
    let path = request.path();
    let (target, operation) = route(&path).ok_or_else(unknown_path)?;
    if request.method != Method::POST {
        return Ok(method_not_allowed(grid));
    }
    credential::check(grid, request, &target)?;
    let version = ApiVersion::of(request)?;
    names::check(target.topic)?;
    match operation {
        Operation::Publish => publish::publish(grid, target.topic, request),
        Operation::Receive => {
            names::check(target.subscription)?;
            receive::receive(grid, &target, request).await
        }
        Operation::Settle(Settlement::Renew) if !version.has_delay_and_renewal() => Err(unknown_path()),
        Operation::Settle(settlement) => {
            names::check(target.subscription)?;
            settle::settle(grid, &target, settlement, version, request)
        }
    }
}

/// Observed: every operation is also available below `/api/events`.
fn route<'a>(path: &[&'a str]) -> Option<(Target<'a>, Operation)> {
    match path {
        ["api", "events", rest @ ..] => topic_route(rest),
        rest => topic_route(rest),
    }
}

fn topic_route<'a>(path: &[&'a str]) -> Option<(Target<'a>, Operation)> {
    match *path {
        ["topics", last] => {
            let topic = last.strip_suffix(":publish")?;
            Some((Target { topic, subscription: "" }, Operation::Publish))
        }
        ["topics", topic, "eventsubscriptions", last] => {
            let (subscription, verb) = last.rsplit_once(':')?;
            let operation = match verb {
                "receive" => Operation::Receive,
                "acknowledge" => Operation::Settle(Settlement::Acknowledge),
                "release" => Operation::Settle(Settlement::Release),
                "reject" => Operation::Settle(Settlement::Reject),
                "renewLock" => Operation::Settle(Settlement::Renew),
                _ => return None,
            };
            Some((Target { topic, subscription }, operation))
        }
        _ => None,
    }
}

fn unknown_path() -> Rejection {
    Rejection::not_found("Resource is not found")
}

fn method_not_allowed(grid: &EventGrid) -> Response {
    let message = "The method is not allowed";
    let failure = Rejection::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
    let mut response = failure.into_response(grid.clock().now());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}
