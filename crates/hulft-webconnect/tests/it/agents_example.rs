//! The example `agents` on the emulator: what it prints, and what it does for each input.

use hulft_webconnect::{BoxError, SiteClient};
use service_emulator::Emulator;

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../examples/agents.rs"]
mod agents;

async fn with_agents() -> (Emulator, SiteClient) {
    let emulator = Emulator::start().await.unwrap();
    emulator.hulft().add_sample_agents();
    let builder = SiteClient::builder(emulator.hulft().api_key()).endpoint(emulator.endpoint());
    (emulator, builder.build().unwrap())
}

async fn run(site: &SiteClient, input: &str) -> (Result<(), BoxError>, String) {
    let mut shown = Vec::new();
    let outcome = agents::run(site, &mut input.as_bytes(), &mut shown).await;
    (outcome, String::from_utf8(shown).unwrap())
}

#[tokio::test]
async fn every_agent_is_in_the_table_with_its_session() {
    let (emulator, site) = with_agents().await;
    let (_, shown) = run(&site, "").await;
    for connected in emulator.hulft().agents() {
        let line = shown.lines().find(|line| line.contains(&connected.session_id)).unwrap();
        assert!(line.starts_with(&connected.agent.agent_id), "{line}");
        assert!(line.contains(&connected.agent.agent_version) && line.contains(" UTC "), "{line}");
    }
}

#[tokio::test]
async fn the_agent_of_the_session_is_disconnected_after_a_yes_only() {
    for (consent, gone) in [("yes", true), ("no", false), ("", false)] {
        let (emulator, site) = with_agents().await;
        let before = emulator.hulft().agents();
        let session = &before[0].session_id;
        let (outcome, shown) = run(&site, &format!("{session}\n{consent}\n")).await;
        outcome.unwrap();
        let left = emulator.hulft().agents();
        assert_eq!(left.iter().all(|agent| agent.session_id != *session), gone);
        assert_eq!(left.len(), before.len() - usize::from(gone));
        assert!(
            shown.contains(" ends abnormally.") && shown.contains(" is disconnected.") == gone,
            "{shown}"
        );
    }
}

#[tokio::test]
async fn an_unknown_session_disconnects_nothing() {
    let (emulator, site) = with_agents().await;
    let before = emulator.hulft().agents().len();
    let (outcome, _) = run(&site, "unknown\nyes\n").await;
    assert_eq!(outcome.unwrap_err().to_string(), "no agent has this session");
    assert_eq!(emulator.hulft().agents().len(), before);
}
