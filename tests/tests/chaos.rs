//! The chaos in small: what `cargo xtask chaos` does with a hundred thousand messages, with a few thousand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by them")]

use workspace_tests::chaos::{Options, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_lose_nothing_and_double_nothing() {
    let options = Options { seed: 3, messages: 2_000, mean_bytes: 8_000, unrecoverable: false };
    let report = run(options).await.unwrap();
    assert!(report.holds(), "{report:?}");
    let cuts = report.cuts;
    assert!(cuts.total > 40 && cuts.up > 5 && cuts.down > 5, "{cuts:?}");
    assert!(cuts.in_handshake > 0 && cuts.in_recovery > 0, "{cuts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_connections_that_end_for_good_every_send_has_an_end_that_is_told() {
    let options = Options { seed: 4, messages: 2_000, mean_bytes: 8_000, unrecoverable: true };
    let report = run(options).await.unwrap();
    assert!(report.holds(), "{report:?}");
}
