//! The REST operations on permissions: their responses, and what a client may do afterward.

use serde_json::{Value, json};
use service_emulator::Emulator;

use super::common::clients::{Client, rest};

fn path(permission: &str, client: &Client, target: Option<&str>) -> String {
    let target = target.map_or(String::new(), |target| format!("?targetName={target}"));
    format!("permissions/{permission}/connections/{}{target}", client.id)
}

async fn status(emulator: &Emulator, method: &str, path: &str) -> u16 {
    rest(emulator, method, path).await.status
}

/// Whether the client is allowed to do this, according to the ack.
async fn may(client: &mut Client, kind: &str, group: &str, ack: u64) -> bool {
    client.send_json(json!({ "type": kind, "group": group, "ackId": ack, "data": 1, "noEcho": true })).await;
    let frame = client.frame().await;
    assert_eq!(frame["ackId"], ack);
    assert!(frame["success"] == true || frame["error"]["name"] == "Forbidden", "{frame}");
    frame["success"] == true
}

async fn three(emulator: &Emulator, claims: Value) -> [Client; 3] {
    [
        Client::json(emulator, claims).await,
        Client::json(emulator, json!({ "sub": "ann", "webpubsub.group": ["g2", "g3"] })).await,
        Client::json(emulator, json!({ "sub": "bob", "webpubsub.group": "g1" })).await,
    ]
}

#[tokio::test]
async fn a_permission_for_a_group_holds_for_that_group_and_connection_until_it_is_revoked() {
    let emulator = Emulator::start().await.unwrap();
    let [mut client, mut other, mut member] = three(&emulator, json!({ "sub": "ann" })).await;
    for (permission, kind) in
        [("sendToGroup", "sendToGroup"), ("joinLeaveGroup", "joinGroup"), ("joinLeaveGroup", "leaveGroup")]
    {
        let path = path(permission, &client, Some("g1"));
        assert_eq!(status(&emulator, "HEAD", &path).await, 404, "{kind}");
        assert!(!may(&mut client, kind, "g1", 1).await);
        let granted = rest(&emulator, "PUT", &path).await;
        assert_eq!((granted.status, granted.header("content-length")), (200, Some("0")));
        let checked = rest(&emulator, "HEAD", &path).await;
        assert_eq!((checked.status, checked.header("content-length")), (200, None));
        assert!(!may(&mut client, kind, "g2", 2).await && !may(&mut other, kind, "g1", 2).await);
        let ack = kind.len() as u64 * 10;
        assert!(may(&mut client, kind, "g1", ack).await, "{kind}");
        let revoked = rest(&emulator, "DELETE", &path).await;
        assert_eq!((revoked.status, revoked.header("content-length")), (204, None));
        assert_eq!(status(&emulator, "HEAD", &path).await, 404);
        assert!(!may(&mut client, kind, "g1", 3).await);
    }
    assert_eq!(member.frame().await["fromUserId"], "ann", "what was permitted has been done");
}

#[tokio::test]
async fn a_permission_without_a_target_holds_for_every_group_and_outlives_that_of_a_group() {
    let emulator = Emulator::start().await.unwrap();
    let [mut client, ..] = three(&emulator, json!({})).await;
    let (all, one) = (path("sendToGroup", &client, None), path("sendToGroup", &client, Some("g1")));
    assert_eq!(status(&emulator, "PUT", &one).await, 200);
    assert_eq!(status(&emulator, "HEAD", &all).await, 404, "one group is not every group");
    assert_eq!(status(&emulator, "PUT", &all).await, 200);
    assert_eq!(status(&emulator, "HEAD", &all).await, 200);
    assert_eq!(status(&emulator, "DELETE", &one).await, 204);
    assert_eq!(status(&emulator, "HEAD", &one).await, 200, "the general one still holds");
    assert!(
        may(&mut client, "sendToGroup", "g1", 1).await && may(&mut client, "sendToGroup", "other", 2).await
    );
    assert!(!may(&mut client, "joinGroup", "g1", 3).await);
}

#[tokio::test]
async fn the_roles_of_a_token_are_permissions_too() {
    let emulator = Emulator::start().await.unwrap();
    let roles = json!({ "role": ["webpubsub.sendToGroup.g1", "webpubsub.sendToGroups.room?", "webpubsub.joinLeaveGroup"] });
    let [mut client, ..] = three(&emulator, roles).await;
    for (permission, target, expected) in [
        ("sendToGroup", Some("g1"), 200),
        ("sendToGroup", Some("room1"), 200),
        ("sendToGroup", Some("g2"), 404),
        ("sendToGroup", None, 404),
        ("joinLeaveGroup", Some("any"), 200),
        ("joinLeaveGroup", None, 200),
    ] {
        let path = path(permission, &client, target);
        assert_eq!(status(&emulator, "HEAD", &path).await, expected, "{permission} {target:?}");
    }
    for group in ["g1", "room1"] {
        assert_eq!(status(&emulator, "DELETE", &path("sendToGroup", &client, Some(group))).await, 204);
    }
    assert!(!may(&mut client, "sendToGroup", "g1", 1).await, "revoked");
    assert!(may(&mut client, "sendToGroup", "room1", 2).await, "a pattern is more than this group");
}

#[tokio::test]
async fn a_connection_that_is_not_there_gets_the_observed_response() {
    let emulator = Emulator::start().await.unwrap();
    let path = "permissions/sendToGroup/connections/fake-connection-id?targetName=group1";
    let granted = rest(&emulator, "PUT", path).await;
    assert_eq!((granted.status, granted.header("content-length")), (404, Some("145")));
    assert_eq!(
        granted.body,
        r#"{"code":"Info.Connection.NotExisted","message":"Connection `fake-connection-id` is not found.","target":"Connection","details":null,"inner":null}"#
    );
    let checked = rest(&emulator, "HEAD", path).await;
    assert_eq!((checked.status, checked.header("content-length")), (404, Some("145")));
    assert_eq!(checked.header("x-ms-error-code"), Some("Info.Connection.NotExisted"));
    assert_eq!(status(&emulator, "DELETE", path).await, 204);
}

#[tokio::test]
async fn revoking_without_a_target_is_rejected_as_observed() {
    let emulator = Emulator::start().await.unwrap();
    let response = rest(&emulator, "DELETE", "permissions/joinLeaveGroup/connections/xxxx").await;
    assert_eq!((response.status, response.header("content-length")), (400, Some("172")));
    assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(
        (&response.json()["code"], &response.json()["target"]),
        (&json!("Error.BadRequest"), &json!("Request"))
    );
}

#[tokio::test]
async fn an_unknown_permission_and_a_bad_target_are_rejected() {
    let emulator = Emulator::start().await.unwrap();
    let [client, ..] = three(&emulator, json!({})).await;
    let long = "g".repeat(1025);
    for method in ["PUT", "HEAD", "DELETE"] {
        for (permission, target) in [
            ("sendToGroups", "g"),
            ("0", "g"),
            ("3", "g"),
            ("-1", "g"),
            ("1,2", "g"),
            ("x", "g"),
            ("sendToGroup", ""),
            ("sendToGroup", "%20"),
            ("sendToGroup", &long),
        ] {
            let path = path(permission, &client, Some(target));
            assert_eq!(status(&emulator, method, &path).await, 400, "{method} {permission}");
        }
    }
}

#[tokio::test]
async fn the_names_of_permissions_are_case_insensitive_and_have_numbers() {
    let emulator = Emulator::start().await.unwrap();
    for (names, other) in [
        (["sendToGroup", "sendtogroup", "SENDTOGROUP", "1"], "joinLeaveGroup"),
        (["joinLeaveGroup", "joinleavegroup", "JoinLeaveGroup", "2"], "sendToGroup"),
    ] {
        for name in names {
            let [client, ..] = three(&emulator, json!({})).await;
            let path = |name| path(name, &client, Some("g"));
            assert_eq!(status(&emulator, "PUT", &path(name)).await, 200, "{name}");
            assert_eq!(status(&emulator, "HEAD", &path(names[0])).await, 200, "{name}");
            assert_eq!(status(&emulator, "HEAD", &path(other)).await, 404, "{name}");
        }
    }
}
