//! IP filter groups, and the members that only their error responses have.

use super::*;

const GROUPS: &str = "/ip-filter/group";

fn group(name: &str) -> Value {
    json!({"ipFilterGroupName": name, "allowlist": ["192.0.2.1"]})
}

/// The indexes of the invalid addresses in an error response.
#[track_caller]
fn indexes(rejection: &Value) -> Vec<u64> {
    let errors = rejection["ipAddressError"].as_array().unwrap();
    for error in errors {
        assert!(
            !error["code"].as_str().unwrap().is_empty() && !error["message"].as_str().unwrap().is_empty()
        );
    }
    errors.iter().map(|error| error["index"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_group_is_registered_read_changed_and_deleted() {
    let site = Site::new();
    let body = json!({"ipFilterGroupName": "group1", "description": "d", "allowlist": ["192.0.2.0/24", "192.0.2.1"]});
    let expected =
        r#"{"ipFilterGroupName":"group1","description":"d","allowlist":["192.0.2.0/24","192.0.2.1"]}"#;
    let response = site.post(GROUPS, body).await;
    assert_eq!((response.status(), response.text()), (201, expected));
    assert_eq!(response.location(), None, "none is described");
    let path = format!("{GROUPS}/group1");
    assert_eq!(site.get(&path).await.text(), expected);
    let list =
        format!(r#"{{"totalSize":1,"fetchSize":1,"startIndex":0,"maxResults":30,"ipFilter":[{expected}]}}"#);
    assert_eq!(site.get(GROUPS).await.text(), list);
    assert_eq!(site.put(&path, json!({})).await.text(), expected, "omitted members are kept");
    let changed = site.put(&path, json!({"description": "", "allowlist": ["198.51.100.1"]})).await.body(200);
    assert_eq!(
        changed,
        json!({"ipFilterGroupName": "group1", "description": "", "allowlist": ["198.51.100.1"]})
    );
    assert_eq!(site.get(&path).await.body(200), changed);
    site.delete(&path).await.is_empty(200);
    site.get(&path).await.is_empty(204);
    assert_eq!(site.post(GROUPS, group("group1")).await.body(201)["description"], "");
}

#[tokio::test]
async fn invalid_addresses_are_reported_by_their_indexes() {
    let site = Site::new();
    site.post(GROUPS, group("group1")).await.body(201);
    let path = format!("{GROUPS}/group1");
    let list = json!(["192.0.2.1", "192.0.2.256", "192.0.2.0/24", "::1", 7]);
    let body = json!({"ipFilterGroupName": "new", "allowlist": list});
    for rejection in [site.post(GROUPS, body).await, site.put(&path, json!({"allowlist": list})).await] {
        assert_eq!(indexes(&rejection.rejected(400, "EMULATOR_INVALID_BODY")), [1, 3, 4]);
        rejection.rejects("allowlist");
    }
    assert_eq!(site.get(&path).await.body(200)["allowlist"], json!(["192.0.2.1"]));
}

#[tokio::test]
async fn other_rejections_of_a_registration_or_a_change_name_no_address() {
    let site = Site::new();
    site.post(GROUPS, group("group1")).await.body(201);
    let path = format!("{GROUPS}/group1");
    for (member, value) in [
        ("description", json!("d".repeat(257))),
        ("description", json!(null)),
        ("allowlist", json!([])),
        ("allowlist", json!(null)),
        ("allowlist", json!("192.0.2.1")),
        ("allowlist", json!(vec!["192.0.2.1"; 101])),
        ("memo", json!("")),
    ] {
        let new = site.post(GROUPS, with(group("new"), member, value.clone())).await;
        let change = site.put(&path, json!({member: value})).await;
        for response in [new, change] {
            response.rejects(member);
            assert!(indexes(&response.json()).is_empty());
        }
    }
    for name in [json!(""), json!("."), json!(".."), json!("a_b"), json!("n".repeat(33)), json!(1)] {
        site.post(GROUPS, with(group("x"), "ipFilterGroupName", name)).await.rejects("ipFilterGroupName");
    }
    for member in ["ipFilterGroupName", "allowlist"] {
        site.post(GROUPS, without(group("new"), member)).await.rejects(member);
    }
    site.put(&path, json!({"ipFilterGroupName": "group1"})).await.rejects("ipFilterGroupName");
    let twice = site.post(GROUPS, group("group1")).await.rejected(400, "E300003");
    assert_eq!(twice["ipAddressError"], json!([]));
    let missing = site.put(&format!("{GROUPS}/nothing"), json!({})).await.rejected(404, "EMULATOR_NOT_FOUND");
    assert_eq!(missing["ipAddressError"], json!([]));
    site.post(GROUPS, group("Group1")).await.body(201);
}

#[tokio::test]
async fn a_contract_has_100_groups_of_100_addresses() {
    let site = Site::new();
    for number in 0..100 {
        site.post(GROUPS, group(&format!("g{number}"))).await.body(201);
    }
    site.post(GROUPS, group("more")).await.rejected(400, "EMULATOR_LIMIT_REACHED");
    let path = format!("{GROUPS}/g0");
    let full = json!({"description": "d".repeat(256), "allowlist": vec!["192.0.2.1"; 100]});
    assert_eq!(site.put(&path, full).await.body(200)["allowlist"].as_array().unwrap().len(), 100);
    site.delete(&path).await.is_empty(200);
    site.post(GROUPS, group("n".repeat(32).as_str())).await.body(201);
}

#[tokio::test]
async fn a_group_in_use_is_not_deleted_and_its_users_are_named() {
    let site = Site::with_connections(&["id1", "id2"]).await;
    site.post(GROUPS, group("group1")).await.body(201);
    let path = format!("{GROUPS}/group1");
    let rejected = async || site.delete(&path).await.rejected(400, "EMULATOR_IN_USE");
    let lists = |body: &Value| (body["connectionIdList"].clone(), body["secondaryAccountList"].clone());

    site.put("/connections/definition/id2", json!({"ipFilterGroupName": "group1"})).await.body(200);
    assert_eq!(lists(&rejected().await), (json!(["id2"]), json!([])));
    let secondary = secondary_accounts::account("s1");
    site.hulft
        .add_secondary_account(SecondaryAccount { ip_filter_group_name: Some("group1".into()), ..secondary });
    assert_eq!(lists(&rejected().await), (json!(["id2"]), json!(["user@example.com"])));
    site.put("/connections/definition/id2", json!({"ipFilterGroupName": null})).await.body(200);
    assert_eq!(lists(&rejected().await), (json!([]), json!(["user@example.com"])));
    site.delete("/secondary-account/definition/s1").await.is_empty(200);

    let body = json!({"mailAddress": "a@b.c", "ipFilterGroupName": "group1"});
    let account = site.post("/accounts/definition", body).await.body(201);
    assert_eq!(lists(&rejected().await), (json!([]), json!([])), "there is no member for accounts");
    site.delete(&format!("/accounts/definition/{}", account["id"].as_str().unwrap())).await.is_empty(200);
    site.delete(&path).await.is_empty(200);
    let missing = site.delete(&path).await.rejected(404, "EMULATOR_NOT_FOUND");
    assert_eq!(lists(&missing), (json!([]), json!([])));
}
