//! Each operation of the list in `tests/data/hulft-operations.json`, which is written from the vendor's documentation: what
//! the client sends is compared with the list's example, and the example response must survive being read and written.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use http::Response;
use hulft_webconnect::{
    BrowserSide, ClientType, Date, Direction, HulftSide, Pager, Result, Row, SiteClient, TimeZone,
};
use serde_json::Value;
use service_core::testing::{ManualClock, ScriptedTransport};

const LIST: &str = include_str!("../../../data/hulft-operations.json");
const UUID: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";
const SESSION: &str = "dfBqpCYBFcQZNRx9z6q_A6rQ0Yv7y3yZ3IJJf2aJ";
const TRANSFER: &str = "CCC3D6B33DF4F42EA4734BD88519525A32";

type Sent = Pin<Box<dyn Future<Output = Result<Value>>>>;

/// A call as the value that its response becomes, written as JSON again.
macro_rules! call {
    ($request:expr) => {{
        let request = $request;
        let sent: Sent = Box::pin(async move { Ok(serde_json::to_value(request.await?).unwrap()) });
        sent
    }};
}

/// One page of a list, with all that every list takes.
fn page<T: Row>(list: Pager<T>) -> Sent {
    let list = list.start_index(20).page_size(10).time_zone(TimeZone::new("Asia/Tokyo").unwrap());
    let list = list.from(Date::new(2016, 6, 1).unwrap()).to(Date::new(2016, 6, 30).unwrap());
    Box::pin(async move { Ok(serde_json::to_value(list.page().await?).unwrap()) })
}

/// The calls whose examples the list has, by their numbers there.
#[expect(deprecated, reason = "deprecated operations are operations")]
fn calls(site: &SiteClient, number: u64) -> Sent {
    match number {
        1 => page(site.access_denials().list()),
        2..=7 => accounts(site, number),
        8 => page(site.agents().list()),
        9 => page(site.agents().list_by_direction(&Direction::Receive)),
        10 => call!(site.agents().disconnect(SESSION, "california-service1.webconnect.hulft.com")),
        11..=15 => groups(site, number),
        16..=20 => browser_to_hulft(site, number),
        21..=25 => hulft_to_browser(site, number),
        26..=30 => connections(site, number),
        31..=36 => dclients(site, number),
        37..=41 => ip_filter_groups(site, number),
        42..=48 => relay_permissions(site, number),
        49..=51 => relay_logs(site, number),
        52 => call!(site.service_status()),
        53 => page(site.secondary_accounts().list()),
        54 => call!(site.secondary_accounts().get("sub1")),
        55 => call!(site.secondary_accounts().delete("sub1")),
        _ => panic!("no operation {number}"),
    }
}

fn accounts(site: &SiteClient, number: u64) -> Sent {
    let accounts = site.accounts();
    match number {
        2 => page(accounts.list()),
        3 => call!(accounts.get(UUID)),
        4 => {
            let account = accounts.register("user@example.com").password_validity_days(30);
            call!(account.ip_filter_group("group1").memo("note"))
        }
        5 => call!(accounts.request_password_mail(UUID)),
        6 => {
            let account = accounts.update(UUID).mail_address("other@example.com").memo("changed");
            call!(account.password_validity_days(365).clear_ip_filter_group())
        }
        _ => call!(accounts.delete(UUID)),
    }
}

fn groups(site: &SiteClient, number: u64) -> Sent {
    let groups = site.browser_transfer_groups();
    match number {
        11 => page(groups.list()),
        12 => call!(groups.get(UUID)),
        13 => {
            let group = groups.register("group-a").account(OTHER).enabled(true).memo("note");
            call!(group.browser_to_hulft(["def1"]).hulft_to_browser(["def2", "def3"]))
        }
        14 => {
            let group = groups.update(UUID).name("group-b").clear_account().enabled(false).memo("");
            call!(group.browser_to_hulft(Vec::<String>::new()).hulft_to_browser(["def2"]))
        }
        _ => call!(groups.delete(UUID)),
    }
}

fn browser_to_hulft(site: &SiteClient, number: u64) -> Sent {
    let definitions = site.browser_to_hulft();
    match number {
        16 => page(definitions.list()),
        17 => call!(definitions.get("browser1")),
        18 => {
            let (browser, hulft) =
                (BrowserSide::new("id1", "agent1"), HulftSide::new("id2", "agent2", "host"));
            let mut definition = definitions.register("browser1", "FILEID1", browser, hulft);
            for number in 0..6 {
                definition = definition.message(number, format!("msg{number} text"));
            }
            let definition = definition.long_message(0, "msgl0 text").long_message(1, "msgl1 text");
            call!(definition.description("d").memo("m").port(30_001))
        }
        19 => {
            let definition = definitions.update("browser1").description("e").file_id("FILEID2").memo("n");
            let definition = definition.browser_connection_id("id3").browser_agent_id("agent3");
            let definition = definition.hulft_connection_id("id4").hulft_agent_id("agent4");
            let definition = definition.hulft_host_name("host4").port(65_535).message(0, "m0");
            call!(definition.message(5, "m5").long_message(1, "l1"))
        }
        _ => call!(definitions.delete("browser1")),
    }
}

fn hulft_to_browser(site: &SiteClient, number: u64) -> Sent {
    let definitions = site.hulft_to_browser();
    match number {
        21 => page(definitions.list()),
        22 => call!(definitions.get("browser1")),
        23 => {
            let (browser, hulft) =
                (BrowserSide::new("id1", "agent1"), HulftSide::new("id2", "agent2", "host"));
            let mut definition = definitions.register("browser1", "FILEID1", browser, hulft);
            for number in 0..6 {
                definition = definition.message(number, format!("msg{number} text"));
            }
            let definition = definition.long_message(0, "msgl0 text").long_message(1, "msgl1 text");
            call!(definition.description("d").memo("m").port(31_001).receive_file_name("file1"))
        }
        24 => {
            let definition = definitions.update("browser1").description("e").file_id("FILEID2").memo("n");
            let definition = definition.browser_connection_id("id3").browser_agent_id("agent3");
            let definition = definition.hulft_connection_id("id4").hulft_agent_id("agent4");
            let definition = definition.hulft_host_name("host4").port(65_535).message(0, "m0");
            call!(definition.message(5, "m5").long_message(1, "l1").clear_receive_file_name())
        }
        _ => call!(definitions.delete("browser1")),
    }
}

fn connections(site: &SiteClient, number: u64) -> Sent {
    let connections = site.connections();
    match number {
        26 => page(connections.list()),
        27 => call!(connections.get("id1")),
        28 => {
            let types = [ClientType::Hulft, ClientType::DataTransferApi];
            let connection = connections.register("id1", "planted-password", types);
            call!(connection.ip_filter_group("group1").memo("memo1"))
        }
        29 => {
            let connection = connections.update("id1").password("planted-password").memo("");
            let connection = connection.client_types([ClientType::Browser, ClientType::DClient]);
            call!(connection.clear_ip_filter_group())
        }
        _ => call!(connections.delete("id1")),
    }
}

fn dclients(site: &SiteClient, number: u64) -> Sent {
    let dclients = site.dclients();
    match number {
        31 => page(dclients.list()),
        32 => call!(dclients.get(UUID)),
        33 => call!(dclients.register("sample", "id1").account(OTHER).memo("m").usable(true)),
        34 => call!(dclients.request_mail(UUID)),
        35 => call!(dclients.update(UUID).connection_id("id2").account(OTHER).memo("n").usable(false)),
        _ => call!(dclients.delete(UUID)),
    }
}

fn ip_filter_groups(site: &SiteClient, number: u64) -> Sent {
    let groups = site.ip_filter_groups();
    match number {
        37 => page(groups.list()),
        38 => call!(groups.get("group1")),
        39 => call!(groups.register("group1", ["192.0.2.10", "192.0.2.0/24"]).description("d")),
        40 => call!(groups.update("group1").description("e").allowed(["198.51.100.1"])),
        _ => call!(groups.delete("group1")),
    }
}

fn relay_permissions(site: &SiteClient, number: u64) -> Sent {
    let (permissions, send) = (site.relay_permissions(), Direction::Send);
    match number {
        42 => page(permissions.list()),
        43 => page(permissions.list_by_connection("id1")),
        44 => page(permissions.list_by_direction("id1", &send)),
        45 => call!(permissions.get("id1", "id2", &send)),
        46 => call!(permissions.register("id1", "id2", send).enabled(true).memo("memo1")),
        47 => call!(permissions.update("id1", "id2", &send).enabled(false).memo("memo2")),
        _ => call!(permissions.delete("id1", "id2", &send)),
    }
}

fn relay_logs(site: &SiteClient, number: u64) -> Sent {
    let logs = site.relay_logs();
    let list = match number {
        49 => logs.list(),
        50 => logs.list_by_file("FILEID1"),
        _ => return page(logs.list_by_transfer(TRANSFER)),
    };
    let list = list.sender_connection_id("id1").receiver_connection_id("id2");
    page(
        list.sender_secondary_account("sender@example.com")
            .receiver_secondary_account("receiver@example.com"),
    )
}

fn operations() -> Vec<Value> {
    let list: Value = serde_json::from_str(LIST).unwrap();
    list["operations"].as_array().unwrap().clone()
}

fn client() -> (ScriptedTransport, SiteClient) {
    let script = ScriptedTransport::new();
    let clock = ManualClock::jumping(SystemTime::UNIX_EPOCH);
    let builder = SiteClient::builder("planted-key").transport(Arc::new(script.clone()));
    (script, builder.clock(Arc::new(clock)).build().unwrap())
}

fn response(example: &Value) -> Response<Vec<u8>> {
    let body = example.get("body").map(|body| serde_json::to_vec(body).unwrap());
    let status = example["status"].as_u64().unwrap();
    Response::builder().status(u16::try_from(status).unwrap()).body(body.unwrap_or_default()).unwrap()
}

#[tokio::test]
async fn each_operation_sends_what_the_documentation_says_and_reads_its_example() {
    let (script, site) = client();
    let operations = operations();
    assert_eq!(operations.len(), 55);
    for operation in &operations {
        let (number, name) = (operation["number"].as_u64().unwrap(), &operation["name"]);
        script.respond(response(&operation["response"]));
        let value = calls(&site, number).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let sent = script.sent().pop().unwrap();
        let request = &operation["request"];

        assert_eq!(sent.method().as_str(), operation["method"], "{name}");
        let path = format!("/api/v2{}", request["path"].as_str().unwrap());
        assert_eq!(sent.uri().path(), path, "{name}");
        let query = sent.uri().query().unwrap_or_default();
        let query: BTreeMap<_, _> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let query: BTreeMap<_, _> = query
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.replace("%2F", "/").replace("%40", "@")))
            .collect();
        assert_eq!(serde_json::to_value(query).unwrap(), request["query"], "{name}");
        match request.get("body") {
            Some(body) => {
                assert_eq!(serde_json::from_slice::<Value>(sent.body()).unwrap(), *body, "{name}");
                assert_eq!(sent.headers()["content-type"], "application/json", "{name}");
            }
            None => assert!(sent.body().is_empty(), "{name}"),
        }
        assert_eq!(sent.headers()["authorization"], "Bearer planted-key", "{name}");
        assert_eq!(sent.headers()["accept"], "application/json", "{name}");

        let example = operation["response"].get("body").unwrap_or(&Value::Null);
        // The one relay permission comes as a list.
        let example = if number == 45 { &example["permission"][0] } else { example };
        assert_eq!(value, *example, "{name}");
    }
}

#[tokio::test]
async fn the_examples_set_every_documented_field_and_no_other() {
    for operation in operations() {
        let documented = operation.get("body").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut sent = Vec::new();
        for (name, value) in operation["request"]["body"].as_object().into_iter().flatten() {
            sent.push(name.clone());
            let nested = value.as_object().into_iter().flatten();
            sent.extend(nested.map(|(inner, _)| format!("{name}.{inner}")));
        }
        let documented: Vec<_> = documented.iter().map(|field| field["name"].as_str().unwrap()).collect();
        assert!(sent.iter().all(|name| documented.contains(&name.as_str())), "{}", operation["name"]);
        if operation["method"] == "POST" {
            let all = documented.iter().all(|name| sent.iter().any(|sent| sent == name));
            assert!(all, "{}: {documented:?} {sent:?}", operation["name"]);
        }
    }
}

#[tokio::test]
async fn one_transfer_is_the_first_row_of_its_list_with_its_times_in_the_zone_asked_for() {
    let (script, site) = client();
    script.respond(response(&operations()[50]["response"]));
    let zone = TimeZone::new("Asia/Tokyo").unwrap();
    let log = site.relay_logs().get(TRANSFER).time_zone(zone).await.unwrap().unwrap();
    assert_eq!(script.sent()[0].uri().query(), Some("timezone=Asia%2FTokyo"));
    assert_eq!(log.start_time.to_string(), "2016-06-30 12:13:01.226 Asia/Tokyo");
    assert_eq!((log.processing_id.as_str(), log.data_size.as_u64()), (TRANSFER, Some(60)));
}

#[tokio::test]
async fn the_error_for_an_unauthorized_key_names_the_scope_that_each_operation_needs() {
    let (script, site) = client();
    for operation in operations() {
        script.respond(Response::builder().status(403).body("").unwrap());
        let error = calls(&site, operation["number"].as_u64().unwrap()).await.unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        match operation["scope"].as_str() {
            Some(scope) => assert_eq!(source, format!("the API key needs the scope `{scope}`")),
            None => assert!(source.contains("the vendor does not document which scope"), "{source}"),
        }
    }
}

#[tokio::test]
async fn only_posts_are_not_repeated_when_their_outcome_is_not_known() {
    for operation in operations() {
        let (script, site) = client();
        let site_call = calls(&site, operation["number"].as_u64().unwrap());
        for _ in 0..4 {
            script.status(502);
        }
        site_call.await.unwrap_err();
        let attempts = script.sent().len();
        assert_eq!(attempts == 1, operation["method"] == "POST", "{}: {attempts}", operation["name"]);
    }
}
