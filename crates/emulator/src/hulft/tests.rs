//! The contract as a client meets it: requests in, replies out, with time moved by hand.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::*;

const JSON: &str = "application/json; charset=utf-8";

fn hulft() -> (Hulft, Clock) {
    let clock = Clock::new();
    (Hulft::new(clock.clone()), clock)
}

fn request(method: Method, path: &str, body: impl Into<Bytes>) -> Request {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {API_KEY}").parse().unwrap());
    headers.insert(CONTENT_TYPE, JSON.parse().unwrap());
    Request::read(method, format!("/api/v2{path}"), headers, body.into()).unwrap()
}

async fn get(hulft: &Hulft, path: &str) -> Reply {
    hulft.answer(&request(Method::GET, path, "")).await
}

async fn disconnect(hulft: &Hulft, body: Value) -> Reply {
    hulft.answer(&request(Method::POST, "/agent/disconnection", body.to_string())).await
}

fn read(reply: &Reply) -> Value {
    assert_eq!(reply.headers()[CONTENT_TYPE], JSON);
    serde_json::from_slice(reply.body()).unwrap()
}

/// Status and code of a refusal, which always says something.
fn refusal(reply: &Reply) -> (u16, String) {
    let body = read(reply);
    assert!(!body["message"].as_str().unwrap().is_empty());
    (reply.status().as_u16(), body["code"].as_str().unwrap().to_owned())
}

fn agent(id: &str, direction: Direction, version: &str) -> Agent {
    Agent {
        agent_id: id.to_owned(),
        direction,
        connection_ids: vec!["id1".to_owned(), "id22".to_owned()],
        endpoint: "california-service1.webconnect.hulft.com".to_owned(),
        agent_version: version.to_owned(),
    }
}

fn agent_ids(reply: &Reply) -> Vec<String> {
    let body = read(reply);
    let rows = body["status"].as_array().unwrap();
    rows.iter().map(|row| row["agentId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_agents_status_is_written_as_in_the_vendors_example() {
    let (hulft, _) = hulft();
    let session = hulft.connect_agent(agent("agent1", Direction::Receive, "2.0.0"));
    let reply = get(&hulft, "/agent/status").await;
    let start = read(&reply)["status"][0]["startConnection"].as_str().unwrap().to_owned();
    let expected = format!(
        r#"{{"totalSize":1,"fetchSize":1,"startIndex":0,"maxResults":30,"status":[{}]}}"#,
        json!({
            "agentId": "agent1", "direction": "receive", "connectionId": ["id1", "id22"],
            "endpoint": "california-service1.webconnect.hulft.com", "startConnection": start, "sessionId": session,
            "agentVersion": "2.0.0", "willBeClosed": false, "supportingDisconnectApi": true,
        })
    );
    assert_eq!(read(&reply), serde_json::from_str::<Value>(&expected).unwrap());
    assert!(
        reply
            .body()
            .starts_with(br#"{"totalSize":1,"fetchSize":1,"startIndex":0,"maxResults":30,"status":[{"#)
    );
}

#[tokio::test]
async fn agents_are_listed_by_direction() {
    let (hulft, _) = hulft();
    hulft.connect_agent(agent("a", Direction::Send, "2.0.0"));
    hulft.connect_agent(agent("b", Direction::Receive, "2.0.0"));
    assert_eq!(agent_ids(&get(&hulft, "/agent/status").await), ["a", "b"]);
    assert_eq!(agent_ids(&get(&hulft, "/agent/status/send").await), ["a"]);
    assert_eq!(agent_ids(&get(&hulft, "/agent/status/receive").await), ["b"]);
    let bad = get(&hulft, "/agent/status/both").await;
    assert_eq!(refusal(&bad), (400, "EMULATOR_INVALID_PARAMETER".to_owned()));
}

#[tokio::test]
async fn a_list_without_rows_is_answered_with_204() {
    let (hulft, _) = hulft();
    let reply = get(&hulft, "/agent/status").await;
    assert_eq!((reply.status().as_u16(), reply.body().len()), (204, 0));
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let (hulft, _) = hulft();
    for number in 0..5 {
        hulft.connect_agent(agent(&number.to_string(), Direction::Send, "2.0.0"));
    }
    let page = get(&hulft, "/agent/status?startIndex=3&maxResults=3").await;
    let body = read(&page);
    assert_eq!(agent_ids(&page), ["3", "4"]);
    let envelope = ["totalSize", "fetchSize", "startIndex", "maxResults"].map(|name| body[name].clone());
    assert_eq!(envelope, [5, 2, 3, 3]);
    assert!(agent_ids(&get(&hulft, "/agent/status?startIndex=5").await).is_empty());
}

#[tokio::test]
async fn query_parameters_are_held_to_their_bounds() {
    let (hulft, _) = hulft();
    hulft.add_sample_agents();
    for query in [
        "startIndex=0",
        "startIndex=10000",
        "maxResults=1",
        "maxResults=1000",
        "from=20240101&to=20240101",
        "from=",
        "timezone=Asia/Tokyo",
        "timezone=Etc/GMT%2B9",
    ] {
        assert_eq!(get(&hulft, &format!("/agent/status?{query}")).await.status(), 200, "{query}");
    }
    for query in [
        "startIndex=-1",
        "startIndex=10001",
        "startIndex=",
        "maxResults=0",
        "maxResults=1001",
        "maxResults=%2B5",
        "maxResults=ten",
        "from=2024-01-01",
        "from=20240230",
        "from=%2B20240101",
        "from=-20240101",
        "from=2024011",
        "to=2024",
        "from=20240102&to=20240101",
        "timezone=",
        "timezone=Asia%20Tokyo",
    ] {
        let reply = get(&hulft, &format!("/agent/status?{query}")).await;
        assert_eq!(refusal(&reply), (400, "EMULATOR_INVALID_PARAMETER".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn a_disconnection_ends_the_session_and_its_transfers_abnormally() {
    let (hulft, _) = hulft();
    let session = hulft.connect_agent(agent("a", Direction::Send, "2.0.0"));
    let other = hulft.connect_agent(agent("b", Direction::Send, "2.0.0"));
    hulft.start_transfer(&session).unwrap();
    hulft.start_transfer(&other).unwrap();
    let endpoint = hulft.agents()[0].agent.endpoint.clone();
    let reply = disconnect(&hulft, json!({"sessionId": session, "endpoint": endpoint})).await;
    assert_eq!((reply.status().as_u16(), reply.body().len()), (200, 0));
    assert_eq!(agent_ids(&get(&hulft, "/agent/status").await), ["b"]);
    let states: Vec<_> = hulft.transfers().iter().map(|transfer| transfer.state).collect();
    assert_eq!(states, [TransferState::EndedAbnormally, TransferState::Running]);
    assert_eq!(hulft.start_transfer(&session), None);
    let again = disconnect(&hulft, json!({"sessionId": session, "endpoint": endpoint})).await;
    assert_eq!(refusal(&again), (400, "EMULATOR_UNKNOWN_SESSION".to_owned()));
}

#[tokio::test]
async fn a_disconnection_that_does_not_name_a_disconnectable_agent_is_refused() {
    let (hulft, _) = hulft();
    let session = hulft.connect_agent(agent("a", Direction::Send, "2.0.0"));
    let old = hulft.connect_agent(agent("old", Direction::Send, "1.1.9"));
    let endpoint = hulft.agents()[0].agent.endpoint.clone();
    for (body, code) in [
        (json!({"sessionId": session, "endpoint": "elsewhere"}), "EMULATOR_UNKNOWN_SESSION"),
        (json!({"sessionId": "unknown", "endpoint": endpoint}), "EMULATOR_UNKNOWN_SESSION"),
        (json!({"sessionId": old, "endpoint": endpoint}), "EMULATOR_AGENT_TOO_OLD"),
        (json!({"sessionId": session}), "EMULATOR_INVALID_BODY"),
        (json!({"endpoint": endpoint}), "EMULATOR_INVALID_BODY"),
        (json!({"sessionId": 1, "endpoint": endpoint}), "EMULATOR_INVALID_BODY"),
        (json!([]), "EMULATOR_INVALID_BODY"),
    ] {
        assert_eq!(refusal(&disconnect(&hulft, body.clone()).await), (400, code.to_owned()), "{body}");
    }
    let valid = json!({"sessionId": session, "endpoint": endpoint}).to_string();
    let mut untyped = request(Method::POST, "/agent/disconnection", valid);
    untyped.headers.remove(CONTENT_TYPE);
    assert_eq!(refusal(&hulft.answer(&untyped).await).0, 400);
    assert_eq!(hulft.agents().len(), 2);
    let rows = read(&get(&hulft, "/agent/status").await);
    assert_eq!(rows["status"][1]["supportingDisconnectApi"], false);
}

#[tokio::test]
async fn a_key_is_needed_and_its_scopes_count() {
    let (hulft, _) = hulft();
    hulft.add_sample_agents();
    hulft.add_api_key("reader", &[Scope::AGENT_GET]);
    let with_key = |method: Method, path: &str, authorization: &str| {
        let mut request = request(method, path, "{}");
        request.headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        request
    };
    for authorization in ["", "Bearer", "Bearer wrong", API_KEY] {
        let reply = hulft.answer(&with_key(Method::GET, "/agent/status", authorization)).await;
        assert_eq!(refusal(&reply), (401, "EMULATOR_UNAUTHORIZED".to_owned()), "{authorization}");
    }
    let reply = hulft.answer(&with_key(Method::GET, "/agent/status", "Bearer reader")).await;
    assert_eq!(reply.status(), 200);
    let reply = hulft.answer(&with_key(Method::POST, "/agent/disconnection", "Bearer reader")).await;
    assert_eq!(refusal(&reply), (403, "EMULATOR_MISSING_SCOPE".to_owned()));
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused() {
    let (hulft, _) = hulft();
    for path in ["", "/", "/agent", "/agent/status/", "/agent/status/send/more", "/agents/status"] {
        let reply = get(&hulft, path).await;
        assert_eq!(refusal(&reply), (404, "EMULATOR_UNKNOWN_PATH".to_owned()), "{path}");
    }
    for (method, path, allowed) in
        [(Method::DELETE, "/agent/status", "GET"), (Method::GET, "/agent/disconnection", "POST")]
    {
        let reply = hulft.answer(&request(method, path, "")).await;
        assert_eq!(refusal(&reply), (405, "EMULATOR_METHOD_NOT_ALLOWED".to_owned()));
        assert_eq!(reply.headers()[ALLOW], allowed);
    }
}

#[tokio::test]
async fn past_a_hundred_requests_a_minute_the_contract_is_blocked_for_ten_minutes() {
    let (hulft, clock) = hulft();
    hulft.add_sample_agents();
    hulft.add_api_key("other", Scope::ALL);
    for _ in 0..100 {
        assert_eq!(get(&hulft, "/agent/status").await.status(), 200);
    }
    let mut other = request(Method::GET, "/agent/status", "");
    other.headers.insert(AUTHORIZATION, "Bearer other".parse().unwrap());
    let before = OffsetDateTime::from(clock.now());
    let reply = hulft.answer(&other).await;
    assert_eq!(refusal(&reply), (429, "EMULATOR_RATE_LIMITED".to_owned()), "the keys share one limit");
    let hint = reply.headers()[RETRY_AFTER].to_str().unwrap();
    assert!(hint.ends_with(" GMT"), "{hint}");
    let end = OffsetDateTime::parse(hint, &Rfc2822).unwrap();
    let wait = Duration::try_from(end - before).unwrap();
    assert!((Duration::from_secs(600)..Duration::from_secs(602)).contains(&wait), "{wait:?}");

    clock.advance(Duration::from_secs(590));
    assert_eq!(get(&hulft, "/agent/status").await.status(), 429);
    let left = Duration::try_from(end - OffsetDateTime::from(clock.now())).unwrap();
    clock.advance(left);
    assert_eq!(get(&hulft, "/agent/status").await.status(), 200, "who comes back at that time is let in");
}

#[tokio::test]
async fn the_rate_limit_can_be_changed_and_switched_off() {
    let (hulft, _) = hulft();
    hulft.add_sample_agents();
    hulft.rate_limit(Some(1));
    assert_eq!(get(&hulft, "/agent/status").await.status(), 200);
    assert_eq!(get(&hulft, "/agent/status").await.status(), 429);
    hulft.rate_limit(None);
    for _ in 0..200 {
        assert_eq!(get(&hulft, "/agent/status").await.status(), 200);
    }
}

#[test]
fn the_sample_agents_have_both_directions_and_one_old_version() {
    let (hulft, _) = hulft();
    hulft.add_sample_agents();
    let agents = hulft.agents();
    let count = |direction| agents.iter().filter(|agent| agent.agent.direction == direction).count();
    assert_eq!((count(Direction::Send), count(Direction::Receive)), (2, 2));
    assert_eq!(agents.iter().filter(|agent| agent.agent.agent_version.as_str() < "1.2").count(), 1);
    assert_eq!(hulft.api_key().len(), 32);
}
