//! A webhook whose responses a test writes: HTTP/1.1 read and written here, one request per connection.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use service_emulator::webpubsub::{EventHandlerSettings, SystemEvent};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

pub(crate) struct Webhook {
    address: std::net::SocketAddr,
    calls: mpsc::UnboundedReceiver<Call>,
    checks: Arc<AtomicUsize>,
    allowed: Arc<Mutex<String>>,
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
        let (checks, allowed) = (Arc::<AtomicUsize>::default(), Arc::new(Mutex::new("*".to_owned())));
        let (count, allow) = (Arc::clone(&checks), Arc::clone(&allowed));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone(), Arc::clone(&count), Arc::clone(&allow)));
            }
        });
        Self { address, calls, checks, allowed }
    }

    /// A handler at this webhook.
    pub(crate) fn handler(&self, system: &[SystemEvent]) -> EventHandlerSettings {
        let url = format!("http://{}/hubs/{{hub}}/{{event}}?code=x", self.address);
        EventHandlerSettings::new(url).system_events(system.to_vec())
    }

    /// Sets the origins with which checks respond from now on.
    pub(crate) fn allow(&self, origins: &str) {
        *self.allowed.lock().unwrap() = origins.to_owned();
    }

    /// How often the address was checked.
    pub(crate) fn checks(&self) -> usize {
        self.checks.load(Ordering::SeqCst)
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

    /// No event was received.
    pub(crate) fn assert_idle(&mut self) {
        assert!(self.calls.try_recv().is_err());
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

async fn serve(
    stream: TcpStream,
    calls: mpsc::UnboundedSender<Call>,
    checks: Arc<AtomicUsize>,
    allowed: Arc<Mutex<String>>,
) {
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
    let response = if lines[0].starts_with("OPTIONS ") {
        assert!(lines[0].contains("/validate"), "{}", lines[0]);
        assert!(headers.contains(&("ce-awpsversion".to_owned(), "1.0".to_owned())));
        checks.fetch_add(1, Ordering::SeqCst);
        format!(
            "HTTP/1.1 200 OK\r\nWebHook-Allowed-Origin: {}\r\nContent-Length: 0\r\n\r\n",
            allowed.lock().unwrap()
        )
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
