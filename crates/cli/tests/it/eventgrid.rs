//! `hubgrid eventgrid`.

use std::time::Duration;

use serde_json::{Value, json};
use service_emulator::eventgrid::SubscriptionSettings;
use service_emulator::{Emulator, Fault};

use crate::program::{Directory, Program};

async fn start() -> (Emulator, Program) {
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let program = Program::new(&emulator);
    (emulator, program)
}

/// Returns JSON lines of this number of events.
fn events(count: usize) -> String {
    let event = |n: usize| json!({ "specversion": "1.0", "id": n.to_string(), "source": "/shop", "type": "order", "subject": "s", "data": n });
    (0..count).map(|n| event(n).to_string() + "\n").collect()
}

const PUBLISH: &str = "eg publish --topic orders";
const BILLING: &str = "--topic orders --subscription billing";

fn published(count: usize) -> Vec<Value> {
    vec![json!({ "published": count, "failed": 0, "invalid": 0 })]
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_published_from_files_and_standard_input() {
    let (emulator, program) = start().await;
    let directory = Directory::new("publish");
    let lines = directory.file("lines", &events(2500));
    let array = directory.file("array", &format!("[{}]", events(2).trim().replace('\n', ",\n")));
    let pretty = serde_json::from_str::<Value>(&events(1)).unwrap();
    let pretty = directory.file("pretty", &format!("{pretty:#}\n{pretty:#}"));
    let run = program.run(&format!("{PUBLISH} {lines} {array} {pretty}")).await;
    assert_eq!(run.json(), published(2504));
    assert_eq!(program.run_with(PUBLISH, &events(3)).await.json(), published(3));
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 2507);
    let text = program.run_with(&format!("{PUBLISH} -o table -"), &events(1)).await;
    assert_eq!((&*text.out, &*text.err), ("1 event published\n", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn data_becomes_events_of_the_given_type() {
    let (_emulator, program) = start().await;
    let options = "--type com.example.order --source /shop --subject s";
    let run = program.run_with(&format!("{PUBLISH} {options}"), "{\"total\": 5}\n[1]\nno json\n").await;
    assert_eq!(
        (run.code, run.lines()),
        (Some(5), vec![json!({ "published": 2, "failed": 0, "invalid": 1 })])
    );
    assert!(run.err.contains("standard input:3: the data is not JSON"), "{run:?}");
    program.run_with(&format!("{PUBLISH} {options} --text"), "[plain\n").await.json();
    let received = program.run(&format!("eg receive {BILLING} --max 10")).await.json();
    let data: Vec<_> = received.iter().map(|event| &event["event"]["data"]).collect();
    assert_eq!(data, [&json!({ "total": 5 }), &json!([1]), &json!("[plain")]);
    let event = &received[0]["event"];
    assert_eq!((&event["type"], &event["subject"]), (&json!("com.example.order"), &json!("s")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_event_is_reported_with_its_line_and_the_others_are_published() {
    let (emulator, program) = start().await;
    let input = format!("{}{}\nnot json\n", events(1), json!({ "specversion": "1.0", "id": "1" }));
    let run = program.run_with(PUBLISH, &input).await;
    assert_eq!(
        (run.code, run.lines()),
        (Some(5), vec![json!({ "published": 1, "failed": 0, "invalid": 2 })])
    );
    assert!(run.err.contains("standard input:2: ") && run.err.contains("standard input:3: "), "{run:?}");
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1);
    let missing = program.run(&format!("{PUBLISH} does-not-exist")).await;
    assert!(missing.failed(2).contains("could not read does-not-exist"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_could_not_be_published_are_written_to_a_file() {
    let (emulator, program) = start().await;
    let directory = Directory::new("failed");
    let (input, failed) = (directory.file("input", &events(1500)), directory.file("failed", ""));
    emulator.faults().push(Fault::status(503).path_contains(":publish"));
    let run = program.run(&format!("--no-retry {PUBLISH} --failed {failed} {input}")).await;
    assert_eq!(run.code, Some(5), "{run:?}");
    let result = run.lines().remove(0);
    let failures = usize::try_from(result["failed"].as_u64().unwrap()).unwrap();
    assert!(failures > 0 && result["published"] == 1500 - failures, "{result}");
    let saved = std::fs::read_to_string(&failed).unwrap();
    let ids: Vec<_> =
        saved.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone()).collect();
    assert_eq!(ids, (0..failures).map(|n| json!(n.to_string())).collect::<Vec<_>>());
    let again = program.run(&format!("{PUBLISH} {failed}")).await;
    assert_eq!(again.json(), published(failures));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_published_before_the_input_ends_and_ctrl_c_reports_how_many() {
    use tokio::io::AsyncWriteExt as _;
    let (_emulator, program) = start().await;
    let mut publish = program.start(PUBLISH);
    let stdin = publish.stdin.as_mut().unwrap();
    stdin.write_all(events(2).as_bytes()).await.unwrap();
    let received = program.run(&format!("eg receive {BILLING} --max 2")).await;
    assert!(!received.json().is_empty());
    publish.interrupt();
    let run = publish.finish().await;
    assert_eq!((run.code, run.lines()), (Some(130), published(2)), "{}", run.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn received_events_are_settled_by_their_lock_tokens() {
    let (emulator, program) = start().await;
    program.run_with(PUBLISH, &events(3)).await.json();
    let received = program.run(&format!("eg receive {BILLING} --max 3")).await.json();
    let tokens: Vec<_> = received.iter().map(|event| event["lockToken"].as_str().unwrap()).collect();
    let settled = |token: &str| vec![json!({ "lockToken": token, "result": "settled" })];
    let acknowledge = program.run(&format!("eg acknowledge {BILLING} -- {}", tokens[0])).await;
    assert_eq!(acknowledge.json(), settled(tokens[0]));
    let release = program.run_with(&format!("eg release {BILLING}"), tokens[1]).await;
    assert_eq!(release.json(), settled(tokens[1]));
    let reject = format!("eg reject {BILLING} -- {}", tokens[2]);
    assert!(program.run(&reject).await.failed(2).contains("pass --yes"));
    assert_eq!(program.run(&reject.replace("reject", "reject --yes")).await.json(), settled(tokens[2]));
    assert_eq!(emulator.eventgrid().dead_letters("orders", "billing").len(), 1);
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1);
    program.run_with(&format!("eg acknowledge {BILLING} -"), "\n").await.is_silent();

    let lost = program.run(&format!("eg acknowledge {BILLING} -o table -- {}", tokens[0])).await;
    assert_eq!(lost.code, Some(5), "{lost:?}");
    assert!(lost.out.starts_with("LOCK TOKEN") && lost.out.contains("TokenLost"), "{lost:?}");
    assert!(lost.err.contains("1 of 1 event was not settled"), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn received_events_can_be_acknowledged_after_they_were_printed() {
    let (emulator, program) = start().await;
    program.run_with(PUBLISH, &events(2)).await.json();
    let table = program.run(&format!("eg receive {BILLING} --max 5 --acknowledge -o table")).await;
    assert_eq!((table.code, table.out.lines().count()), (Some(0), 3), "{table:?}");
    assert!(
        table.out.starts_with("ID  TYPE   SUBJECT  DELIVERIES  LOCK TOKEN\n0   order  s        1 "),
        "{table:?}"
    );
    assert_eq!(state(&emulator), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_acknowledges_what_it_printed() {
    let (emulator, program) = start().await;
    program.run_with(PUBLISH, &events(3)).await.json();
    let mut tail = program.start(&format!("eg tail {BILLING} --count 2"));
    assert_eq!((tail.json().await["id"].clone(), tail.json().await["id"].clone()), (json!("0"), json!("1")));
    assert_eq!(tail.finish().await.code, Some(0));
    assert_eq!(state(&emulator), (1, 0));
    let text = program.run(&format!("eg tail {BILLING} --count 1 -o table")).await;
    assert_eq!(text.out, "2 order s: 2\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_ends_quietly_when_its_pipe_is_closed_and_takes_no_more_events() {
    let (emulator, program) = start().await;
    program.run_with(PUBLISH, &events(1)).await.json();
    let mut tail = program.start(&format!("eg tail {BILLING}"));
    tail.line().await;
    tail.close_output();
    let run = tail.finish().await;
    program.run_with(PUBLISH, &events(1)).await.json();
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    assert_eq!(state(&emulator), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn received_events_are_released_if_the_pipe_is_closed() {
    let (emulator, program) = start().await;
    let mut receive = program.start(&format!("eg receive {BILLING} --acknowledge --max 100"));
    receive.close_output();
    program.run_with(PUBLISH, &events(3)).await.json();
    let run = receive.finish().await;
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    assert_eq!(state(&emulator), (3, 0));
}

/// Returns how many events are available and how many are locked.
fn state(emulator: &Emulator) -> (usize, usize) {
    (emulator.eventgrid().waiting("orders", "billing"), emulator.eventgrid().locked("orders", "billing"))
}

/// Waits until the emulator has received a request whose path contains this text.
async fn requested(emulator: &Emulator, path: &str) {
    while !emulator.requests().iter().any(|request| request.target.contains(path)) {
        tokio::task::yield_now().await;
    }
}

/// Waits until the log of the emulator has a line that contains these texts.
async fn logged(emulator: &Emulator, texts: [&str; 2]) {
    let url = format!("{}/_emulator/events?after=0", emulator.endpoint());
    let mut log = reqwest::get(url).await.unwrap();
    let mut text = String::new();
    while !text.lines().any(|line| texts.iter().all(|text| line.contains(text))) {
        text += std::str::from_utf8(&log.chunk().await.unwrap().unwrap()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_a_receive_that_waits_and_it_takes_no_more_events() {
    let (emulator, program) = start().await;
    let receive = program.start(&format!("eg receive {BILLING} --wait 60 --acknowledge"));
    requested(&emulator, "billing:receive").await;
    receive.interrupt();
    assert_eq!(receive.finish().await.failed(130), "");
    logged(&emulator, ["billing:receive", "gone"]).await;
    program.run_with(PUBLISH, &events(1)).await.json();
    assert_eq!(state(&emulator), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_does_not_abort_the_acknowledgment_of_events_that_were_printed() {
    let (emulator, program) = start().await;
    program.run_with(PUBLISH, &events(2)).await.json();
    let delay = Duration::from_secs(20);
    emulator.faults().push(Fault::delay(delay).path_contains("billing:acknowledge"));
    let receive = program.start(&format!("eg receive {BILLING} --max 2 --acknowledge"));
    requested(&emulator, "billing:acknowledge").await;
    receive.interrupt();
    emulator.clock().advance(delay);
    let run = receive.finish().await;
    assert_eq!(run.json().len(), 2);
    assert_eq!(state(&emulator), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_response_that_ctrl_c_did_not_wait_for_are_delivered_again() {
    let (emulator, program) = start().await;
    program.run_with(PUBLISH, &events(1)).await.json();
    let late = Fault::delay(Duration::from_secs(20)).after_processing().path_contains("billing:receive");
    emulator.faults().push(late);
    let receive = program.start(&format!("eg receive {BILLING}"));
    while state(&emulator) != (0, 1) {
        tokio::task::yield_now().await;
    }
    receive.interrupt();
    assert_eq!(receive.finish().await.failed(130), "");
    emulator.clock().advance(Duration::from_secs(60));
    let again = program.run(&format!("eg receive {BILLING}")).await.json();
    assert_eq!(again[0]["deliveryCount"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_a_tail_that_waits() {
    let (emulator, program) = start().await;
    program.run_with(PUBLISH, &events(1)).await.json();
    let mut tail = program.start(&format!("eg tail {BILLING}"));
    tail.line().await;
    tail.interrupt();
    assert_eq!(tail.finish().await.code, Some(0));
    assert_eq!(state(&emulator), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_status_of_a_command_settles_its_event() {
    let (emulator, program) = start().await;
    program.run_with(PUBLISH, &events(3)).await.json();
    let exec = "read event; case $HUBGRID_EVENT_ID in 0) echo \"$event\";; 1) exit 65;; 2) exit 1;; esac";
    let run = program.run(&format!("eg process {BILLING} --count 3 --delay 60 --exec '{exec}'")).await;
    let [event, summary] = &run.json()[..] else { panic!("{run:?}") };
    assert_eq!((&event["id"], &event["data"]), (&json!("0"), &json!(0)));
    assert_eq!(*summary, json!({ "acknowledged": 1, "released": 1, "rejected": 1 }));
    assert!(run.err.contains("event 2 is released: the command ended with exit status: 1"), "{run:?}");
    assert_eq!(emulator.eventgrid().dead_letters("orders", "billing").len(), 1);
    assert_eq!(emulator.eventgrid().locked("orders", "billing"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_lets_a_running_command_finish_and_settles_its_event() {
    let (emulator, program) = start().await;
    let directory = Directory::new("process");
    let fifo = directory.0.join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    program.run_with(PUBLISH, &events(2)).await.json();
    let exec = format!("echo started; read line < {}", fifo.display());
    let mut process = program.start(&format!("eg process {BILLING} --exec '{exec}'"));
    assert_eq!(process.line().await, "started");
    process.interrupt();
    // Opening the FIFO waits for its reader, so the command is unblocked only now.
    tokio::task::spawn_blocking(move || std::fs::write(fifo, "go\n")).await.unwrap().unwrap();
    let run = process.finish().await;
    assert_eq!(
        (run.code, run.lines()),
        (Some(0), vec![json!({ "acknowledged": 1, "released": 0, "rejected": 0 })])
    );
    assert_eq!(state(&emulator), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_kills_a_running_command_and_releases_its_event() {
    let (emulator, program) = start().await;
    program.run_with(PUBLISH, &events(1)).await.json();
    // The input of `cat` never ends, because this shell holds its other end.
    let directory = Directory::new("kill");
    let fifo = directory.0.join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let exec = format!("echo started; exec cat 0<>{}", fifo.display());
    let mut process = program.start(&format!("eg process {BILLING} --delay 0 --exec '{exec}'"));
    assert_eq!(process.line().await, "started");
    process.interrupt();
    process.notice("Ctrl-C again").await;
    process.interrupt();
    let run = process.finish().await;
    assert_eq!(
        (run.code, run.lines()),
        (Some(130), vec![json!({ "acknowledged": 0, "released": 1, "rejected": 0 })])
    );
    assert!(run.err.contains("signal: 9"), "{run:?}");
    assert_eq!(state(&emulator), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_was_delivered_too_often_is_rejected() {
    let (emulator, program) = start().await;
    let settings = SubscriptionSettings::default().lock_duration(Duration::from_secs(60));
    emulator.eventgrid().declare_with("orders", "billing", settings);
    program.run_with(PUBLISH, &events(1)).await.json();
    let received = program.run(&format!("eg receive {BILLING}")).await.json();
    program
        .run(&format!("eg release {BILLING} -- {}", received[0]["lockToken"].as_str().unwrap()))
        .await
        .json();
    let mut process = program.start(&format!("eg process {BILLING} --max-deliveries 1 --exec 'exit 3'"));
    assert!(process.notice("is rejected").await.contains("event 0 is rejected: delivered 2 times"));
    process.interrupt();
    assert_eq!(process.finish().await.code, Some(0));
    assert_eq!(emulator.eventgrid().dead_letters("orders", "billing").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_printed_and_published_again() {
    let (emulator, program) = start().await;
    let letter = json!([
        {
            "event": { "specversion": "1.0", "id": "9", "source": "/shop", "type": "order", "data": 1 },
            "deadletterProperties": { "deadletterreason": "MaxDeliveryAttemptsExceeded", "deliveryattempts": 10 },
        },
        { "event": { "id": "10" } },
    ]);
    let run = program.run_with("eg dead-letters -o table", &letter.to_string()).await;
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.out.contains("9   order") && run.out.contains("MaxDeliveryAttemptsExceeded  10"), "{run:?}");
    let events = program.run_with("eg dead-letters --events", &letter.to_string()).await;
    assert!(events.err.contains("1 of 2 events cannot be read"), "{events:?}");
    program.run_with(PUBLISH, &events.out).await.json();
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1);
    let invalid = program.run_with("eg dead-letters", "no json").await;
    assert!(invalid.failed(2).contains("not a JSON object or array"), "{invalid:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn validation_names_the_rule_that_an_event_breaks() {
    let (_emulator, program) = start().await;
    let fine = program.run_with("eg validate", &events(2)).await;
    assert_eq!(fine.json(), [json!({ "validEvents": 2, "invalidEvents": 0 })]);
    let event = |members: Value| {
        let mut event = json!({ "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": 1 });
        event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        event.to_string()
    };
    let input = [
        event(json!({ "time": "yesterday" })),
        event(json!({ "data": null })),
        event(json!({ "id": "" })),
        event(json!({ "data": "x".repeat(1 << 20) })),
    ];
    let run = program.run_with("eg validate -o table", &input.join("\n")).await;
    assert_eq!(run.code, Some(5));
    let lines: Vec<_> = run.out.lines().collect();
    for (line, (at, word)) in
        lines.iter().zip([(1, "`time`"), (2, "null"), (3, "`id`"), (4, "1048576 bytes")])
    {
        assert!(line.starts_with(&format!("standard input:{at}: ")) && line.contains(word), "{line}");
    }
    assert_eq!(lines[4], "0 valid, 4 invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_an_unknown_topic_and_a_dead_server_have_their_exit_codes() {
    let (emulator, program) = start().await;
    let wrong = program.with("EVENTGRID_NAMESPACES_KEY", "d3Jvbmc=");
    let run = wrong.run(&format!("eg receive {BILLING}")).await;
    assert!(run.failed(4).contains("401 Unauthorized"), "{run:?}");
    let run = wrong.run_with(PUBLISH, &events(1)).await;
    assert_eq!(
        (run.code, run.lines()),
        (Some(4), vec![json!({ "published": 0, "failed": 1, "invalid": 0 })])
    );
    emulator.eventgrid().declared_only();
    let run = program.run("eg receive --topic unknown --subscription billing").await;
    assert!(run.failed(3).contains("404 Not Found"), "{run:?}");
    emulator.shutdown().await;
    let run = program.run(&format!("--no-retry eg receive {BILLING}")).await;
    assert!(run.failed(1).contains("could not connect"), "{run:?}");
}
