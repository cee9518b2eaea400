//! The program: what it prints, that it serves requests, and how it reports errors.

use std::process::Stdio;

use service_emulator::Emulator;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

pub(crate) fn program(arguments: &[&str]) -> Command {
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
        error.starts_with(&format!("service-emulator: could not listen on 127.0.0.1:{port}: ")),
        "{error}"
    );
}

#[tokio::test]
async fn a_control_token_that_breaks_its_rule_is_reported_but_not_repeated() {
    let rule = "service-emulator: the control token must be 8 to 256 visible ASCII characters\n";
    for token in ["", "s3cret", "s3cret token"] {
        let outcome = output(&["--port", "0", "--control-token", token]).await;
        assert_eq!(outcome, (Some(1), String::new(), rule.to_owned()));
    }
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

/// A settings file that is deleted when this is dropped.
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
    assert!(code == Some(1) && error.contains(&format!("127.0.0.1:{port}")), "{error}");
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
    assert!(code == Some(1) && error.contains("could not read /none/such.toml: "), "{error}");
}

#[tokio::test]
async fn the_sample_of_settings_is_printed() {
    let (code, out, _) = output(&["--print-config"]).await;
    assert_eq!((code, out.as_str()), (Some(0), include_str!("../../emulator.sample.toml")));
}

/// A running program: its port, and the process with a readable standard error.
#[cfg(unix)]
pub(crate) async fn running(arguments: &[&str]) -> (tokio::process::Child, u16) {
    ready(program(arguments)).await
}

/// Starts the program and waits until it is ready.
#[cfg(unix)]
pub(crate) async fn ready(mut command: Command) -> (tokio::process::Child, u16) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut port = None;
    while let Some(line) = lines.next_line().await.unwrap().filter(|line| line != "ready") {
        if let Some(endpoint) = line.strip_prefix("HULFT_WEBCONNECT_ENDPOINT=") {
            port = endpoint.rsplit(':').next().and_then(|port| port.parse().ok());
        }
    }
    (child, port.unwrap())
}

#[cfg(unix)]
pub(crate) async fn send(signal: &str, child: &tokio::process::Child) {
    let command = format!("kill -{signal} {}", child.id().unwrap());
    assert!(Command::new("sh").args(["-c", &command]).status().await.unwrap().success());
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_ends_it_in_order_with_its_connections_closed() {
    use tokio::io::AsyncReadExt as _;

    for signal in ["INT", "TERM"] {
        let (child, port) = running(&[]).await;
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        send(signal, &child).await;
        let output = child.wait_with_output().await.unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &[][..]), "{signal}");
        // EOF, or a reset if the program had not accepted the connection yet.
        assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn each_request_is_a_line_whose_color_can_be_chosen() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    for (style, lines, colored) in
        [("plain", 1, false), ("color", 1, true), ("off", 0, false), ("auto", 1, false)]
    {
        let (child, port) = running(&["--log", style]).await;
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let request =
            "GET /api/v2/agent/status?token=s3cret HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        send("INT", &child).await;
        let log = String::from_utf8(child.wait_with_output().await.unwrap().stderr).unwrap();
        assert_eq!((log.lines().count(), log.contains('\x1b')), (lines, colored), "{style}: {log}");
        assert!(lines == 0 || (log.contains("401") && log.contains("hulft")), "{log}");
        assert!(!log.contains("s3cret"), "{log}");
    }
    let (code, _, error) = output(&["--log", "loud"]).await;
    assert!(code == Some(2) && error.contains("must be off, plain, color, or auto"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn with_tls_the_file_to_trust_is_named_and_goes_with_the_program() {
    let mut child = program(&["--tls"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut file = None;
    while let Some(line) = lines.next_line().await.unwrap().filter(|line| line != "ready") {
        assert!(!line.contains("http://"), "{line}");
        file = line.strip_prefix("SERVICE_EMULATOR_CA=").map(std::path::PathBuf::from).or(file);
    }
    let file = file.unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    send("INT", &child).await;
    assert!(child.wait().await.unwrap().success() && !file.exists());
}

#[tokio::test]
async fn ready_can_be_one_line_of_json() {
    let mut child = program(&["--ready", "json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&ready["ready"], &ready["environment"]["HULFT_WEBCONNECT_ENDPOINT"]),
        (&true.into(), &ready["endpoint"])
    );
    let address = ready["endpoint"].as_str().unwrap().strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap();
    let (code, _, error) = output(&["--ready", "xml"]).await;
    assert!(code == Some(2) && error.contains("must be lines or json"), "{error}");
}

#[tokio::test]
async fn settings_are_read_from_standard_input_and_from_the_environment() {
    use tokio::io::AsyncWriteExt as _;

    let mut command = program(&["--config", "-", "--ready", "json", "--port", "0"]);
    command.env("SERVICE_EMULATOR_HULFT_API_KEY", "of-the-environment").env("SERVICE_EMULATOR_PORT", "1");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = "[hulft]\napi_key = 'of-the-file'\n[webpubsub]\naccess_key = 'of-the-file'\n";
    input.write_all(text.as_bytes()).await.unwrap();
    drop(input);
    let line = BufReader::new(child.stdout.take().unwrap()).lines().next_line().await.unwrap().unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["environment"]["HULFT_WEBCONNECT_API_KEY"], "of-the-environment");
    let connection = ready["environment"]["WEBPUBSUB_CONNECTION_STRING"].as_str().unwrap();
    assert!(connection.contains("AccessKey=of-the-file;"), "{connection}");
}

#[tokio::test]
async fn a_variable_that_names_no_setting_is_an_error() {
    let output = program(&[]).env("SERVICE_EMULATOR_PROT", "1").output().await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(2), 1), "{error}");
    assert!(error.contains("SERVICE_EMULATOR_PROT: unknown key `prot`"), "{error}");
}

#[tokio::test]
async fn health_is_an_exit_status() {
    let emulator = Emulator::start().await.unwrap();
    let (port, url) = (emulator.address().port().to_string(), emulator.endpoint());
    for arguments in [vec!["health", &url], vec!["health", "--port", &port]] {
        assert_eq!(output(&arguments).await, (Some(0), String::new(), String::new()), "{arguments:?}");
    }
    let mut command = program(&["health"]);
    assert!(command.env("SERVICE_EMULATOR_PORT", &port).status().await.unwrap().success());
    emulator.shutdown().await;
    let (code, _, error) = output(&["health", &url]).await;
    assert!(code == Some(1) && error.starts_with("service-emulator: not healthy: "), "{error}");
    assert_eq!(output(&["health", "ftp://x"]).await.0, Some(1));
}

#[tokio::test]
async fn health_of_an_emulator_with_tls_needs_its_certificate() {
    let file = File::new("ca", "");
    let emulator = Emulator::builder().tls(true).tls_ca_file(file.path()).start().await.unwrap();
    let url = emulator.endpoint();
    assert_eq!(output(&["health", &url, "--tls-ca", file.path()]).await.0, Some(0));
    let (code, _, error) = output(&["health", &url]).await;
    assert!(code == Some(1) && error.contains("--tls-ca"), "{error}");
}
