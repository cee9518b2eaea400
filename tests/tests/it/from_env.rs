//! Clients that the environment configures, each in a fresh process: with the variables of the emulator, and with each of them
//! missing, empty, or malformed.

use std::process::Stdio;

use service_emulator::Emulator;
use tokio::process::Command;

/// Runs the program for one service and returns what it prints, or its error.
async fn run(service: &str, variables: &[(&str, String)]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_from_env"));
    let services = ["WEBPUBSUB_", "EVENTGRID_NAMESPACES_", "HULFT_WEBCONNECT_"];
    for (name, _) in std::env::vars_os() {
        if services.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
        .arg(service)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .env("NO_PROXY", "*")
        .stdin(Stdio::null());
    let output = command.kill_on_drop(true).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

async fn emulator() -> Emulator {
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    emulator.hulft().add_sample_agents();
    emulator
}

#[tokio::test]
async fn the_variables_of_the_emulator_configure_each_client() {
    let emulator = emulator().await;
    let variables = emulator.environment();
    for service in ["webpubsub", "eventgrid"] {
        assert_eq!(run(service, &variables).await.unwrap(), "");
    }
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1);
    let agents = run("hulft", &variables).await.unwrap();
    assert_eq!(agents.lines().count(), emulator.hulft().agents().len());
    assert_eq!(emulator.requests().len(), 3);
}

#[tokio::test]
async fn a_variable_that_is_missing_empty_or_malformed_is_named_in_one_line() {
    let emulator = emulator().await;
    let variables = emulator.environment();
    for (service, name) in [
        ("webpubsub", "WEBPUBSUB_CONNECTION_STRING"),
        ("eventgrid", "EVENTGRID_NAMESPACES_ENDPOINT"),
        ("eventgrid", "EVENTGRID_NAMESPACES_KEY"),
        ("hulft", "HULFT_WEBCONNECT_ENDPOINT"),
        ("hulft", "HULFT_WEBCONNECT_API_KEY"),
    ] {
        let (_, value) = variables.iter().find(|(known, _)| *known == name).unwrap();
        let quoted = format!("\"{value}\"");
        let marked = format!("\u{feff}{value}");
        let pasted = format!("{name}={value}");
        for (given, rule) in [
            (None, "is missing or empty"),
            (Some(String::new()), "is missing or empty"),
            (Some(" \n".to_owned()), "is missing or empty"),
            (Some(quoted), "quotation marks"),
            (Some(marked), "byte order mark"),
            (Some(pasted), "`NAME=`"),
        ] {
            if name == "HULFT_WEBCONNECT_ENDPOINT" && rule == "is missing or empty" {
                // The default is the service itself, which no test calls.
                continue;
            }
            let mut variables = variables.clone();
            variables.retain(|(known, _)| *known != name);
            variables.extend(given.map(|given| (name, given)));
            let error = run(service, &variables).await.unwrap_err();
            assert_eq!(error.lines().count(), 1, "{error}");
            assert!(error.contains(name) && error.contains(rule), "{name}: {error}");
            assert!(!error.contains(value.as_str()), "{error}");
        }
    }
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn two_credentials_at_once_are_an_error_that_names_both() {
    let mut variables = emulator().await.environment();
    variables.push(("EVENTGRID_NAMESPACES_SAS_TOKEN", "r=a&e=b&s=planted".to_owned()));
    let error = run("eventgrid", &variables).await.unwrap_err();
    assert!(error.contains("EVENTGRID_NAMESPACES_KEY and EVENTGRID_NAMESPACES_SAS_TOKEN"), "{error}");
    assert!(!error.contains("planted") && error.lines().count() == 1, "{error}");
}

#[tokio::test]
async fn plain_http_to_another_machine_needs_the_variable_that_the_emulator_prints() {
    let emulator = Emulator::builder().advertise("http://emulator:1").start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    // An address that reaches this machine without being a loopback address.
    let reachable = format!("http://0.0.0.0:{}", emulator.address().port());
    for (service, prefix) in
        [("webpubsub", "WEBPUBSUB"), ("eventgrid", "EVENTGRID_NAMESPACES"), ("hulft", "HULFT_WEBCONNECT")]
    {
        let allowed = format!("{prefix}_ALLOW_INSECURE_HTTP");
        let mut variables = emulator.environment();
        assert!(variables.iter().any(|(name, value)| *name == allowed && value == "1"));
        for (_, value) in &mut variables {
            *value = value.replace("http://emulator:1", &reachable);
        }
        if cfg!(unix) {
            run(service, &variables).await.unwrap();
        }
        variables.retain(|(name, _)| *name != allowed);
        let error = run(service, &variables).await.unwrap_err();
        assert!(error.contains(&format!("set {allowed}=1")) && error.lines().count() == 1, "{error}");
    }
}
