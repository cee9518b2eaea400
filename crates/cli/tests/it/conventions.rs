//! What all commands have in common: help, completions, the environment, the log, and closed pipes.

use std::collections::BTreeMap;

use service_emulator::Emulator;

use crate::program::Program;

fn without_environment() -> Program {
    Program { environment: BTreeMap::new() }
}

#[tokio::test]
async fn the_help_lists_the_commands_the_exit_codes_and_the_environment() {
    let help = without_environment().run("--help").await;
    assert_eq!((help.code, &*help.err), (Some(0), ""));
    for text in ["webpubsub", "wps", "eventgrid", "hulft", "WEBPUBSUB_CONNECTION_STRING", "NO_COLOR", "130"] {
        assert!(help.out.contains(text), "{text}");
    }
    let version = without_environment().run("--version").await;
    assert!(version.out.starts_with("hubgrid "), "{version:?}");
}

#[tokio::test]
async fn completion_scripts_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = without_environment().run(&format!("completions {shell}")).await;
        assert_eq!(script.code, Some(0), "{script:?}");
        assert!(script.out.contains("dead-letters"), "{shell}");
    }
}

#[tokio::test]
async fn invalid_arguments_are_reported_with_exit_code_2() {
    let program = without_environment();
    for line in [
        "",
        "wps",
        "wps send",
        "eg publish",
        "unknown",
        "hulft logs --from x --to y",
        "wps send --hub a --json --binary x",
    ] {
        let run = program.run(line).await;
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{line}: {run:?}");
        assert!(!run.err.is_empty());
    }
}

#[tokio::test]
async fn a_missing_variable_is_named() {
    let program = without_environment();
    for (line, variable) in [
        ("wps health", "WEBPUBSUB_CONNECTION_STRING"),
        ("eg receive --topic a --subscription b", "EVENTGRID_NAMESPACES_ENDPOINT"),
        ("hulft status", "HULFT_WEBCONNECT_API_KEY"),
    ] {
        let run = program.run(line).await;
        assert!(run.failed(2).contains(variable), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_goes_to_standard_error_and_contains_no_secret() {
    let emulator = Emulator::start().await.unwrap();
    let program = Program::new(&emulator);
    let run = program.run("-vv wps token explain --hub chat --call").await;
    assert_eq!(run.json().len(), 1);
    assert!(run.err.contains("service_core::call") && run.err.contains("service_core::attempt"), "{run:?}");
    let secret = emulator.webpubsub().access_key();
    assert!(!run.err.contains(&secret) && !run.err.contains("eyJ"), "{run:?}");
    assert_eq!(program.run("wps token explain --hub chat --call").await.err, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_has_an_exit_code_of_its_own() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().push(service_emulator::Fault::reset());
    let run = Program::new(&emulator).run("wps send --hub chat hello").await;
    assert!(run.failed(6).contains("the service may have acted"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeout_ends_a_call() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().push(service_emulator::Fault::hang());
    let run = Program::new(&emulator).run("--timeout 1 wps send --hub chat hello").await;
    assert!(run.failed(6).contains("no response arrived within 1s"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_an_emulator_with_tls_is_trusted_on_request() {
    let directory = crate::program::Directory::new("ca");
    let path = directory.0.join("ca.pem");
    let emulator = Emulator::builder().tls(true).tls_ca_file(&path).start().await.unwrap();
    let program = Program::new(&emulator);
    assert_eq!(program.run("--no-retry wps health").await.code, Some(1));
    let path = path.display();
    program.run(&format!("--ca-file {path} wps health")).await.json();
    let mut listen = program.start(&format!("--ca-file {path} wps listen --hub chat --group a"));
    listen.notice("joined a").await;
}

#[tokio::test]
async fn a_closed_standard_output_is_not_an_error_of_the_help() {
    let mut help = without_environment().start("completions bash");
    help.close_output();
    let run = help.finish().await;
    assert_eq!((run.code, &*run.err), (Some(0), ""));
}
