//! The demo passes when the services do their work, and fails as soon as one of them only says so.

use service_emulator::{Emulator, Fault};
use workspace_tests::demo::{Targets, run};

async fn demo_with(fault: Option<Fault>) -> (Result<(), String>, String) {
    let emulator = Emulator::start().await.unwrap();
    if let Some(fault) = fault {
        emulator.faults().push(fault);
    }
    let mut out = Vec::new();
    let result = run(&emulator, &Targets::default(), &mut |_| false, &mut out).await;
    (result.map_err(|error| error.to_string()), String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn the_demo_shows_all_five_operations() {
    let (result, story) = demo_with(None).await;
    result.unwrap();
    for shown in [
        "POST /api/hubs/demo/groups/demo-lobby/:closeConnections?",
        "DELETE /api/hubs/demo/connections/",
        "POST /api/hubs/demo/users/demo-dave/:closeConnections?",
        "POST /topics/orders/eventsubscriptions/billing:reject?",
        "POST /api/v2/agent/disconnection",
        "All five calls had the effect that they promise.",
    ] {
        assert!(story.contains(shown), "{shown} is not in:\n{story}");
    }
    assert!(!story.contains("access_token") && !story.contains("AccessKey"), "{story}");
}

/// Success statuses without the work behind them: what a broken service, or a client that sends the wrong thing, looks like.
#[tokio::test]
async fn the_demo_fails_when_a_close_has_no_effect() {
    for path in
        ["/groups/demo-lobby/:closeConnections", "/connections/", "/users/demo-dave/:closeConnections"]
    {
        let (result, story) = demo_with(Some(Fault::status(204).path_contains(path))).await;
        let error = result.unwrap_err();
        assert!(error.contains("still open"), "{path}: {error}\n{story}");
        assert!(!story.contains("All five"), "{story}");
    }
}

#[tokio::test]
async fn the_demo_fails_when_a_rejection_or_a_disconnection_has_no_effect() {
    let body = r#"{"succeededLockTokens":[],"failedLockTokens":[]}"#;
    let (result, _) = demo_with(Some(Fault::status(200).path_contains(":reject").body(body))).await;
    let error = result.unwrap_err();
    assert!(error.contains("lock tokens failed"), "{error}");
    let (result, _) = demo_with(Some(Fault::status(200).path_contains("/agent/disconnection"))).await;
    assert!(result.unwrap_err().contains("leaves the status list"));
}

#[tokio::test]
async fn nothing_real_is_touched_without_consent() {
    let emulator = Emulator::start().await.unwrap();
    let text = emulator.webpubsub().connection_string().into();
    let targets = Targets { webpubsub: Some(text), ..Targets::default() };
    let mut asked = Vec::new();
    let result = run(
        &emulator,
        &targets,
        &mut |question| {
            asked.push(question.to_owned());
            false
        },
        &mut Vec::new(),
    )
    .await;
    assert!(result.unwrap_err().to_string().contains("you said no"));
    assert!(asked[0].contains("hub `demo`") && emulator.requests().is_empty());
}
