//! Previous secondary accounts.

use super::*;

const ACCOUNTS: &str = "/secondary-account/definition";

pub(super) fn account(id: &str) -> SecondaryAccount {
    SecondaryAccount {
        id: id.to_owned(),
        mail_address: "user@example.com".to_owned(),
        password_is_managed_by_contractor: true,
        password_expires_after_days: 30,
        send_file_ids: Vec::new(),
        send_request_ids: Vec::new(),
        ip_filter_group_name: None,
        memo: String::new(),
        is_mail_available: true,
        status_code: 0,
    }
}

#[tokio::test]
async fn an_account_is_read_and_deleted() {
    let site = Site::with_connections(&["id1", "id2"]).await;
    let mut foo = browser_transfer::setting("browserToHulft", "foo", "id1", "id2");
    foo["description"] = json!("bar");
    site.post(browser_transfer::path("browserToHulft"), foo).await.body(201);
    let send_file_ids = vec!["foo".to_owned()];
    let ip_filter_group_name = Some("group1".to_owned());
    site.hulft.add_secondary_account(SecondaryAccount {
        send_file_ids,
        ip_filter_group_name,
        ..account("s1")
    });
    let expected = concat!(
        r#"{"secondaryAccountId":"s1","secondaryAccount":"user@example.com","#,
        r#""passwordPolicy":{"passwordManagement":1,"passwordExpireOn":30},"#,
        r#""browserToHulftDefinitions":[{"id":"foo","description":"bar"}],"hulftToBrowserDefinitions":[],"#,
        r#""ipFilterGroupName":"group1","memo":"","isAvailableMail":true,"statusCode":0}"#
    );
    let path = format!("{ACCOUNTS}/s1");
    assert_eq!(site.get(&path).await.text(), expected);
    let list = format!(
        r#"{{"totalSize":1,"fetchSize":1,"startIndex":0,"maxResults":30,"existUnavailableMail":false,"secondaryAccounts":[{expected}]}}"#
    );
    assert_eq!(site.get(ACCOUNTS).await.text(), list);
    site.delete(&path).await.is_empty(200);
    site.get(&path).await.is_empty(204);
    site.delete(&path).await.rejected(404, "EMULATOR_NOT_FOUND");
}

#[tokio::test]
async fn the_list_reports_whether_some_address_gets_no_mail() {
    let site = Site::new();
    site.hulft.add_secondary_account(account("s1"));
    let stopped = SecondaryAccount {
        is_mail_available: false,
        password_is_managed_by_contractor: false,
        ..account("s2")
    };
    site.hulft.add_secondary_account(stopped);
    let list = site.get(&format!("{ACCOUNTS}?maxResults=1")).await.body(200);
    assert_eq!((&list["existUnavailableMail"], &list["fetchSize"]), (&json!(true), &json!(1)), "on any page");
    let stopped = site.get(&format!("{ACCOUNTS}/s2")).await.body(200);
    assert_eq!(
        (&stopped["isAvailableMail"], &stopped["passwordPolicy"]["passwordManagement"]),
        (&json!(false), &json!(0))
    );
    site.hulft.add_secondary_account(SecondaryAccount { memo: "again".to_owned(), ..account("s2") });
    let list = site.get(ACCOUNTS).await.body(200);
    assert_eq!((&list["totalSize"], &list["existUnavailableMail"]), (&json!(2), &json!(false)));
}
