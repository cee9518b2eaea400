//! `hubgrid webpubsub`.

use serde_json::json;
use service_emulator::Emulator;
use service_emulator::webpubsub::{EventHandlerSettings, SystemEvent};

use crate::program::{Program, Running};

async fn start() -> (Emulator, Program) {
    let emulator = Emulator::start().await.unwrap();
    let program = Program::new(&emulator);
    (emulator, program)
}

/// Starts `listen` and waits until it is in its last group.
async fn listening(program: &Program, options: &str, last: &str) -> Running {
    let mut listen = program.start(&format!("wps listen --hub chat {options}"));
    listen.notice(last).await;
    listen
}

/// Returns the ID of the one connection of the hub.
fn connection_id(emulator: &Emulator) -> String {
    let [connection] = &emulator.webpubsub().connections("chat")[..] else { panic!("not one connection") };
    connection.connection_id.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_to_a_group_a_user_a_connection_and_all_are_printed_by_a_listener() {
    let (emulator, program) = start().await;
    let mut listen = listening(&program, "--group lobby --user alice --count 5", "joined lobby").await;
    program.run("wps send --hub chat --group lobby hello").await.is_silent();
    program.run_with("wps send --hub chat --user alice", "from standard input\n").await.is_silent();
    let id = connection_id(&emulator);
    program.run(&format!("wps send --hub chat --connection {id} --json '{{\"a\": [1]}}'")).await.is_silent();
    program.run_with("wps send --hub chat --binary -", "\u{1}\n").await.is_silent();
    program.run("wps send --hub chat --filter \"userId eq 'bob'\" no").await.is_silent();
    program.run(&format!("wps send --hub chat --exclude {id} no")).await.is_silent();
    program.run("wps send --hub chat --ttl 60 last").await.is_silent();

    let message = |group: Option<&str>, kind: &str, data: serde_json::Value| json!({ "event": "message", "group": group, "from": null, "kind": kind, "data": data, "metadata": null });
    assert_eq!(listen.json().await, message(Some("lobby"), "text", json!("hello")));
    assert_eq!(listen.json().await, message(None, "text", json!("from standard input")));
    assert_eq!(listen.json().await, message(None, "json", json!({ "a": [1] })));
    assert_eq!(listen.json().await, message(None, "binary", json!("AQo=")));
    assert_eq!(listen.json().await, message(None, "text", json!("last")));
    // The count is reached.
    assert_eq!(listen.finish().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_of_standard_input_is_sent_as_a_message() {
    let (_emulator, program) = start().await;
    let mut listen = listening(&program, "--group log -o table", "joined log").await;
    program.run_with("wps send --hub chat --group log --lines", "one\ntwo\u{1b}[2J\n").await.is_silent();
    assert_eq!(listen.line().await, "[log] -: one");
    assert_eq!(listen.line().await, "[log] -: two\\u{1b}[2J");
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_sent_with_a_message_to_each_kind_of_receiver_and_printed() {
    let (emulator, program) = start().await;
    let mut listen = listening(&program, "--group lobby --user alice --count 4", "joined lobby").await;
    let mut table = listening(&program, "--group lobby --count 1 -o table", "joined lobby").await;
    let connections = emulator.webpubsub().connections("chat");
    let alice = connections.iter().find(|connection| connection.user_id.as_deref() == Some("alice")).unwrap();
    let id = &alice.connection_id;
    for to in ["--group lobby", "--user alice", &*format!("--connection {id}"), ""] {
        let send = format!("wps send --hub chat {to} --metadata Trace=a=b --metadata language=en hello");
        program.run(&send).await.is_silent();
        assert_eq!(listen.json().await["metadata"], json!({ "trace": "a=b", "language": "en" }), "{to}");
    }
    assert_eq!(table.line().await, "[lobby] -: hello (language=en, trace=a=b)");
    let invalid = program.run_with("wps send --hub chat --lines --metadata s3cret", "one\n").await;
    assert_eq!(invalid.failed(2), "hubgrid: --metadata must be NAME=VALUE");
    let comma = program.run("wps send --hub chat --metadata a=s3cret,b hello").await;
    assert!(comma.failed(2).contains("metadata value of `a` must not contain a comma"), "{comma:?}");
    assert!(!comma.err.contains("s3cret"), "{comma:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_closes_the_connection_of_a_listener_and_is_a_success() {
    let (emulator, program) = start().await;
    for subprotocol in ["json", "json-reliable", "protobuf", "protobuf-reliable"] {
        let options = format!("--group lobby --subprotocol {subprotocol}");
        let listen = listening(&program, &options, "joined lobby").await;
        listen.interrupt();
        assert_eq!(listen.finish().await.code, Some(0), "{subprotocol}");
        emulator.webpubsub().wait_for_connections("chat", 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_ends_quietly_when_its_pipe_is_closed() {
    let (emulator, program) = start().await;
    let mut listen = listening(&program, "--group lobby", "joined lobby").await;
    // Nothing needs to arrive for that.
    listen.close_output();
    let run = listen.finish().await;
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    emulator.webpubsub().wait_for_connections("chat", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_listed_found_and_closed() {
    let (emulator, program) = start().await;
    let mut listen = listening(&program, "--group lobby --user alice", "joined lobby").await;
    let id = connection_id(&emulator);
    let list = program.run("wps connections list --hub chat --group lobby").await;
    assert_eq!(list.json(), [json!({ "connectionId": id, "userId": "alice" })]);
    let table = program.run("wps connections list --hub chat --group lobby -o table").await;
    let width = id.len();
    assert_eq!(table.out, format!("{:width$}  USER\n{id}  alice\n", "CONNECTION"));
    assert_eq!(program.run("wps connections list --hub chat --group empty").await.json(), [json!(null); 0]);

    let exists = program.run(&format!("wps connections exists --hub chat -- {id}")).await;
    assert_eq!(exists.json(), [json!({ "exists": true })]);
    let close = "wps connections close --hub chat --reason bye";
    let question = program.run(&format!("{close} -- {id}")).await.failed(2).to_owned();
    assert!(question.contains("pass --yes"), "{question}");
    program.run(&format!("{close} --yes -- {id}")).await.is_silent();
    // The listener reconnects, as the WebSocket client does.
    assert!(listen.notice("disconnected").await.contains("bye"));
    listen.notice("connected as").await;
    let exists = program.run(&format!("wps connections exists --hub chat -o table -- {id}")).await;
    assert_eq!((exists.code, exists.out), (Some(3), format!("{id} does not exist\n")));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_added_to_groups_and_removed() {
    let (emulator, program) = start().await;
    let _listen = listening(&program, "--user alice", "connected").await;
    let id = connection_id(&emulator);
    let groups = || emulator.webpubsub().connections("chat")[0].groups.clone();
    for select in [&*format!("--connection {id}"), "--user alice", "--filter \"userId eq 'alice'\""] {
        program.run(&format!("wps groups add --hub chat lobby {select}")).await.is_silent();
        assert_eq!(groups(), ["lobby"], "{select}");
        assert_eq!(
            program.run("wps groups exists --hub chat lobby").await.json(),
            [json!({ "exists": true })]
        );
        program.run(&format!("wps groups remove --hub chat lobby {select}")).await.is_silent();
        assert_eq!(groups(), [""; 0], "{select}");
    }
    let missing = program.run("wps groups exists --hub chat lobby").await;
    assert_eq!((missing.code, missing.lines()), (Some(3), vec![json!({ "exists": false })]));
    let unknown = program.run("wps groups add --hub chat lobby --connection gone").await;
    assert!(unknown.failed(3).contains("404 Not Found"), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connections_of_a_group_of_a_user_and_of_the_hub_are_closed() {
    let (emulator, program) = start().await;
    for close in [
        "groups close lobby --hub chat",
        "users close alice --hub chat",
        "connections close --hub chat --all",
    ] {
        let options = "--group lobby --user alice --no-reconnect";
        let listen = listening(&program, options, "joined lobby").await;
        assert!(program.run(&format!("wps {close}")).await.failed(2).contains("--yes"), "{close}");
        assert_eq!(emulator.webpubsub().connections("chat").len(), 1);
        program.run(&format!("wps {close} --yes --reason over")).await.is_silent();
        let run = listen.finish().await;
        assert!(run.code == Some(1) && run.err.contains("disconnected"), "{run:?}");
        emulator.webpubsub().wait_for_connections("chat", 0).await;
    }
    assert_eq!(program.run("wps users exists --hub chat alice").await.code, Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_are_granted_checked_and_revoked() {
    let (emulator, program) = start().await;
    let _listen = listening(&program, "", "connected").await;
    let id = connection_id(&emulator);
    let line = |command: &str| {
        format!("wps permissions {command} --hub chat send-to-group --connection {id} --group lobby")
    };
    assert_eq!(program.run(&line("check")).await.code, Some(3));
    program.run(&line("grant")).await.is_silent();
    assert_eq!(program.run(&line("check")).await.json(), [json!({ "granted": true })]);
    program.run(&line("revoke")).await.is_silent();
    assert_eq!(program.run(&line("check")).await.code, Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_a_url_with_which_a_client_connects() {
    let (_emulator, program) = start().await;
    let run = program.run("wps token --hub chat --user alice --group lobby --minutes 5").await;
    let token = &run.json()[0];
    assert!(token["url"].as_str().unwrap().contains("/client/hubs/chat?access_token="), "{token}");
    assert!(token["expiresAt"].as_str().unwrap().ends_with('Z'), "{token}");
    let mqtt = program.run("wps token --hub chat --protocol mqtt -o table").await;
    assert!(mqtt.out.contains("/clients/mqtt/hubs/chat?"), "{mqtt:?}");
    assert!(program.run("wps token").await.failed(2).contains("--hub"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_token_and_a_rejected_call_are_explained() {
    let (_emulator, program) = start().await;
    let token = program.run("wps token --hub other -o table").await.out;
    let (_, token) = token.split_once("access_token=").unwrap();
    let explained = program.run_with("wps token explain --hub chat", token).await;
    let findings = explained.json()[0]["findings"].to_string();
    assert!(findings.contains("other"), "{findings}");
    assert!(program.run("wps token explain --hub chat").await.failed(2).contains("standard input"));

    let fine = program.run("wps token explain --hub chat --call -o table").await;
    assert_eq!(fine.out, "the service accepts the credential\n");
    let wrong = program.environment["WEBPUBSUB_CONNECTION_STRING"].replace("AccessKey=", "AccessKey=x");
    let program = program.with("WEBPUBSUB_CONNECTION_STRING", &wrong);
    let explained = program.run("wps token explain --hub chat --call").await;
    assert!(!explained.json()[0]["findings"].as_array().unwrap().is_empty(), "{explained:?}");
    let send = program.run("wps send --hub chat hello").await;
    let message = send.failed(4);
    assert!(message.contains("401 Unauthorized") && message.contains("\n  "), "{message}");
    assert!(!message.contains("explain_unauthorized"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_prints_events_and_responds_to_them() {
    let (emulator, program) = start().await;
    let mut webhook = program.start("wps webhook --hub chat --listen 127.0.0.1:0 --respond pong --count 3");
    let line = webhook.notice("listening for events on").await;
    let url = line.rsplit(' ').next().unwrap();
    let settings = EventHandlerSettings::new(format!("{url}events"));
    let settings =
        settings.system_events([SystemEvent::Connect, SystemEvent::Connected, SystemEvent::Disconnected]);
    emulator.webpubsub().event_handler("chat", settings).unwrap();
    let listen = listening(&program, "--user alice", "connected").await;
    let event = webhook.json().await;
    assert_eq!(
        (&event["event"], &event["user"], &event["hub"]),
        (&json!("connect"), &json!("alice"), &json!("chat"))
    );
    assert_eq!(webhook.json().await["event"], "connected");
    listen.interrupt();
    let end = webhook.json().await;
    assert_eq!(end["event"], "disconnected");
    assert_eq!(webhook.finish().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_can_reject_clients() {
    let (emulator, program) = start().await;
    let mut webhook =
        program.start("wps webhook --hub chat --listen 127.0.0.1:0 --reject maintenance -o table");
    let line = webhook.notice("listening for events on").await;
    let url = line.rsplit(' ').next().unwrap();
    let settings = EventHandlerSettings::new(format!("{url}events"));
    let settings =
        settings.system_events([SystemEvent::Connect, SystemEvent::Connected, SystemEvent::Disconnected]);
    emulator.webpubsub().event_handler("chat", settings).unwrap();
    let listen = program.run("--no-retry wps listen --hub chat").await;
    assert!(listen.failed(4).contains("401"), "{listen:?}");
    assert!(webhook.line().await.starts_with("connect connection "));
    webhook.interrupt();
    assert_eq!(webhook.finish().await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_needs_no_credential_and_reports_a_dead_server() {
    let (emulator, program) = start().await;
    assert_eq!(program.run("wps health").await.json()[0]["healthy"], true);
    emulator.shutdown().await;
    let dead = program.run("--no-retry wps health").await;
    assert!(dead.failed(1).contains("could not connect to 127.0.0.1"), "{dead:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_states_of_a_group_are_printed_and_then_each_change() {
    let (_emulator, program) = start().await;
    let presence = "wps presence --hub chat --group lobby";
    let mut alice = program.start(&format!("{presence} --user alice --state status=away --count 3"));
    let present = alice.json().await;
    assert_eq!((&present["event"], &present["userId"]), (&json!("present"), &json!("alice")));
    assert_eq!(present["state"], json!({ "status": "away" }));
    let bob = program.start(&format!("{presence} --user bob --state device=phone --state status=here"));
    let set = alice.json().await;
    assert_eq!(
        (&set["event"], &set["userId"], &set["state"]["device"]),
        (&json!("set"), &json!("bob"), &json!("phone"))
    );
    let once = program.run(&format!("{presence} --once -o table")).await;
    assert!(once.code == Some(0) && once.out.starts_with("CONNECTION "), "{once:?}");
    assert!(
        once.out.contains("alice  status=away") && once.out.contains("bob    device=phone, status=here"),
        "{once:?}"
    );
    bob.interrupt();
    assert_eq!(bob.finish().await.code, Some(0));
    let cleared = alice.json().await;
    assert_eq!((&cleared["event"], &cleared["userId"]), (&json!("cleared"), &json!("bob")));
    assert_eq!(alice.finish().await.code, Some(0));
    assert!(
        program.run(&format!("{presence} --state x")).await.failed(2).contains("--state must be NAME=VALUE")
    );
}
