//! Agents, their disconnection, and the effect on their transfers.

use super::*;

const ENDPOINT: &str = "california-service1.webconnect.hulft.com";

fn agent(id: &str, direction: Direction, version: &str) -> Agent {
    Agent {
        agent_id: id.to_owned(),
        direction,
        connection_ids: vec!["id1".to_owned(), "id22".to_owned()],
        endpoint: ENDPOINT.to_owned(),
        agent_version: version.to_owned(),
    }
}

async fn agent_ids(site: &Site, path: &str) -> Vec<String> {
    site.get(path).await.column("status", "agentId")
}

async fn disconnect(site: &Site, session_id: &str) -> Received {
    site.post("/agent/disconnection", json!({"sessionId": session_id, "endpoint": ENDPOINT})).await
}

#[tokio::test]
async fn an_agents_status_is_written_as_in_the_vendors_example() {
    let site = Site::new();
    let session = site.hulft.connect_agent(agent("agent1", Direction::Receive, "2.0.0"));
    let response = site.get("/agent/status").await;
    let start = response.json()["status"][0]["startConnection"].as_str().unwrap().to_owned();
    let connected_at = site.hulft.agents()[0].connected_at;
    assert_eq!(start, zones::Zone::named("UTC").unwrap().date_time(connected_at));
    let expected = format!(
        concat!(
            r#"{{"totalSize":1,"fetchSize":1,"startIndex":0,"maxResults":30,"status":[{{"agentId":"agent1","#,
            r#""direction":"receive","connectionId":["id1","id22"],"#,
            r#""endpoint":"california-service1.webconnect.hulft.com","startConnection":"{start}","#,
            r#""sessionId":"{session}","agentVersion":"2.0.0","willBeClosed":false,"#,
            r#""supportingDisconnectApi":true}}]}}"#
        ),
        start = start,
        session = session
    );
    assert_eq!(response.text(), expected);
}

#[tokio::test]
async fn a_connection_time_is_written_in_the_zone_that_is_asked_for() {
    let site = Site::new();
    site.hulft.connect_agent(agent("agent1", Direction::Receive, "2.0.0"));
    let body = site.get("/agent/status?timezone=Asia/Tokyo").await.json();
    let tokyo = zones::Zone::named("Asia/Tokyo").unwrap();
    assert_eq!(body["status"][0]["startConnection"], tokyo.date_time(site.hulft.agents()[0].connected_at));
}

#[tokio::test]
async fn agents_are_listed_by_direction() {
    let site = Site::new();
    site.hulft.connect_agent(agent("a", Direction::Send, "2.0.0"));
    site.hulft.connect_agent(agent("b", Direction::Receive, "2.0.0"));
    assert_eq!(agent_ids(&site, "/agent/status").await, ["a", "b"]);
    assert_eq!(agent_ids(&site, "/agent/status/send").await, ["a"]);
    assert_eq!(agent_ids(&site, "/agent/status/receive").await, ["b"]);
    site.get("/agent/status/both").await.rejected(400, "EMULATOR_INVALID_PARAMETER");
}

#[tokio::test]
async fn a_disconnection_ends_the_session_and_its_transfers_abnormally() {
    let site = Site::new();
    let session = site.hulft.connect_agent(agent("a", Direction::Send, "2.0.0"));
    let other = site.hulft.connect_agent(agent("b", Direction::Send, "2.0.0"));
    let cut = site.hulft.start_transfer(&session).unwrap();
    site.hulft.start_transfer(&other).unwrap();
    site.get("/relay/log").await.is_empty(204);
    site.clock.advance(Duration::from_secs(5));
    disconnect(&site, &session).await.is_empty(200);
    assert_eq!(agent_ids(&site, "/agent/status").await, ["b"]);
    let states: Vec<_> = site.hulft.transfers().iter().map(|transfer| transfer.state).collect();
    assert_eq!(states, [TransferState::EndedAbnormally, TransferState::Running]);
    let logs = site.get("/relay/log").await.body(200);
    assert_eq!(logs["totalSize"], 1, "the other one is still running");
    let line = &logs["logs"][0];
    assert_eq!(
        [&line["status"], &line["processingId"], &line["senderAgentId"], &line["dataSize"]],
        ["2", cut.as_str(), "a", "0"]
    );
    assert_eq!(site.hulft.start_transfer(&session), None);
    assert!(!site.hulft.finish_transfer(&cut), "it has ended");
    disconnect(&site, &session).await.rejected(400, "EMULATOR_UNKNOWN_SESSION");
}

#[tokio::test]
async fn a_transfer_that_ends_is_in_the_relay_log() {
    let site = Site::new();
    let session = site.hulft.connect_agent(agent("a", Direction::Receive, "2.0.0"));
    let transfer = site.hulft.start_transfer(&session).unwrap();
    site.clock.advance(Duration::from_secs(4));
    assert!(site.hulft.finish_transfer(&transfer));
    assert!(!site.hulft.finish_transfer(&transfer));
    assert!(!site.hulft.finish_transfer("unknown"));
    assert_eq!(site.hulft.transfers()[0].state, TransferState::EndedNormally);
    let line = site.get(&format!("/relay/log/{transfer}")).await.body(200)["logs"][0].clone();
    for (member, value) in [
        ("status", "1"),
        ("receiverAgentId", "a"),
        ("receiverConnectionId", "id1"),
        ("receiverClientType", "hulft"),
        ("senderConnectionId", "id1"),
        ("senderClientType", "data_transfer_api"),
        ("dataSize", "1048576"),
    ] {
        assert_eq!(line[member], value, "{member}");
    }
    disconnect(&site, &session).await.is_empty(200);
    assert_eq!(site.hulft.transfers()[0].state, TransferState::EndedNormally, "what has ended stays so");
}

#[tokio::test]
async fn an_agent_that_disconnects_interrupts_its_transfers() {
    let site = Site::new();
    let session = site.hulft.connect_agent(agent("a", Direction::Send, "1.0.0"));
    site.hulft.start_transfer(&session).unwrap();
    assert!(site.hulft.disconnect_agent(&session));
    assert!(!site.hulft.disconnect_agent(&session));
    assert_eq!(site.hulft.transfers()[0].state, TransferState::EndedAbnormally);
    site.get("/agent/status").await.is_empty(204);
}

#[tokio::test]
async fn a_disconnection_that_does_not_name_a_disconnectable_agent_is_rejected() {
    let site = Site::new();
    let session = site.hulft.connect_agent(agent("a", Direction::Send, "2.0.0"));
    let old = site.hulft.connect_agent(agent("old", Direction::Send, "1.1.9"));
    site.hulft.connect_agent(agent("oldest that can", Direction::Send, "1.2.0"));
    for (body, code) in [
        (json!({"sessionId": session, "endpoint": "elsewhere"}), "EMULATOR_UNKNOWN_SESSION"),
        (json!({"sessionId": "unknown", "endpoint": ENDPOINT}), "EMULATOR_UNKNOWN_SESSION"),
        (json!({"sessionId": old, "endpoint": ENDPOINT}), "EMULATOR_AGENT_TOO_OLD"),
        (json!({"sessionId": session}), "EMULATOR_INVALID_BODY"),
        (json!({"endpoint": ENDPOINT}), "EMULATOR_INVALID_BODY"),
        (json!({"sessionId": "", "endpoint": ENDPOINT}), "EMULATOR_INVALID_BODY"),
        (json!({"sessionId": 1, "endpoint": ENDPOINT}), "EMULATOR_INVALID_BODY"),
        (json!({"sessionId": session, "endpoint": ENDPOINT, "force": true}), "EMULATOR_INVALID_BODY"),
    ] {
        site.post("/agent/disconnection", body).await.rejected(400, code);
    }
    assert_eq!(site.hulft.agents().len(), 3);
    let rows = site.get("/agent/status").await.json();
    let supporting: Vec<_> =
        (0..3).map(|row| rows["status"][row]["supportingDisconnectApi"].clone()).collect();
    assert_eq!(supporting, [true, false, true]);
}
