//! D-Client settings, and the mail that explains how to use a D-Client.

use super::*;

const DCLIENTS: &str = "/dclient/definition";

async fn account(site: &Site) -> String {
    let body = site.post("/accounts/definition", json!({"mailAddress": "user@example.com"})).await.body(201);
    body["id"].as_str().unwrap().to_owned()
}

fn path(dclient: &Value) -> String {
    format!("{DCLIENTS}/{}", dclient["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_dclient_is_registered_read_changed_and_deleted() {
    let site = Site::with_connections(&["id1", "id2"]).await;
    let user = account(&site).await;
    let body = json!({"dclientId": "sample", "connectionId": "id1", "accountId": user, "memo": "m", "useable": true});
    let response = site.post(DCLIENTS, body).await;
    let dclient = response.body(201);
    let id = dclient["id"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    let expected = format!(
        r#"{{"id":"{id}","dclientId":"sample","connectionId":"id1","account":{{"id":"{user}","mailAddress":"user@example.com"}},"memo":"m","useable":true,"clientVersion":"","connectionStatus":"offline"}}"#
    );
    assert_eq!(response.text(), expected);
    assert_eq!(response.location(), None, "none is described");
    let path = path(&dclient);
    assert_eq!(site.get(&path).await.text(), expected);
    let list = site.get(DCLIENTS).await.body(200);
    assert_eq!((&list["limit"], &list["dclients"]), (&json!(10_000), &json!([dclient])));

    assert_eq!(site.put(&path, json!({})).await.body(200), dclient, "omitted members are kept");
    let change = json!({"connectionId": "id2", "accountId": "", "memo": "", "useable": false});
    let mut expected = dclient;
    (expected["connectionId"], expected["account"], expected["memo"], expected["useable"]) =
        (json!("id2"), json!(null), json!(""), json!(false));
    assert_eq!(site.put(&path, change).await.body(200), expected);
    assert_eq!(site.get(&path).await.body(200), expected);

    site.delete(&path).await.is_empty(200);
    site.get(&path).await.is_empty(204);
    site.delete(&path).await.rejected(404, "EMULATOR_NOT_FOUND");
}

#[tokio::test]
async fn the_defaults_are_those_of_the_description() {
    let site = Site::with_connections(&["id1"]).await;
    let dclient = site
        .post(DCLIENTS, json!({"dclientId": "d", "connectionId": "id1", "accountId": ""}))
        .await
        .body(201);
    assert_eq!(
        [&dclient["account"], &dclient["memo"], &dclient["useable"]],
        [&json!(null), &json!(""), &json!(false)]
    );
}

#[tokio::test]
async fn every_field_must_follow_its_rule() {
    let site = Site::with_connections(&["id1"]).await;
    let body = json!({"dclientId": "d", "connectionId": "id1"});
    let path = path(&site.post(DCLIENTS, body.clone()).await.body(201));
    for (member, value) in [
        ("connectionId", json!("")),
        ("connectionId", json!(null)),
        ("connectionId", json!("seventeen-letters")),
        ("accountId", json!(null)),
        ("accountId", json!("short")),
        ("memo", json!("m".repeat(257))),
        ("useable", json!("true")),
        ("useable", json!(null)),
        ("usable", json!(true)),
        ("clientVersion", json!("1.0.0")),
    ] {
        let new = with(with(body.clone(), "dclientId", json!("other")), member, value.clone());
        site.post(DCLIENTS, new).await.rejects(member);
        site.put(&path, json!({member: value})).await.rejects(member);
    }
    for member in ["dclientId", "connectionId"] {
        site.post(DCLIENTS, without(body.clone(), member)).await.rejects(member);
    }
    site.post(DCLIENTS, with(body.clone(), "dclientId", json!(""))).await.rejects("dclientId");
    site.put(&path, json!({"dclientId": "d"})).await.rejects("dclientId");
    site.put(&path, json!({"memo": "m".repeat(256)})).await.body(200);
    for (member, value) in [("connectionId", "id9"), ("accountId", ID)] {
        let new = with(with(body.clone(), "dclientId", json!("other")), member, json!(value));
        site.post(DCLIENTS, new).await.rejected(400, "EMULATOR_UNKNOWN_REFERENCE");
        site.put(&path, json!({member: value})).await.rejected(400, "EMULATOR_UNKNOWN_REFERENCE");
    }
    site.post(DCLIENTS, body).await.rejected(400, "E300003");
    site.hulft.state().dclients.set_limit(1);
    let more = json!({"dclientId": "more", "connectionId": "id1"});
    site.post(DCLIENTS, more).await.rejected(400, "EMULATOR_LIMIT_REACHED");
}

#[tokio::test]
async fn a_dclient_comes_online_only_while_it_is_useable() {
    let site = Site::with_connections(&["id1"]).await;
    let dclient = site.post(DCLIENTS, json!({"dclientId": "d", "connectionId": "id1"})).await.body(201);
    let path = path(&dclient);
    let status = async || site.get(&path).await.body(200)["connectionStatus"].clone();
    assert!(!site.hulft.connect_dclient("d", "1.0.0"));
    site.put(&path, json!({"useable": true})).await.body(200);
    assert!(!site.hulft.connect_dclient("unknown", "1.0.0"));
    assert!(site.hulft.connect_dclient("d", "1.0.0"));
    assert_eq!(status().await, "online");
    assert!(site.hulft.disconnect_dclient("d"));
    assert_eq!(status().await, "offline");
    assert_eq!(site.get(&path).await.body(200)["clientVersion"], "1.0.0", "the version is remembered");
    assert!(site.hulft.connect_dclient("d", "1.1.0"));
    let changed = site.put(&path, json!({"useable": false})).await.body(200);
    assert_eq!(
        (&changed["connectionStatus"], &changed["clientVersion"]),
        (&json!("offline"), &json!("1.1.0"))
    );
}

#[tokio::test]
async fn the_usage_mail_goes_to_the_linked_account() {
    let site = Site::with_connections(&["id1"]).await;
    let user = account(&site).await;
    let dclient = site.post(DCLIENTS, json!({"dclientId": "d", "connectionId": "id1"})).await.body(201);
    let mail = format!("/dclient/user-guide/mail-request/{}", dclient["id"].as_str().unwrap());
    let send = async || site.send(request(Method::POST, &mail, "")).await;
    send().await.rejected(400, "EMULATOR_MAIL_REJECTED");
    site.put(&path(&dclient), json!({"accountId": user})).await.body(200);
    send().await.is_empty(200);
    let mails = site.hulft.mails();
    assert_eq!((mails.len(), mails[0].kind), (1, MailKind::DClientUsage));
    assert_eq!(mails[0].address, "user@example.com");
    site.hulft.reject_mails_to("user@example.com");
    send().await.rejected(400, "EMULATOR_MAIL_REJECTED");
    let unknown = format!("/dclient/user-guide/mail-request/{ID}");
    // 404 is not listed for POST (section 2.7).
    site.send(request(Method::POST, &unknown, "")).await.rejected(400, "EMULATOR_NOT_FOUND");
    assert_eq!(site.hulft.mails().len(), 1);
}
