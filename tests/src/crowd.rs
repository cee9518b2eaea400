//! Thousands of WebSocket clients of an emulator in another process: how fast they connect, what a message to a small group
//! costs among them, and whether REST still responds while all of them receive.

use std::convert::Infallible;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use service_core::{BoxError, Clock, SystemClock};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::Notify;

/// Connections that are opened at the same time.
const PARALLEL: usize = 64;
/// The members of the small group.
const MEMBERS: usize = 10;
/// The sends that are measured at each number of connections.
const SENDS: usize = 400;
const KIBIBYTE: usize = 1_024;

/// The emulator's process, and how to call it.
struct Service {
    process: Child,
    endpoint: String,
    key: String,
    http: reqwest::Client,
    clock: SystemClock,
}

/// What the clients have received so far.
#[derive(Default)]
struct Received {
    count: AtomicU64,
    changed: Notify,
}

/// Connects clients up to each of these numbers, and prints and checks the figures. Returns whether they are as promised.
pub async fn run(program: &Path, sizes: &[usize]) -> Result<bool, BoxError> {
    let service = Service::start(program).await?;
    let received = Arc::new(Received::default());
    let (mut connected, mut medians) = (0, Vec::new());
    let mut took = Duration::ZERO;
    for &size in sizes {
        let began = service.clock.now();
        service.connect(connected..size, &received).await?;
        took += service.since(began);
        connected = size;
        let median = service.group_sends(&received).await?;
        println!(
            "{size:>6} connections: a send to a group of {MEMBERS} takes {:.0} us (median)",
            micros(median)
        );
        medians.push(median);
    }
    println!("{connected} clients connected in {:.1} s", took.as_secs_f64());
    let (all, slowest) = service.broadcast(connected, &received).await?;
    println!("a broadcast of 1 KiB reached all after {:.0} ms", all.as_secs_f64() * 1e3);
    println!(
        "10 broadcasts: the slowest of the REST requests meanwhile took {:.0} ms",
        slowest.as_secs_f64() * 1e3
    );
    println!("memory of the emulator: {}", service.memory().unwrap_or_default());
    let ratio = ratio(&medians);
    println!("group of {MEMBERS}: {ratio:.2} times from the smallest to the largest hub");
    Ok(ratio <= 1.5 && took < Duration::from_secs(20) && slowest < Duration::from_secs(2))
}

impl Service {
    async fn start(program: &Path) -> Result<Self, BoxError> {
        let mut command = Command::new(program);
        command.args(["--ready", "json", "--log", "off"]).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let out = process.stdout.take().ok_or("no standard output")?;
        let line = BufReader::new(out).lines().next_line().await?.ok_or("the emulator did not start")?;
        let ready: Value = serde_json::from_str(&line)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let connection = text(&ready["environment"]["WEBPUBSUB_CONNECTION_STRING"]);
        let key = connection.split("AccessKey=").nth(1).and_then(|rest| rest.split(';').next());
        let key = key.ok_or("no access key")?.to_owned();
        let (endpoint, http, clock) =
            (text(&ready["endpoint"]), reqwest::Client::new(), SystemClock::default());
        Ok(Self { process, endpoint, key, http, clock })
    }

    fn token(&self, path: &str, groups: &[&str]) -> Result<String, BoxError> {
        let now = self.clock.now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        let audience = format!("{}{path}", self.endpoint);
        let claims = json!({ "aud": audience, "exp": now + 3_600, "webpubsub.group": groups });
        Ok(jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(self.key.as_bytes()))?)
    }

    /// Opens connections. The first ones are members of the small group.
    async fn connect(&self, range: std::ops::Range<usize>, received: &Arc<Received>) -> Result<(), BoxError> {
        let path = "/client/hubs/crowd";
        let (plain, member) = (self.token(path, &[])?, self.token(path, &["ten"])?);
        let address = self.endpoint.strip_prefix("http://").unwrap_or_default();
        let opening = stream::iter(range).map(|number| {
            let token = if number < MEMBERS { &member } else { &plain };
            let url = format!("ws://{address}{path}?access_token={token}");
            let received = Arc::clone(received);
            async move {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let (socket, _) = tokio_tungstenite::client_async(url, stream).await?;
                tokio::spawn(read(socket, received));
                Ok::<_, BoxError>(())
            }
        });
        let mut opened = opening.buffer_unordered(PARALLEL);
        while let Some(outcome) = opened.next().await {
            outcome?;
        }
        Ok(())
    }

    /// The median time of a send to the small group, until all its members have the message.
    async fn group_sends(&self, received: &Received) -> Result<Duration, BoxError> {
        let mut times = Vec::new();
        for _ in 0..SENDS {
            let (began, before) = (self.clock.now(), received.count());
            self.send("/api/hubs/crowd/groups/ten/:send").await?;
            received.wait_for(before + MEMBERS as u64).await;
            times.push(self.since(began));
        }
        times.sort();
        Ok(times[times.len() / 2])
    }

    /// How long one broadcast takes to reach all, and how long the slowest REST request takes while ten more are sent.
    async fn broadcast(&self, clients: usize, received: &Received) -> Result<(Duration, Duration), BoxError> {
        let (clients, path) = (clients as u64, "/api/hubs/crowd/:send");
        let (began, before) = (self.clock.now(), received.count());
        self.send(path).await?;
        received.wait_for(before + clients).await;
        let all = self.since(began);
        let before = received.count();
        let sending = async {
            for _ in 0..10 {
                self.send(path).await?;
            }
            received.wait_for(before + 10 * clients).await;
            Ok::<_, BoxError>(())
        };
        let mut slowest = Duration::ZERO;
        tokio::select! {
            sent = sending => sent?,
            failed = self.ask(&mut slowest) => match failed? {},
        }
        Ok((all, slowest))
    }

    /// Sends one REST request after the other, and notes the slowest.
    async fn ask(&self, slowest: &mut Duration) -> Result<Infallible, BoxError> {
        loop {
            let began = self.clock.now();
            let health = self.http.get(format!("{}/api/health", self.endpoint)).send().await?;
            health.error_for_status()?;
            *slowest = self.since(began).max(*slowest);
        }
    }

    async fn send(&self, path: &str) -> Result<(), BoxError> {
        let request = self.http.post(format!("{}{path}?api-version=2024-12-01", self.endpoint));
        let request = request.bearer_auth(self.token(&format!("{path}?api-version=2024-12-01"), &[])?);
        let request = request
            .header("content-type", "application/octet-stream")
            .body(Bytes::from_static(&[7; KIBIBYTE]));
        request.send().await?.error_for_status()?;
        Ok(())
    }

    /// The resident memory, from Linux.
    fn memory(&self) -> Option<String> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().to_owned())
    }

    fn since(&self, began: std::time::SystemTime) -> Duration {
        self.clock.now().duration_since(began).unwrap_or_default()
    }
}

impl Received {
    fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    async fn wait_for(&self, count: u64) {
        loop {
            let changed = self.changed.notified();
            if self.count() >= count {
                return;
            }
            changed.await;
        }
    }
}

async fn read(mut socket: tokio_tungstenite::WebSocketStream<TcpStream>, received: Arc<Received>) {
    while let Some(Ok(message)) = socket.next().await {
        if message.is_binary() {
            received.count.fetch_add(1, Ordering::AcqRel);
            received.changed.notify_waiters();
        }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn ratio(medians: &[Duration]) -> f64 {
    match (medians.first(), medians.last()) {
        (Some(first), Some(last)) => last.as_secs_f64() / first.as_secs_f64(),
        _ => f64::INFINITY,
    }
}
