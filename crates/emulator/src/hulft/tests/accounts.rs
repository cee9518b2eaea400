//! Accounts and the mails with which their passwords are set.

use super::*;

const ACCOUNTS: &str = "/accounts/definition";

async fn register(site: &Site, mail_address: &str) -> String {
    let body = site.post(ACCOUNTS, json!({"mailAddress": mail_address})).await.body(201);
    body["id"].as_str().unwrap().to_owned()
}

async fn add_group(site: &Site) {
    let body = json!({"ipFilterGroupName": "group1", "allowlist": ["192.0.2.1"]});
    site.post("/ip-filter/group", body).await.body(201);
}

async fn ask(site: &Site, id: &str) -> Received {
    site.post("/accounts/password/set-request", json!({"accountId": id})).await
}

#[tokio::test]
async fn an_account_is_registered_read_changed_and_deleted() {
    let site = Site::new();
    add_group(&site).await;
    let body = json!({"mailAddress": "user@example.com", "passwordValidityPeriod": 30, "ipFilterGroupName": "group1", "memo": "note"});
    let response = site.post(ACCOUNTS, body).await;
    let account = response.body(201);
    let id = account["id"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    assert_eq!(
        response.text(),
        format!(
            r#"{{"id":"{id}","mailAddress":"user@example.com","statusCode":0,"isVerifiedMailAddress":false,"passwordValidityPeriod":30,"ipFilterGroupName":"group1","memo":"note"}}"#
        )
    );
    let location = format!("http://site.example/api/v2/accounts/definition/{id}");
    assert_eq!(response.location(), Some(location.as_str()));
    let path = format!("{ACCOUNTS}/{id}");
    assert_eq!(site.get(&path).await.body(200), account);
    let list = site.get(ACCOUNTS).await.body(200);
    assert_eq!((&list["limit"], &list["accounts"]), (&json!(10_000), &json!([account])));

    assert_eq!(site.put(&path, json!({})).await.body(200), account, "omitted members are kept");
    let changed =
        site.put(&path, json!({"memo": "", "passwordValidityPeriod": 0, "ipFilterGroupName": ""})).await;
    let expected = with(
        with(with(account, "memo", json!("")), "passwordValidityPeriod", json!(0)),
        "ipFilterGroupName",
        json!(null),
    );
    assert_eq!(changed.body(200), expected);
    assert_eq!(site.get(&path).await.body(200), expected);

    site.delete(&path).await.is_empty(200);
    site.get(&path).await.is_empty(204);
    site.delete(&path).await.rejected(404, "EMULATOR_NOT_FOUND");
}

#[tokio::test]
async fn the_defaults_are_those_of_the_description() {
    let site = Site::new();
    let account =
        site.post(ACCOUNTS, json!({"mailAddress": "a@b.c", "ipFilterGroupName": null})).await.body(201);
    assert_eq!(
        [&account["passwordValidityPeriod"], &account["ipFilterGroupName"], &account["memo"]],
        [&json!(0), &json!(null), &json!("")]
    );
}

#[tokio::test]
async fn every_field_must_follow_its_rule() {
    let site = Site::new();
    add_group(&site).await;
    let id = register(&site, "user@example.com").await;
    let path = format!("{ACCOUNTS}/{id}");
    let (at, above) = ("é".repeat(256), "é".repeat(257));
    for (member, value) in [
        ("mailAddress", json!(null)),
        ("mailAddress", json!("user")),
        ("mailAddress", json!(format!("{}@example.com", "m".repeat(245)))),
        ("passwordValidityPeriod", json!("30")),
        ("passwordValidityPeriod", json!(null)),
        ("passwordValidityPeriod", json!(1)),
        ("passwordValidityPeriod", json!(29)),
        ("passwordValidityPeriod", json!(366)),
        ("passwordValidityPeriod", json!(-1)),
        ("passwordValidityPeriod", json!(30.5)),
        ("ipFilterGroupName", json!("a_b")),
        ("ipFilterGroupName", json!("n".repeat(33))),
        ("ipFilterGroupName", json!(1)),
        ("memo", json!(null)),
        ("memo", json!(above)),
        ("id", json!(ID)),
    ] {
        let body = with(json!({"mailAddress": "new@example.com"}), member, value.clone());
        site.post(ACCOUNTS, body).await.rejects(member);
        site.put(&path, json!({member: value})).await.rejects(member);
    }
    for (member, value) in [
        ("mailAddress", json!(format!("{}@example.com", "m".repeat(244)))),
        ("passwordValidityPeriod", json!(0)),
        ("passwordValidityPeriod", json!(30)),
        ("passwordValidityPeriod", json!(365)),
        ("ipFilterGroupName", json!("group1")),
        ("memo", json!(at)),
    ] {
        assert_eq!(site.put(&path, json!({member: value})).await.body(200)[member], value);
    }
    site.post(ACCOUNTS, json!({})).await.rejects("mailAddress");
    // Null and an empty string mean different things in POST and PUT (section 7).
    site.post(ACCOUNTS, json!({"mailAddress": "x@example.com", "ipFilterGroupName": ""}))
        .await
        .rejects("ipFilterGroupName");
    site.put(&path, json!({"ipFilterGroupName": null})).await.rejects("ipFilterGroupName");
    let unknown = json!({"mailAddress": "x@example.com", "ipFilterGroupName": "nothing"});
    site.post(ACCOUNTS, unknown.clone()).await.rejected(400, "EMULATOR_UNKNOWN_REFERENCE");
    site.put(&path, unknown).await.rejected(400, "EMULATOR_UNKNOWN_REFERENCE");
    assert_eq!(site.get(ACCOUNTS).await.body(200)["totalSize"], 1, "a rejected account is not registered");
}

#[tokio::test]
async fn a_mail_address_is_registered_once() {
    let site = Site::new();
    register(&site, "user@example.com").await;
    let other = register(&site, "other@example.com").await;
    let path = format!("{ACCOUNTS}/{other}");
    for address in ["user@example.com", "User@Example.com"] {
        let body = json!({"mailAddress": address});
        let rejection = site.post(ACCOUNTS, body.clone()).await.rejected(400, "E300003");
        assert_eq!(rejection, json!({"code": "E300003", "message": "The data is already registered."}));
        site.put(&path, body).await.rejected(400, "E300003");
    }
    assert_eq!(site.put(&path, json!({"mailAddress": "other@example.com"})).await.status(), 200);
}

#[tokio::test]
async fn no_account_is_registered_beyond_the_limit_that_the_list_reports() {
    let site = Site::new();
    register(&site, "first@example.com").await;
    assert_eq!(site.get(ACCOUNTS).await.body(200)["limit"], 10_000);
    site.hulft.state().accounts.set_limit(2);
    register(&site, "last@example.com").await;
    let body = json!({"mailAddress": "more@example.com"});
    site.post(ACCOUNTS, body).await.rejected(400, "EMULATOR_LIMIT_REACHED");
    assert_eq!(site.get(ACCOUNTS).await.body(200)["limit"], 2);
}

#[tokio::test]
async fn an_account_that_is_linked_is_not_deleted() {
    let site = Site::with_connections(&["id1"]).await;
    let id = register(&site, "user@example.com").await;
    let path = format!("{ACCOUNTS}/{id}");
    let group = site.post("/browser-transfer-groups", json!({"name": "g", "accountId": id})).await.body(201);
    site.delete(&path).await.rejected(400, "EMULATOR_IN_USE");
    let group = format!("/browser-transfer-groups/{}", group["id"].as_str().unwrap());
    site.put(&group, json!({"accountId": ""})).await.body(200);
    let dclient = json!({"dclientId": "d", "connectionId": "id1", "accountId": id});
    let dclient = site.post("/dclient/definition", dclient).await.body(201);
    site.delete(&path).await.rejected(400, "EMULATOR_IN_USE");
    site.delete(&format!("/dclient/definition/{}", dclient["id"].as_str().unwrap())).await.is_empty(200);
    site.delete(&path).await.is_empty(200);
}

#[tokio::test]
async fn a_password_mail_goes_out_once_in_ten_minutes_until_the_password_is_set() {
    let site = Site::new();
    let id = register(&site, "user@example.com").await;
    assert!(!site.hulft.set_account_password(&id), "no mail was sent");
    ask(&site, &id).await.is_empty(200);
    let mails = site.hulft.mails();
    assert_eq!((mails[0].kind, mails[0].address.as_str()), (MailKind::PasswordSetUp, "user@example.com"));
    assert!(mails[0].sent_at <= site.clock.now());
    site.clock.advance(Duration::from_secs(590));
    ask(&site, &id).await.rejected(400, "EMULATOR_MAIL_REJECTED");
    site.clock.advance(Duration::from_secs(10));
    ask(&site, &id).await.is_empty(200);
    ask(&site, &id).await.rejected(400, "EMULATOR_MAIL_REJECTED");
    assert_eq!(site.hulft.mails().len(), 2);

    assert!(site.hulft.set_account_password(&id));
    let account = site.get(&format!("{ACCOUNTS}/{id}")).await.body(200);
    assert_eq!((&account["statusCode"], &account["isVerifiedMailAddress"]), (&json!(1), &json!(true)));
    site.clock.advance(Duration::from_secs(600));
    ask(&site, &id).await.rejected(400, "EMULATOR_MAIL_REJECTED");
    assert!(!site.hulft.set_account_password("unknown"));
}

#[tokio::test]
async fn a_new_mail_address_resets_the_password() {
    let site = Site::new();
    let id = register(&site, "user@example.com").await;
    let path = format!("{ACCOUNTS}/{id}");
    ask(&site, &id).await.is_empty(200);
    assert!(site.hulft.set_account_password(&id));
    let same = site.put(&path, json!({"mailAddress": "user@example.com"})).await.body(200);
    assert_eq!(same["statusCode"], 1);
    let moved = site.put(&path, json!({"mailAddress": "new@example.com"})).await.body(200);
    assert_eq!((&moved["statusCode"], &moved["isVerifiedMailAddress"]), (&json!(3), &json!(false)));
    ask(&site, &id).await.is_empty(200);
    assert_eq!(site.hulft.mails()[1].address, "new@example.com");
    let moved = site.put(&path, json!({"mailAddress": "newer@example.com"})).await.body(200);
    assert_eq!(moved["statusCode"], 3);
    assert!(!site.hulft.set_account_password(&id), "the mail went to another address");
    // Another address has its own interval.
    ask(&site, &id).await.is_empty(200);
}

#[tokio::test]
async fn a_password_mail_to_an_unknown_account_or_a_rejected_address_is_an_error() {
    let site = Site::new();
    let id = register(&site, "user@example.com").await;
    ask(&site, ID).await.rejected(400, "EMULATOR_UNKNOWN_REFERENCE");
    ask(&site, "short").await.rejects("accountId");
    site.post("/accounts/password/set-request", json!({})).await.rejects("accountId");
    site.post("/accounts/password/set-request", json!({"accountId": id, "x": 1})).await.rejects("x");
    site.hulft.reject_mails_to("user@example.com");
    ask(&site, &id).await.rejected(400, "EMULATOR_MAIL_REJECTED");
    assert!(site.hulft.mails().is_empty());
}
