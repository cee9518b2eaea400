//! `hubgrid hulft`.

use serde_json::json;
use service_emulator::Emulator;
use service_emulator::hulft::{Agent, Direction, EndpointStatus, Scope};

use crate::program::Program;

async fn start() -> (Emulator, Program) {
    let emulator = Emulator::start().await.unwrap();
    emulator.hulft().add_sample_agents();
    let program = Program::new(&emulator);
    (emulator, program)
}

fn agent(id: &str) -> Agent {
    Agent {
        agent_id: id.to_owned(),
        agent_version: "3.0.0".to_owned(),
        connection_ids: vec!["head-office".to_owned()],
        direction: Direction::Send,
        endpoint: "example.com".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_listed_with_their_direction() {
    let (emulator, program) = start().await;
    let agents = program.run("hulft agents list").await.json();
    assert_eq!(agents.len(), emulator.hulft().agents().len());
    assert!(agents.iter().all(|agent| agent["agentId"].is_string()), "{agents:?}");
    let table = program.run("hulft agents list --direction send --time-zone Asia/Tokyo -o table").await;
    assert!(table.out.starts_with("AGENT "), "{table:?}");
    assert!(table.out.lines().skip(1).all(|line| line.to_lowercase().contains("send")), "{table:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_disconnected_after_confirmation() {
    let (emulator, program) = start().await;
    emulator.hulft().connect_agent(agent("branch-17"));
    let before = emulator.hulft().agents().len();
    let question = program.run("hulft agents disconnect branch-17").await.failed(2).to_owned();
    assert!(question.contains("disconnect the agent branch-17") && question.contains("--yes"), "{question}");
    assert_eq!(emulator.hulft().agents().len(), before);
    program.run("hulft agents disconnect branch-17 --yes").await.is_silent();
    assert_eq!(emulator.hulft().agents().len(), before - 1);
    let gone = program.run("hulft agents disconnect branch-17 --yes").await;
    assert_eq!(gone.failed(3), "hubgrid: no agent branch-17 is connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_with_several_sessions_needs_the_session() {
    let (emulator, program) = start().await;
    let sessions = [(); 2].map(|()| emulator.hulft().connect_agent(agent("branch-17")));
    let run = program.run("hulft agents disconnect branch-17 --yes").await;
    assert!(sessions.iter().all(|session| run.failed(2).contains(session)), "{run:?}");
    let line = format!("hulft agents disconnect branch-17 --session {} --yes", sessions[0]);
    program.run(&line).await.is_silent();
    assert!(emulator.hulft().agents().iter().any(|agent| agent.session_id == sessions[1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_prints_the_agents_and_then_the_changes() {
    let (emulator, program) = start().await;
    let known = emulator.hulft().agents().len();
    let mut watch = program.start(&format!("hulft agents watch --interval 1 --count {}", known + 2));
    for _ in 0..known {
        assert_eq!(watch.json().await["event"], "connected");
    }
    let session = emulator.hulft().connect_agent(agent("branch-17"));
    let connected = watch.json().await;
    assert_eq!(
        (&connected["event"], &connected["agent"]["agentId"]),
        (&json!("connected"), &json!("branch-17"))
    );
    emulator.hulft().disconnect_agent(&session);
    assert_eq!(watch.json().await["event"], "disconnected");
    assert_eq!(watch.finish().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_a_watch() {
    let (_emulator, program) = start().await;
    let mut watch = program.start("hulft agents watch -o table --interval 1000");
    assert!(watch.line().await.starts_with("connected: "));
    watch.interrupt();
    assert_eq!(watch.finish().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_registered_with_a_password_from_standard_input_and_deleted() {
    let (emulator, program) = start().await;
    let register = "hulft connections register partner-a --client-type hulft --memo May";
    assert!(program.run(register).await.failed(2).contains("the password of the connection is missing"));
    program.run_with(register, "a long password\n").await.is_silent();
    assert_eq!(emulator.hulft().connection_password("partner-a").as_deref(), Some("a long password"));
    let list = program.run("hulft connections list").await.json();
    assert!(list.iter().any(|connection| connection["connectionId"] == "partner-a"), "{list:?}");
    let show = program.run("hulft connections show partner-a -o table").await;
    assert!(show.out.contains("partner-a") && show.out.contains("May"), "{show:?}");
    assert!(program.run("hulft connections delete partner-a").await.failed(2).contains("--yes"));
    program.run("hulft connections delete partner-a --yes").await.is_silent();
    let gone = program.run("hulft connections show partner-a").await;
    assert_eq!(gone.failed(3), "hubgrid: no connection partner-a is registered");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_registered_listed_shown_and_deleted() {
    let (emulator, program) = start().await;
    emulator.hulft().add_sample_data();
    let registered = program.run("hulft accounts register ann@example.com --memo 'since May'").await.json();
    let id = registered[0]["id"].as_str().unwrap();
    let list = program.run("hulft accounts list").await.json();
    assert!(list.iter().any(|account| account["mailAddress"] == "ann@example.com"), "{list:?}");
    let show = program.run(&format!("hulft accounts show {id} -o table")).await;
    assert!(show.out.starts_with("ACCOUNT ") && show.out.contains("since May"), "{show:?}");
    assert!(program.run(&format!("hulft accounts delete {id}")).await.failed(2).contains("--yes"));
    program.run(&format!("hulft accounts delete {id} --yes")).await.is_silent();
    let gone = program.run(&format!("hulft accounts show {id}")).await;
    assert_eq!(gone.failed(3), format!("hubgrid: no account {id} is registered"));
    assert_eq!(program.run("hulft accounts list").await.json().len(), list.len() - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_log_is_printed_as_json_csv_or_a_table() {
    let (emulator, program) = start().await;
    emulator.hulft().add_relay_logs(300);
    let range = "hulft logs --from 2020-01-01 --to 2030-01-01";
    let run = program.run(range).await;
    let rows = run.json();
    assert_eq!((rows.len(), &*run.err), (300, ""));
    let csv = program.run(&format!("{range} --csv")).await;
    assert_eq!((csv.code, csv.out.lines().count()), (Some(0), 301));
    assert!(csv.out.lines().next().unwrap().contains("fileName"), "{}", &csv.out[..200]);
    let normal = program.run(&format!("{range} --status normal -o table")).await.out;
    assert!(normal.lines().skip(1).all(|line| line.ends_with(" normal")), "{normal}");
    let normal = normal.lines().count() - 1;
    let failed = program.run(&format!("{range} --status failed -o table")).await.out.lines().count() - 1;
    assert_eq!(normal + failed, 300);
    let name = rows[0]["fileName"].as_str().unwrap();
    let named = program.run(&format!("{range} --file '{name}'")).await.json();
    assert!(named.iter().all(|row| row["fileName"] == name), "{named:?}");
    let sender = rows[0]["senderConnectionId"].as_str().unwrap();
    let sent = program.run(&format!("{range} --sender {sender} --receiver nobody")).await;
    assert_eq!(sent.json().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_longer_than_one_search_is_complete() {
    let (emulator, program) = start().await;
    emulator.hulft().add_relay_logs(11_500);
    let csv = program.run("hulft logs --from 2020-01-01 --to 2030-01-01 --csv").await;
    assert_eq!((csv.code, csv.out.lines().count()), (Some(0), 11_501));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_ends_quietly_when_its_pipe_is_closed() {
    let (emulator, program) = start().await;
    emulator.hulft().add_relay_logs(2_000);
    let mut logs = program.start("hulft logs --from 2020-01-01 --to 2030-01-01");
    logs.json().await;
    logs.close_output();
    let run = logs.finish().await;
    assert_eq!((run.code, &*run.err), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_are_validated() {
    let (_emulator, program) = start().await;
    let run = program.run("hulft logs --from 2026-02-30 --to 2026-03-01").await;
    assert!(run.failed(2).contains("--from"), "{run:?}");
    let run = program.run("hulft logs --from 2026-03-02 --to 2026-03-01").await;
    assert_eq!(run.code, Some(2), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_the_service_decides_the_exit_code() {
    let (emulator, program) = start().await;
    let endpoints = program.run("hulft status").await.json();
    let endpoint = endpoints[0]["endpoint"].as_str().unwrap();
    assert!(emulator.hulft().set_service_status(endpoint, EndpointStatus::Disrupted));
    let run = program.run("hulft status -o table").await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.starts_with("ENDPOINT ") && run.err.contains("the status of the service is"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_a_missing_scope_and_a_dead_server_have_their_exit_codes() {
    let (emulator, program) = start().await;
    let wrong = program.with("HULFT_WEBCONNECT_API_KEY", "wrong");
    assert!(wrong.run("hulft status").await.failed(4).contains("401 Unauthorized"));
    emulator.hulft().add_api_key("narrow", &[Scope::AGENT_GET]);
    let narrow = program.with("HULFT_WEBCONNECT_API_KEY", "narrow");
    narrow.run("hulft agents list").await.json();
    let run = narrow.run("hulft logs --from 2026-01-01 --to 2026-01-02").await;
    assert!(run.failed(4).contains("scope"), "{run:?}");
    emulator.shutdown().await;
    assert_eq!(program.run("--no-retry hulft status").await.code, Some(1));
}
