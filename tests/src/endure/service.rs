//! The emulator in a process of its own, so that its memory is not that of the clients: the process that serves, and the handle
//! that starts and controls it.
//!
//! The process prints one line of JSON with what clients need, and then a line for each step of a delivery of Event Grid and for
//! the number of its tasks. It ends when its standard input is closed.

use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use service_core::{BoxError, SystemClock, timeout};
use service_emulator::Emulator;
use service_emulator::eventgrid::{DeliveryStep, Observation};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, oneshot};

use super::events::{Queue, Step};
use super::{PULL, PUSH, TOPIC};

/// How often the process reports the number of its tasks.
const REPORT: Duration = Duration::from_millis(250);

/// Runs the emulator until standard input is closed.
///
/// # Errors
///
/// Fails if the emulator does not start or standard output is closed.
pub async fn serve() -> Result<(), BoxError> {
    let emulator = Emulator::start().await?;
    emulator.hulft().rate_limit(None);
    emulator.hulft().add_sample_agents();
    let (report, reports) = mpsc::channel();
    for queue in [Queue::Pull, Queue::Push] {
        let (report, clock) = (report.clone(), emulator.clock());
        emulator.eventgrid().observe(TOPIC, queue.name(), move |seen: &Observation<'_>| {
            let time = clock.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let Some(step) = word(seen.step) else { return };
            let event: Value = serde_json::from_str(seen.event).unwrap_or_default();
            let id = event["id"].as_str().unwrap_or("unknown");
            let (queue, deliveries, token) = (queue.name(), seen.deliveries, seen.lock_token);
            // The other end is alive as long as the process is.
            let _ = report.send(format!("step {queue} {step} {deliveries} {time} {id} {token}\n"));
        });
    }
    let ready = json!({
        "address": emulator.address().to_string(),
        "webpubsub": emulator.webpubsub().access_key(),
        "eventgrid": emulator.eventgrid().key(),
        "hulft": emulator.hulft().api_key(),
    });
    report.send(format!("{ready}\n"))?;
    // Threads, because the other end may be slow: they are no tasks, and delay none.
    thread::spawn(move || write(&reports));
    let (closed, mut end) = oneshot::channel();
    thread::spawn(move || {
        // An error ends the process as well.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        closed.send(())
    });
    let (clock, metrics) = (SystemClock::new(), Handle::current().metrics());
    while timeout(&clock, REPORT, &mut end).await.is_none() {
        report.send(format!("tasks {}\n", metrics.num_alive_tasks()))?;
    }
    emulator.shutdown().await;
    Ok(())
}

/// Writes reports until the other end is closed.
fn write(reports: &mpsc::Receiver<String>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    while let Ok(first) = reports.recv() {
        out.write_all(first.as_bytes())?;
        for report in reports.try_iter() {
            out.write_all(report.as_bytes())?;
        }
        out.flush()?;
    }
    Ok(())
}

fn word(step: DeliveryStep) -> Option<&'static str> {
    Some(match step {
        DeliveryStep::Locked => "locked",
        DeliveryStep::Acknowledged => "acknowledged",
        DeliveryStep::Released => "released",
        DeliveryStep::Rejected => "rejected",
        DeliveryStep::Expired => "expired",
        _ => return None,
    })
}

/// One step of a delivery, as the process reports it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Report<'a> {
    pub(super) queue: Queue,
    pub(super) step: Step,
    pub(super) deliveries: u32,
    /// The emulator's time in milliseconds.
    pub(super) time: u64,
    pub(super) id: &'a str,
    pub(super) token: &'a str,
}

impl<'a> Report<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split(' ');
        let queue = match words.next()? {
            PULL => Queue::Pull,
            PUSH => Queue::Push,
            _ => return None,
        };
        let step = match words.next()? {
            "locked" => Step::Locked,
            "acknowledged" => Step::Acknowledged,
            "released" => Step::Released,
            "rejected" => Step::Rejected,
            "expired" => Step::Expired,
            _ => return None,
        };
        let deliveries = words.next()?.parse().ok()?;
        let time = words.next()?.parse().ok()?;
        Some(Self { queue, step, deliveries, time, id: words.next()?, token: words.next()? })
    }
}

/// The process of the emulator. It ends when this is dropped.
pub(super) struct Service {
    process: Mutex<Child>,
    /// The process ends when this is closed.
    input: Mutex<Option<ChildStdin>>,
    pub(super) process_id: u32,
    http: reqwest::Client,
    pub(super) address: SocketAddr,
    pub(super) webpubsub_key: String,
    pub(super) eventgrid_key: String,
    pub(super) hulft_key: String,
    tasks: Arc<AtomicU64>,
}

impl Service {
    /// Starts the process. `program` is this package's program `long`. `observe` is called with each step of a delivery.
    pub(super) async fn start(
        program: &Path,
        observe: impl Fn(&Report<'_>) + Send + 'static,
    ) -> Result<Self, BoxError> {
        let mut command = Command::new(program);
        command.arg("endure-service").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let input = process.stdin.take().ok_or("the emulator has no standard input")?;
        let output = process.stdout.take().ok_or("the emulator has no standard output")?;
        let mut lines = BufReader::new(output).lines();
        let ready = lines.next_line().await?.ok_or("the emulator did not start")?;
        let ready: Value = serde_json::from_str(&ready)?;
        let text = |key: &str| ready[key].as_str().unwrap_or_default().to_owned();
        let tasks = Arc::new(AtomicU64::new(0));
        let alive = Arc::clone(&tasks);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(count) = line.strip_prefix("tasks ") {
                    alive.store(count.parse().unwrap_or_default(), Ordering::Relaxed);
                } else if let Some(report) = line.strip_prefix("step ").and_then(Report::parse) {
                    observe(&report);
                } else {
                    eprintln!("endure: the emulator printed `{line}`");
                }
            }
        });
        Ok(Self {
            process_id: process.id().ok_or("the emulator has ended")?,
            process: Mutex::new(process),
            input: Mutex::new(Some(input)),
            http: reqwest::Client::new(),
            address: text("address").parse()?,
            webpubsub_key: text("webpubsub"),
            eventgrid_key: text("eventgrid"),
            hulft_key: text("hulft"),
            tasks,
        })
    }

    /// Stops the process, and waits for its end.
    pub(super) async fn stop(&self) -> Result<(), BoxError> {
        self.input.lock().await.take();
        let status = self.process.lock().await.wait().await?;
        if status.success() { Ok(()) } else { Err(format!("the emulator failed: {status}").into()) }
    }

    /// How many tasks the process has.
    pub(super) fn tasks(&self) -> u64 {
        self.tasks.load(Ordering::Relaxed)
    }

    /// Adds a fault, written as in the emulator's control API.
    pub(super) async fn fault(&self, fault: Value) -> Result<(), BoxError> {
        self.control(http::Method::POST, "faults", fault).await.map(drop)
    }

    /// Removes all faults.
    pub(super) async fn clear_faults(&self) -> Result<(), BoxError> {
        self.control(http::Method::DELETE, "faults", Value::Null).await.map(drop)
    }

    /// Advances the emulator's clock.
    pub(super) async fn advance(&self, by: Duration) -> Result<(), BoxError> {
        let seconds = json!({ "seconds": by.as_secs_f64() });
        self.control(http::Method::POST, "clock/advance", seconds).await.map(drop)
    }

    /// Declares a hub or a subscription.
    pub(super) async fn declare(&self, path: &str, settings: Value) -> Result<(), BoxError> {
        self.control(http::Method::PUT, path, settings).await.map(drop)
    }

    /// Everything that the status page shows.
    pub(super) async fn state(&self) -> Result<Value, BoxError> {
        self.control(http::Method::GET, "state", Value::Null).await
    }

    async fn control(&self, method: http::Method, path: &str, body: Value) -> Result<Value, BoxError> {
        let request = self.http.request(method, format!("http://{}/_emulator/{path}", self.address));
        let request = request.header("content-type", "application/json");
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let response = request.send().await?;
        let (status, text) = (response.status(), response.text().await?);
        if !status.is_success() {
            return Err(format!("the control API rejected {path}: {status} {text}").into());
        }
        if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_parsed_as_it_is_printed() {
        let report = Report::parse("pull expired 3 1700000000123 e-7 CiYK=").unwrap();
        let expected = Report {
            queue: Queue::Pull,
            step: Step::Expired,
            deliveries: 3,
            time: 1_700_000_000_123,
            id: "e-7",
            token: "CiYK=",
        };
        assert_eq!(report, expected);
        assert_eq!(Report::parse("push locked 1 1 e-7"), None);
        assert_eq!(Report::parse("other locked 1 1 e-7 t"), None);
    }
}
