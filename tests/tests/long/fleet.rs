//! The fleet in small: what `cargo xtask fleet` does with 200,000 events and 200 incidents.
#![cfg(unix)]

use std::path::Path;

use workspace_tests::fleet::{Options, run};

const OPTIONS: Options = Options { seed: 3, events: 4_000, processes: 3, incidents: 12, plant: false };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_are_killed_lose_no_event_and_acknowledge_none_too_early() {
    let (counts, incidents) = run(OPTIONS, Path::new(env!("CARGO_BIN_EXE_long"))).await.unwrap();
    assert!(counts.holds(4_000) && incidents.dead == 0, "{counts}\n{incidents:?}");
    // It proves nothing unless something went wrong.
    assert!(incidents.kills > 2 && incidents.stops > 2, "{incidents:?}");
    assert!(counts.after_failure > 50 && counts.after_kill > 0, "{counts}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_early_acknowledgments_are_seen() {
    let options = Options { events: 500, processes: 2, incidents: 0, plant: true, ..OPTIONS };
    let (counts, _) = run(options, Path::new(env!("CARGO_BIN_EXE_long"))).await.unwrap();
    assert!(!counts.holds(500) && counts.premature >= 10, "{counts}");
}
