//! What registering, changing and deleting settings does, over real sockets: each resource once around, the references
//! between them, and what no GET shows.

use std::time::Duration;

use hulft_webconnect::{
    AccountStatus, BrowserSide, ClientType, ConnectionStatus, Direction, HulftSide, IpFilterGroupUsers,
    SiteClient,
};
use service_emulator::hulft::MailKind;

use super::start;

/// The connection IDs `hq` and `partner`, which most settings need.
async fn connect(site: &SiteClient) {
    site.connections().register("hq", "password-of-hq", [ClientType::Hulft]).await.unwrap();
    let types = [ClientType::Browser, ClientType::DClient];
    site.connections().register("partner", "password-of-partner", types).await.unwrap();
}

#[tokio::test]
async fn an_account_is_registered_read_changed_and_deleted() {
    let (_emulator, site) = start().await;
    site.ip_filter_groups().register("office", ["192.0.2.0/24"]).await.unwrap();
    let accounts = site.accounts();
    let response =
        accounts.register("a@example.com").ip_filter_group("office").memo("first").with_response().await;
    let response = response.unwrap();
    assert_eq!(response.status().as_u16(), 201);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let account = response.body.unwrap();
    assert!(location.ends_with(&format!("/accounts/definition/{}", account.id)), "{location}");
    assert_eq!((&account.status, account.password_validity_days), (&AccountStatus::New, 0));
    assert_eq!(account.ip_filter_group_name.as_deref(), Some("office"));
    assert_eq!(accounts.get(&account.id).await.unwrap().as_ref(), Some(&account));

    let changed = accounts
        .update(&account.id)
        .clear_ip_filter_group()
        .password_validity_days(90)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((changed.ip_filter_group_name.clone(), changed.password_validity_days), (None, 90));
    assert_eq!((&changed.memo, &changed.mail_address), (&account.memo, &account.mail_address), "kept");
    let page = accounts.list().page().await.unwrap();
    assert_eq!((page.limit, page.rows), (Some(10_000), vec![changed]));

    accounts.delete(&account.id).await.unwrap();
    assert_eq!(accounts.get(&account.id).await.unwrap(), None);
    assert_eq!(accounts.list().all().await.unwrap(), []);
}

#[tokio::test]
async fn the_mail_for_a_password_is_sent_once_in_ten_minutes_and_not_to_addresses_that_reject_it() {
    let (emulator, site) = start().await;
    let account = site.accounts().register("a@example.com").await.unwrap().unwrap();
    site.accounts().request_password_mail(&account.id).await.unwrap();
    let mails = emulator.hulft().mails();
    assert_eq!((mails.len(), mails[0].kind), (1, MailKind::PasswordSetUp));
    let error = site.accounts().request_password_mail(&account.id).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (400, 1), "{error}");
    emulator.clock().advance(Duration::from_secs(600));
    site.accounts().request_password_mail(&account.id).await.unwrap();
    assert_eq!(emulator.hulft().mails().len(), 2);
    let other = site.accounts().register("rejecting@example.com").await.unwrap().unwrap();
    emulator.hulft().reject_mails_to("rejecting@example.com");
    assert!(site.accounts().request_password_mail(&other.id).await.is_err());
    assert_eq!(emulator.hulft().mails().len(), 2);
}

#[tokio::test]
async fn a_connection_is_registered_read_changed_and_deleted() {
    let (emulator, site) = start().await;
    site.ip_filter_groups().register("office", ["192.0.2.0/24"]).await.unwrap();
    let connections = site.connections();
    let types = [ClientType::Hulft, ClientType::DataTransferApi];
    let registered = connections
        .register("hq", "planted-password", types)
        .ip_filter_group("office")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(registered.client_types, [ClientType::Hulft, ClientType::DataTransferApi]);
    assert_eq!(emulator.hulft().connection_password("hq").as_deref(), Some("planted-password"));
    assert_eq!(connections.get("hq").await.unwrap(), Some(registered));

    let changed = connections.update("hq").memo("m").await.unwrap().unwrap();
    assert_eq!(changed.ip_filter_group_name.as_deref(), Some("office"), "absent is not null");
    assert_eq!(emulator.hulft().connection_password("hq").as_deref(), Some("planted-password"), "kept");
    let changed =
        connections.update("hq").clear_ip_filter_group().password("another-password").await.unwrap().unwrap();
    assert_eq!((changed.ip_filter_group_name.as_deref(), changed.memo.as_str()), (None, "m"));
    assert_eq!(emulator.hulft().connection_password("hq").as_deref(), Some("another-password"));
    assert_eq!(connections.list().page().await.unwrap().limit, Some(10));
    connections.delete("hq").await.unwrap();
    assert_eq!(connections.get("hq").await.unwrap(), None);
}

#[tokio::test]
async fn a_deleted_connection_takes_its_permissions_and_definitions_with_it() {
    let (_emulator, site) = start().await;
    connect(&site).await;
    site.relay_permissions().register("hq", "partner", Direction::Send).await.unwrap();
    let (browser, hulft) = (BrowserSide::new("partner", "agent1"), HulftSide::new("hq", "agent2", "host"));
    site.browser_to_hulft().register("upload", "FILE1", browser, hulft).await.unwrap();
    site.connections().delete("hq").await.unwrap();
    assert_eq!(site.relay_permissions().list().all().await.unwrap(), []);
    assert_eq!(site.browser_to_hulft().list().all().await.unwrap(), []);
}

#[tokio::test]
async fn a_relay_permission_is_registered_read_changed_and_deleted() {
    let (_emulator, site) = start().await;
    connect(&site).await;
    let (permissions, send) = (site.relay_permissions(), Direction::Send);
    let registered = permissions.register("hq", "partner", Direction::Send).memo("m").await.unwrap().unwrap();
    assert!(!registered.enabled);
    permissions.register("partner", "hq", Direction::Receive).enabled(true).await.unwrap();
    assert_eq!(permissions.get("hq", "partner", &send).await.unwrap(), Some(registered));
    assert_eq!(permissions.get("hq", "partner", &Direction::Receive).await.unwrap(), None);
    assert!(permissions.update("hq", "partner", &send).enabled(true).await.unwrap().unwrap().enabled);
    let changed = permissions.get("hq", "partner", &send).await.unwrap().unwrap();
    assert_eq!((changed.enabled, changed.memo.as_str()), (true, "m"));

    assert_eq!(permissions.list().all().await.unwrap().len(), 2);
    assert_eq!(permissions.list_by_connection("hq").all().await.unwrap(), [changed]);
    assert_eq!(permissions.list_by_direction("partner", &Direction::Receive).all().await.unwrap().len(), 1);
    assert_eq!(permissions.list_by_direction("partner", &send).all().await.unwrap(), []);
    permissions.delete("hq", "partner", &send).await.unwrap();
    assert_eq!(permissions.get("hq", "partner", &send).await.unwrap(), None);
}

#[tokio::test]
async fn both_directions_of_browser_transfer_are_registered_read_changed_and_deleted() {
    let (_emulator, site) = start().await;
    connect(&site).await;
    let sides = || (BrowserSide::new("partner", "agent1"), HulftSide::new("hq", "agent2", "host"));

    let (uploads, (browser, hulft)) = (site.browser_to_hulft(), sides());
    let upload =
        uploads.register("upload", "FILE1", browser, hulft).message(0, "hello").await.unwrap().unwrap();
    assert_eq!((upload.hulft.port, upload.hulft.msg0.as_str()), (30_000, "hello"));
    assert_eq!(upload.browser.host_name, "HWC-BROWSER");
    let changed = uploads.update("upload").port(30_001).browser_agent_id("agent3").await.unwrap().unwrap();
    assert_eq!((changed.hulft.port, changed.hulft.msg0.as_str()), (30_001, "hello"), "the rest is kept");
    assert_eq!(
        (changed.browser.agent_id.as_str(), changed.browser.connection_id.as_str()),
        ("agent3", "partner")
    );
    assert_eq!(uploads.get("upload").await.unwrap(), Some(changed));

    let (downloads, (browser, hulft)) = (site.hulft_to_browser(), sides());
    let download = downloads.register("download", "FILE2", browser, hulft).await.unwrap().unwrap();
    assert_eq!((download.hulft.port, download.browser.use_receive_file_name), (31_000, false));
    let named = downloads.update("download").receive_file_name("report.csv").await.unwrap().unwrap();
    assert_eq!(named.browser.receive_file_name, "report.csv");
    assert!(named.browser.use_receive_file_name);
    assert!(
        !downloads
            .update("download")
            .clear_receive_file_name()
            .await
            .unwrap()
            .unwrap()
            .browser
            .use_receive_file_name
    );
    assert_eq!(downloads.list().all().await.unwrap().len(), 1);

    uploads.delete("upload").await.unwrap();
    downloads.delete("download").await.unwrap();
    assert_eq!(uploads.list().all().await.unwrap(), []);
    assert_eq!(downloads.get("download").await.unwrap(), None);
}

#[tokio::test]
async fn a_browser_transfer_group_is_registered_read_changed_and_deleted() {
    let (_emulator, site) = start().await;
    connect(&site).await;
    let account = site.accounts().register("a@example.com").await.unwrap().unwrap();
    let (browser, hulft) = (BrowserSide::new("partner", "agent1"), HulftSide::new("hq", "agent2", "host"));
    site.browser_to_hulft().register("upload", "FILE1", browser, hulft).description("d").await.unwrap();
    let groups = site.browser_transfer_groups();
    let group = groups.register("staff").account(&account.id).browser_to_hulft(["upload"]).enabled(true);
    let group = group.await.unwrap().unwrap();
    assert_eq!(group.account.as_ref().unwrap().mail_address, "a@example.com");
    assert_eq!(group.browser_to_hulft_definitions[0].id, "upload");
    let error = site.accounts().delete(&account.id).await.unwrap_err();
    assert!(error.status().is_some_and(|status| status.is_client_error()), "linked: {error}");
    assert_eq!(groups.get(&group.id).await.unwrap(), Some(group.clone()));

    let changed = groups.update(&group.id).clear_account().name("crew").await.unwrap().unwrap();
    assert_eq!((changed.account, changed.enabled, changed.name.as_str()), (None, true, "crew"));
    assert_eq!(changed.browser_to_hulft_definitions.len(), 1, "kept");
    let emptied = groups.update(&group.id).browser_to_hulft(Vec::<String>::new()).await.unwrap().unwrap();
    assert_eq!(emptied.browser_to_hulft_definitions, []);
    site.accounts().delete(&account.id).await.unwrap();
    assert_eq!(groups.list().page().await.unwrap().limit, Some(10_000));
    groups.delete(&group.id).await.unwrap();
    assert_eq!(groups.get(&group.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_dclient_is_registered_read_changed_mailed_to_and_deleted() {
    let (emulator, site) = start().await;
    connect(&site).await;
    let account = site.accounts().register("a@example.com").await.unwrap().unwrap();
    let dclients = site.dclients();
    let dclient = dclients.register("desk", "partner").account(&account.id).await.unwrap().unwrap();
    assert_eq!((dclient.usable, &dclient.connection_status), (false, &ConnectionStatus::Offline));
    dclients.request_mail(&dclient.id).await.unwrap();
    let mails = emulator.hulft().mails();
    assert_eq!((mails.len(), mails[0].address.as_str()), (1, "a@example.com"));
    let changed = dclients.update(&dclient.id).usable(true).memo("m").await.unwrap().unwrap();
    assert!(changed.usable && changed.account.is_some());
    assert!(emulator.hulft().connect_dclient("desk", "1.2.3"));
    let online = dclients.get(&dclient.id).await.unwrap().unwrap();
    assert_eq!(
        (online.connection_status, online.client_version.as_str()),
        (ConnectionStatus::Online, "1.2.3")
    );
    assert_eq!(dclients.update(&dclient.id).clear_account().await.unwrap().unwrap().account, None);
    assert_eq!(dclients.list().all().await.unwrap().len(), 1);
    dclients.delete(&dclient.id).await.unwrap();
    assert_eq!(dclients.get(&dclient.id).await.unwrap(), None);
}

#[tokio::test]
async fn an_ip_filter_group_is_registered_read_changed_and_deleted_once_it_is_unused() {
    let (_emulator, site) = start().await;
    let groups = site.ip_filter_groups();
    let group =
        groups.register("office", ["192.0.2.1", "192.0.2.0/24"]).description("d").await.unwrap().unwrap();
    assert_eq!(groups.get("office").await.unwrap(), Some(group));
    let changed = groups.update("office").allowed(["198.51.100.7"]).await.unwrap().unwrap();
    assert_eq!((changed.description.as_str(), &changed.allowed[..]), ("d", &["198.51.100.7".to_owned()][..]));
    let connection = site.connections().register("hq", "password-of-hq", [ClientType::Hulft]);
    connection.ip_filter_group("office").await.unwrap();
    let error = groups.delete("office").await.unwrap_err();
    assert_eq!(IpFilterGroupUsers::from_error(&error).unwrap().connection_ids, ["hq"]);
    site.connections().update("hq").clear_ip_filter_group().await.unwrap();
    groups.delete("office").await.unwrap();
    assert_eq!(groups.list().all().await.unwrap(), []);
}
