//! `hubgrid emulator`.

use std::time::Duration;

use serde_json::json;
use service_emulator::Emulator;

use crate::program::Program;

async fn start() -> (Emulator, Program) {
    let emulator = Emulator::start().await.unwrap();
    let program = Program::new(&emulator);
    (emulator, program)
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_state_are_printed() {
    let (emulator, program) = start().await;
    emulator.eventgrid().declare("orders", "billing");
    assert_eq!(program.run("emulator health").await.json()[0]["healthy"], true);
    let state = program.run("emulator state").await.json();
    assert_eq!(state[0]["endpoint"], emulator.endpoint());
    let text = program.run("emulator state -o table").await;
    assert!(text.out.starts_with("{\n  \"") && text.out.contains("orders"), "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_emulator_is_found_by_its_url_or_its_variables() {
    let (emulator, mut program) = start().await;
    let url = emulator.endpoint();
    program.environment.retain(|name, _| name == "PATH" || name == "HULFT_WEBCONNECT_ENDPOINT");
    program.run("emulator health").await.json();
    program.environment.remove("HULFT_WEBCONNECT_ENDPOINT");
    assert!(program.run("emulator health").await.failed(2).contains("pass --url"));
    program.run(&format!("emulator health --url {url}")).await.json();
    assert!(program.run("emulator health --url here").await.failed(2).contains("must be like"));
    emulator.shutdown().await;
    let dead = program.run(&format!("emulator health --url {url}")).await;
    assert!(dead.failed(1).contains("could not reach the emulator at"), "{dead:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_added_listed_and_removed() {
    let (emulator, program) = start().await;
    let line = "emulator faults add status --status 404 --header a=b --service webpubsub --path-contains health --times 2";
    let added = program.run(line).await.json();
    let id = added[0]["id"].as_str().unwrap();
    assert_eq!(program.run("wps health").await.code, Some(3));
    let list = program.run("emulator faults list").await.json();
    assert_eq!(
        (&list[0]["id"], &list[0]["times"], &list[0]["kind"]),
        (&json!(id), &json!(1), &json!("status"))
    );
    let table = program.run("emulator faults list -o table").await;
    assert!(table.out.starts_with("FAULT ") && table.out.contains("requests"), "{table:?}");
    program.run(&format!("emulator faults remove {id}")).await.is_silent();
    program.run("wps health").await.json();
    assert_eq!(program.run(&format!("emulator faults remove {id}")).await.code, Some(3));
    program.run("emulator faults add drop --hub chat --at-received 3").await.json();
    assert_eq!(emulator.faults().pending(), 1);
    program.run("emulator faults remove --all").await.is_silent();
    assert_eq!(emulator.faults().pending(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_the_emulator_does_not_accept_is_invalid_input() {
    let (_emulator, program) = start().await;
    for line in ["emulator faults add status", "emulator faults add drop --status 404"] {
        let run = program.run(line).await;
        assert!(run.failed(2).contains("the emulator rejected the request with 400"), "{run:?}");
    }
    assert!(program.run("emulator faults add status --header a").await.failed(2).contains("NAME=VALUE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_read_and_advanced() {
    let (emulator, program) = start().await;
    let before = emulator.clock().now();
    let time = program.run("emulator clock advance 3600.5").await.json();
    assert!(time[0]["now"].is_string(), "{time:?}");
    assert!(emulator.clock().now().duration_since(before).unwrap() >= Duration::from_millis(3_600_500));
    let shown = program.run("emulator clock show -o table").await;
    assert!(shown.code == Some(0) && shown.out.starts_with("20"), "{shown:?}");
    assert_eq!(program.run("emulator clock advance -- -5").await.code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_needs_confirmation_and_may_concern_one_service() {
    let (emulator, program) = start().await;
    emulator.eventgrid().declare("orders", "billing");
    emulator.hulft().add_sample_agents();
    assert!(program.run("emulator reset").await.failed(2).contains("pass --yes"));
    program.run("emulator reset eventgrid --yes").await.is_silent();
    assert_eq!((emulator.eventgrid().topics().len(), emulator.hulft().agents().is_empty()), (0, false));
    program.run("emulator reset --yes").await.is_silent();
    assert!(emulator.hulft().agents().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_of_the_control_api_comes_from_the_environment() {
    let builder = Emulator::builder().control_token("s3cret-token");
    let emulator = builder.start().await.unwrap();
    let program = Program::new(&emulator);
    let run = program.run("emulator health").await;
    assert!(run.failed(4).contains("401"), "{run:?}");
    program.with("SERVICE_EMULATOR_CONTROL_TOKEN", "s3cret-token").run("emulator health").await.json();
}
