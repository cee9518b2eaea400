//! The soak in small: what `cargo xtask soak eventgrid` does with a million events, with a few thousand.

use workspace_tests::soak::{Options, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_is_handled_or_dead_lettered_no_matter_what_fails() {
    let options =
        Options { seed: 7, events: 3_000, processors: 4, poison: 100, mean_bytes: 100_000, plant: false };
    let (judgement, incidents) = run(options).await.unwrap();
    assert!(judgement.holds(), "{judgement}\n{incidents:?}");
    assert_eq!((judgement.published, judgement.dead), (3_000, 30));
    // It proves nothing unless something went wrong.
    assert!(judgement.failed > 300 && incidents.cuts.total > 5 && incidents.storms > 0, "{incidents:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_early_acknowledgments_are_seen() {
    let options =
        Options { seed: 7, events: 1_000, processors: 1, poison: 2_000, mean_bytes: 1 << 20, plant: true };
    let (judgement, _) = run(options).await.unwrap();
    assert!(!judgement.holds() && judgement.premature >= 20, "{judgement}");
}
