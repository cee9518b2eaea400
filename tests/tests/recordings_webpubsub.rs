//! Every recorded exchange with Web PubSub, played against the emulator.

use workspace_tests::recordings::{play_webpubsub, surprises};

/// Lines that the emulator answers otherwise, and why that is right.
const EXCEPTIONS: [(usize, &str); 0] = [];

#[tokio::test]
async fn every_recorded_exchange_comes_out_as_recorded() {
    let surprises = surprises("webpubsub.jsonl", &EXCEPTIONS, play_webpubsub).await.unwrap();
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
}
