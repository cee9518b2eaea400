//! The REST operations of Web PubSub on a real socket: successes, the observed errors, and their effects on live
//! clients.

use serde_json::json;
use service_emulator::Emulator;
use tokio_tungstenite::tungstenite::Message;

use super::common::clients::{Client, rest, send};
use crate::common::http;

const VERSIONS: &str = "2021-10-01, 2022-11-01, 2023-07-01, 2024-01-01, 2024-12-01";

fn ids(emulator: &Emulator) -> Vec<String> {
    emulator.webpubsub().connections("chat").into_iter().map(|connection| connection.connection_id).collect()
}

#[tokio::test]
async fn health_responds_without_a_token_and_without_a_version() {
    let emulator = Emulator::start().await.unwrap();
    let response = http(&emulator, "HEAD", "/api/health?api-version=2024-12-01", &[], "").await;
    assert_eq!((response.status, response.header("api-supported-versions")), (200, None));
    for (method, target, status) in [
        ("HEAD", "/api/health", 200),
        ("GET", "/api/health", 200),
        ("HEAD", "/api/health?api-version=2021-08-01-preview", 200),
        ("HEAD", "/api/health?api-version=1", 400),
        ("POST", "/api/health", 404),
    ] {
        assert_eq!(http(&emulator, method, target, &[], "").await.status, status, "{method} {target}");
    }
}

#[tokio::test]
async fn closing_all_connections_sends_each_the_reason_and_spares_the_excluded() {
    let emulator = Emulator::start().await.unwrap();
    let mut json = Client::json(&emulator, json!({})).await;
    let mut simple = Client::simple(&emulator, json!({}), "").await;
    let mut spared = Client::json(&emulator, json!({})).await;
    let mut also = Client::json(&emulator, json!({})).await;
    let path = format!(":closeConnections?excluded={}&excluded={}&reason=good%20night", spared.id, also.id);

    let response = rest(&emulator, "POST", &path).await;

    assert_eq!((response.status, response.header("api-supported-versions")), (204, Some(VERSIONS)));
    assert_eq!((response.header("content-length"), response.header("content-type")), (None, None));
    let mut left = vec![spared.id.clone(), also.id.clone()];
    left.sort();
    assert_eq!(ids(&emulator), left, "gone before the response came");
    let farewell = json!({ "type": "system", "event": "disconnected", "message": "good night" });
    assert_eq!(json.frame().await, farewell);
    assert_eq!(json.closed().await, (1000, "good night".to_owned()));
    assert_eq!(simple.closed().await, (1000, "good night".to_owned()));
    spared.assert_silent().await;
    also.assert_silent().await;
}

#[tokio::test]
async fn closing_a_group_closes_its_members_only() {
    let emulator = Emulator::start().await.unwrap();
    let mut member = Client::json(&emulator, json!({ "webpubsub.group": ["a/b", "x"] })).await;
    let mut spared = Client::json(&emulator, json!({ "webpubsub.group": "a/b" })).await;
    let mut other = Client::json(&emulator, json!({ "webpubsub.group": "x" })).await;
    let path = format!("groups/a%2Fb/:closeConnections?excluded={}", spared.id);
    assert_eq!(rest(&emulator, "POST", &path).await.status, 204);
    assert_eq!(member.frame().await, json!({ "type": "system", "event": "disconnected" }));
    assert_eq!(member.closed().await, (1000, String::new()));
    spared.assert_silent().await;
    other.assert_silent().await;
}

#[tokio::test]
async fn closing_a_user_closes_all_of_its_connections() {
    let emulator = Emulator::start().await.unwrap();
    let mut one = Client::json(&emulator, json!({ "sub": "ann" })).await;
    let mut two = Client::simple(&emulator, json!({ "nameid": "ann" }), "").await;
    let mut spared = Client::json(&emulator, json!({ "sub": "ann" })).await;
    let mut other = Client::json(&emulator, json!({ "sub": "Ann" })).await;
    let path = format!("users/ann/:closeConnections?reason=r&excluded={}", spared.id);
    assert_eq!(rest(&emulator, "POST", &path).await.status, 204);
    assert_eq!(one.frame().await["message"], "r");
    assert_eq!(two.closed().await, (1000, "r".to_owned()));
    spared.assert_silent().await;
    other.assert_silent().await;
}

#[tokio::test]
async fn closing_one_connection_closes_that_one() {
    let emulator = Emulator::start().await.unwrap();
    let mut one = Client::json(&emulator, json!({})).await;
    let mut other = Client::json(&emulator, json!({})).await;
    let path = format!("connections/{}", one.id);
    assert_eq!(rest(&emulator, "DELETE", &format!("{path}?reason=r")).await.status, 204);
    assert_eq!(rest(&emulator, "HEAD", &path).await.status, 404);
    assert_eq!(one.frame().await["message"], "r");
    other.assert_silent().await;
}

#[tokio::test]
async fn closing_what_is_not_there_succeeds() {
    let emulator = Emulator::start().await.unwrap();
    let paths = [":closeConnections", "groups/g/:closeConnections", "users/u/:closeConnections"];
    for path in paths {
        assert_eq!(rest(&emulator, "POST", path).await.status, 204, "{path}");
    }
    assert_eq!(rest(&emulator, "DELETE", "connections/xxxx").await.status, 204);
}

#[tokio::test]
async fn a_message_that_was_accepted_before_the_close_arrives_before_it() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({})).await;
    send(&emulator, "POST", ":send", "text/plain", "last words").await;
    rest(&emulator, "POST", ":closeConnections").await;
    assert_eq!(client.frame().await["data"], "last words");
    assert_eq!(client.frame().await["event"], "disconnected");
}

#[tokio::test]
async fn a_reason_longer_than_a_close_frame_holds_is_whole_in_the_frame_before_it() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({})).await;
    let reason = "%E2%82%AC".repeat(50);
    rest(&emulator, "POST", &format!(":closeConnections?reason={reason}")).await;
    assert_eq!(client.frame().await["message"], "€".repeat(50));
    assert_eq!(client.closed().await, (1000, "€".repeat(41)));
}

#[tokio::test]
async fn hubs_do_not_mix_and_their_names_have_no_case() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = Client::json(&emulator, json!({ "sub": "ann" })).await;
    for (hub, status) in [("CHAT", 200), ("other", 404)] {
        let target = format!("/api/hubs/{hub}/users/ann?{}", super::common::clients::VERSION);
        let authorization = super::common::clients::authorization(&emulator, &target);
        let response = http(&emulator, "HEAD", &target, &[("authorization", &authorization)], "").await;
        assert_eq!(response.status, status, "{hub}");
    }
    client.assert_silent().await;
}

#[tokio::test]
async fn existence_gets_the_observed_response() {
    let emulator = Emulator::start().await.unwrap();
    let client = Client::json(&emulator, json!({ "sub": "ann", "webpubsub.group": "g" })).await;
    for path in [format!("connections/{}", client.id), "users/ann".to_owned(), "groups/g".to_owned()] {
        let response = rest(&emulator, "HEAD", &path).await;
        assert_eq!((response.status, response.header("content-length")), (200, None), "{path}");
        assert_eq!(response.header("api-supported-versions"), Some(VERSIONS));
    }
    for (path, code, length) in [
        ("connections/xxx", "Warning.Connection.NotExisted", "133"),
        ("users/fake-user", "Warning.User.NotExisted", "121"),
        ("groups/fake-group", "Warning.Group.NotExisted", "121"),
    ] {
        let response = rest(&emulator, "HEAD", path).await;
        assert_eq!((response.status, response.header("x-ms-error-code")), (404, Some(code)), "{path}");
        assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!((response.header("content-length"), response.body.as_str()), (Some(length), ""), "{path}");
    }
}

#[tokio::test]
async fn a_connection_is_put_into_a_group_and_taken_out() {
    let emulator = Emulator::start().await.unwrap();
    let client = Client::json(&emulator, json!({})).await;
    let path = format!("groups/g/connections/{}", client.id);
    let added = rest(&emulator, "PUT", &path).await;
    assert_eq!((added.status, added.header("content-length")), (200, Some("0")));
    assert_eq!(rest(&emulator, "PUT", &path).await.status, 200, "adding twice is fine");
    assert_eq!(emulator.webpubsub().connections("chat")[0].groups, ["g"]);
    assert_eq!(rest(&emulator, "DELETE", &path).await.status, 204);
    assert_eq!(emulator.webpubsub().connections("chat")[0].groups, [""; 0]);
    assert_eq!(rest(&emulator, "DELETE", "groups/g/connections/xxxx").await.status, 204);
}

#[tokio::test]
async fn an_unknown_connection_cannot_be_put_into_a_group() {
    let emulator = Emulator::start().await.unwrap();
    let response = rest(&emulator, "PUT", "groups/group1/connections/fake-connection-id").await;
    assert_eq!((response.status, response.header("content-length")), (404, Some("146")));
    assert_eq!(response.header("x-ms-error-code"), Some("Error.Connection.NotExisted"));
    assert_eq!(
        response.body,
        r#"{"code":"Error.Connection.NotExisted","message":"Connection `fake-connection-id` is not found.","target":"Connection","details":null,"inner":null}"#
    );
}

#[tokio::test]
async fn sends_reach_those_they_are_for() {
    let emulator = Emulator::start().await.unwrap();
    let mut ann = Client::json(&emulator, json!({ "sub": "ann", "webpubsub.group": "g" })).await;
    let mut bob = Client::json(&emulator, json!({ "sub": "bob" })).await;
    let one = format!("connections/{}/:send?filter=anything", ann.id);
    let excluding = format!(":send?excluded={}&messageTtlSeconds=300", bob.id);
    for path in [&excluding, "groups/g/:send", "users/ann/:send", &one] {
        let response = send(&emulator, "POST", path, "text/plain", "hi").await;
        assert_eq!((response.status, response.header("content-length")), (202, Some("0")), "{path}");
    }
    let server = json!({ "type": "message", "from": "server", "dataType": "text", "data": "hi" });
    assert_eq!(ann.frame().await, server);
    assert_eq!(
        ann.frame().await,
        json!({ "type": "message", "from": "group", "group": "g", "dataType": "text", "data": "hi" })
    );
    assert_eq!(ann.frame().await, server);
    assert_eq!(ann.frame().await, server);
    bob.assert_silent().await;
    for path in ["connections/xxxx/:send", "users/xxxx/:send", "groups/xxxx/:send"] {
        assert_eq!(send(&emulator, "POST", path, "text/plain", "hi").await.status, 202, "{path}");
    }
}

#[tokio::test]
async fn the_content_type_decides_what_clients_see() {
    let emulator = Emulator::start().await.unwrap();
    let mut json = Client::json(&emulator, json!({})).await;
    let mut simple = Client::simple(&emulator, json!({}), "").await;
    let document = r#"{"z":1.10,"a":18446744073709551617}"#;
    for (content_type, body) in [
        ("text/plain; charset=UTF-8", "hé"),
        ("application/json", document),
        ("application/octet-stream", "\0\u{1}"),
    ] {
        assert_eq!(send(&emulator, "POST", ":send", content_type, body).await.status, 202);
    }
    assert_eq!(json.frame().await["data"], "hé");
    let Message::Text(frame) = json.next().await else { panic!("no text frame") };
    assert!(frame.contains(&format!(r#""dataType":"json","data":{document}"#)), "{frame}");
    let binary = json.frame().await;
    assert_eq!((&binary["dataType"], &binary["data"]), (&json!("binary"), &json!("AAE=")));
    assert_eq!(simple.next().await, Message::text("hé"));
    assert_eq!(simple.next().await, Message::text(document));
    assert_eq!(simple.next().await, Message::binary(vec![0, 1]));
}

#[tokio::test]
async fn a_send_that_breaks_a_rule_is_rejected() {
    let emulator = Emulator::start().await.unwrap();
    for (path, content_type, body, status) in [
        (":send", "application/json", "{", 400),
        (":send", "application/json", "", 400),
        (":send", "text/html", "x", 415),
        (":send", "text/plain; charset=utf-16", "x", 415),
        (":send?messageTtlSeconds=301", "text/plain", "x", 400),
        (":send?messageTtlSeconds=-1", "text/plain", "x", 400),
    ] {
        assert_eq!(
            send(&emulator, "POST", path, content_type, body).await.status,
            status,
            "{path} {content_type}"
        );
    }
    let large = "x".repeat(1024 * 1024);
    assert_eq!(send(&emulator, "POST", ":send", "text/plain", &large).await.status, 202);
    assert_eq!(send(&emulator, "POST", ":send", "text/plain", &(large + "x")).await.status, 400);
}

#[tokio::test]
async fn a_send_without_a_length_is_rejected() {
    let emulator = Emulator::start().await.unwrap();
    let target = format!("/api/hubs/chat/:send?{}", super::common::clients::VERSION);
    let authorization = super::common::clients::authorization(&emulator, &target);
    let text = format!(
        "POST {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: {authorization}\r\nContent-Type: text/plain\r\n\
         Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        emulator.address()
    );
    let response = crate::common::exchange(&emulator, text.as_bytes()).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
}

#[tokio::test]
async fn an_api_version_is_optional_and_must_be_one_stable_one() {
    let emulator = Emulator::start().await.unwrap();
    for (query, status) in [
        ("?api-version=2021-10-01", 204),
        ("?api-version=2024-12-01", 204),
        ("", 204),
        ("?api-version=", 400),
        ("?api-version=2024-12-01&api-version=2024-12-01", 400),
        ("?api-version=2024-12-02", 400),
        ("?api-version=2024-08-01-preview", 400),
    ] {
        let target = format!("/api/hubs/chat/:closeConnections{query}");
        let authorization = super::common::clients::authorization(&emulator, &target);
        let response = http(&emulator, "POST", &target, &[("authorization", &authorization)], "").await;
        assert_eq!(response.status, status, "{query}");
        if status == 400 {
            let body = response.json();
            assert_eq!((&body["code"], &body["target"]), (&json!("Error.BadRequest"), &json!("api-version")));
            assert_eq!(body["errors"]["api-version"][0], body["message"]);
            assert_eq!(response.header("content-type"), Some("application/problem+json; charset=utf-8"));
            assert_eq!(response.header("api-supported-versions"), None);
        }
    }
}

#[tokio::test]
async fn names_that_break_their_rule_are_rejected() {
    let emulator = Emulator::start().await.unwrap();
    let long = "g".repeat(1025);
    for path in ["groups//:closeConnections", "groups/%20%09/:closeConnections", "users//:closeConnections"] {
        assert_eq!(rest(&emulator, "POST", path).await.status, 400, "{path}");
    }
    let response = rest(&emulator, "POST", &format!("groups/{long}/:closeConnections")).await;
    let message = "Invalid group name. Valid group name should be in between 1 and 1024 characters long.";
    assert_eq!((response.status, &response.json()["message"]), (400, &json!(message)));
    for hub in ["1chat", "a-b", "%C3%A9", "a%2Fb"] {
        let target = format!("/api/hubs/{hub}/:closeConnections?{}", super::common::clients::VERSION);
        let authorization = super::common::clients::authorization(&emulator, &target);
        let response = http(&emulator, "POST", &target, &[("authorization", &authorization)], "").await;
        assert_eq!((response.status, &response.json()["target"]), (400, &json!("hub")), "{hub}");
    }
}

#[tokio::test]
async fn hostile_names_stay_inside_their_segment() {
    let emulator = Emulator::start().await.unwrap();
    let names = ["..", ".", "a/b", ":send", "a?b#c", "ü €", "a'b\"c", "%2e%2e", "a\\b", "{group}"];
    for name in names {
        let mut client = Client::json(&emulator, json!({ "sub": name, "webpubsub.group": name })).await;
        let mut other = Client::json(&emulator, json!({ "sub": "x" })).await;
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(rest(&emulator, "HEAD", &format!("groups/{encoded}")).await.status, 200, "{name}");
        let path = format!("users/{encoded}/:closeConnections");
        assert_eq!(rest(&emulator, "POST", &path).await.status, 204, "{name}");
        assert_eq!(client.frame().await["event"], "disconnected", "{name}");
        other.assert_silent().await;
    }
}

#[tokio::test]
async fn a_path_or_method_without_an_operation_is_not_found() {
    let emulator = Emulator::start().await.unwrap();
    for (method, path) in [("GET", ":send"), ("POST", "groups"), ("POST", ":nothing"), ("PUT", "users/u")] {
        assert_eq!(rest(&emulator, method, path).await.status, 404, "{method} {path}");
    }
    assert_eq!(http(&emulator, "GET", "/nothing", &[], "").await.status, 404);
    assert_eq!(http(&emulator, "GET", "/api", &[], "").await.status, 404);
}

#[tokio::test]
async fn a_page_of_any_origin_may_call_rest_and_read_the_response() {
    let emulator = Emulator::start().await.unwrap();
    let origin = ("Origin", "http://page.example:3000");
    let preflight = [
        origin,
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,content-type"),
    ];
    let target = "/api/hubs/chat/:closeConnections?api-version=2024-12-01";
    let response = http(&emulator, "OPTIONS", target, &preflight, "").await;
    assert_eq!(response.status, 204, "without a token");
    for (name, value) in [
        ("access-control-allow-origin", origin.1),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", "authorization,content-type"),
        ("access-control-max-age", "600"),
    ] {
        assert_eq!(response.header(name), Some(value), "{name}");
    }
    let authorization = super::common::clients::authorization(&emulator, target);
    for (headers, status) in
        [(vec![origin, ("Authorization", authorization.as_str())], 204), (vec![origin], 401)]
    {
        let response = http(&emulator, "POST", target, &headers, "").await;
        assert_eq!(
            (response.status, response.header("access-control-allow-origin")),
            (status, Some(origin.1))
        );
        assert!(response.header("access-control-expose-headers").unwrap().contains("x-ms-error-code"));
    }
    let plain = http(&emulator, "POST", target, &[("Authorization", &authorization)], "").await;
    assert_eq!(plain.header("access-control-allow-origin"), None, "not for other programs");
    assert_eq!(http(&emulator, "OPTIONS", target, &[origin], "").await.status, 404, "no preflight");
}
