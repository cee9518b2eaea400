//! Routes a request to its operation. Path, credential, api-version, and names are checked in this order.

use http::{HeaderValue, Method, StatusCode, header};

use super::errors::Failure;
use super::settle::Settlement;
use super::{EventGrid, credential, names, publish, receive, settle};
use crate::server::{Reply, Request};

/// The topic and the subscription of a request. A publish names no subscription.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) topic: &'a str,
    pub(super) subscription: &'a str,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Publish,
    Receive,
    Settle(Settlement),
}

/// The versions of the API that differ in what is emulated here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApiVersion {
    V2023_06_01Preview,
    V2023_10_01Preview,
    V2023_11_01,
    V2024_06_01,
}

impl ApiVersion {
    fn of(request: &Request) -> Result<Self, Failure> {
        match request.query("api-version") {
            Some("2024-06-01") => Ok(Self::V2024_06_01),
            Some("2023-11-01") => Ok(Self::V2023_11_01),
            Some("2023-10-01-preview") => Ok(Self::V2023_10_01Preview),
            Some("2023-06-01-preview") => Ok(Self::V2023_06_01Preview),
            _ => Err(Failure::bad_request("Unknown api version")),
        }
    }

    /// Whether locks can be renewed and releases delayed. The release of 2023-11 supported neither.
    pub(super) fn has_delay_and_renewal(self) -> bool {
        matches!(self, Self::V2023_10_01Preview | Self::V2024_06_01)
    }
}

pub(super) async fn serve(grid: &EventGrid, request: &Request) -> Result<Reply, Failure> {
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

fn unknown_path() -> Failure {
    Failure::not_found("Resource is not found")
}

fn method_not_allowed(grid: &EventGrid) -> Reply {
    let message = "The method is not allowed";
    let failure = Failure::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
    let mut reply = failure.into_reply(grid.clock().now());
    reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    reply
}
