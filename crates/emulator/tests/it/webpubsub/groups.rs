//! The REST operations that change group memberships, on live connections.

use serde_json::{Value, json};
use service_emulator::Emulator;

use super::common::clients::{Client, groups, rest, send};
use crate::common::Response;

const GROUP_NAME: &str =
    "Invalid group name. Valid group name should be in between 1 and 1024 characters long.";

/// Two connections of Ann and one of Bob, in two groups.
async fn three(emulator: &Emulator) -> [Client; 3] {
    [
        Client::json(emulator, json!({ "sub": "ann", "webpubsub.group": "g1" })).await,
        Client::json(emulator, json!({ "sub": "ann", "webpubsub.group": ["g1", "g2"] })).await,
        Client::json(emulator, json!({ "sub": "bob", "webpubsub.group": ["g1", "g2"] })).await,
    ]
}

fn all_groups(emulator: &Emulator, clients: &[Client; 3]) -> [String; 3] {
    [0, 1, 2].map(|place| groups(emulator, &clients[place].id).join(" "))
}

async fn post(emulator: &Emulator, operation: &str, body: Value) -> Response {
    send(emulator, "POST", operation, "application/json", &body.to_string()).await
}

#[tokio::test]
async fn whom_the_filter_picks_joins_every_group_and_hears_its_messages() {
    let emulator = Emulator::start().await.unwrap();
    let mut clients = three(&emulator).await;
    let body =
        json!({ "groups": ["g3", "ü/4", "g3"], "filter": "userId eq 'ann' and 'g2' in groups", "more": 1 });
    let response = post(&emulator, ":addToGroups", body).await;
    assert_eq!((response.status, response.header("content-length")), (200, Some("0")));
    assert_eq!(all_groups(&emulator, &clients), ["g1", "g1 g2 g3 ü/4", "g1 g2"]);
    send(&emulator, "POST", "groups/%C3%BC%2F4/:send", "text/plain", "hi").await;
    assert_eq!(clients[1].frame().await["group"], "ü/4");
    clients[0].assert_silent().await;
}

#[tokio::test]
async fn whom_the_filter_picks_leaves_every_group_and_hears_no_more() {
    let emulator = Emulator::start().await.unwrap();
    let mut clients = three(&emulator).await;
    let body = json!({ "groups": ["g1", "g2", "nothing"], "filter": "userId ne 'ann'" });
    let response = post(&emulator, ":removeFromGroups", body).await;
    assert_eq!((response.status, response.header("content-length")), (200, Some("0")));
    assert_eq!(all_groups(&emulator, &clients), ["g1", "g1 g2", ""]);
    send(&emulator, "POST", "groups/g1/:send", "text/plain", "hi").await;
    clients[2].assert_silent().await;
    assert_eq!(clients[0].frame().await["data"], "hi");
}

#[tokio::test]
async fn without_a_filter_every_connection_of_the_hub_is_meant() {
    let emulator = Emulator::start().await.unwrap();
    let clients = three(&emulator).await;
    post(&emulator, ":addToGroups", json!({ "groups": ["all"] })).await;
    assert_eq!(all_groups(&emulator, &clients), ["all g1", "all g1 g2", "all g1 g2"]);
    post(&emulator, ":removeFromGroups", json!({ "groups": ["all", "g1"], "filter": null })).await;
    assert_eq!(all_groups(&emulator, &clients), ["", "g2", "g2"]);
}

#[tokio::test]
async fn a_filter_without_matches_succeeds() {
    let emulator = Emulator::start().await.unwrap();
    let clients = three(&emulator).await;
    for operation in [":addToGroups", ":removeFromGroups"] {
        let body = json!({ "groups": ["g2"], "filter": "userId eq 'nobody'" });
        assert_eq!(post(&emulator, operation, body).await.status, 200, "{operation}");
    }
    assert_eq!(all_groups(&emulator, &clients), ["g1", "g1 g2", "g1 g2"]);
}

#[tokio::test]
async fn groups_that_are_missing_or_break_the_name_rule_are_rejected_as_observed() {
    let emulator = Emulator::start().await.unwrap();
    let clients = three(&emulator).await;
    for operation in [":addToGroups", ":removeFromGroups"] {
        for names in [json!(null), json!([]), json!([""]), json!(["g1", " "]), json!(["g".repeat(1025)])] {
            let response =
                post(&emulator, operation, json!({ "groups": names, "filter": "userId eq 'user 1'" })).await;
            assert_eq!(
                (
                    response.status,
                    response.header("content-length"),
                    response.header("api-supported-versions")
                ),
                (400, Some("374"), None),
                "{operation} {names}"
            );
            assert_eq!(response.header("content-type"), Some("application/problem+json; charset=utf-8"));
            assert_eq!(response.header("x-ms-error-code"), Some("Error.BadRequest"));
            assert_eq!(response.json()["errors"], json!({ "Groups": [GROUP_NAME] }));
        }
    }
    assert_eq!(all_groups(&emulator, &clients), ["g1", "g1 g2", "g1 g2"]);
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_is_rejected_as_observed() {
    let emulator = Emulator::start().await.unwrap();
    for operation in [":addToGroups", ":removeFromGroups"] {
        let body = json!({ "groups": ["group1", "group2"], "filter": "invalid filter" });
        let response = post(&emulator, operation, body).await;
        let message = "Invalid syntax for 'invalid filter': Syntax error at position 14 in 'invalid filter'. (Parameter 'filter')";
        assert_eq!((response.status, response.header("content-length")), (400, Some("416")), "{operation}");
        assert_eq!(response.json()["errors"], json!({ "Filter": [message] }));
    }
}

#[tokio::test]
async fn a_body_of_another_form_type_or_size_is_rejected() {
    let emulator = Emulator::start().await.unwrap();
    let large = json!({ "groups": ["g"], "more": "x".repeat(1024 * 1024) }).to_string();
    for (content_type, body, status) in [
        ("application/json", "", 400),
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("application/json", r#"{"groups":"g"}"#, 400),
        ("application/json", r#"{"groups":["g"],"filter":1}"#, 400),
        ("application/json", r#"{"groups":["g"],"filter":""}"#, 400),
        ("application/json", large.as_str(), 400),
        ("text/plain", r#"{"groups":["g"]}"#, 415),
        ("application/json; charset=utf-16", r#"{"groups":["g"]}"#, 415),
        ("application/json; charset=utf-8", r#"{"groups":["g"]}"#, 200),
    ] {
        for operation in [":addToGroups", ":removeFromGroups"] {
            let response = send(&emulator, "POST", operation, content_type, body).await;
            assert_eq!(response.status, status, "{operation} {content_type} {}", &body[..body.len().min(40)]);
        }
    }
}

#[tokio::test]
async fn no_connection_joins_when_one_would_be_in_more_than_a_thousand_groups() {
    let emulator = Emulator::start().await.unwrap();
    let clients = three(&emulator).await;
    let names = |from: usize| (from..from + 999).map(|number| format!("n{number}")).collect::<Vec<_>>();
    assert_eq!(post(&emulator, ":addToGroups", json!({ "groups": names(0) })).await.status, 400);
    assert_eq!(all_groups(&emulator, &clients), ["g1", "g1 g2", "g1 g2"]);
    let body = json!({ "groups": names(0), "filter": "not ('g2' in groups)" });
    assert_eq!(post(&emulator, ":addToGroups", body).await.status, 200);
    assert_eq!(rest(&emulator, "PUT", "users/ann/groups/one-more").await.status, 400);
    assert_eq!(all_groups(&emulator, &clients)[1], "g1 g2");
}

#[tokio::test]
async fn every_connection_that_a_user_has_joins_and_leaves() {
    let emulator = Emulator::start().await.unwrap();
    let clients = three(&emulator).await;
    for _ in 0..2 {
        let response = rest(&emulator, "PUT", "users/ann/groups/a%2Fb").await;
        assert_eq!((response.status, response.header("content-length")), (200, Some("0")));
    }
    assert_eq!(all_groups(&emulator, &clients), ["a/b g1", "a/b g1 g2", "g1 g2"]);
    let response = rest(&emulator, "DELETE", "users/ann/groups/g1").await;
    assert_eq!((response.status, response.header("content-length")), (204, None));
    assert_eq!(all_groups(&emulator, &clients), ["a/b", "a/b g2", "g1 g2"]);
    assert_eq!(rest(&emulator, "DELETE", "users/ann/groups").await.status, 204);
    assert_eq!(all_groups(&emulator, &clients), ["", "", "g1 g2"]);
    let late = Client::json(&emulator, json!({ "sub": "ann" })).await;
    assert_eq!(groups(&emulator, &late.id), [""; 0], "no subscription for later connections");
}

#[tokio::test]
async fn a_connection_leaves_all_of_its_groups() {
    let emulator = Emulator::start().await.unwrap();
    let clients = three(&emulator).await;
    let response = rest(&emulator, "DELETE", &format!("connections/{}/groups", clients[1].id)).await;
    assert_eq!((response.status, response.header("content-length")), (204, None));
    assert_eq!(all_groups(&emulator, &clients), ["g1", "", "g1 g2"]);
}

#[tokio::test]
async fn who_is_not_there_can_leave_but_not_join() {
    let emulator = Emulator::start().await.unwrap();
    let response = rest(&emulator, "PUT", "users/fake-user/groups/group1").await;
    assert_eq!((response.status, response.header("content-length")), (404, Some("121")));
    assert_eq!(response.header("x-ms-error-code"), Some("Warning.User.NotExisted"));
    assert_eq!(
        response.body,
        r#"{"code":"Warning.User.NotExisted","message":"User `fake-user` is not found.","target":"User","details":null,"inner":null}"#
    );
    for path in ["users/u/groups/g", "users/u/groups", "connections/c/groups", "groups/g/connections/c"] {
        assert_eq!(rest(&emulator, "DELETE", path).await.status, 204, "{path}");
    }
}

#[tokio::test]
async fn names_in_paths_keep_their_rules() {
    let emulator = Emulator::start().await.unwrap();
    for (method, path) in [
        ("PUT", "users//groups/g"),
        ("PUT", "users/u/groups/%20"),
        ("DELETE", "users/u/groups/"),
        ("DELETE", "users//groups"),
        ("DELETE", "connections//groups"),
    ] {
        let response = rest(&emulator, method, path).await;
        assert_eq!(
            (response.status, &response.json()["code"]),
            (400, &json!("Error.BadRequest")),
            "{method} {path}"
        );
    }
}
