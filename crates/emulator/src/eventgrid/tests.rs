//! The namespace as a client meets it: requests in, replies out, with time moved by hand.

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

fn grid() -> (EventGrid, Clock) {
    let clock = Clock::new();
    let grid = EventGrid::new(clock.clone());
    grid.declare("orders", "billing");
    (grid, clock)
}

fn request(target: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Request {
    let mut map = HeaderMap::new();
    map.insert(AUTHORIZATION, format!("SharedAccessKey {ACCESS_KEY}").parse().unwrap());
    for (name, value) in headers {
        map.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    Request::read(Method::POST, target.to_owned(), map, body.into()).unwrap()
}

fn read(reply: &Reply) -> (u16, Value) {
    (reply.status().as_u16(), serde_json::from_slice(reply.body()).unwrap())
}

/// Status, error code and message of a refusal.
fn refusal(reply: &Reply) -> (u16, String, String) {
    let (status, body) = read(reply);
    let text = |name: &str| body["error"][name].as_str().unwrap().to_owned();
    assert_eq!(reply.headers()["broker-errorcode"], text("code").as_str());
    (status, text("code"), text("message"))
}

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "/s", "type": "t", "data": {"id": id}})
}

async fn post(grid: &EventGrid, target: &str, content_type: &str, body: impl Into<Bytes>) -> Reply {
    grid.answer(&request(target, &[("content-type", content_type)], body)).await
}

async fn publish(grid: &EventGrid, ids: &[&str]) {
    let events: Vec<_> = ids.iter().map(|id| event(id)).collect();
    let body = serde_json::to_vec(&events).unwrap();
    let reply = post(grid, &format!("/topics/orders:publish?{VERSION}"), BATCH, body).await;
    assert_eq!(read(&reply), (200, json!({})));
    assert_eq!(reply.headers()[CONTENT_TYPE], "application/json");
}

fn receiving(query: &str) -> Request {
    request(&format!("/topics/orders/eventsubscriptions/billing:receive?{VERSION}{query}"), &[], "")
}

/// Lock token, delivery count and id of each received event.
fn received(reply: &Reply) -> Vec<(String, u64, String)> {
    let (status, body) = read(reply);
    assert_eq!(status, 200);
    assert_eq!(reply.headers()[CONTENT_TYPE], "application/json; charset=utf-8");
    let detail = |detail: &Value| {
        let broker = &detail["brokerProperties"];
        let token = broker["lockToken"].as_str().unwrap().to_owned();
        (token, broker["deliveryCount"].as_u64().unwrap(), detail["event"]["id"].as_str().unwrap().to_owned())
    };
    body["value"].as_array().unwrap().iter().map(detail).collect()
}

async fn receive(grid: &EventGrid, query: &str) -> Vec<(String, u64, String)> {
    received(&grid.answer(&receiving(query)).await)
}

async fn settle(grid: &EventGrid, verb: &str, tokens: &[&str]) -> Reply {
    let target = format!("/topics/orders/eventsubscriptions/billing:{verb}{VERSION}");
    let body = json!({"lockTokens": tokens}).to_string();
    post(grid, &target, "application/json", body).await
}

/// What has been waited for, which must be there without waiting any longer.
fn at_once(reply: impl Future<Output = Reply>) -> Reply {
    reply.now_or_never().unwrap()
}

fn lost(token: &str) -> Value {
    json!({"lockToken": token, "error": {"code": "TokenLost", "message": "Token has expired."}})
}

#[tokio::test]
async fn a_published_event_is_received_and_acknowledged_once() {
    let (grid, _) = grid();
    let target = format!("/topics/orders:publish?{VERSION}");
    let reply = post(&grid, &target, SINGLE, event("1").to_string()).await;
    assert_eq!(read(&reply), (200, json!({})));
    let (_, body) = read(&grid.answer(&receiving("")).await);
    assert_eq!(body["value"][0]["event"], event("1"));
    let token = body["value"][0]["brokerProperties"]["lockToken"].as_str().unwrap();
    assert_eq!((grid.waiting("orders", "billing"), grid.locked("orders", "billing")), (0, 1));

    let reply = settle(&grid, "acknowledge?", &[token, token, "faketoken"]).await;
    assert_eq!(reply.headers()[CONTENT_TYPE], "application/json");
    let bad = json!({"lockToken": "faketoken", "error": {"code": "BadToken", "message": "Cannot decode lockToken"}});
    let expected = json!({"succeededLockTokens": [token], "failedLockTokens": [lost(token), bad]});
    assert_eq!(read(&reply), (200, expected));
    assert_eq!(grid.locked("orders", "billing"), 0);
}

#[tokio::test]
async fn the_members_of_results_stand_in_the_recorded_order() {
    let (grid, _) = grid();
    publish(&grid, &["1"]).await;
    let reply = grid.answer(&receiving("")).await;
    let text = std::str::from_utf8(reply.body()).unwrap();
    let token = received(&reply)[0].0.clone();
    let start =
        format!(r#"{{"value":[{{"brokerProperties":{{"lockToken":"{token}","deliveryCount":1}},"event":{{"#);
    assert!(text.starts_with(&start), "{text}");
    let reply = settle(&grid, "reject?", &["faketoken"]).await;
    // The recorded answer, byte for byte.
    let recorded = r#"{"succeededLockTokens":[],"failedLockTokens":[{"lockToken":"faketoken","error":{"code":"BadToken","message":"Cannot decode lockToken"}}]}"#;
    assert_eq!(reply.body(), recorded);
}

#[tokio::test]
async fn the_first_preview_answers_failed_tokens_in_its_own_shape() {
    let (grid, _) = grid();
    let target =
        "/api/events/topics/orders/eventsubscriptions/billing:acknowledge?api-version=2023-06-01-preview";
    let reply =
        post(&grid, target, "application/json; charset=utf-8", r#"{"lockTokens":["faketoken"]}"#).await;
    let recorded = r#"{"succeededLockTokens":[],"failedLockTokens":[{"lockToken":"faketoken","errorCode":"BadToken","errorDescription":"Cannot decode lockToken"}]}"#;
    assert_eq!(reply.body(), recorded);
}

#[tokio::test]
async fn rejected_released_and_renewed_events_behave_as_named() {
    let (grid, clock) = grid();
    publish(&grid, &["1", "2", "3"]).await;
    let got = receive(&grid, "&maxEvents=3").await;
    let tokens: Vec<_> = got.iter().map(|(token, ..)| token.as_str()).collect();
    settle(&grid, "reject?", &tokens[..1]).await;
    let (_, delayed) = read(&settle(&grid, "release?releaseDelayInSeconds=10&", &tokens[1..2]).await);
    assert_eq!(delayed["succeededLockTokens"], json!([tokens[1]]));
    clock.advance(Duration::from_secs(11));
    let (_, renewed) = read(&settle(&grid, "renewLock?", &tokens[2..]).await);
    assert_eq!(renewed["succeededLockTokens"], json!([tokens[2]]), "the same token comes back");
    let again = receive(&grid, "&maxEvents=3").await;
    assert_eq!(again.iter().map(|(_, count, id)| (*count, id.as_str())).collect::<Vec<_>>(), [(2, "2")]);
    let letters = grid.dead_letters("orders", "billing");
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].event.clone(), letters[0].reason), (event("1"), DeadLetterReason::Rejected));
    clock.advance(Duration::from_secs(55));
    assert_eq!(grid.locked("orders", "billing"), 2, "the renewed lock outlives its first minute");
}

#[tokio::test]
async fn a_waiting_receive_wakes_when_an_event_is_published() {
    let (grid, _) = grid();
    let call = receiving("");
    let mut waiting = pin!(grid.answer(&call));
    assert!(waiting.as_mut().now_or_never().is_none());
    publish(&grid, &["1"]).await;
    assert_eq!(received(&at_once(waiting))[0].2, "1");
}

#[tokio::test]
async fn an_empty_receive_ends_when_its_time_has_passed() {
    let (grid, clock) = grid();
    for (query, seconds) in [("", 60), ("&maxWaitTime=10", 10), ("&maxWaitTime=120", 120)] {
        let call = receiving(query);
        let mut waiting = pin!(grid.answer(&call));
        assert!(waiting.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_secs(seconds - 1));
        assert!(waiting.as_mut().now_or_never().is_none(), "{query}");
        clock.advance(Duration::from_secs(1));
        assert_eq!(at_once(waiting).body(), r#"{"value":[]}"#);
    }
}

#[tokio::test]
async fn a_waiting_receive_gets_the_event_whose_lock_expires_meanwhile() {
    let (grid, clock) = grid();
    let call = receiving("&maxWaitTime=120");
    let mut waiting = pin!(grid.answer(&call));
    assert!(waiting.as_mut().now_or_never().is_none());
    // Another receiver takes the event after this one began to wait, and never settles it.
    publish(&grid, &["1"]).await;
    assert_eq!(receive(&grid, "").await.len(), 1);
    assert!(waiting.as_mut().now_or_never().is_none());
    clock.advance(Duration::from_secs(60));
    assert_eq!(received(&at_once(waiting))[0].1, 2);
}

#[tokio::test]
async fn a_waiting_receive_gets_the_event_whose_release_delay_ends_meanwhile() {
    let (grid, clock) = grid();
    publish(&grid, &["1"]).await;
    let (token, ..) = receive(&grid, "").await.remove(0);
    let call = receiving("&maxWaitTime=120");
    let mut waiting = pin!(grid.answer(&call));
    assert!(waiting.as_mut().now_or_never().is_none());
    settle(&grid, "release?releaseDelayInSeconds=10&", &[&token]).await;
    assert!(waiting.as_mut().now_or_never().is_none());
    clock.advance(Duration::from_secs(10));
    assert_eq!(received(&at_once(waiting))[0].1, 2);
}

#[tokio::test]
async fn an_event_that_time_sets_free_goes_to_the_longest_waiting_receiver() {
    let (grid, clock) = grid();
    publish(&grid, &["1"]).await;
    receive(&grid, "").await;
    let calls = [receiving("&maxWaitTime=120"), receiving("&maxWaitTime=120"), receiving("&maxWaitTime=120")];
    let [mut first, mut second, mut third] = calls.each_ref().map(|call| Box::pin(grid.answer(call)));
    for waiting in [&mut first, &mut second, &mut third] {
        assert!(waiting.now_or_never().is_none());
    }
    clock.advance(Duration::from_secs(60));
    // The later ones look first, and leave the event to whose turn it is.
    for waiting in [&mut third, &mut second] {
        assert!(waiting.now_or_never().is_none());
    }
    assert_eq!(received(&at_once(first))[0].1, 2);
    assert_eq!(grid.locked("orders", "billing"), 1);
}

#[tokio::test]
async fn a_dropped_receive_neither_locks_nor_loses_events() {
    let (grid, _) = grid();
    let (one, two) = (receiving(""), receiving(""));
    let mut second = pin!(grid.answer(&two));
    {
        let mut first = pin!(grid.answer(&one));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        publish(&grid, &["1"]).await;
        // The first in line was signalled, and goes away before it looks.
    }
    assert_eq!((grid.waiting("orders", "billing"), grid.locked("orders", "billing")), (1, 0));
    assert_eq!(received(&at_once(second))[0].1, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_receivers_get_every_event_exactly_once() {
    let (grid, _) = grid();
    let receivers: Vec<_> = (0..16)
        .map(|_| {
            let grid = grid.clone();
            tokio::spawn(async move {
                let mut ids = Vec::new();
                loop {
                    let got = receive(&grid, "&maxEvents=3").await;
                    let tokens: Vec<_> = got.iter().map(|(token, ..)| token.as_str()).collect();
                    settle(&grid, "acknowledge?", &tokens).await;
                    ids.extend(got.iter().map(|(.., id)| id.clone()).filter(|id| id != "stop"));
                    let stops = got.iter().filter(|(.., id)| id == "stop").count();
                    if stops > 0 {
                        // Each receiver eats one end mark and hands back the others.
                        if stops > 1 {
                            publish(&grid, &vec!["stop"; stops - 1]).await;
                        }
                        return ids;
                    }
                }
            })
        })
        .collect();
    let ids: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
    for batch in ids.chunks(7) {
        publish(&grid, &batch.iter().map(String::as_str).collect::<Vec<_>>()).await;
        tokio::task::yield_now().await;
    }
    publish(&grid, &["stop"; 16]).await;
    let mut got = Vec::new();
    for receiver in receivers {
        got.extend(receiver.await.unwrap());
    }
    got.sort_by_key(|id| id.parse::<u32>().unwrap());
    assert_eq!(got, ids);
    assert_eq!((grid.waiting("orders", "billing"), grid.locked("orders", "billing")), (0, 0));
}

#[tokio::test]
async fn one_publish_wakes_as_many_receivers_as_it_has_events() {
    let (grid, _) = grid();
    let receivers: Vec<_> = (0..4)
        .map(|_| {
            let grid = grid.clone();
            tokio::spawn(async move { receive(&grid, "").await })
        })
        .collect();
    // Lets every receiver begin to wait: this runtime has one thread.
    tokio::task::yield_now().await;
    publish(&grid, &["1", "2", "3", "4"]).await;
    let mut ids = Vec::new();
    for receiver in receivers {
        ids.push(receiver.await.unwrap().remove(0).2);
    }
    assert_eq!(ids, ["1", "2", "3", "4"], "the longest-waiting receiver is served first");
    assert_eq!(grid.locked("orders", "billing"), 4);
}

#[tokio::test]
async fn every_subscription_of_the_topic_gets_its_own_copy() {
    let (grid, _) = grid();
    grid.declare("orders", "audit");
    publish(&grid, &["1"]).await;
    assert_eq!(receive(&grid, "").await.len(), 1);
    assert_eq!((grid.waiting("orders", "billing"), grid.waiting("orders", "audit")), (0, 1));
    grid.declare("orders", "late");
    assert_eq!(grid.waiting("orders", "late"), 0, "what was published before does not come");
}

#[tokio::test]
async fn what_is_used_is_created_unless_only_the_declared_exists() {
    let clock = Clock::new();
    let grid = EventGrid::new(clock.clone());
    let settle_on = |topic: &str, subscription: &str| {
        let target = format!("/topics/{topic}/eventsubscriptions/{subscription}:release?{VERSION}");
        request(&target, &[("content-type", "application/json")], r#"{"lockTokens":["x"]}"#)
    };
    assert_eq!(grid.answer(&settle_on("orders", "billing")).await.status(), 200);
    publish(&grid, &["1"]).await;
    assert_eq!(grid.waiting("orders", "billing"), 1, "the settle has made the subscription");

    grid.declared_only();
    let topic = || (404, "NotFound".to_owned(), "Topic 'faketopic' is not found".to_owned());
    assert_eq!(refusal(&grid.answer(&settle_on("faketopic", "fakesub")).await), topic());
    let target = format!("/topics/faketopic:publish?{VERSION}");
    assert_eq!(refusal(&post(&grid, &target, SINGLE, "not even JSON").await), topic());
    let target = format!("/topics/faketopic/eventsubscriptions/fakesub:receive?{VERSION}");
    assert_eq!(refusal(&grid.answer(&request(&target, &[], "")).await), topic());
    let subscription = (404, "NotFound".to_owned(), "Event subscription is not found".to_owned());
    assert_eq!(refusal(&grid.answer(&settle_on("orders", "fakesub")).await), subscription);
}

#[tokio::test]
async fn a_request_without_the_namespaces_key_is_refused() {
    let (grid, _) = grid();
    let unauthenticated =
        (401, "Unauthenticated".to_owned(), "Provided Shared Access Key is not authorized".to_owned());
    for authorization in
        ["", "SharedAccessKey", "SharedAccessKey wrong", "Bearer token", "SharedAccessSignature r=x"]
    {
        let mut call = receiving("");
        call.headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        assert_eq!(refusal(&grid.answer(&call).await), unauthenticated, "{authorization}");
    }
    let mut call = receiving("&maxWaitTime=9");
    call.headers.remove(AUTHORIZATION);
    assert_eq!(refusal(&grid.answer(&call).await), unauthenticated);
    let mut unversioned = call.clone();
    unversioned.query.clear();
    assert_eq!(refusal(&grid.answer(&unversioned).await), unauthenticated);
    call.headers.insert("aeg-sas-key", grid.key().parse().unwrap());
    assert_eq!(refusal(&grid.answer(&call).await).0, 400, "the other header is accepted");
}

#[tokio::test]
async fn parameters_out_of_bounds_are_refused_as_observed() {
    let (grid, _) = grid();
    publish(&grid, &["1"]).await;
    for (query, code, message) in [
        ("&maxWaitTime=9", "ArgumentInvalid", "Invalid maxWaitTime parameter"),
        ("&maxWaitTime=121", "ArgumentInvalid", "Invalid maxWaitTime parameter"),
        ("&maxWaitTime=99999999", "ArgumentInvalid", "Invalid maxWaitTime parameter"),
        ("&maxWaitTime=-20", "BadRequest", "Error parsing query parameters"),
        ("&maxEvents=-20", "BadRequest", "Error parsing query parameters"),
        ("&maxEvents=many", "BadRequest", "Error parsing query parameters"),
        ("&maxEvents=0", "ArgumentInvalid", "Invalid maxEvents parameter"),
        ("&maxEvents=101", "ArgumentInvalid", "Invalid maxEvents parameter"),
    ] {
        let expected = (400, code.to_owned(), message.to_owned());
        assert_eq!(refusal(&grid.answer(&receiving(query)).await), expected, "{query}");
    }
    assert_eq!(receive(&grid, "&maxEvents=100&maxWaitTime=120").await.len(), 1);
}

#[tokio::test]
async fn delays_and_renewals_belong_to_the_versions_that_have_them() {
    let (grid, _) = grid();
    let on = |verb: &str| format!("/topics/orders/eventsubscriptions/billing:{verb}");
    let body = r#"{"lockTokens":["x"]}"#;
    for (target, status) in [
        (on("release?api-version=2024-06-01&releaseDelayInSeconds=3600"), 200),
        (on("release?api-version=2024-06-01&releaseDelayInSeconds=11"), 400),
        (on("release?api-version=2023-11-01"), 200),
        (on("release?api-version=2023-11-01&releaseDelayInSeconds=10"), 400),
        (on("renewLock?api-version=2024-06-01"), 200),
        (on("renewLock?api-version=2023-10-01-preview"), 200),
        (on("renewLock?api-version=2023-11-01"), 404),
        (on("renewlock?api-version=2024-06-01"), 404),
        (on("acknowledge?api-version=2023-11-01"), 200),
    ] {
        assert_eq!(post(&grid, &target, "application/json", body).await.status(), status, "{target}");
    }
    for query in ["", "?api-version=", "?api-version=2099-01-01", "?API-VERSION=2024-06-01"] {
        let reply = post(&grid, &on(&format!("acknowledge{query}")), "application/json", body).await;
        assert_eq!(refusal(&reply), (400, "BadRequest".to_owned(), "Unknown api version".to_owned()));
    }
}

#[tokio::test]
async fn paths_methods_and_names_that_do_not_exist_are_refused() {
    let (grid, _) = grid();
    for (target, status) in [
        ("/topics", 404),
        ("/topics/orders", 404),
        ("/topics/orders:receive", 404),
        ("/topics/orders/:publish", 404),
        ("/topics/orders/eventsubscriptions/billing", 404),
        ("/topics/orders/eventsubscriptions/billing:peek", 404),
        ("/api/events", 404),
        ("/topics/a:publish?api-version=2024-06-01", 400),
        ("/topics/a%2Fb:publish?api-version=2024-06-01", 400),
        ("/topics/orders/eventsubscriptions/..:receive?api-version=2024-06-01", 400),
        ("/topics/orders/eventsubscriptions/x:acknowledge?api-version=2024-06-01", 400),
    ] {
        assert_eq!(post(&grid, target, SINGLE, "{}").await.status(), status, "{target}");
    }
    let mut call = receiving("");
    call.method = Method::GET;
    let reply = grid.answer(&call).await;
    assert_eq!((reply.status().as_u16(), &reply.headers()["allow"]), (405, &"POST".parse().unwrap()));
}

#[tokio::test]
async fn a_publish_that_breaks_a_rule_publishes_nothing() {
    let (grid, _) = grid();
    let target = format!("/topics/orders:publish?{VERSION}");
    let mut broken = event("2");
    broken.as_object_mut().unwrap().remove("source");
    let at_limit = |length: usize| {
        let mut body = event("1").to_string().into_bytes();
        body.resize(length, b' ');
        body
    };
    let many = |count: usize| serde_json::to_vec(&vec![event("1"); count]).unwrap();
    let source = "`source` attribute is required";
    for (content_type, body, status, message) in [
        (BATCH, json!([event("1"), broken]).to_string().into_bytes(), 400, source),
        (BATCH, b"[]".to_vec(), 400, "At least one event is required"),
        (BATCH, event("1").to_string().into_bytes(), 400, "Json deserialize error"),
        (SINGLE, b"[]".to_vec(), 400, "Json deserialize error"),
        (SINGLE, b"{".to_vec(), 400, "Json deserialize error"),
        (BATCH, many(1001), 413, "Number of events cannot exceed 1000"),
        (SINGLE, at_limit(1_048_577), 413, "Message size cannot exceed 1Mb bytes"),
    ] {
        let reply = post(&grid, &target, content_type, body).await;
        let (got, _, text) = refusal(&reply);
        assert_eq!((got, text.as_str()), (status, message));
    }
    let avro = post(&grid, &target, "application/cloudevents+avro", "x").await;
    assert_eq!(refusal(&avro).1, "UnsupportedMediaType");
    let untyped = grid.answer(&request(&target, &[("ce-id", "1")], "x")).await;
    assert_eq!(refusal(&untyped).2, "CONTENT-TYPE is not provided");
    assert_eq!(grid.waiting("orders", "billing"), 0);

    assert_eq!(post(&grid, &target, SINGLE, at_limit(1_048_576)).await.status(), 200);
    assert_eq!(post(&grid, &target, BATCH, many(1000)).await.status(), 200);
    assert_eq!(grid.waiting("orders", "billing"), 1001);
}

#[tokio::test]
async fn an_event_in_headers_is_delivered_in_json_and_a_structured_body_wins_over_headers() {
    let (grid, _) = grid();
    let target = format!("/topics/orders:publish?{VERSION}");
    let attributes = [("ce-id", "b"), ("ce-source", "/s"), ("ce-type", "t"), ("ce-specversion", "1.0")];
    let mut binary = vec![("content-type", "text/plain"), ("ce-foo", "bar")];
    binary.extend(attributes);
    assert_eq!(grid.answer(&request(&target, &binary, "hello")).await.status(), 200);
    let mut both = vec![("content-type", "Application/CloudEvents+JSON"), ("ce-datacontenttype", "x")];
    both.extend(attributes);
    assert_eq!(grid.answer(&request(&target, &both, event("s").to_string())).await.status(), 200);
    let (_, body) = read(&grid.answer(&receiving("&maxEvents=2")).await);
    let expected = json!({
        "specversion": "1.0", "id": "b", "source": "/s", "type": "t", "foo": "bar",
        "datacontenttype": "text/plain", "data": "hello",
    });
    assert_eq!(body["value"][0]["event"], expected);
    assert_eq!(body["value"][1]["event"], event("s"));
}

#[tokio::test]
async fn a_settle_body_has_to_be_json_with_1_to_100_tokens() {
    let (grid, _) = grid();
    let target = format!("/topics/orders/eventsubscriptions/billing:acknowledge?{VERSION}");
    let tokens = |count: usize| json!({"lockTokens": vec!["x"; count]}).to_string();
    for (content_type, body, status) in [
        ("application/json", tokens(100), 200),
        ("application/json; charset=utf-8", tokens(1), 200),
        ("application/json", tokens(101), 400),
        ("application/json", tokens(0), 400),
        ("application/json", "{}".to_owned(), 400),
        ("application/json", r#"{"lockTokens":[1]}"#.to_owned(), 400),
        ("application/json", String::new(), 400),
        ("text/plain", tokens(1), 415),
    ] {
        assert_eq!(post(&grid, &target, content_type, body.clone()).await.status(), status, "{body}");
    }
    let untyped = grid.answer(&request(&target, &[], tokens(1))).await;
    assert_eq!(refusal(&untyped).2, "CONTENT-TYPE is not provided");
}

#[tokio::test]
async fn a_full_subscription_refuses_the_whole_publish() {
    let (grid, _) = grid();
    grid.declare("orders", "slow");
    let now = grid.clock().now();
    let small: Arc<str> = "{}".into();
    let fill = |held: &mut subscription::Subscription| {
        (0..subscription::MOST_EVENTS).for_each(|_| held.add(Arc::clone(&small), now));
    };
    grid.namespace().declare("orders", "slow").change(now, fill);
    let target = format!("/topics/orders:publish?{VERSION}");
    let reply = post(&grid, &target, SINGLE, event("y").to_string()).await;
    assert_eq!(refusal(&reply).0, 429);
    assert_eq!((grid.waiting("orders", "billing"), grid.waiting("orders", "slow")), (0, 100_000));
}

#[tokio::test]
async fn settings_of_a_subscription_rule_its_deliveries() {
    let (grid, clock) = grid();
    let settings = SubscriptionSettings::default()
        .lock_duration(Duration::from_secs(300))
        .max_delivery_count(1)
        .time_to_live(Duration::from_secs(3600));
    grid.declare_with("orders", "billing", settings);
    grid.declare("orders", "billing");
    publish(&grid, &["1"]).await;
    receive(&grid, "").await;
    clock.advance(Duration::from_secs(299));
    assert_eq!(grid.locked("orders", "billing"), 1);
    clock.advance(Duration::from_secs(1));
    let reasons = || {
        let letters = grid.dead_letters("orders", "billing");
        letters.iter().map(|letter| (letter.reason, letter.deliveries)).collect::<Vec<_>>()
    };
    assert_eq!(reasons(), [(DeadLetterReason::MaxDeliveryCountExceeded, 1)]);
    publish(&grid, &["2"]).await;
    clock.advance(Duration::from_secs(3600));
    assert_eq!(reasons()[1], (DeadLetterReason::TimeToLiveExceeded, 0));
}

#[test]
fn a_name_that_the_service_would_refuse_is_not_declared() {
    let (grid, _) = grid();
    grid.declare("no", "billing");
    grid.declare_topic("a/b");
    grid.declared_only();
    assert!(grid.namespace().topic("no").is_err());
    assert!(grid.namespace().topic("a/b").is_err());
    assert!(grid.namespace().topic("orders").is_ok());
}

#[tokio::test]
async fn topics_and_subscriptions_created_on_use_are_bounded() {
    let (grid, _) = grid();
    for number in 0..500 {
        grid.declare("orders", &format!("sub-{number}"));
    }
    let target = format!("/topics/orders/eventsubscriptions/another:receive?{VERSION}");
    assert_eq!(refusal(&grid.answer(&request(&target, &[], "")).await).0, 403);
    for number in 0..4000 {
        grid.declare_topic(&format!("topic-{number}"));
    }
    let target = format!("/topics/another:publish?{VERSION}");
    assert_eq!(refusal(&post(&grid, &target, SINGLE, event("1").to_string()).await).1, "QuotaExceeded");
}
