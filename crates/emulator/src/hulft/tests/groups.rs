//! Browser transfer groups.

use super::browser_transfer::setting;
use super::*;

const GROUPS: &str = "/browser-transfer-groups";

/// A contract with settings `s0`, `s1`, ... of both kinds.
async fn with_settings(count: usize) -> Site {
    let site = Site::with_connections(&["id1", "id2"]).await;
    for kind in ["browserToHulft", "hulftToBrowser"] {
        for number in 0..count {
            let mut body = setting(kind, &format!("s{number}"), "id1", "id2");
            body["description"] = json!(if number == 0 { "first" } else { "" });
            site.post(browser_transfer::path(kind), body).await.body(201);
        }
    }
    site
}

fn path(group: &Value) -> String {
    format!("{GROUPS}/{}", group["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_group_is_registered_read_changed_and_deleted() {
    let site = with_settings(2).await;
    let user = site.post("/accounts/definition", json!({"mailAddress": "user@example.com"})).await.body(201);
    let user = user["id"].as_str().unwrap();
    let body = json!({
        "name": "group-a", "accountId": user, "browserToHulftDefinitionIds": ["s0", "s1"],
        "hulftToBrowserDefinitionIds": ["s1"], "enabled": true, "memo": "m",
    });
    let response = site.post(GROUPS, body).await;
    let group = response.body(201);
    let id = group["id"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    let expected = format!(
        concat!(
            r#"{{"id":"{}","name":"group-a","account":{{"id":"{}","mailAddress":"user@example.com"}},"#,
            r#""browserToHulftDefinitions":[{{"id":"s0","description":"first"}},{{"id":"s1","description":null}}],"#,
            r#""hulftToBrowserDefinitions":[{{"id":"s1","description":null}}],"enabled":true,"memo":"m"}}"#
        ),
        id, user
    );
    assert_eq!(response.text(), expected);
    assert_eq!(response.location(), None, "none is described");
    let path = path(&group);
    assert_eq!(site.get(&path).await.text(), expected);
    let list = site.get(GROUPS).await.body(200);
    assert_eq!((&list["limit"], &list["browserTransferGroups"]), (&json!(10_000), &json!([group])));

    assert_eq!(site.put(&path, json!({})).await.body(200), group, "omitted members are kept");
    let change = json!({
        "name": "group-b", "accountId": "", "browserToHulftDefinitionIds": null, "hulftToBrowserDefinitionIds": [],
        "enabled": false, "memo": "",
    });
    let expected = json!({
        "id": id, "name": "group-b", "account": null, "browserToHulftDefinitions": [],
        "hulftToBrowserDefinitions": [], "enabled": false, "memo": "",
    });
    assert_eq!(site.put(&path, change).await.body(200), expected);
    assert_eq!(site.get(&path).await.body(200), expected);

    site.delete(&path).await.is_empty(200);
    site.get(&path).await.is_empty(204);
    site.delete(&path).await.rejected(404, "EMULATOR_NOT_FOUND");
}

#[tokio::test]
async fn the_defaults_are_those_of_the_description() {
    let site = Site::new();
    for (name, body) in [
        ("a", json!({"name": "a"})),
        ("b", json!({"name": "b", "accountId": null, "browserToHulftDefinitionIds": null})),
        ("c", json!({"name": "c", "accountId": "", "hulftToBrowserDefinitionIds": []})),
    ] {
        let group = site.post(GROUPS, body).await.body(201);
        let expected = json!({
            "id": group["id"], "name": name, "account": null, "browserToHulftDefinitions": [],
            "hulftToBrowserDefinitions": [], "enabled": false, "memo": "",
        });
        assert_eq!(group, expected);
    }
}

#[tokio::test]
async fn every_field_must_follow_its_rule() {
    let site = with_settings(1).await;
    let path = path(&site.post(GROUPS, json!({"name": "a"})).await.body(201));
    for (member, value) in [
        ("name", json!("")),
        ("name", json!(".")),
        ("name", json!("..")),
        ("name", json!("a_b")),
        ("name", json!("n".repeat(33))),
        ("name", json!(null)),
        ("accountId", json!("short")),
        ("accountId", json!(1)),
        ("browserToHulftDefinitionIds", json!("s0")),
        ("browserToHulftDefinitionIds", json!([null])),
        ("browserToHulftDefinitionIds", json!([".."])),
        ("hulftToBrowserDefinitionIds", json!(["n".repeat(33)])),
        ("hulftToBrowserDefinitionIds", json!(["s0", "s0"])),
        ("enabled", json!("true")),
        ("enabled", json!(null)),
        ("memo", json!("m".repeat(257))),
        // The names in the vendor's table, which its examples contradict.
        ("hulftToBrowserDefinitionId", json!(["s0"])),
        ("enable", json!(true)),
    ] {
        site.post(GROUPS, with(json!({"name": "b"}), member, value.clone())).await.rejects(member);
        site.put(&path, json!({member: value})).await.rejects(member);
    }
    site.post(GROUPS, json!({"enabled": true})).await.rejects("name");
    site.put(&path, json!({"accountId": null})).await.rejects("accountId");
    for (member, value) in [("name", json!("n".repeat(32))), ("memo", json!("m".repeat(256)))] {
        assert_eq!(site.put(&path, json!({member: value})).await.body(200)[member], value);
    }
    for (member, value) in [
        ("accountId", json!(ID)),
        ("browserToHulftDefinitionIds", json!(["s0", "s9"])),
        ("hulftToBrowserDefinitionIds", json!(["s9"])),
    ] {
        let new = with(json!({"name": "b"}), member, value.clone());
        site.post(GROUPS, new).await.rejected(400, "EMULATOR_UNKNOWN_REFERENCE");
        site.put(&path, json!({member: value})).await.rejected(400, "EMULATOR_UNKNOWN_REFERENCE");
    }
}

#[tokio::test]
async fn a_group_has_at_most_30_settings_of_each_kind() {
    let site = with_settings(31).await;
    let ids = |count: usize| (0..count).map(|number| format!("s{number}")).collect::<Vec<_>>();
    let full =
        json!({"name": "a", "browserToHulftDefinitionIds": ids(30), "hulftToBrowserDefinitionIds": ids(30)});
    let path = path(&site.post(GROUPS, full.clone()).await.body(201));
    for member in ["browserToHulftDefinitionIds", "hulftToBrowserDefinitionIds"] {
        let more = json!(ids(31));
        site.put(&path, json!({member: more})).await.rejects(member);
        site.post(GROUPS, with(json!({"name": "b"}), member, more)).await.rejects(member);
    }
}

#[tokio::test]
async fn a_name_is_registered_once_and_groups_up_to_the_limit() {
    let site = Site::new();
    site.post(GROUPS, json!({"name": "a"})).await.body(201);
    let other = path(&site.post(GROUPS, json!({"name": "b"})).await.body(201));
    site.post(GROUPS, json!({"name": "a"})).await.rejected(400, "E300003");
    site.put(&other, json!({"name": "a"})).await.rejected(400, "E300003");
    site.put(&other, json!({"name": "b"})).await.body(200);
    site.hulft.state().groups.set_limit(2);
    site.post(GROUPS, json!({"name": "c"})).await.rejected(400, "EMULATOR_LIMIT_REACHED");
}
