//! A webhook whose responses a test writes: HTTP/1.1 read and written here, one request per connection.

use serde_json::Value;
use service_emulator::eventgrid::PushSettings;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

pub(crate) struct Webhook {
    address: std::net::SocketAddr,
    calls: mpsc::UnboundedReceiver<Call>,
}

/// A request that waits for its response.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    response: oneshot::Sender<String>,
}

impl Webhook {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, calls) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone()));
            }
        });
        Self { address, calls }
    }

    pub(crate) fn settings(&self) -> PushSettings {
        PushSettings::new(format!("http://{}/hooks/eventgrid?code=s3cret", self.address))
    }

    /// The next request.
    pub(crate) async fn call(&mut self) -> Call {
        self.calls.recv().await.unwrap()
    }

    /// The next request, which must be a delivery.
    pub(crate) async fn delivery(&mut self) -> Call {
        let call = self.call().await;
        assert_eq!((call.method.as_str(), call.target.as_str()), ("POST", "/hooks/eventgrid?code=s3cret"));
        call
    }

    /// Consents in the next handshake.
    pub(crate) async fn consent(&mut self) {
        let call = self.call().await;
        assert_eq!((call.method.as_str(), call.target.as_str()), ("OPTIONS", "/hooks/eventgrid?code=s3cret"));
        call.respond(200, "WebHook-Allowed-Origin: *\r\n");
    }

    pub(crate) fn is_idle(&mut self) -> bool {
        self.calls.try_recv().is_err()
    }
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The id of the only event.
    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the client has closed the connection.
    pub(crate) async fn closed(mut self) {
        self.response.closed().await;
    }

    /// Responds with a status and header lines.
    pub(crate) fn respond(self, status: u16, headers: &str) {
        let length = if status == 204 { "" } else { "Content-Length: 0\r\n" };
        // The emulator does not wait for a response that is late.
        let _ = self.response.send(format!("HTTP/1.1 {status} X\r\n{headers}{length}\r\n"));
    }
}

async fn serve(stream: TcpStream, calls: mpsc::UnboundedSender<Call>) {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
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
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    stream.read_exact(&mut body).await.unwrap();
    let mut words = lines[0].split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (response, mut given) = oneshot::channel();
    if calls.send(Call { method, target, headers, body, response }).is_err() {
        return;
    }
    tokio::select! {
        // Dropped without a response: the connection ends without one.
        response = &mut given => {
            if let Ok(response) = response {
                let _ = stream.write_all(response.as_bytes()).await;
            }
        }
        // The client sends nothing else, so this is the end of its side.
        _ = stream.read_u8() => {}
    }
}
