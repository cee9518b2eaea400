//! A webhook whose responses a test writes: HTTP/1.1 read and written here, one request per connection.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use service_emulator::Emulator;
use service_emulator::webpubsub::{EventHandlerSettings, SystemEvent};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use crate::common::http;

pub(crate) struct Webhook {
    address: std::net::SocketAddr,
    calls: mpsc::UnboundedReceiver<Call>,
    checks: Arc<Mutex<Checks>>,
}

/// How checks of the address are responded to, and what they were.
#[derive(Default)]
struct Checks {
    allowed: String,
    /// The statuses of the next checks, 200 by default. 0 ends the connection without a response.
    statuses: VecDeque<u16>,
    /// The method and origin of each check so far.
    seen: Vec<(String, String)>,
}

/// A request that waits for its response.
pub(crate) struct Call {
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    response: oneshot::Sender<String>,
}

impl Webhook {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, calls) = mpsc::unbounded_channel();
        let checks = Arc::new(Mutex::new(Checks { allowed: "*".to_owned(), ..Checks::default() }));
        let shared = Arc::clone(&checks);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone(), Arc::clone(&shared)));
            }
        });
        Self { address, calls, checks }
    }

    /// A handler at this webhook.
    pub(crate) fn handler(&self, system: &[SystemEvent]) -> EventHandlerSettings {
        let url = format!("http://{}/hubs/{{hub}}/{{event}}?code=x", self.address);
        EventHandlerSettings::new(url).system_events(system.to_vec())
    }

    /// Sets the origins with which checks respond from now on.
    pub(crate) fn allow(&self, origins: &str) {
        self.checks.lock().unwrap().allowed = origins.to_owned();
    }

    /// Sets the statuses of the next checks. 0 is no response.
    pub(crate) fn script_checks(&self, statuses: &[u16]) {
        self.checks.lock().unwrap().statuses.extend(statuses);
    }

    /// How often the address was checked.
    pub(crate) fn checks(&self) -> usize {
        self.checks.lock().unwrap().seen.len()
    }

    /// The method and origin of each check.
    pub(crate) fn seen_checks(&self) -> Vec<(String, String)> {
        self.checks.lock().unwrap().seen.clone()
    }

    /// Waits until the address was checked this often.
    pub(crate) async fn wait_for_checks(&self, count: usize) {
        while self.checks() < count {
            tokio::task::yield_now().await;
        }
    }

    /// The next event.
    pub(crate) async fn call(&mut self) -> Call {
        self.calls.recv().await.unwrap()
    }

    /// Accepts the next event with 204. Returns its `ce-type` and body.
    pub(crate) async fn take(&mut self) -> (String, Value) {
        let call = self.call().await;
        let event = (call.header("ce-type").unwrap().to_owned(), call.json());
        call.accept();
        event
    }

    /// Lets each attempt of the next event end in the same way, and the time between them pass. Returns what the attempts
    /// had in common: their event id.
    pub(crate) async fn fail_every_attempt(&mut self, emulator: &Emulator, fail: impl Fn(Call)) -> String {
        let mut ids = Vec::new();
        for (attempt, pause) in [(1, 1), (2, 3), (3, 5), (4, 0)] {
            let call = self.call().await;
            ids.push(call.header("ce-id").unwrap().to_owned());
            fail(call);
            wait_for_hook(emulator, &format!("attempt {attempt}")).await;
            emulator.clock().advance(Duration::from_secs(pause));
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "{ids:?}");
        ids.remove(0)
    }

    /// No event was received.
    pub(crate) fn assert_idle(&mut self) {
        assert!(self.calls.try_recv().is_err());
    }
}

/// The notes and outcomes of the calls to webhooks in the emulator's log, oldest first.
pub(crate) async fn hooks(emulator: &Emulator) -> Vec<(String, String)> {
    let page = http(emulator, "GET", "/", &[("accept", "application/json")], "").await.json();
    let lines = page["requests"].as_array().unwrap().iter().rev();
    let hooks = lines.filter(|line| line["verb"] == "HOOK");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    hooks.map(|line| (text(&line["note"]), text(&line["outcome"]))).collect()
}

/// Waits until the newest call in the emulator's log is one whose note contains this.
pub(crate) async fn wait_for_hook(emulator: &Emulator, note: &str) {
    while !hooks(emulator).await.last().is_some_and(|(last, _)| last.contains(note)) {
        tokio::task::yield_now().await;
    }
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn accept(self) {
        self.respond(204, "", "");
    }

    /// Responds with a status, header lines, and a body.
    pub(crate) fn respond(self, status: u16, headers: &str, body: &str) {
        let response =
            format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
        self.response
            .send(if status == 204 { format!("HTTP/1.1 204 X\r\n{headers}\r\n") } else { response })
            .unwrap();
    }
}

async fn serve(stream: TcpStream, calls: mpsc::UnboundedSender<Call>, checks: Arc<Mutex<Checks>>) {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap() == 0 {
            return;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header =
        |line: &String| line.split_once(':').map(|(k, v)| (k.to_ascii_lowercase(), v.trim().to_owned()));
    let headers: Vec<_> = lines[1..].iter().filter_map(header).collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let method = lines[0].split(' ').next().unwrap();
    let response = if method != "POST" {
        assert!(lines[0].contains("/validate"), "{}", lines[0]);
        let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        assert_eq!(header("ce-awpsversion").as_deref(), Some("1.0"));
        assert!(!headers.iter().any(|(name, _)| ["cookie", "ce-signature"].contains(&name.as_str())));
        let mut checks = checks.lock().unwrap();
        checks.seen.push((method.to_owned(), header("webhook-request-origin").unwrap()));
        let status = checks.statuses.pop_front().unwrap_or(200);
        if status == 0 {
            return;
        }
        let allowed = &checks.allowed;
        format!("HTTP/1.1 {status} X\r\nWebHook-Allowed-Origin: {allowed}\r\nContent-Length: 0\r\n\r\n")
    } else {
        let target = lines[0].strip_prefix("POST ").unwrap().split(' ').next().unwrap().to_owned();
        let (response, given) = oneshot::channel();
        calls
            .send(Call { target, headers, body, response })
            .unwrap_or_else(|_| panic!("no receiver for calls"));
        // Dropped without a response: the connection ends without one.
        let Ok(response) = given.await else { return };
        response
    };
    stream.write_all(response.as_bytes()).await.unwrap();
}
