//! The program: what it prints, that it serves, and how it reports what it cannot do.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

use std::process::Stdio;

use service_emulator::Emulator;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_service-emulator"));
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = program(arguments).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn it_prints_where_the_services_are_and_serves_once_it_is_ready() {
    let mut child = program(&[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut values = Vec::new();
    loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if line == "ready" {
            break;
        }
        let (name, value) = line.split_once('=').unwrap();
        values.push((name.to_owned(), value.to_owned()));
    }
    let emulator = Emulator::start().await.unwrap();
    let expected: Vec<_> = emulator.environment().into_iter().map(|(name, _)| name).collect();
    assert_eq!(values.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), expected);
    let endpoint = values.iter().find_map(|(_, value)| value.split("http://").nth(1)).unwrap();
    TcpStream::connect(endpoint.split(';').next().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_reported_in_one_line() {
    let emulator = Emulator::start().await.unwrap();
    let port = emulator.address().port().to_string();
    let (code, out, error) = output(&["--port", &port]).await;
    assert_eq!((code, out.as_str(), error.lines().count()), (Some(1), "", 1), "{error}");
    assert!(
        error.starts_with(&format!("service-emulator: cannot listen on 127.0.0.1 port {port}: ")),
        "{error}"
    );
}

#[tokio::test]
async fn help_and_version_are_printed() {
    let (code, out, _) = output(&["--help"]).await;
    assert!(code == Some(0) && out.contains("--no-sample-data"), "{out}");
    let (code, out, _) = output(&["-V"]).await;
    assert_eq!((code, out), (Some(0), format!("service-emulator {}\n", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn an_argument_that_it_does_not_know_is_an_error() {
    let (code, out, error) = output(&["--colour"]).await;
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(error.contains("--colour"), "{error}");
}

/// A file of settings that is gone when this is.
struct File(std::path::PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("service-emulator-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn flags_win_over_the_file_of_settings() {
    let taken = Emulator::start().await.unwrap();
    let port = taken.address().port();
    let file = File::new("flags", &format!("port = {port}\n[hulft]\napi_key = 'of-the-file'\n"));
    let (code, _, error) = output(&["--config", file.path()]).await;
    assert!(code == Some(1) && error.contains(&format!("port {port}")), "{error}");
    let mut child =
        program(&["--config", file.path(), "--port", "0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = false;
    while let Some(line) = lines.next_line().await.unwrap().filter(|line| line != "ready") {
        seen |= line == "HULFT_WEBCONNECT_API_KEY=of-the-file";
    }
    assert!(seen);
}

#[tokio::test]
async fn a_mistake_in_the_file_of_settings_is_reported_in_one_line() {
    let file = File::new("mistake", "prot = 1\n");
    let (code, out, error) = output(&["--config", file.path()]).await;
    assert_eq!((code, out.as_str(), error.lines().count()), (Some(2), "", 1), "{error}");
    let expected = format!("service-emulator: {}: line 1: unknown key `prot`, expected one of ", file.path());
    assert!(error.starts_with(&expected) && error.contains("`port`"), "{error}");
    let (code, _, error) = output(&["--config", "/none/such.toml"]).await;
    assert!(code == Some(1) && error.contains("cannot read /none/such.toml: "), "{error}");
}

#[tokio::test]
async fn the_sample_of_settings_is_printed() {
    let (code, out, _) = output(&["--print-config"]).await;
    assert_eq!((code, out.as_str()), (Some(0), include_str!("../emulator.sample.toml")));
}
