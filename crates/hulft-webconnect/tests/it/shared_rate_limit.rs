//! The rate limit that programs share through a file: in virtual time, and with real programs that run at once or are killed.
#![cfg(feature = "shared-rate-limit")]

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::common::{Service, max_in_a_minute};
use hulft_webconnect::{ErrorKind, RateLimit, RelayLog, SiteClient, Transport};
use service_core::testing::{ManualClock, ScriptedTransport};

/// A folder of its own, which is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hulft-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("contract.limit")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn shared(file: PathBuf) -> RateLimit {
    RateLimit::default().shared(file)
}

/// A client like that of a program that has just started.
fn program(service: &Arc<Service>, limit: RateLimit) -> SiteClient {
    let transport = Arc::clone(service) as Arc<dyn Transport>;
    let builder = SiteClient::builder("planted-key").transport(transport);
    builder.clock(Arc::new(service.clock.clone())).rate_limit(limit).build().unwrap()
}

async fn walk(site: &SiteClient) -> Vec<RelayLog> {
    site.relay_logs().list().page_size(250).all().await.unwrap()
}

#[tokio::test]
async fn five_programs_in_a_minute_read_every_row_and_are_never_blocked() {
    let folder = Folder::new("five");
    let service = Arc::new(Service { rows: 10_000, ..Service::default() });
    for _ in 0..5 {
        assert_eq!(walk(&program(&service, shared(folder.file()))).await.len(), 10_000);
    }
    assert_eq!((service.sent().len(), service.was_blocked()), (200, false));
    assert_eq!(max_in_a_minute(&service.sent()), 100, "no slower than it has to be");
    let late = service.sent().iter().filter(|at| !at.is_zero()).count();
    assert_eq!(late, 100, "without other programs, the whole limit is available at once");
}

#[tokio::test]
async fn programs_with_different_limits_count_each_others_requests() {
    let folder = Folder::new("different");
    let service = Arc::new(Service::default());
    let all = program(&service, shared(folder.file()));
    for _ in 0..50 {
        all.service_status().await.unwrap();
    }
    let half = program(&service, RateLimit::per_minute(50).shared(folder.file()));
    let error = half.service_status().deadline(Duration::from_secs(10)).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Throttled, Some(Duration::from_secs(65))));
    all.service_status().await.unwrap();
    assert_eq!(service.sent().last(), Some(&Duration::ZERO), "the limit of the other one has free slots");
}

#[tokio::test]
async fn a_clock_that_was_set_back_does_not_stop_a_program() {
    let folder = Folder::new("clock");
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    for back in [0, 7_200, 86_400] {
        let clock = ManualClock::jumping(now - Duration::from_secs(back));
        let service = Arc::new(Service { clock, ..Service::default() });
        let site = program(&service, RateLimit::per_minute(1).shared(folder.file()));
        site.service_status().deadline(Duration::from_secs(1)).await.unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_created_for_its_owner_only_and_contains_times_only() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new("mode");
    let service = Arc::new(Service::default());
    program(&service, shared(folder.file())).service_status().await.unwrap();
    assert_eq!(std::fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(folder.file()).unwrap();
    assert_eq!(text, "hulft-webconnect rate limit 1\n000000000000000\n");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_an_error_and_nothing_is_sent() {
    let folder = Folder::new("broken");
    let builder = SiteClient::builder("planted-key").rate_limit(shared(folder.0.join("none").join("limit")));
    let error = builder.build().unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("could not be opened: "), "{error}");

    let service = Arc::new(Service::default());
    let site = program(&service, shared(folder.file()));
    for foreign in ["my notes", "hulft-webconnect rate limit 1\nsixteen letters\n"] {
        std::fs::write(folder.file(), foreign).unwrap();
        let error = site.service_status().await.unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains("could not be read: "), "{error}");
        assert_eq!(std::fs::read_to_string(folder.file()).unwrap(), foreign, "it is not overwritten");
    }
    std::fs::remove_file(folder.file()).unwrap();
    std::fs::create_dir(folder.file()).unwrap();
    let error = site.service_status().await.unwrap_err();
    assert!(error.is_invalid_input() && error.to_string().contains("could not be opened: "), "{error}");
    assert_eq!(service.sent().len(), 0);
}

/// Runs one of the programs below: an ignored test of this binary.
fn start(name: &str, file: PathBuf) -> Child {
    let test = format!("shared_rate_limit::{name}");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &test, "--ignored", "--nocapture"]).env("HULFT_TEST_FILE", file);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn file_of_the_parent() -> PathBuf {
    std::env::var_os("HULFT_TEST_FILE").unwrap().into()
}

#[test]
#[ignore = "a program that other tests start"]
fn program_that_holds_the_lock() {
    let file = std::fs::File::create(file_of_the_parent()).unwrap();
    fs4::FileExt::lock(&file).unwrap();
    println!("locked");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[tokio::test]
#[ignore = "a program that other tests start"]
async fn program_that_sends_seventy_requests() {
    let script = ScriptedTransport::new();
    let builder = SiteClient::builder("planted-key").transport(Arc::new(script.clone()));
    let site = builder.rate_limit(shared(file_of_the_parent())).build().unwrap();
    let mut sent = 0;
    for _ in 0..70 {
        script.respond(http::Response::new(r#"{"totalStatus":"0"}"#));
        sent += u32::from(site.service_status().deadline(Duration::from_secs(20)).await.is_ok());
    }
    println!("sent {sent}");
}

#[tokio::test]
async fn a_program_that_is_killed_leaves_no_lock_behind() {
    let folder = Folder::new("killed");
    let mut child = start("program_that_holds_the_lock", folder.file());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("locked")));

    let service = Arc::new(Service::default());
    let site = program(&service, shared(folder.file()));
    let error = site.service_status().await.unwrap_err();
    assert_eq!((error.kind(), service.sent().len()), (ErrorKind::Throttled, 0));
    assert!(error.to_string().contains("in use until the deadline"), "{error}");

    child.kill().unwrap();
    child.wait().unwrap();
    site.service_status().await.unwrap();
}

#[test]
fn programs_that_run_at_once_share_the_limit_exactly() {
    let folder = Folder::new("both");
    let children: Vec<_> =
        (0..2).map(|_| start("program_that_sends_seventy_requests", folder.file())).collect();
    let mut sent = 0;
    for child in children {
        let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let count = output.lines().find_map(|line| line.split("sent ").nth(1));
        sent += count.expect(&output).trim().parse::<u32>().unwrap();
    }
    assert_eq!(sent, 100);
}
