//! The benchmark's programs together: what the server lets pass, and that every contender gets through to it. How long
//! anything takes is not looked at here.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use workspace_bench::growth::{self, Options};
use workspace_bench::plan::Plan;
use workspace_bench::responses::response_to;
use workspace_bench::server::Server;
use workspace_bench::{Result, calls, eventgrid, network, webpubsub, webpubsub_client};

const PROGRAM: &str = env!("CARGO_BIN_EXE_bench-server");

/// What a request of the core's benchmark carries.
const REQUIRED: [&str; 4] = ["authorization", "content-type", "user-agent", "x-request-id"];

/// What the server says to a POST with these headers and a body of 5 bytes.
fn send(headers: &[&str]) -> Result<String> {
    let server = Server::start(Path::new(PROGRAM))?;
    let mut stream = TcpStream::connect(server.origin().trim_start_matches("http://"))?;
    let headers: String = headers.iter().map(|name| format!("{name}: some\r\n")).collect();
    let head =
        format!("POST /rooms/one HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{headers}content-length: 5");
    write!(stream, "{head}\r\n\r\nhello")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response)
}

#[test]
fn the_server_responds_to_a_complete_request_with_the_size_that_it_received() {
    let response = send(&REQUIRED).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 ") && response.ends_with(&response_to(5)), "{response}");
}

#[test]
fn the_server_rejects_a_request_that_lacks_what_the_others_send() {
    for lacking in REQUIRED {
        let headers: Vec<_> = REQUIRED.into_iter().filter(|name| *name != lacking).collect();
        let response = send(&headers).unwrap();
        assert!(response.starts_with("HTTP/1.1 400 "), "{lacking}: {response}");
    }
}

#[test]
fn every_contender_gets_its_requests_through_and_is_told() {
    let report = calls::compare(Plan { rounds: 1, requests: 1 }, Path::new(PROGRAM)).unwrap().to_string();
    for name in ["http request", "raw hyper", "raw reqwest", "service-core", "azure_core"] {
        assert!(report.contains(name), "{report}");
    }
    assert_eq!(report.matches("µs above").count() + report.matches("allocations above").count(), 2);
    assert_eq!(report.matches("loopback: times").count(), 2);
}

#[test]
fn every_contender_of_the_services_gets_its_requests_through() {
    let once = Plan { rounds: 1, requests: 1 };
    let webpubsub = webpubsub::compare(once, Path::new(PROGRAM)).unwrap().to_string();
    for expected in ["send to all: times", "tokens a second"] {
        assert!(webpubsub.contains(expected), "{webpubsub}");
    }
    let eventgrid = eventgrid::compare(once, Path::new(PROGRAM)).unwrap().to_string();
    for expected in [
        "publish: times",
        "receive: times",
        "process: times",
        "process: µs per event at 30 ms",
        "decode: µs per event",
        "emulator: µs per event in",
    ] {
        assert!(eventgrid.contains(expected), "{eventgrid}");
    }
    let client = webpubsub_client::compare(once, Path::new(PROGRAM)).unwrap().to_string();
    for expected in ["receive: times", "send: times", "idle clients"] {
        assert!(client.contains(expected), "{client}");
    }
}

#[test]
fn the_report_of_growth_has_its_tables_and_charts() {
    let options = Options {
        runs: 1,
        plan: Plan { rounds: 1, requests: 1 },
        lanes: vec![1, 32, 40],
        sizes: vec![102, 1 << 10],
        batches: vec![1, 100],
        held: 2,
    };
    let directory = std::env::temp_dir().join(format!("growth-{}", std::process::id()));
    let growth = growth::run(&options, Path::new(PROGRAM), None, &directory).unwrap();
    let text = std::fs::read_to_string(directory.join("growth.md")).unwrap();
    for expected in [
        "| one call of the core",
        "from 32 to 40 in flight",
        "| events in a batch | 1 | 100 |",
        "one call in flight",
    ] {
        assert!(text.contains(expected), "{text}");
    }
    for chart in ["concurrency", "body", "batch", "message"] {
        let svg = std::fs::read_to_string(directory.join(format!("growth-{chart}.svg"))).unwrap();
        assert!(svg.contains("CPU time in µs"), "{svg}");
    }
    let readme = directory.join("growth.md");
    assert!(growth::update(&readme, &growth).unwrap_err().to_string().contains("did not take part"));
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_program_that_is_no_server_is_told_apart() {
    let error = Server::start(Path::new("no-such-bench-server")).unwrap_err().to_string();
    assert!(error.contains("no-such-bench-server"), "{error}");
}

#[test]
fn the_long_runs_count_failures_and_memory() {
    let program = Path::new(PROGRAM);
    assert!(network::descriptors(program, 20, None).unwrap().is_within_limit());
    let figures = network::memory(program, 32, 64).unwrap().to_string();
    assert!(figures.starts_with("64 calls, 32 in flight: "), "{figures}");
    let plan = network::Idle { lanes: 2, calls: 3, pause: 0..1, ..network::Idle::default() };
    let figures = network::idle(&plan).unwrap();
    assert!(figures.is_within_limit(), "{figures}");
    assert!(figures.to_string().contains("2 connections, 0 failures"), "{figures}");
}
