//! Endurance in small: what `cargo xtask endure` does for half an hour, until every part has made some progress.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::time::Duration;

use workspace_tests::endure::{Length, Options, Plant, Report, run};

async fn report(plant: Option<Plant>, progress: u64) -> Report {
    let length = Length::Progress(progress);
    let options = Options { seed: 5, length, sample: Duration::from_millis(20), plant, directory: None };
    run(options, Path::new(env!("CARGO_BIN_EXE_long"))).await.unwrap()
}

fn count(report: &Report, label: &str) -> u64 {
    report.lines.iter().find(|line| line.label == label).unwrap().count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_duplicated_while_everything_runs_and_fails_together() {
    let report = report(None, 250).await;
    assert!(report.accounts(), "{report:#?}");
    // It proves nothing unless everything ran, and something went wrong.
    for label in
        ["events handled by processors", "events handled by the push webhook", "messages acknowledged"]
    {
        assert!(count(&report, label) >= 50, "{label}: {report:#?}");
    }
    assert!(report.cuts[0].total + report.cuts[1].total > 0 && report.troubles.storms > 0, "{report:#?}");
    assert!(report.samples > 10 && report.growth.len() == 13, "{report:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_losses_are_seen() {
    let report = report(Some(Plant::Loss), 120).await;
    assert!(count(&report, "messages lost") > 0, "{report:#?}");
    assert!(count(&report, "events acknowledged, but not handled") > 0, "{report:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_duplicates_are_seen() {
    let report = report(Some(Plant::Duplicate), 120).await;
    assert!(count(&report, "messages received twice, or out of order") > 0, "{report:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planted_leak_is_seen() {
    let report = report(Some(Plant::Leak), 60).await;
    let memory = report.growth.iter().find(|growth| growth.name == "memory of the clients").unwrap();
    assert!(!memory.holds() && !report.is_steady(), "{memory}");
}
