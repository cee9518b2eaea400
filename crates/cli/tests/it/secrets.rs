//! A secret of each kind is given to every command, in situations that end in success and in each kind of failure. None may
//! appear in what the program prints, even with `-vvv`, or in what the emulator logs and returns.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use service_emulator::webpubsub::{EntraTokens, EventHandlerSettings};
use service_emulator::{Emulator, Fault};

use crate::program::{Program, Run};
use crate::upstream::Upstream;

#[expect(unreachable_pub, reason = "the file is public in its own crate")]
#[path = "../../../../tests/src/secrets.rs"]
mod search;

use search::Secrets;

const CONTROL_TOKEN: &str = "pl4nted-control-token-Xq7";
const PROXY_PASSWORD: &str = "pl4nted-proxy-password-Wm3";
const CONNECTION_PASSWORD: &str = "pl4nted-hulft-password-Rt9";
const METADATA: &str = "pl4nted-metadata-value-Lk2";
const PAYLOAD: &str = "pl4nted-payload-of-a-message-Bn5";
const CLIENT_SECRET: &str = "pl4nted-client-secret-Zs8";
const UPSTREAM_CODE: &str = "pl4nted-code-of-an-upstream-Gd4";
/// Base64, as keys are.
const WRONG_KEY: &str = "cGw0bnRlZC13cm9uZy1rZXktb2YtdGhlLXNlcnZpY2Ut";
const WRONG_TOKEN: &str = "pl4nted-wrong-control-token-Hv6";

/// A command with what is typed into it.
struct Session {
    line: String,
    input: String,
}

fn session(line: &str) -> Session {
    Session { line: line.to_owned(), input: String::new() }
}

fn with_input(line: &str, input: &str) -> Session {
    Session { line: line.to_owned(), input: input.to_owned() }
}

/// A session of every command.
fn sessions() -> Vec<Session> {
    let event =
        serde_json::json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": PAYLOAD });
    let invalid = event.to_string().replace("\"1.0\"", "\"0.3\"");
    let subscription = "--topic orders --subscription billing";
    let member = "--hub chat send-to-group --connection c --group g";
    let mut sessions: Vec<_> = [
        "wps listen --hub chat --group lobby --user alice --no-reconnect --count 1",
        "wps connections list --hub chat --group lobby",
        "wps connections exists --hub chat c",
        "wps connections close --hub chat c --yes",
        "wps groups exists --hub chat g",
        "wps groups close --hub chat g --yes",
        "wps groups add --hub chat g --user alice",
        "wps groups remove --hub chat g --connection c",
        "wps users exists --hub chat alice",
        "wps users close --hub chat bob --yes",
        "wps token --hub chat --user alice",
        "wps token explain --hub chat --call",
        "wps invoke --hub chat ping",
        "wps presence --hub chat --group lobby --once",
        "wps webhook --hub chat --listen 127.0.0.1:0",
        "wps health",
        "eg receive --topic orders --subscription audit",
        "eg tail --topic orders --subscription audit --count 1",
        "eg process --topic orders --subscription audit --exec true --count 1",
        "hulft agents list",
        "hulft agents watch --count 1",
        "hulft agents disconnect a --yes",
        "hulft connections list",
        "hulft connections show partner-a",
        "hulft connections delete partner-a --yes",
        "hulft logs --from 2026-01-01 --to 2026-01-02",
        "hulft accounts list",
        "hulft accounts show a",
        "hulft accounts register ann@example.com",
        "hulft accounts delete a --yes",
        "hulft status",
        "emulator health",
        "emulator state",
        "emulator faults list",
        "emulator faults add delay --delay-ms 0 --path-contains never",
        "emulator faults remove f0",
        "emulator clock show",
        "emulator clock advance 1",
        "emulator reset hulft --yes",
        "completions bash",
    ]
    .map(session)
    .into();
    sessions.extend(
        ["grant", "check", "revoke"].map(|verb| session(&format!("wps permissions {verb} {member}"))),
    );
    sessions.push(with_input(&format!("wps send --hub chat --group g --metadata note={METADATA}"), PAYLOAD));
    sessions.push(with_input(&format!("wps send --hub chat --metadata 'note={METADATA},' --json"), PAYLOAD));
    sessions.push(with_input("eg publish --topic orders", &format!("{event}\n{invalid}\n{PAYLOAD}\n")));
    sessions.push(with_input("eg validate", &format!("{event}\n{invalid}\n{PAYLOAD}\n")));
    sessions.push(with_input("eg dead-letters", &format!("[{{\"event\": {PAYLOAD}")));
    for verb in ["acknowledge", "release", "reject --yes"] {
        sessions.push(session(&format!("eg {verb} {subscription} -- lost")));
    }
    let register = "hulft connections register partner-a --client-type hulft";
    sessions.push(with_input(register, CONNECTION_PASSWORD));
    sessions
}

/// Returns all commands that the help lists, such as `webpubsub groups add`.
async fn commands(program: &Program) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![String::new()];
    while let Some(path) = open.pop() {
        let help = program.run(&format!("{path} --help")).await.out;
        let children = help.split_once("\nCommands:\n").map(|(_, rest)| rest.split("\n\n").next().unwrap());
        // A line of a command is indented by two blanks, and those that continue it by more.
        let names = children.into_iter().flat_map(str::lines).filter_map(|line| line.strip_prefix("  "));
        let names: Vec<_> = names.filter(|line| !line.starts_with(' ')).collect();
        if names.is_empty() || path.ends_with("token") {
            found.insert(path.trim().to_owned());
        }
        open.extend(names.iter().map(|line| format!("{path} {}", line.split_whitespace().next().unwrap())));
    }
    found
}

#[tokio::test]
async fn every_command_has_a_session_with_secrets() {
    let program = Program { environment: std::collections::BTreeMap::new() };
    let lines: Vec<_> = sessions().into_iter().map(|session| session.line).collect();
    let commands = commands(&program).await;
    assert!(commands.len() > 45, "{commands:?}");
    for command in commands {
        let short = command.replacen("webpubsub", "wps", 1).replacen("eventgrid", "eg", 1);
        assert!(lines.iter().any(|line| line.starts_with(&short)), "`{command}` has no session");
    }
}

/// An emulator with secrets of its own, and a program that knows them.
async fn start() -> (Emulator, Program, Secrets) {
    let emulator = Emulator::builder().sample_data(true).control_token(CONTROL_TOKEN).start().await.unwrap();
    emulator.webpubsub().set_entra_tokens(EntraTokens::Strict);
    emulator.eventgrid().declare("orders", "billing");
    emulator.eventgrid().declare("orders", "audit");
    let upstream = format!("http://127.0.0.1:9/events?code={UPSTREAM_CODE}");
    emulator.webpubsub().event_handler("audited", EventHandlerSettings::new(upstream)).unwrap();
    let program = Program::new(&emulator).with("SERVICE_EMULATOR_CONTROL_TOKEN", CONTROL_TOKEN);
    let mut secrets = Secrets::default();
    for (kind, secret) in [
        ("access key of Web PubSub", emulator.webpubsub().access_key()),
        ("secondary access key of Web PubSub", emulator.webpubsub().secondary_access_key()),
        ("access key of Event Grid", emulator.eventgrid().key()),
        ("secondary access key of Event Grid", emulator.eventgrid().secondary_key()),
        ("API key of HULFT", emulator.hulft().api_key()),
        ("control token", CONTROL_TOKEN.to_owned()),
        ("password of the proxy", PROXY_PASSWORD.to_owned()),
        ("password of a connection", CONNECTION_PASSWORD.to_owned()),
        ("metadata", METADATA.to_owned()),
        ("payload", PAYLOAD.to_owned()),
        ("client secret", CLIENT_SECRET.to_owned()),
        ("query of an upstream", UPSTREAM_CODE.to_owned()),
        ("wrong key", WRONG_KEY.to_owned()),
        ("wrong control token", WRONG_TOKEN.to_owned()),
    ] {
        secrets.plant(kind, &secret);
    }
    secrets.plant_token("token of Microsoft Entra ID", &emulator.webpubsub().entra_token());
    (emulator, program, secrets)
}

/// Runs a session. A command that goes on is interrupted.
async fn run(program: &Program, session: &Session) -> Run {
    use tokio::io::AsyncWriteExt as _;
    let mut running = program.start(&format!("-vvv --no-retry --timeout 5 {}", session.line));
    let mut stdin = running.stdin.take().unwrap();
    // Fails if the program ends without reading its input.
    let _ = stdin.write_all(session.input.as_bytes()).await;
    drop(stdin);
    running.finish_within(Duration::from_secs(2)).await
}

/// Runs all sessions and adds what they print to the texts.
async fn run_all(situation: &str, program: &Program, texts: &mut Vec<(String, String)>) {
    let sessions = sessions();
    let runs = stream::iter(&sessions).map(|session| async move { (session, run(program, session).await) });
    let runs: Vec<_> = runs.buffer_unordered(6).collect().await;
    for (session, run) in runs {
        let place = |stream: &str| format!("{stream} of `{}` ({situation})", session.line);
        texts.push((place("standard error"), run.err));
        // The URL that it prints is a secret, which the user asks for.
        if session.line.starts_with("wps token --hub") {
            continue;
        }
        let mut out = run.out;
        // What was received is what the user asks for, so that other commands' messages may be in it.
        if ["wps listen", "eg receive", "eg tail"].iter().any(|command| session.line.starts_with(command)) {
            out = out.replace(PAYLOAD, "").replace(METADATA, "");
        }
        texts.push((place("standard output"), out));
    }
}

/// Plants the credentials of the requests that the emulator has received.
fn plant_sent(emulator: &Emulator, secrets: &mut Secrets) -> usize {
    let mut tokens = BTreeSet::new();
    for request in emulator.requests() {
        if let Some(value) = request.headers.get("authorization") {
            tokens.insert(value.to_str().unwrap().to_owned());
        }
        if let Some((_, token)) = request.target.split_once("access_token=") {
            tokens.insert(token.split('&').next().unwrap().to_owned());
        }
    }
    for token in tokens.iter().filter(|token| token.contains('.')) {
        secrets.plant_token("signed token", token);
    }
    tokens.len()
}

/// Returns everything that the control API and the page return.
async fn shown_by(emulator: &Emulator, texts: &mut Vec<(String, String)>) {
    let client = reqwest::Client::new();
    let description = include_str!("../../../emulator/openapi.json");
    let description: serde_json::Value = serde_json::from_str(description).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let readable =
        paths.iter().filter(|(path, operations)| operations["get"].is_object() && !path.ends_with("/events"));
    let readable: Vec<_> = readable.map(|(path, _)| path.clone()).chain(["/".to_owned()]).collect();
    assert!(readable.len() > 5, "{readable:?}");
    for path in readable {
        let concrete = path
            .replace("{topic}", "orders")
            .replace("{subscription}", "billing")
            .replace("{hub}", "audited");
        for accept in ["application/json", "text/html"] {
            let request = client.get(format!("{}{concrete}", emulator.endpoint())).header("accept", accept);
            let response = request.bearer_auth(CONTROL_TOKEN).send().await.unwrap();
            let head = format!("{:?}", response.headers());
            texts.push((format!("the emulator's {path}"), head + "\n" + &response.text().await.unwrap()));
        }
    }
}

/// Follows the log of the emulator until it stops.
fn follow_log(emulator: &Emulator) -> tokio::task::JoinHandle<String> {
    let url = format!("{}/_emulator/events?after=0", emulator.endpoint());
    tokio::spawn(async move {
        let response = reqwest::Client::new().get(url).bearer_auth(CONTROL_TOKEN).send().await.unwrap();
        response.text().await.unwrap()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_and_no_part_of_the_emulator_shows_a_secret() {
    let (emulator, program, mut secrets) = start().await;
    let log = follow_log(&emulator);
    let mut texts = Vec::new();
    run_all("success", &program, &mut texts).await;
    let sent = plant_sent(&emulator, &mut secrets);
    assert!(sent >= 15, "only {sent} credentials were sent");

    let key = emulator.webpubsub().access_key();
    let connection_string = program.environment["WEBPUBSUB_CONNECTION_STRING"].replace(&key, WRONG_KEY);
    let wrong = program
        .with("WEBPUBSUB_CONNECTION_STRING", &connection_string)
        .with("EVENTGRID_NAMESPACES_KEY", WRONG_KEY)
        .with("HULFT_WEBCONNECT_API_KEY", WRONG_KEY)
        .with("SERVICE_EMULATOR_CONTROL_TOKEN", WRONG_TOKEN);
    run_all("wrong keys", &wrong, &mut texts).await;

    let id = emulator.faults().push(Fault::status(500).times(u32::MAX));
    run_all("failing service", &program, &mut texts).await;
    emulator.faults().remove(id);
    let id = emulator.faults().push(Fault::reset().times(u32::MAX));
    run_all("interrupted service", &program, &mut texts).await;
    emulator.faults().remove(id);

    let elsewhere = |address: String| {
        let mut program = program.clone();
        for value in program.environment.values_mut() {
            *value = value.replace(&emulator.address().to_string(), &address);
        }
        program
    };
    // Port 1 has no listener.
    run_all("dead server", &elsewhere("127.0.0.1:1".to_owned()), &mut texts).await;
    let mut proxy = Upstream::start().await;
    let url = proxy.url().replace("http://", &format!("http://user:{PROXY_PASSWORD}@"));
    let rejected = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&rejected);
    tokio::spawn(async move {
        loop {
            let call = proxy.call().await;
            count.fetch_add(1, Ordering::Relaxed);
            call.respond_with("407 Proxy Authentication Required", "", "").await;
        }
    });
    // Requests to this machine itself bypass proxies.
    let proxied =
        elsewhere("emulator.example:80".to_owned()).with("HTTP_PROXY", &url).with("http_proxy", &url);
    let proxied = proxied
        .with("WEBPUBSUB_ALLOW_INSECURE_HTTP", "1")
        .with("EVENTGRID_NAMESPACES_ALLOW_INSECURE_HTTP", "1")
        .with("HULFT_WEBCONNECT_ALLOW_INSECURE_HTTP", "1");
    run_all("proxy that rejects", &proxied, &mut texts).await;
    let rejected = rejected.load(Ordering::Relaxed);
    assert!(rejected > 20, "only {rejected} requests used the proxy");

    plant_sent(&emulator, &mut secrets);
    shown_by(&emulator, &mut texts).await;
    texts.push(("the emulator itself".to_owned(), format!("{emulator:?} {:?}", emulator.webpubsub())));
    emulator.shutdown().await;
    let log = log.await.unwrap();
    assert!(log.lines().count() > 100, "{log}");
    texts.push(("the emulator's log".to_owned(), log));
    check(&secrets, &texts);
}

#[track_caller]
fn check(secrets: &Secrets, texts: &[(String, String)]) {
    let leaks: Vec<_> = texts.iter().flat_map(|(place, text)| secrets.leaks(place, text)).collect();
    let lines: Vec<_> = leaks.iter().take(20).map(ToString::to_string).collect();
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), lines.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_the_wrong_variable_is_not_repeated() {
    let (_emulator, program, secrets) = start().await;
    let variables = [
        ("WEBPUBSUB_CONNECTION_STRING", "wps health"),
        ("WEBPUBSUB_ALLOW_INSECURE_HTTP", "wps health"),
        ("EVENTGRID_NAMESPACES_ENDPOINT", "eg receive --topic a --subscription b"),
        ("EVENTGRID_NAMESPACES_KEY", "eg receive --topic a --subscription b"),
        ("HULFT_WEBCONNECT_ENDPOINT", "hulft status"),
        ("HULFT_WEBCONNECT_API_KEY", "hulft status"),
        ("EVENTGRID_NAMESPACES_ENDPOINT", "emulator health"),
        ("HTTPS_PROXY", "wps health"),
    ];
    let values = [
        WRONG_KEY.to_owned(),
        format!("{WRONG_KEY}\u{7}"),
        format!("\"{WRONG_KEY}\""),
        format!("Endpoint=http://127.0.0.1:9;AccessKey={WRONG_KEY};Port=x"),
        format!("Endpoint=http://user:{WRONG_KEY}@127.0.0.1:9;AccessKey=x"),
        format!("http://user:{WRONG_KEY}@127.0.0.1:9"),
        format!("http://127.0.0.1:9/{WRONG_KEY}?code={WRONG_KEY}#{WRONG_KEY}"),
        format!("ftp://{WRONG_KEY}"),
    ];
    let mut failed = 0;
    for (variable, line) in variables {
        for value in &values {
            let run = run(&program.with(variable, value), &session(line)).await;
            failed += usize::from(run.code != Some(0));
            secrets.assert_absent(&format!("`{line}` with {variable}"), &(run.err + &run.out));
        }
    }
    assert!(failed > 40, "only {failed} runs failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_on_standard_input_is_not_repeated() {
    let (_emulator, program, mut secrets) = start().await;
    let token = program.run("wps token --hub other -o table").await.out;
    secrets.plant_token("token of a client", token.trim());
    for input in
        [token.trim(), PAYLOAD, &format!("Bearer {}", token.split('=').next_back().unwrap()), WRONG_KEY]
    {
        let run = run(&program, &with_input("wps token explain --hub chat", input)).await;
        secrets.assert_absent("`wps token explain`", &(run.err + &run.out));
    }
}
