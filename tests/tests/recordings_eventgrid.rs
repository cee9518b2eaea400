//! Every recorded exchange with Event Grid Namespaces, played against the emulator.

use workspace_tests::recordings::{play_eventgrid, surprises};

/// Lines to which the emulator responds differently, and why that is right.
const EXCEPTIONS: [(&[usize], &str); 1] =
    [(&[94], "a failure of the service itself, which the emulator has only when a fault is asked for")];

#[tokio::test]
async fn every_recorded_exchange_comes_out_as_recorded() {
    let surprises = surprises("eventgrid-namespaces.jsonl", &EXCEPTIONS, play_eventgrid).await.unwrap();
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
}
