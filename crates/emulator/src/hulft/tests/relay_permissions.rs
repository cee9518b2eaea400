//! Relay permissions.

use super::*;

const PERMISSIONS: &str = "/relay/permission";

fn permission(own: &str, remote: &str, direction: &str) -> Value {
    json!({"connectionId": own, "remoteConnectionId": remote, "direction": direction})
}

async fn site() -> Site {
    Site::with_connections(&["id1", "id2"]).await
}

#[tokio::test]
async fn a_permission_is_registered_read_changed_and_deleted() {
    let site = site().await;
    let body = with(permission("id1", "id2", "send"), "memo", json!("memo1"));
    let response = site.post(PERMISSIONS, body.clone()).await;
    let expected = r#"{"connectionId":"id1","remoteConnectionId":"id2","direction":"send","enabled":"false","memo":"memo1"}"#;
    assert_eq!((response.status(), response.text()), (201, expected));
    let path = format!("{PERMISSIONS}/id1/id2/send");
    assert_eq!(response.location(), Some(format!("http://site.example/api/v2{path}").as_str()));
    let list = format!(
        r#"{{"totalSize":1,"fetchSize":1,"startIndex":0,"maxResults":30,"permission":[{expected}]}}"#
    );
    assert_eq!(site.get(&path).await.text(), list, "a single one is a list too");
    site.post(PERMISSIONS, body).await.rejected(400, "E300003");

    assert_eq!(site.put(&path, json!({})).await.text(), expected, "omitted members are kept");
    let changed = site.put(&path, json!({"enabled": "true", "memo": ""})).await.body(200);
    assert_eq!((&changed["enabled"], &changed["memo"]), (&json!("true"), &json!("")));
    assert_eq!(site.get(&path).await.body(200)["permission"], json!([changed]));
    site.delete(&path).await.is_empty(200);
    site.get(&path).await.is_empty(204);
    site.delete(&path).await.rejected(404, "EMULATOR_NOT_FOUND");
}

#[tokio::test]
async fn permissions_are_listed_by_connection_and_direction() {
    let site = site().await;
    for (own, remote, direction) in [("id1", "id2", "send"), ("id1", "x", "receive"), ("id2", "id1", "send")]
    {
        site.post(PERMISSIONS, permission(own, remote, direction)).await.body(201);
    }
    let remotes = async |path: &str| {
        site.get(&format!("{PERMISSIONS}{path}")).await.column("permission", "remoteConnectionId")
    };
    assert_eq!(remotes("").await, ["id2", "x", "id1"]);
    assert_eq!(remotes("/id1").await, ["id2", "x"]);
    assert_eq!(remotes("/id1/receive").await, ["x"]);
    assert_eq!(remotes("/id1/x/receive").await, ["x"]);
    assert_eq!(remotes("?startIndex=2").await, ["id1"]);
    for nothing in ["/id3", "/id2/receive", "/id1/x/send"] {
        site.get(&format!("{PERMISSIONS}{nothing}")).await.is_empty(204);
    }
    for bad in ["/id1/both", "/id1/id2/both"] {
        site.get(&format!("{PERMISSIONS}{bad}")).await.rejected(400, "EMULATOR_INVALID_PARAMETER");
    }
    let bad = format!("{PERMISSIONS}/id1/id2/SEND");
    site.put(&bad, json!({})).await.rejected(400, "EMULATOR_INVALID_PARAMETER");
    site.delete(&bad).await.rejected(400, "EMULATOR_INVALID_PARAMETER");
}

#[tokio::test]
async fn a_slash_in_a_path_does_not_lead_to_another_permission() {
    let site = site().await;
    site.post(PERMISSIONS, permission("id1", "id2", "send")).await.body(201);
    site.get(&format!("{PERMISSIONS}/id1%2Fid2/send/send")).await.is_empty(204);
    site.delete(&format!("{PERMISSIONS}/id1/id2%2Fsend/send")).await.rejected(404, "EMULATOR_NOT_FOUND");
}

#[tokio::test]
async fn every_field_must_follow_its_rule() {
    let site = site().await;
    let body = permission("id1", "id2", "send");
    site.post(PERMISSIONS, body.clone()).await.body(201);
    let path = format!("{PERMISSIONS}/id1/id2/send");
    for (member, value) in [
        ("enabled", json!(true)),
        ("enabled", json!("yes")),
        ("enabled", json!(null)),
        ("memo", json!("m".repeat(257))),
        ("memo", json!(null)),
        ("enable", json!("true")),
    ] {
        site.post(PERMISSIONS, with(body.clone(), member, value.clone())).await.rejects(member);
        site.put(&path, json!({member: value})).await.rejects(member);
    }
    for (member, value) in [
        ("connectionId", json!("")),
        ("connectionId", json!(1)),
        ("remoteConnectionId", json!("seventeen-letters")),
        ("remoteConnectionId", json!("id1")),
        ("direction", json!("both")),
        ("direction", json!(null)),
    ] {
        site.post(PERMISSIONS, with(body.clone(), member, value.clone())).await.rejects(member);
    }
    for member in ["connectionId", "remoteConnectionId", "direction"] {
        site.post(PERMISSIONS, without(body.clone(), member)).await.rejects(member);
        site.put(&path, json!({member: body[member]})).await.rejects(member);
    }
    site.put(&path, json!({"memo": "m".repeat(256)})).await.body(200);
    site.post(PERMISSIONS, permission("id9", "id2", "send"))
        .await
        .rejected(400, "EMULATOR_UNKNOWN_REFERENCE");
    // The other side may belong to another contract: Connection IDs are unique across the service (section 1).
    site.post(PERMISSIONS, permission("id1", "sixteen-letters.", "send")).await.body(201);
}
