//! Permissions, granted and revoked while a client is connected: what it may then do.

use serde_json::{Value, json};
use webpubsub::Permission;
use workspace_tests::socket::Client;

use super::hall::Hall;

/// The service's response to a frame with an ack ID.
async fn ack(client: &mut Client, mut frame: Value, id: u64) -> Value {
    frame["ackId"] = json!(id);
    client.send(&frame).await.unwrap();
    loop {
        let response = client.json().await.unwrap();
        if response["type"] == "ack" {
            assert_eq!(response["ackId"], id);
            return response;
        }
    }
}

fn join(group: &str) -> Value {
    json!({"type": "joinGroup", "group": group})
}

fn publish(group: &str) -> Value {
    json!({"type": "sendToGroup", "group": group, "dataType": "text", "data": "hi"})
}

#[tokio::test]
async fn a_permission_for_one_group_opens_that_group_until_it_is_revoked() {
    let mut hall = Hall::open().await;
    let connection = hall.service.connection(&hall.anonymous.connection_id);
    assert_eq!(ack(&mut hall.anonymous, join("red"), 1).await["error"]["name"], "Forbidden");
    connection.grant_permission(Permission::JoinLeaveGroup).group("red").await.unwrap();
    assert!(connection.has_permission(Permission::JoinLeaveGroup).group("red").await.unwrap());
    assert!(!connection.has_permission(Permission::JoinLeaveGroup).group("blue").await.unwrap());
    assert!(!connection.has_permission(Permission::SendToGroup).group("red").await.unwrap());
    assert_eq!(ack(&mut hall.anonymous, join("red"), 2).await["success"], true);
    assert_eq!(ack(&mut hall.anonymous, join("blue"), 3).await["error"]["name"], "Forbidden");
    assert_eq!(ack(&mut hall.anonymous, publish("red"), 4).await["error"]["name"], "Forbidden");
    connection.revoke_permission(Permission::JoinLeaveGroup).group("red").await.unwrap();
    assert!(!connection.has_permission(Permission::JoinLeaveGroup).group("red").await.unwrap());
    let leave = json!({"type": "leaveGroup", "group": "red"});
    assert_eq!(ack(&mut hall.anonymous, leave, 5).await["error"]["name"], "Forbidden");
}

#[tokio::test]
async fn a_permission_without_a_group_is_for_all_and_outlives_the_revocation_for_one() {
    let mut hall = Hall::open().await;
    let connection = hall.service.connection(&hall.anonymous.connection_id);
    connection.grant_permission(Permission::SendToGroup).await.unwrap();
    assert!(connection.has_permission(Permission::SendToGroup).await.unwrap());
    assert!(connection.has_permission(Permission::SendToGroup).group("red").await.unwrap());
    assert_eq!(ack(&mut hall.anonymous, publish("red"), 1).await["success"], true);
    assert_eq!(hall.who_heard().await, ["ann", "bob"]);
    connection.revoke_permission(Permission::SendToGroup).group("red").await.unwrap();
    assert_eq!(ack(&mut hall.anonymous, publish("red"), 2).await["success"], true);
}

#[tokio::test]
async fn an_unknown_connection_has_no_permissions_to_grant_and_none_to_revoke() {
    let hall = Hall::open().await;
    let unknown = hall.service.connection("unknown");
    let error = unknown.grant_permission(Permission::SendToGroup).group("red").await.unwrap_err();
    assert!(error.is_not_found() && error.code() == Some("Info.Connection.NotExisted"), "{error}");
    assert!(!unknown.has_permission(Permission::SendToGroup).group("red").await.unwrap());
    unknown.revoke_permission(Permission::SendToGroup).group("red").await.unwrap();
}

#[tokio::test]
async fn a_permission_that_the_service_does_not_know_is_its_error() {
    let hall = Hall::open().await;
    let connection = hall.service.connection(&hall.ann.connection_id);
    let error = connection.grant_permission("paintGroup").group("red").await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(400), "{error}");
}
