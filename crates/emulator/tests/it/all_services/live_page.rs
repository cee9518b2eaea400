//! The page as a live view: its charts, its stream of changes, its filter, and its actions.

use serde_json::{Value, json};
use service_emulator::{Builder, Emulator};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::common::{Response, exchange, http, request_text};
use crate::webpubsub::common::clients::{Client, publish};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn page(emulator: &Emulator, query: &str) -> String {
    http(emulator, "GET", &format!("/{query}"), &[("accept", "text/html")], "").await.body
}

/// The secret in the forms of the page.
async fn key(emulator: &Emulator) -> String {
    let page = page(emulator, "").await;
    let key = page.split("name=\"key\" value=\"").nth(1).unwrap();
    key.split('"').next().unwrap().to_owned()
}

async fn post(emulator: &Emulator, action: &str, fields: &str) -> Response {
    let body = format!("key={}&{fields}", key(emulator).await);
    http(emulator, "POST", &format!("/_page/{action}"), &[FORM], &body).await
}

fn location(response: &Response) -> (u16, &str) {
    (response.status, response.header("location").unwrap_or(&response.body))
}

#[tokio::test]
async fn a_message_that_the_page_sends_reaches_the_group() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({ "webpubsub.group": ["g 1"] })).await;
    let response = post(&emulator, "send", "hub=chat&group=g+1&text=a%26b+%C3%A9").await;
    assert_eq!(location(&response), (303, "/?notice=sent"));
    let frame = client.frame().await;
    assert_eq!((&frame["data"], &frame["group"]), (&json!("a&b é"), &json!("g 1")));
    assert!(page(&emulator, "?notice=sent").await.contains("The message was sent."));
}

#[tokio::test]
async fn an_event_is_published_and_an_agent_disconnected() {
    let emulator = Emulator::builder().sample_data(true).start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let response = post(&emulator, "publish", "topic=orders&type=t&data=%7B%22a%22%3A1%7D").await;
    assert_eq!(location(&response), (303, "/?notice=published"));
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1);
    let response = post(&emulator, "disconnect", "agent=tokyo-send").await;
    assert_eq!((location(&response), emulator.hulft().agents().len()), ((303, "/?notice=disconnected"), 3));
}

#[tokio::test]
async fn a_rejected_action_is_explained_on_the_page() {
    let emulator = Emulator::start().await.unwrap();
    for (action, fields, rule) in [
        ("send", "hub=1&group=g&text=x", "the name of the hub is invalid"),
        ("send", "hub=chat&group=&text=x", "the name of the group is invalid"),
        ("publish", "topic=orders&type=t&data=x", "the data is not JSON"),
        ("publish", "topic=a&type=t&data=1", "a name must be"),
        ("disconnect", "agent=none", "no such connected Agent"),
    ] {
        let response = post(&emulator, action, fields).await;
        assert_eq!(
            (response.status, response.body.contains(rule)),
            (400, true),
            "{action} {}",
            response.body
        );
        assert!(response.body.contains("role=\"alert\"") && response.body.contains("id=\"live\""));
    }
    assert_eq!(post(&emulator, "none", "").await.status, 404);
}

#[tokio::test]
async fn only_the_page_itself_can_act() {
    let emulator = Emulator::start().await.unwrap();
    let fields = format!("key={}&topic=orders&type=t&data=1", key(&emulator).await);
    let own = format!("http://{}", emulator.address());
    let send = async |headers: &[(&str, &str)], fields: &str| {
        http(&emulator, "POST", "/_page/publish", headers, fields).await.status
    };
    assert_eq!(send(&[FORM, ("origin", "http://evil.test")], &fields).await, 403);
    assert_eq!(send(&[FORM, ("origin", "null")], &fields).await, 403);
    assert_eq!(send(&[FORM, ("sec-fetch-site", "cross-site")], &fields).await, 403);
    assert_eq!(send(&[FORM, ("host", "evil.test")], &fields).await, 403);
    assert_eq!(send(&[("content-type", "text/plain")], &fields).await, 415);
    assert_eq!(send(&[FORM], "key=other&topic=orders&type=t&data=1").await, 403);
    assert_eq!(http(&emulator, "GET", "/_page/publish", &[], "").await.status, 405);
    assert!(emulator.eventgrid().topics().is_empty());
    assert_eq!(send(&[FORM, ("origin", &own)], &fields).await, 303);
}

#[tokio::test]
async fn beyond_loopback_there_are_no_actions_without_a_token() {
    let start = async |builder: Builder| builder.host("0.0.0.0").start().await.unwrap();
    let emulator = start(Emulator::builder()).await;
    assert!(!page(&emulator, "").await.contains("name=\"key\""));
    assert_eq!(http(&emulator, "POST", "/_page/publish", &[FORM], "").await.status, 404);
    let emulator = start(Emulator::builder().control_token("s3cret-token")).await;
    let shown = page(&emulator, "").await;
    assert!(shown.contains("name=\"control_token\"") && !shown.contains("s3cret-token"));
    let fields = "topic=orders&type=t&data=1";
    assert_eq!(post(&emulator, "publish", fields).await.status, 400);
    let fields = format!("{fields}&control_token=s3cret-token");
    assert_eq!(post(&emulator, "publish", &fields).await.status, 303);
}

#[tokio::test]
async fn a_viewer_is_sent_the_sections_when_they_change() {
    let emulator = Emulator::start().await.unwrap();
    let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
    let request = request_text(&emulator, "GET", "/_page/live", &[], "");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut next = async || loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some(data) = line.strip_prefix("data: ") {
            return serde_json::from_str::<String>(data).unwrap();
        }
    };
    let first = next().await;
    assert!(first.starts_with("<section id=\"overview\">") && !first.contains("Hub chat"), "{first}");
    let client = Client::json(&emulator, json!({ "sub": "ann" })).await;
    // The charts change as well, so more than one update may come first.
    while !next().await.contains(&client.id) {}
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_filter_selects_entries_and_requests() {
    let emulator = Emulator::builder().sample_data(true).start().await.unwrap();
    let _ann = Client::json(&emulator, json!({ "sub": "ann" })).await;
    let _bob = Client::json(&emulator, json!({ "sub": "bob" })).await;
    http(&emulator, "GET", "/api/v2/agent/status", &[], "").await;
    let shown = page(&emulator, "?filter=ANN").await;
    assert!(
        shown.contains("<td>ann</td>") && !shown.contains("<td>bob</td>") && !shown.contains("tokyo-send")
    );
    assert!(shown.contains("value=\"ANN\""));
    let shown = page(&emulator, "?service=hulft").await;
    assert!(shown.contains("/api/v2/agent/status") && !shown.contains("/client/hubs/chat"));
    let shown = page(&emulator, "?filter=%22%3E%3Cb").await;
    assert!(shown.contains("value=\"&quot;&gt;&lt;b\""));
}

#[tokio::test]
async fn payloads_are_shown_only_if_the_setting_allows_it() {
    for (shown, linked) in [(false, 200), (true, 403)] {
        let emulator = Emulator::builder().show_payloads(shown).start().await.unwrap();
        publish(&emulator, "the-payload").await;
        assert_eq!(page(&emulator, "").await.contains("the-payload"), shown);
        let linking = [("sec-fetch-site", "cross-site")];
        assert_eq!(http(&emulator, "GET", "/", &linking, "").await.status, linked);
    }
}

#[tokio::test]
async fn the_page_answers_only_to_a_name_of_the_emulator() {
    let emulator = Emulator::builder().sample_data(true).start().await.unwrap();
    let own = emulator.address();
    for path in ["/", "/_page/live"] {
        for kind in ["application/json", "text/html"] {
            let foreign = format!("GET {path} HTTP/1.1\r\nHost: evil.test:{}\r\n", own.port());
            let several = format!("GET {path} HTTP/1.1\r\nHost: {own}\r\nHost: evil.test\r\n");
            for head in [foreign, several, format!("GET {path} HTTP/1.0\r\n")] {
                let request = format!("{head}Accept: {kind}\r\nConnection: close\r\n\r\n");
                let response = exchange(&emulator, request.as_bytes()).await.unwrap();
                assert!(response.starts_with("HTTP/1.") && response[8..].starts_with(" 403"), "{response}");
                assert!(!response.contains("tokyo-send") && !response.contains("name=\"key\""), "{response}");
            }
        }
    }
    assert_eq!(http(&emulator, "GET", "/", &[], "").await.status, 200);
}

#[tokio::test]
async fn an_advertised_name_takes_the_actions_from_a_page_without_a_token() {
    let builder = || Emulator::builder().advertise("https://emulator.test");
    let emulator = builder().start().await.unwrap();
    assert!(!page(&emulator, "").await.contains("name=\"key\""));
    assert_eq!(http(&emulator, "POST", "/_page/publish", &[FORM], "").await.status, 404);
    let emulator = builder().control_token("s3cret-token").start().await.unwrap();
    let body = format!("key={}&topic=orders&type=t&data=1&control_token=s3cret-token", key(&emulator).await);
    // As a proxy sends it that has terminated TLS.
    let text = format!(
        "POST /_page/publish HTTP/1.1\r\nHost: emulator.test\r\nOrigin: https://emulator.test\r\n{}: {}\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        FORM.0,
        FORM.1,
        body.len()
    );
    let response = exchange(&emulator, text.as_bytes()).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 303"), "{response}");
}

#[tokio::test]
async fn charts_and_transfers_are_part_of_the_page_and_nothing_comes_from_elsewhere() {
    let emulator = Emulator::builder().sample_data(true).start().await.unwrap();
    let session = emulator.hulft().agents().remove(0).session_id;
    let transfer = emulator.hulft().start_transfer(&session).unwrap();
    let response = http(&emulator, "GET", "/", &[("accept", "text/html")], "").await;
    for text in ["<polyline", "connections in the last minute", &transfer, "running", "@media"] {
        let style = http(&emulator, "GET", "/_page/style.css", &[], "").await.body;
        assert!(response.body.contains(text) || style.contains(text), "{text}");
    }
    assert!(!response.body.contains("//cdn") && !response.body.contains("style=\""));
    let policy = response.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    let json: Value = http(&emulator, "GET", "/", &[("accept", "application/json")], "").await.json();
    assert_eq!(json["transfers"]["first"][0]["state"], "running");
}
