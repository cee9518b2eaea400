//! The chaos in small: what `cargo xtask chaos` does with a hundred thousand messages, with a few thousand.

use workspace_tests::chaos::{Options, run, streams};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections_lose_nothing_and_double_nothing() {
    let options = Options { seed: 3, messages: 2_000, mean_bytes: 8_000, unrecoverable: false };
    let report = run(options).await.unwrap();
    assert!(report.holds(), "{report:?}");
    let cuts = report.cuts;
    // How many depends on how much there is to say; it proves nothing without any.
    assert!(cuts.total > 10 && cuts.up > 0 && cuts.down > 0, "{cuts:?}");
    assert!(cuts.in_handshake + cuts.in_recovery > 0, "{cuts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_connections_that_end_for_good_every_send_has_an_end_that_is_told() {
    let options = Options { seed: 4, messages: 2_000, mean_bytes: 8_000, unrecoverable: true };
    let report = run(options).await.unwrap();
    assert!(report.holds(), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_over_cut_connections_are_complete_and_in_order() {
    let options =
        streams::Options { seed: 5, parts: 1_000, streams: 40, mean_bytes: 6_000, unrecoverable: false };
    let report = streams::run(options).await.unwrap();
    assert!(report.holds(), "{report:?}");
    assert!(report.cuts.total > 10 && report.cuts.up > 0 && report.cuts.down > 0, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_whose_connection_ends_for_good_fail_for_the_writer_and_all_readers() {
    let options =
        streams::Options { seed: 6, parts: 1_000, streams: 40, mean_bytes: 6_000, unrecoverable: true };
    let report = streams::run(options).await.unwrap();
    assert!(report.holds(), "{report:?}");
}
