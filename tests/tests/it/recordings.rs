//! Every recorded exchange with Event Grid Namespaces and with Web PubSub, played against the emulator.

use workspace_tests::recordings::{play_eventgrid, play_webpubsub, surprises};

/// Lines of Event Grid Namespaces to which the emulator responds differently, and why that is right.
const EVENTGRID_EXCEPTIONS: [(&[usize], &str); 1] =
    [(&[94], "a failure of the service itself, which the emulator has only when a fault is asked for")];

/// The same of Web PubSub.
const WEBPUBSUB_EXCEPTIONS: [(&[usize], &str); 4] = [
    (&[11, 93, 102, 119, 120, 121, 147, 149, 150], "previews of 2021, whose query was not recorded"),
    (&[12, 94, 115, 148, 151], "api-versions 2020-10-01 and 2021-05-01-preview, which are not emulated"),
    (&[38], "the same preview: it had no error bodies"),
    // `innererror` is the 5 characters longer that the responses to HEAD announce as well.
    (
        &[14, 57, 146],
        "the service of 2021 and 2022 called the last member of an error `innererror`, today's `inner`",
    ),
];

#[tokio::test]
async fn every_recorded_exchange_with_event_grid_comes_out_as_recorded() {
    let surprises =
        surprises("eventgrid-namespaces.jsonl", &EVENTGRID_EXCEPTIONS, play_eventgrid).await.unwrap();
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
}

#[tokio::test]
async fn every_recorded_exchange_with_web_pubsub_comes_out_as_recorded() {
    let surprises = surprises("webpubsub.jsonl", &WEBPUBSUB_EXCEPTIONS, play_webpubsub).await.unwrap();
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
}
