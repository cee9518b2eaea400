//! `hubgrid webpubsub invoke`.

use serde_json::json;
use service_emulator::Emulator;
use service_emulator::webpubsub::EventHandlerSettings;

use crate::program::Program;
use crate::relay::Relay;
use crate::upstream::Upstream;

async fn start() -> (Emulator, Program) {
    let emulator = Emulator::start().await.unwrap();
    let program = Program::new(&emulator);
    (emulator, program)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_prints_the_response_of_the_handler() {
    let (emulator, program) = start().await;
    let mut webhook = program.start("wps webhook --hub chat --listen 127.0.0.1:0 --respond pong");
    let line = webhook.notice("listening for events on").await;
    let settings = EventHandlerSettings::new(format!("{}events", line.rsplit(' ').next().unwrap()));
    emulator.webpubsub().event_handler("chat", settings).unwrap();
    let response = program.run("wps invoke --hub chat --user alice --json ping '[1, 2]'").await;
    assert_eq!(response.json(), [json!({ "kind": "text", "data": "pong", "metadata": null })]);
    let event = webhook.json().await;
    assert_eq!(
        (&event["name"], &event["user"], &event["data"]),
        (&json!("ping"), &json!("alice"), &json!([1, 2]))
    );
    let text = program.run_with("wps invoke --hub chat ping - -o table", "hello\n").await;
    assert_eq!((&*text.out, &webhook.json().await["data"]), ("pong\n", &json!("hello")));
    program.run("wps invoke --hub chat ping").await.json();
    assert!(
        program.run("wps invoke --hub chat --json ping no").await.failed(2).contains("the data is not JSON")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_of_an_invocation_reaches_the_handler_and_that_of_the_response_is_printed() {
    let (emulator, program) = start().await;
    let mut handler = Upstream::start().await;
    emulator.webpubsub().event_handler("chat", EventHandlerSettings::new(handler.url())).unwrap();
    for (format, printed) in
        [("json", r#"{"data":"pong","kind":"text","metadata":{"b":"c"}}"#), ("table", "pong (b=c)")]
    {
        let mut invoke = program.start(&format!("wps invoke --hub chat --metadata Trace=7 ping -o {format}"));
        let call = handler.call().await;
        assert!(call.head.contains("x-webpubsub-metadata-trace: 7"), "{}", call.head);
        call.respond("content-type: text/plain\r\nx-webpubsub-metadata-b: c\r\n", "pong").await;
        assert_eq!(invoke.line().await, printed);
        assert_eq!(invoke.finish().await.code, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_cancels_an_invocation_at_the_service() {
    let (emulator, program) = start().await;
    let mut handler = Upstream::start().await;
    emulator.webpubsub().event_handler("chat", EventHandlerSettings::new(handler.url())).unwrap();
    // What the client sends is recorded on its way to the emulator.
    let relay = Relay::start(emulator.address()).await;
    let connection_string = &program.environment["WEBPUBSUB_CONNECTION_STRING"];
    let connection_string = connection_string.replace(&emulator.address().to_string(), &relay.address);
    let program = program.with("WEBPUBSUB_CONNECTION_STRING", &connection_string);
    let invoke = program.start("wps invoke --hub chat ping");
    // The handler has not responded yet.
    let _call = handler.call().await;
    invoke.interrupt();
    let run = invoke.finish().await;
    assert_eq!(run.failed(130), "", "{run:?}");
    emulator.webpubsub().wait_for_connections("chat", 0).await;
    let frames = relay.frames();
    let kinds: Vec<_> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["invoke", "cancelInvocation"], "{frames:?}");
    assert_eq!(frames[0]["invocationId"], frames[1]["invocationId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invocation_without_a_handler_fails() {
    let (_emulator, program) = start().await;
    let run = program.run("wps invoke --hub chat ping").await;
    assert!(run.failed(1).contains("invoke"), "{run:?}");
}
