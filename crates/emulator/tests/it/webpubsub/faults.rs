//! Scripted faults on the operations of Web PubSub: what the client sees, and what the service has done.

use serde_json::json;
use service_emulator::{Emulator, Fault, Service};

use super::common::clients::{Client, VERSION, authorization, groups, rest, send};
use crate::common::{exchange, request_text};

#[tokio::test]
async fn a_status_before_the_operation_leaves_groups_and_permissions_as_they_were() {
    let emulator = Emulator::start().await.unwrap();
    let client = Client::json(&emulator, json!({ "sub": "ann", "webpubsub.group": "g" })).await;
    let permission = format!("permissions/sendToGroup/connections/{}?targetName=g", client.id);
    let body = json!({ "groups": ["g", "h"] }).to_string();
    for (method, path) in [
        ("POST", ":addToGroups"),
        ("POST", ":removeFromGroups"),
        ("PUT", "users/ann/groups/h"),
        ("DELETE", "users/ann/groups"),
        ("PUT", permission.as_str()),
        ("GET", "groups/g/connections"),
    ] {
        emulator
            .faults()
            .push(Fault::status(503).header("retry-after", "1").service(Service::WebPubSub).method(method));
        let response = send(&emulator, method, path, "application/json", &body).await;
        assert_eq!((response.status, response.header("retry-after")), (503, Some("1")), "{method} {path}");
    }
    assert_eq!(groups(&emulator, &client.id), ["g"]);
    assert_eq!(rest(&emulator, "HEAD", &permission).await.status, 404);
}

#[tokio::test]
async fn a_lost_response_to_a_change_of_groups_leaves_the_change_done() {
    let emulator = Emulator::start().await.unwrap();
    let client = Client::json(&emulator, json!({})).await;
    emulator.faults().push(Fault::reset().after_processing().path_contains(":addToGroups"));
    let target = format!("/api/hubs/chat/:addToGroups?{VERSION}");
    let authorization = authorization(&emulator, &target);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let text = request_text(&emulator, "POST", &target, &headers, r#"{"groups":["g"]}"#);
    assert!(exchange(&emulator, text.as_bytes()).await.is_err(), "the connection is reset");
    assert_eq!(groups(&emulator, &client.id), ["g"]);
}

#[tokio::test]
async fn a_chunked_response_is_cut_off_too() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().push(Fault::cut_body());
    let response = rest(&emulator, "POST", ":generateToken").await;
    let declared: usize = response.header("content-length").unwrap().parse().unwrap();
    assert!((1..declared).contains(&response.body.len()), "{} of {declared}", response.body.len());
    assert_eq!(response.header("transfer-encoding"), None);
}
