//! The Site API of HULFT-WebConnect on a real socket: what is visible only there, and the life of a contract.

use std::time::Duration;

use serde_json::{Value, json};
use service_emulator::Emulator;
use service_emulator::hulft::{Agent, Direction, TransferState};

use crate::common::{Response, http};

async fn call(emulator: &Emulator, method: &str, target: &str, body: &str) -> Response {
    let key = format!("Bearer {}", emulator.hulft().api_key());
    let headers = [("Authorization", key.as_str()), ("Content-Type", "application/json")];
    http(emulator, method, target, &headers, body).await
}

async fn get(emulator: &Emulator, path: &str) -> Value {
    let response = call(emulator, "GET", &format!("/api/v2{path}"), "").await;
    assert_eq!(response.status, 200, "{}", response.body);
    response.json()
}

#[tokio::test]
async fn a_registration_is_found_again_at_its_location() {
    let emulator = Emulator::start().await.unwrap();
    let body =
        json!({"connectionId": "id1", "passwd": "password", "connectableClientType": ["hulft"]}).to_string();
    let response = call(&emulator, "POST", "/api/v2/connections/definition", &body).await;
    assert_eq!(response.status, 201, "{}", response.body);
    let location = response.header("location").unwrap();
    assert_eq!(location, format!("{}/api/v2/connections/definition/id1", emulator.endpoint()));
    let target = location.strip_prefix(&emulator.endpoint()).unwrap();
    assert_eq!(call(&emulator, "GET", target, "").await.json(), response.json());
    assert_eq!(call(&emulator, "DELETE", target, "").await.status, 200);
    let gone = call(&emulator, "GET", target, "").await;
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
}

#[tokio::test]
async fn an_agent_that_is_disconnected_while_it_transfers_leaves_an_error_in_the_relay_log() {
    let emulator = Emulator::start().await.unwrap();
    let hulft = emulator.hulft();
    let session = hulft.connect_agent(Agent {
        agent_id: "agent1".to_owned(),
        direction: Direction::Send,
        connection_ids: vec!["id1".to_owned()],
        endpoint: "service2.tokyo.webconnect.hulft.com".to_owned(),
        agent_version: "3.1.0".to_owned(),
    });
    let finished = hulft.start_transfer(&session).unwrap();
    assert!(hulft.finish_transfer(&finished));
    emulator.clock().advance(Duration::from_secs(60));
    let cut = hulft.start_transfer(&session).unwrap();

    let agent = get(&emulator, "/agent/status/send").await["status"][0].clone();
    let body = json!({"sessionId": agent["sessionId"], "endpoint": agent["endpoint"]}).to_string();
    let response = call(&emulator, "POST", "/api/v2/agent/disconnection", &body).await;
    assert_eq!((response.status, response.body.as_str()), (200, ""));

    let states: Vec<_> = hulft.transfers().iter().map(|transfer| transfer.state).collect();
    assert_eq!(states, [TransferState::EndedNormally, TransferState::EndedAbnormally]);
    let logs = get(&emulator, "/relay/log").await;
    let line =
        |index: usize| (logs["logs"][index]["processingId"].clone(), logs["logs"][index]["status"].clone());
    assert_eq!(line(0), (json!(cut), json!("2")));
    assert_eq!(line(1), (json!(finished), json!("1")));
}

#[tokio::test]
async fn sample_data_fills_every_list() {
    let emulator = Emulator::start().await.unwrap();
    emulator.hulft().add_sample_data();
    for path in [
        "/access-denial/log",
        "/accounts/definition",
        "/agent/status",
        "/browser-transfer-groups",
        "/browser-transfer/definition/browser-to-hulft",
        "/browser-transfer/definition/hulft-to-browser",
        "/connections/definition",
        "/dclient/definition",
        "/ip-filter/group",
        "/relay/permission",
        "/relay/log?fileId=FILE1",
        "/secondary-account/definition",
        "/service/status",
    ] {
        assert!(get(&emulator, path).await["totalSize"].as_u64().unwrap() > 0, "{path}");
    }
}

#[tokio::test]
async fn a_block_ends_when_the_clock_has_been_moved() {
    let emulator = Emulator::start().await.unwrap();
    emulator.hulft().rate_limit(Some(1));
    get(&emulator, "/service/status").await;
    let blocked = call(&emulator, "GET", "/api/v2/service/status", "").await;
    assert_eq!((blocked.status, blocked.json()["code"].clone()), (429, json!("EMULATOR_RATE_LIMITED")));
    assert!(blocked.header("retry-after").unwrap().ends_with("GMT"));
    emulator.clock().advance(Duration::from_secs(601));
    get(&emulator, "/service/status").await;
}
