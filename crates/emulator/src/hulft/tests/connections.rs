//! Connection settings.

use super::*;

const CONNECTIONS: &str = "/connections/definition";

fn connection(id: &str) -> Value {
    json!({"connectionId": id, "passwd": "password", "connectableClientType": ["hulft"]})
}

async fn with_group() -> Site {
    let site = Site::new();
    let body = json!({"ipFilterGroupName": "group1", "allowlist": ["192.0.2.1"]});
    site.post("/ip-filter/group", body).await.body(201);
    site
}

#[tokio::test]
async fn a_connection_is_registered_read_changed_and_deleted() {
    let site = with_group().await;
    let body = json!({
        "connectionId": "id1", "passwd": "the password", "connectableClientType": ["hulft", "data_transfer_api"],
        "ipFilterGroupName": "group1", "memo": "memo1",
    });
    let response = site.post(CONNECTIONS, body).await;
    let expected = r#"{"connectionId":"id1","connectableClientType":["hulft","data_transfer_api"],"ipFilterGroupName":"group1","memo":"memo1"}"#;
    assert_eq!((response.status(), response.text()), (201, expected), "the password is never returned");
    assert_eq!(response.location(), Some("http://site.example/api/v2/connections/definition/id1"));
    let path = format!("{CONNECTIONS}/id1");
    assert_eq!(site.get(&path).await.text(), expected);
    assert_eq!(site.put(&path, json!({})).await.text(), expected, "omitted members are kept");
    assert_eq!(site.hulft.connection_password("id1").as_deref(), Some("the password"));

    let body = json!({"passwd": "another one", "connectableClientType": ["dclient"], "memo": ""});
    let changed = site.put(&path, body).await.body(200);
    let expected = json!({"connectionId": "id1", "connectableClientType": ["dclient"], "ipFilterGroupName": "group1", "memo": ""});
    assert_eq!(changed, expected);
    assert_eq!(site.hulft.connection_password("id1").as_deref(), Some("another one"));

    site.delete(&path).await.is_empty(200);
    site.get(&path).await.is_empty(204);
    site.delete(&path).await.rejected(404, "EMULATOR_NOT_FOUND");
    assert_eq!(site.hulft.connection_password("id1"), None);
}

#[tokio::test]
async fn a_list_leaves_out_what_a_single_connection_has_as_null() {
    let site = with_group().await;
    site.post(CONNECTIONS, with(connection("id1"), "ipFilterGroupName", json!("group1"))).await.body(201);
    let single = site.post(CONNECTIONS, connection("id2")).await.body(201);
    assert_eq!(single["ipFilterGroupName"], json!(null));
    assert!(single.as_object().unwrap().contains_key("ipFilterGroupName"));
    assert_eq!(site.get(&format!("{CONNECTIONS}/id2")).await.body(200), single);
    let list = site.get(CONNECTIONS).await;
    let expected = concat!(
        r#"{"totalSize":2,"fetchSize":2,"startIndex":0,"maxResults":30,"limit":{"connectionIdLimit":10},"definitions":["#,
        r#"{"connectionId":"id1","connectableClientType":["hulft"],"ipFilterGroupName":"group1","memo":""},"#,
        r#"{"connectionId":"id2","connectableClientType":["hulft"],"memo":""}]}"#
    );
    assert_eq!(list.text(), expected);
}

#[tokio::test]
async fn every_field_must_follow_its_rule() {
    let site = with_group().await;
    site.post(CONNECTIONS, connection("id1")).await.body(201);
    let path = format!("{CONNECTIONS}/id1");
    for (member, value) in [
        ("passwd", json!("1234567")),
        ("passwd", json!("p".repeat(257))),
        ("passwd", json!(null)),
        ("passwd", json!(12_345_678)),
        ("connectableClientType", json!([])),
        ("connectableClientType", json!("hulft")),
        ("connectableClientType", json!(["HULFT"])),
        ("connectableClientType", json!(["hulft", "hulft"])),
        ("connectableClientType", json!([1])),
        ("connectableClientType", json!(null)),
        ("ipFilterGroupName", json!("")),
        ("ipFilterGroupName", json!(".")),
        ("ipFilterGroupName", json!("..")),
        ("ipFilterGroupName", json!("n".repeat(33))),
        ("memo", json!("m".repeat(257))),
        ("memo", json!(null)),
        ("limit", json!(1)),
    ] {
        site.post(CONNECTIONS, with(connection("id2"), member, value.clone())).await.rejects(member);
        site.put(&path, json!({member: value})).await.rejects(member);
    }
    for id in ["", ".", "..", "a_b", "a/b", "seventeen-letters"] {
        site.post(CONNECTIONS, connection(id)).await.rejects("connectionId");
    }
    site.put(&path, connection("id1")).await.rejects("connectionId");
    for member in ["connectionId", "passwd", "connectableClientType"] {
        site.post(CONNECTIONS, without(connection("id2"), member)).await.rejects(member);
    }
    // Null clears a group that was set. A registration has none to clear.
    site.post(CONNECTIONS, with(connection("id2"), "ipFilterGroupName", json!(null)))
        .await
        .rejects("ipFilterGroupName");
    for (member, value) in [
        ("passwd", json!("12345678")),
        ("passwd", json!("p".repeat(256))),
        ("connectableClientType", json!(["dclient", "hwc_browser", "data_transfer_api", "hulft"])),
        ("ipFilterGroupName", json!("group1")),
        ("ipFilterGroupName", json!(null)),
        ("memo", json!("m".repeat(256))),
    ] {
        let body = site.put(&path, json!({member: value})).await.body(200);
        assert!(member == "passwd" || body[member] == value, "{body}");
    }
    site.post(CONNECTIONS, connection("sixteen-letters.")).await.body(201);
    let unknown = json!("nothing");
    site.put(&path, json!({"ipFilterGroupName": unknown})).await.rejected(400, "EMULATOR_UNKNOWN_REFERENCE");
    let body = with(connection("id2"), "ipFilterGroupName", unknown);
    site.post(CONNECTIONS, body).await.rejected(400, "EMULATOR_UNKNOWN_REFERENCE");
}

#[tokio::test]
async fn a_connection_id_is_registered_once_and_its_case_counts() {
    let site = Site::new();
    site.post(CONNECTIONS, connection("id1")).await.body(201);
    site.post(CONNECTIONS, connection("id1")).await.rejected(400, "E300003");
    site.post(CONNECTIONS, connection("ID1")).await.body(201);
}

#[tokio::test]
async fn no_more_connections_are_registered_than_the_contract_allows() {
    let site = Site::new();
    for number in 0..10 {
        site.post(CONNECTIONS, connection(&format!("id{number}"))).await.body(201);
    }
    site.post(CONNECTIONS, connection("more")).await.rejected(400, "EMULATOR_LIMIT_REACHED");
    site.hulft.connection_id_limit(11);
    site.post(CONNECTIONS, connection("more")).await.body(201);
    assert_eq!(site.get(CONNECTIONS).await.body(200)["limit"], json!({"connectionIdLimit": 11}));
}

#[tokio::test]
async fn browsers_alone_have_no_ip_filter_group() {
    let site = with_group().await;
    let browser = json!({
        "connectionId": "web", "passwd": "password", "connectableClientType": ["hwc_browser"],
        "ipFilterGroupName": "group1",
    });
    site.post(CONNECTIONS, browser.clone()).await.rejects("ipFilterGroupName");
    let both = with(browser, "connectableClientType", json!(["hwc_browser", "hulft"]));
    assert_eq!(site.post(CONNECTIONS, both).await.body(201)["ipFilterGroupName"], "group1");
    let path = format!("{CONNECTIONS}/web");
    let only = json!({"connectableClientType": ["hwc_browser"]});
    let with_group = with(only.clone(), "ipFilterGroupName", json!("group1"));
    site.put(&path, with_group).await.rejects("ipFilterGroupName");
    assert_eq!(site.put(&path, only).await.body(200)["ipFilterGroupName"], json!(null), "it is invalid now");
    site.put(&path, json!({"ipFilterGroupName": "group1"})).await.rejects("ipFilterGroupName");
}

#[tokio::test]
async fn deleting_a_connection_also_deletes_its_permissions_and_browser_transfers() {
    let site = Site::with_connections(&["id1", "id2", "id3"]).await;
    for (own, remote) in [("id1", "id2"), ("id2", "id1"), ("id2", "id3")] {
        let body = json!({"connectionId": own, "remoteConnectionId": remote, "direction": "send"});
        site.post("/relay/permission", body).await.body(201);
    }
    for (id, browser, hulft) in [("a", "id1", "id2"), ("b", "id2", "id1"), ("c", "id2", "id3")] {
        for kind in ["browserToHulft", "hulftToBrowser"] {
            let body = browser_transfer::setting(kind, id, browser, hulft);
            site.post(browser_transfer::path(kind), body).await.body(201);
        }
    }
    let group = json!({"name": "g", "browserToHulftDefinitionIds": ["a", "b", "c"], "hulftToBrowserDefinitionIds": ["a"]});
    let group = site.post("/browser-transfer-groups", group).await.body(201);
    site.delete(&format!("{CONNECTIONS}/id1")).await.is_empty(200);
    assert_eq!(site.get("/relay/permission").await.column("permission", "remoteConnectionId"), ["id3"]);
    for kind in ["browserToHulft", "hulftToBrowser"] {
        let left = site.get(browser_transfer::path(kind)).await;
        assert_eq!(left.column(&format!("{kind}Definitions"), &format!("{kind}DefinitionId")), ["c"]);
    }
    let group =
        site.get(&format!("/browser-transfer-groups/{}", group["id"].as_str().unwrap())).await.body(200);
    assert_eq!(group["browserToHulftDefinitions"], json!([{"id": "c", "description": null}]));
    assert_eq!(group["hulftToBrowserDefinitions"], json!([]));
}

#[tokio::test]
async fn the_connection_of_a_dclient_is_not_deleted() {
    let site = Site::with_connections(&["id1"]).await;
    site.post("/dclient/definition", json!({"dclientId": "d", "connectionId": "id1"})).await.body(201);
    site.delete(&format!("{CONNECTIONS}/id1")).await.rejected(400, "EMULATOR_IN_USE");
}

#[tokio::test]
async fn a_single_connection_checks_the_common_parameters_too() {
    let site = Site::with_connections(&["id1"]).await;
    assert_eq!(site.get(&format!("{CONNECTIONS}/id1?maxResults=1")).await.status(), 200);
    site.get(&format!("{CONNECTIONS}/id1?maxResults=0")).await.rejected(400, "EMULATOR_INVALID_PARAMETER");
}
