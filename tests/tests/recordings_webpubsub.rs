//! Every recorded exchange with Web PubSub, played against the emulator.

use workspace_tests::recordings::{play_webpubsub, surprises};

/// Lines to which the emulator responds differently, and why that is right.
const EXCEPTIONS: [(&[usize], &str); 4] = [
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
async fn every_recorded_exchange_comes_out_as_recorded() {
    let surprises = surprises("webpubsub.jsonl", &EXCEPTIONS, play_webpubsub).await.unwrap();
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
}
