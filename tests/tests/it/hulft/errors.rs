//! What is rejected, by the service or before a request is sent: documented errors, bounds at their edges, hostile names.

use std::future::IntoFuture;
use std::sync::Arc;

use http::{Method, Response};
use hulft_webconnect::{
    BrowserSide, ClientType, Direction, Error, ErrorKind, HulftSide, IpAddressError, IpFilterGroupUsers,
    Result, RetryOptions, SiteClient,
};
use service_core::testing::ScriptedTransport;
use service_emulator::Emulator;
use service_emulator::hulft::Scope;

use super::unpaced;

const UNKNOWN: &str = "00000000000000000000000000000000";

/// Without limits: these tests send many requests at once.
async fn start() -> (Emulator, SiteClient) {
    let emulator = Emulator::start().await.unwrap();
    emulator.hulft().rate_limit(None);
    let site = unpaced(&emulator, &emulator.hulft().api_key());
    (emulator, site)
}

async fn rejection<T: std::fmt::Debug>(request: impl IntoFuture<Output = Result<T>>) -> Error {
    request.await.unwrap_err()
}

fn upload() -> (BrowserSide, HulftSide) {
    (BrowserSide::new("hq", "agent1"), HulftSide::new("hq", "agent2", "host"))
}

#[tokio::test]
async fn what_is_registered_already_is_rejected_with_the_documented_code() {
    let (_emulator, site) = start().await;
    let types = || [ClientType::Hulft, ClientType::Browser, ClientType::DClient];
    let (definitions, permissions) = (site.browser_to_hulft(), site.relay_permissions());
    let mut rejections = Vec::new();
    for round in 0..2 {
        let ((browser, hulft), (other_browser, other_hulft)) = (upload(), upload());
        let outcomes = [
            site.connections().register("hq", "password", types()).await.map(drop),
            site.accounts().register("a@example.com").await.map(drop),
            site.browser_transfer_groups().register("group").await.map(drop),
            definitions.register("d", "FILE", browser, hulft).await.map(drop),
            site.hulft_to_browser().register("d", "FILE", other_browser, other_hulft).await.map(drop),
            site.dclients().register("desk", "hq").await.map(drop),
            site.ip_filter_groups().register("office", ["192.0.2.1"]).await.map(drop),
            permissions.register("hq", "remote", Direction::Send).await.map(drop),
        ];
        match round {
            0 => assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}"),
            _ => rejections.extend(outcomes.into_iter().map(Result::unwrap_err)),
        }
    }
    for error in rejections {
        assert_eq!((error.code(), error.attempts()), (Some("E300003"), 1), "{error}");
        assert_eq!(error.message(), Some("The data is already registered."));
    }
}

#[tokio::test]
async fn changing_and_deleting_what_there_is_not_is_not_found() {
    let (_emulator, site) = start().await;
    let send = Direction::Send;
    let errors = [
        rejection(site.accounts().update(UNKNOWN).memo("m")).await,
        rejection(site.accounts().delete(UNKNOWN)).await,
        rejection(site.browser_transfer_groups().update(UNKNOWN).memo("m")).await,
        rejection(site.browser_transfer_groups().delete(UNKNOWN)).await,
        rejection(site.browser_to_hulft().update("unknown").memo("m")).await,
        rejection(site.browser_to_hulft().delete("unknown")).await,
        rejection(site.hulft_to_browser().update("unknown").memo("m")).await,
        rejection(site.hulft_to_browser().delete("unknown")).await,
        rejection(site.connections().update("unknown").memo("m")).await,
        rejection(site.connections().delete("unknown")).await,
        rejection(site.dclients().update(UNKNOWN).memo("m")).await,
        rejection(site.dclients().delete(UNKNOWN)).await,
        rejection(site.ip_filter_groups().update("unknown").description("d")).await,
        rejection(site.ip_filter_groups().delete("unknown")).await,
        rejection(site.relay_permissions().update("a", "b", &send).memo("m")).await,
        rejection(site.relay_permissions().delete("a", "b", &send)).await,
    ];
    assert!(errors.iter().all(Error::is_not_found), "{errors:?}");
}

#[tokio::test]
async fn rejected_addresses_are_identified_by_their_index() {
    let (_emulator, site) = start().await;
    let groups = site.ip_filter_groups();
    let error =
        rejection(groups.register("office", ["192.0.2.1", "999.0.2.1", "192.0.2.0/24", "1.2.3"])).await;
    let places: Vec<_> =
        IpAddressError::from_error(&error).into_iter().map(|address| address.index).collect();
    assert_eq!(places, [1, 3], "{error}");
    groups.register("office", ["192.0.2.1"]).await.unwrap();
    let error = rejection(groups.update("office").allowed(["192.0.2.0/33"])).await;
    let rejected = IpAddressError::from_error(&error);
    assert_eq!((rejected.len(), rejected[0].index), (1, 0));
    assert!(!rejected[0].code.is_empty() && !rejected[0].message.is_empty());
    assert_eq!(groups.get("office").await.unwrap().unwrap().allowed, ["192.0.2.1"]);
    let error = rejection(groups.delete("unknown")).await;
    assert!(
        IpAddressError::from_error(&error).is_empty() && IpFilterGroupUsers::from_error(&error).is_none()
    );
}

#[tokio::test]
async fn a_key_without_the_scope_is_told_which_one_it_needs_and_an_unknown_key_is_unauthorized() {
    let (emulator, _site) = start().await;
    emulator.hulft().add_api_key("readerreaderreaderreaderreader12", &[Scope::CONNECTION_SETTINGS_GET]);
    let reader = unpaced(&emulator, "readerreaderreaderreaderreader12");
    assert_eq!(reader.connections().list().all().await.unwrap(), []);
    let error = rejection(reader.connections().register("hq", "password", [ClientType::Hulft])).await;
    assert_eq!(error.status().unwrap().as_u16(), 403);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "the API key needs the scope `Connection Settings: Create`");
    let error = unpaced(&emulator, "planted").connections().list().all().await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 401);
    assert!(!format!("{error:#?}").contains("planted"));
}

#[tokio::test]
async fn each_documented_status_of_each_method_is_one_readable_error() {
    for status in [400, 401, 403, 404, 405, 429, 500] {
        let script = ScriptedTransport::new();
        let site = SiteClient::builder("planted-key").transport(Arc::new(script.clone()));
        let site = site.retry(RetryOptions::none()).build().unwrap();
        let response = || {
            let body = r#"{"code":"E300003","message":"The data is already registered."}"#;
            script.respond(Response::builder().status(status).body(body).unwrap());
        };
        let connections = site.connections();
        response();
        let mut errors = vec![rejection(connections.register("hq", "password", [ClientType::Hulft])).await];
        response();
        errors.push(rejection(connections.update("hq")).await);
        response();
        errors.push(rejection(connections.delete("hq")).await);
        response();
        match connections.get("hq").await {
            Ok(none) => assert_eq!((none, status), (None, 404), "the vendor lists no 404 for GET"),
            Err(error) => errors.push(error),
        }
        let kind = if status == 429 { ErrorKind::Throttled } else { ErrorKind::Service };
        for error in errors {
            assert_eq!((error.kind(), error.status().unwrap().as_u16()), (kind, status));
            assert_eq!(error.code(), Some("E300003"), "{error}");
            assert!(error.to_string().contains("Connection: "), "{error}");
        }
    }
}

#[tokio::test]
async fn the_service_takes_every_bound_at_its_edge() {
    let (emulator, site) = start().await;
    emulator.hulft().connection_id_limit(100);
    let text = |count: usize| "x".repeat(count);
    let mail = format!("{}@example.com", text(244));
    let account =
        site.accounts().register(&mail).memo(text(256)).password_validity_days(30).await.unwrap().unwrap();
    site.accounts().update(&account.id).password_validity_days(365).await.unwrap();
    site.ip_filter_groups().register(text(32), vec!["192.0.2.1"; 1]).description(text(256)).await.unwrap();
    let hundred: Vec<_> = (0..100).map(|last| format!("192.0.2.{last}")).collect();
    site.ip_filter_groups().update(&text(32)).allowed(hundred).await.unwrap();
    site.connections()
        .register(text(16), text(8), [ClientType::Hulft])
        .ip_filter_group(text(32))
        .await
        .unwrap();
    site.connections().register("hq", text(256), [ClientType::Browser]).memo(text(256)).await.unwrap();
    let (browser, hulft) = (BrowserSide::new("hq", text(25)), HulftSide::new(text(16), text(25), "host"));
    let definition = site.browser_to_hulft().register(text(32), "FILE", browser, hulft).port(65_535);
    definition.message(5, text(50)).long_message(1, text(200)).await.unwrap();
    site.browser_to_hulft().update(&text(32)).port(1).await.unwrap();
    let (browser, hulft) = upload();
    for number in 0..29 {
        let (browser, hulft) = (browser.clone(), hulft.clone());
        site.browser_to_hulft().register(format!("d{number}"), "FILE", browser, hulft).await.unwrap();
    }
    let thirty = (0..29).map(|number| format!("d{number}")).chain([text(32)]);
    let group = site.browser_transfer_groups().register(text(32)).browser_to_hulft(thirty);
    assert_eq!(group.memo(text(256)).await.unwrap().unwrap().browser_to_hulft_definitions.len(), 30);
}

#[tokio::test]
async fn what_is_beyond_a_bound_is_rejected_before_anything_is_sent() {
    let script = ScriptedTransport::new();
    let site = SiteClient::builder("planted-key").transport(Arc::new(script.clone())).build().unwrap();
    let text = |count: usize| "x".repeat(count);
    let (accounts, connections, groups) =
        (site.accounts(), site.connections(), site.browser_transfer_groups());
    let (filters, dclients, permissions) =
        (site.ip_filter_groups(), site.dclients(), site.relay_permissions());
    let (uploads, downloads) = (site.browser_to_hulft(), site.hulft_to_browser());
    let hulft = [ClientType::Hulft];
    let ((browser, host), browser_only) = (upload(), [ClientType::Browser]);
    let long_agent = BrowserSide::new("hq", text(26));
    let nameless_host = HulftSide::new("hq", "agent", "");
    let errors = [
        rejection(accounts.register("no address")).await,
        rejection(accounts.register(format!("{}@e.example", text(247)))).await,
        rejection(accounts.register("a@b.c").memo(text(257))).await,
        rejection(accounts.update(UNKNOWN).password_validity_days(29)).await,
        rejection(accounts.update(UNKNOWN).password_validity_days(366)).await,
        rejection(accounts.update(UNKNOWN).ip_filter_group("")).await,
        rejection(accounts.get(&text(31))).await,
        rejection(accounts.delete(&text(33))).await,
        rejection(accounts.request_password_mail("a-b")).await,
        rejection(groups.register("..")).await,
        rejection(groups.register(text(33))).await,
        rejection(groups.update(UNKNOWN).account("short")).await,
        rejection(groups.register("g").browser_to_hulft(vec!["d"; 31])).await,
        rejection(groups.register("g").hulft_to_browser(["a b"])).await,
        rejection(connections.register("", "password", hulft.clone())).await,
        rejection(connections.register(text(17), "password", hulft.clone())).await,
        rejection(connections.register("hq", "planted", hulft.clone())).await,
        rejection(connections.register("hq", text(257), hulft)).await,
        rejection(connections.register("hq", "password", [])).await,
        rejection(connections.register("hq", "password", browser_only.clone()).ip_filter_group("g")).await,
        rejection(connections.update("hq").client_types(browser_only).ip_filter_group("g")).await,
        rejection(connections.update("hq").password("planted")).await,
        rejection(dclients.register("", "hq")).await,
        rejection(dclients.register("desk", " ")).await,
        rejection(dclients.request_mail("desk")).await,
        rejection(filters.register("office", Vec::<String>::new())).await,
        rejection(filters.register("office", vec!["192.0.2.1"; 101])).await,
        rejection(filters.register("office", ["::1"])).await,
        rejection(filters.register("of/fice", ["192.0.2.1"])).await,
        rejection(filters.update("office").description(text(257))).await,
        rejection(permissions.register("", "b", Direction::Send)).await,
        rejection(permissions.register("a", "b", Direction::Other(String::new()))).await,
        rejection(uploads.register(text(33), "FILE", browser.clone(), host.clone())).await,
        rejection(uploads.register("d", "", browser.clone(), host.clone())).await,
        rejection(uploads.register("d", "FILE", long_agent, host.clone())).await,
        rejection(uploads.register("d", "FILE", browser.clone(), nameless_host)).await,
        rejection(uploads.update("d").port(0)).await,
        rejection(uploads.update("d").message(6, "")).await,
        rejection(downloads.update("d").long_message(2, "")).await,
        rejection(downloads.register("d", "FILE", browser, host).receive_file_name("")).await,
    ];
    for error in &errors {
        assert!(error.is_invalid_input(), "{error}");
        assert!(!format!("{error:?}").contains("planted"), "{error:?}");
    }
    assert_eq!(script.sent().len(), 0);
}

#[tokio::test]
async fn hostile_names_reach_nothing_else() {
    let (_emulator, site) = start().await;
    site.connections().register("hq", "password", [ClientType::Hulft]).await.unwrap();
    site.ip_filter_groups().register("office", ["192.0.2.1"]).await.unwrap();
    let (connections, filters) = (site.connections(), site.ip_filter_groups());
    for name in [
        "../hq",
        "./hq",
        "hq/",
        "/hq",
        "hq?x=1",
        "hq#x",
        "%68q",
        "hq%2F..",
        "日本語",
        "h q",
        "hq\r\nx: y",
        "\0",
    ] {
        assert_eq!(connections.get(name).await.unwrap_or(None), None, "{name:?}");
        connections.delete(name).await.unwrap_err();
        assert_eq!(filters.get(name).await.unwrap_or(None), None, "{name:?}");
        filters.delete(&name.replace("hq", "office")).await.unwrap_err();
        site.relay_permissions().delete("hq", name, &Direction::Other(name.into())).await.unwrap_err();
    }
    for name in ["", ".", ".."] {
        assert!(rejection(connections.get(name)).await.is_invalid_input(), "{name:?}");
        assert!(rejection(connections.delete(name)).await.is_invalid_input(), "{name:?}");
        assert!(rejection(filters.update(name)).await.is_invalid_input(), "{name:?}");
    }
    assert!(connections.get("hq").await.unwrap().is_some() && filters.get("office").await.unwrap().is_some());
    let memo = "\"}, {\"enabled\": \"true\"} \\ \u{1} </script> 😀";
    assert_eq!(connections.update("hq").memo(memo).await.unwrap().unwrap().memo, memo);
}

#[tokio::test]
async fn passwords_and_keys_are_nowhere_to_be_seen() {
    let script = ScriptedTransport::new();
    script.status(400);
    let site = SiteClient::builder("planted-key").transport(Arc::new(script.clone())).build().unwrap();
    let register = site.connections().register("hq", "planted-password", [ClientType::Hulft]);
    let update = site.connections().update("hq").password("planted-password");
    assert!(!format!("{site:?} {register:?} {update:?}").contains("planted"));
    let error = rejection(register).await;
    assert!(!format!("{error} {error:#?}").contains("planted"));
    let sent = script.sent().pop().unwrap();
    assert_eq!(sent.method(), Method::POST);
    assert!(String::from_utf8_lossy(sent.body()).contains("\"passwd\":\"planted-password\""));
    assert!(sent.headers()["authorization"].is_sensitive());
}
