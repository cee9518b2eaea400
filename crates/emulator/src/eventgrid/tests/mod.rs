//! The namespace from a client's point of view: requests in, responses out, on a clock that the tests advance.

mod credentials;
mod publishing;
mod receiving;
mod rejections;
mod settling;
mod topics;

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method};
use serde_json::{Value, json};

use super::*;

const SINGLE: &str = "application/cloudevents+json; charset=utf-8";
const BATCH: &str = "application/cloudevents-batch+json; charset=utf-8";
const VERSION: &str = "api-version=2024-06-01";

fn journal(clock: &Clock) -> Arc<Journal> {
    Arc::new(Journal::new(clock.clone(), crate::LogStyle::Off))
}

fn grid() -> (EventGrid, Clock) {
    let clock = Clock::new();
    let grid = EventGrid::new(clock.clone(), journal(&clock));
    grid.declare("orders", "billing");
    (grid, clock)
}

fn request(target: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Request {
    let mut map = HeaderMap::new();
    map.insert(AUTHORIZATION, format!("SharedAccessKey {}", credential::KEYS[0]).parse().unwrap());
    for (name, value) in headers {
        map.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    Request::read(Method::POST, target.to_owned(), map, body.into()).unwrap()
}

fn read(response: &Response) -> (u16, Value) {
    (response.status().as_u16(), serde_json::from_slice(response.body().as_ref()).unwrap())
}

/// The status, error code, and message of an error response.
fn rejection(response: &Response) -> (u16, String, String) {
    let (status, body) = read(response);
    let text = |name: &str| body["error"][name].as_str().unwrap().to_owned();
    assert_eq!(response.headers()["broker-errorcode"], text("code").as_str());
    (status, text("code"), text("message"))
}

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "/s", "type": "t", "data": {"id": id}})
}

async fn post(grid: &EventGrid, target: &str, content_type: &str, body: impl Into<Bytes>) -> Response {
    grid.respond(&request(target, &[("content-type", content_type)], body)).await
}

async fn publish(grid: &EventGrid, ids: &[&str]) {
    let events: Vec<_> = ids.iter().map(|id| event(id)).collect();
    let body = serde_json::to_vec(&events).unwrap();
    let response = post(grid, &format!("/topics/orders:publish?{VERSION}"), BATCH, body).await;
    assert_eq!(read(&response), (200, json!({})));
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
}

fn receiving(query: &str) -> Request {
    request(&format!("/topics/orders/eventsubscriptions/billing:receive?{VERSION}{query}"), &[], "")
}

/// The lock token, delivery count, and id of each received event.
fn received(response: &Response) -> Vec<(String, u64, String)> {
    let (status, body) = read(response);
    assert_eq!(status, 200);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json; charset=utf-8");
    let detail = |detail: &Value| {
        let broker = &detail["brokerProperties"];
        let token = broker["lockToken"].as_str().unwrap().to_owned();
        (token, broker["deliveryCount"].as_u64().unwrap(), detail["event"]["id"].as_str().unwrap().to_owned())
    };
    body["value"].as_array().unwrap().iter().map(detail).collect()
}

async fn receive(grid: &EventGrid, query: &str) -> Vec<(String, u64, String)> {
    received(&grid.respond(&receiving(query)).await)
}

async fn settle(grid: &EventGrid, verb: &str, tokens: &[&str]) -> Response {
    let target = format!("/topics/orders/eventsubscriptions/billing:{verb}{VERSION}");
    let body = json!({"lockTokens": tokens}).to_string();
    post(grid, &target, "application/json", body).await
}

/// The output of a future that must be ready without further waiting.
fn at_once(response: impl Future<Output = Response>) -> Response {
    response.now_or_never().unwrap()
}

fn lost(token: &str) -> Value {
    json!({"lockToken": token, "error": {"code": "TokenLost", "message": "Token has expired."}})
}
