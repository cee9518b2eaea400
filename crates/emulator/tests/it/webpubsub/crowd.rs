//! Thousands of WebSocket clients of the program, which runs in another process: `cargo test -p service-emulator --release
//! --test it -- --ignored --nocapture --test-threads 1 crowd` measures a release build.
#![cfg(target_os = "linux")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, stream};
use serde_json::json;
use service_emulator::{Clock, Emulator};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;

use super::common::clients::{KEY, RELIABLE, VERSION, jwt};
use super::program::resident;
use crate::program::running;

const CLIENTS: usize = 5_000;
/// So many handshakes are under way at a time.
const HANDSHAKES: usize = 64;
const MAX_LATENCY: Duration = Duration::from_millis(100);
const MAX_KIB_EACH: usize = 24;

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

type Socket = WebSocketStream<Box<dyn Io>>;

/// Where the program listens, and how it is reached.
#[derive(Clone)]
struct Site {
    address: SocketAddr,
    tls: Option<TlsConnector>,
    /// Its time.
    clock: Clock,
}

impl Site {
    fn token(&self, target: &str) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let audience = format!("{scheme}://{}{target}", self.address);
        let seconds = self.clock.now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        jwt(KEY, &json!({ "aud": audience, "exp": seconds + 3600 }))
    }

    async fn dial(&self) -> Box<dyn Io> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::try_from(self.address.ip().to_string()).unwrap();
                Box::new(tls.connect(name, stream).await.unwrap())
            }
        }
    }

    /// A client that has received its first frame.
    async fn client(&self) -> Socket {
        let token = self.token("/client/hubs/chat");
        let url = format!("ws://{}/client/hubs/chat?access_token={token}", self.address);
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(RELIABLE));
        let (mut socket, _) = tokio_tungstenite::client_async(request, self.dial().await).await.unwrap();
        assert!(matches!(socket.next().await, Some(Ok(Message::Text(_)))));
        socket
    }

    /// Sends a request on a connection of its own. Returns the status and the time it took.
    async fn request(&self, method: &str, target: &str, body: &str) -> (u16, Duration) {
        let began = self.clock.now();
        let mut stream = self.dial().await;
        let text = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: text/plain\r\n\
             Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            self.token(target),
            body.len()
        );
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await.unwrap();
        let status = String::from_utf8_lossy(&response[9..12]).parse().unwrap();
        (status, self.clock.now().duration_since(began).unwrap())
    }

    /// Requests health and REST in turn, until the flag is set or so many times. Runs in a thread of its own, so that it
    /// does not wait for the clients of this process.
    fn probe(&self, times: usize, done: &Arc<AtomicBool>) -> JoinHandle<Probed> {
        let (site, done) = (self.clone(), Arc::clone(done));
        let probe = async move {
            let mut probed = Probed::default();
            while probed.health.len() < times && !done.load(Ordering::Relaxed) {
                let (health, took) = site.request("GET", "/health", "").await;
                probed.health.push(took);
                let target = format!("/api/hubs/chat/users/zoe?{VERSION}");
                let (rest, took) = site.request("HEAD", &target, "").await;
                probed.rest.push(took);
                assert_eq!((health, rest), (200, 404));
            }
            probed
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        std::thread::spawn(move || runtime.block_on(probe))
    }

    /// Connects so many clients.
    async fn clients(&self, count: usize) -> Vec<Socket> {
        stream::iter(0..count).map(|_| self.client()).buffer_unordered(HANDSHAKES).collect().await
    }
}

/// How long requests took.
#[derive(Default)]
struct Probed {
    health: Vec<Duration>,
    rest: Vec<Duration>,
}

impl Probed {
    fn longest(&self) -> Duration {
        self.health.iter().chain(&self.rest).copied().max().unwrap_or_default()
    }

    fn print(mut self, when: &str) {
        for (name, times) in [("health", &mut self.health), ("REST", &mut self.rest)] {
            times.sort_unstable();
            let at = |percent: usize| times[(times.len() - 1) * percent / 100];
            let (count, median, most, longest) = (times.len(), at(50), at(99), at(100));
            println!(
                "{name} {when}: {count} requests, median {median:.1?}, 99 % {most:.1?}, longest {longest:.1?}"
            );
        }
    }
}

/// Waits for the next message of a client.
async fn message(mut socket: Socket) -> (String, Socket) {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return (text.to_string(), socket),
            Some(Ok(Message::Ping(_))) => {}
            other => panic!("no message: {other:?}"),
        }
    }
}

fn trust(file: &PathBuf) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(file).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn crowd(with_tls: bool) {
    let file = std::env::temp_dir().join(format!("service-emulator-{}-crowd.pem", std::process::id()));
    let mut arguments = vec!["--log", "off"];
    if with_tls {
        arguments.extend(["--tls-ca", file.to_str().unwrap()]);
    }
    let (child, port) = running(&arguments).await;
    let emulator = Emulator::start().await.unwrap();
    let tls = with_tls.then(|| trust(&file));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let site = Site { address, tls, clock: emulator.clock() };
    // The requests that the emulator remembers are not part of a connection.
    for _ in 0..1_000 {
        site.request("GET", "/health", "").await;
    }
    let done = Arc::<AtomicBool>::default();
    // What the machine takes without any client.
    site.probe(500, &done).join().unwrap().print("before");
    let mut clients = site.clients(100).await;
    let before = resident(&child);

    let probe = site.probe(usize::MAX, &done);
    let began = site.clock.now();
    clients.extend(site.clients(CLIENTS - 100).await);
    let connected = site.clock.now().duration_since(began).unwrap();
    let each = resident(&child).saturating_sub(before) / (CLIENTS - 100);

    let waiting: Vec<_> = clients.into_iter().map(|socket| tokio::spawn(message(socket))).collect();
    let began = site.clock.now();
    let (status, sent) = site.request("POST", &format!("/api/hubs/chat/:send?{VERSION}"), "to all").await;
    assert_eq!(status, 202);
    let mut open = Vec::new();
    for waiting in waiting {
        let (text, socket) = waiting.await.unwrap();
        assert!(text.contains("to all"), "{text}");
        open.push(socket);
    }
    let received = site.clock.now().duration_since(began).unwrap();
    done.store(true, Ordering::Relaxed);
    let probed = probe.join().unwrap();
    let _ = std::fs::remove_file(&file);

    println!("TLS: {with_tls}; {CLIENTS} clients connected in {connected:.1?}; {each} KiB per connection");
    println!("broadcast: response after {sent:.1?}, received by all after {received:.1?}");
    let longest = probed.longest();
    probed.print("meanwhile");
    assert!(longest <= MAX_LATENCY, "{longest:?}");
    assert!(with_tls || each < MAX_KIB_EACH);
    drop(open);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures a release build, with 5,000 sockets"]
async fn thousands_of_clients_receive_a_broadcast_while_health_and_rest_respond_in_time() {
    crowd(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures a release build, with 5,000 sockets"]
async fn thousands_of_clients_with_tls_receive_a_broadcast_while_health_and_rest_respond_in_time() {
    crowd(true).await;
}
