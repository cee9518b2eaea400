//! What disconnecting does to agents, over real sockets.

use std::time::Duration;

use hulft_webconnect::{ErrorKind, RetryOptions, SiteClient};
use service_emulator::Emulator;
use service_emulator::hulft::{Agent, Direction, TransferState};

use super::unpaced;

async fn start() -> (Emulator, SiteClient) {
    let emulator = Emulator::start().await.unwrap();
    let site = unpaced(&emulator, &emulator.hulft().api_key());
    (emulator, site)
}

fn agent(id: &str, direction: Direction, version: &str) -> Agent {
    Agent {
        agent_id: id.into(),
        direction,
        connection_ids: vec!["c1".into()],
        endpoint: "service2.tokyo.webconnect.hulft.com".into(),
        agent_version: version.into(),
    }
}

#[tokio::test]
async fn a_disconnected_agent_is_gone_from_the_status_list_and_its_transfer_ends() {
    let (emulator, site) = start().await;
    let session = emulator.hulft().connect_agent(agent("a1", Direction::Send, "2.0.0"));
    emulator.hulft().connect_agent(agent("a2", Direction::Send, "2.0.0"));
    emulator.hulft().start_transfer(&session).unwrap();
    let response = site
        .agents()
        .disconnect(&session, "service2.tokyo.webconnect.hulft.com")
        .with_response()
        .await
        .unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let page = site.agents().list().page().await.unwrap();
    assert_eq!((page.total_size, page.rows[0].agent_id.as_str()), (1, "a2"));
    assert_eq!(emulator.hulft().transfers()[0].state, TransferState::EndedAbnormally);
}

#[tokio::test]
async fn an_agent_taken_from_the_list_is_disconnected() {
    let (emulator, site) = start().await;
    emulator.hulft().connect_agent(agent("out", Direction::Send, "2.0.0"));
    emulator.hulft().connect_agent(agent("in", Direction::Receive, "2.0.0"));
    let page = site.agents().list_by_direction(&hulft_webconnect::Direction::Receive).page().await.unwrap();
    assert_eq!((page.rows.len(), page.rows[0].agent_id.as_str()), (1, "in"));
    site.agents().disconnect_agent(&page.rows[0]).await.unwrap();
    assert_eq!(emulator.hulft().agents().len(), 1);
    let error = site.agents().disconnect_agent(&page.rows[0]).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Service, 1), "{error}");
}

#[tokio::test]
async fn an_agent_that_is_too_old_is_not_asked_for() {
    let (emulator, site) = start().await;
    let session = emulator.hulft().connect_agent(agent("old", Direction::Send, "1.1.9"));
    let page = site.agents().list().page().await.unwrap();
    assert!(site.agents().disconnect_agent(&page.rows[0]).await.unwrap_err().is_invalid_input());
    let rejected =
        site.agents().disconnect(session, "service2.tokyo.webconnect.hulft.com").await.unwrap_err();
    assert_eq!(rejected.kind(), ErrorKind::Service);
    assert_eq!(emulator.hulft().agents().len(), 1);
}

#[tokio::test]
async fn a_blocked_account_fails_at_once_with_the_end_of_the_block() {
    let (emulator, site) = start().await;
    for _ in 0..100 {
        site.agents().list().page().await.unwrap();
    }
    let error = site.agents().list().page().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::Throttled, 1),
        "a wait of 10 minutes fits no default deadline"
    );
    assert!(error.retry_after().unwrap() > Duration::from_secs(590), "{error}");
    emulator.clock().advance(Duration::from_secs(601));
    site.agents().list().retry(RetryOptions::none()).page().await.unwrap();
}
