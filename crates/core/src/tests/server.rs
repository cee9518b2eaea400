//! A server on a raw socket, for responses that no well-behaved server sends.

use std::future::Future;
use std::sync::Mutex;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A server on loopback; it ends with its runtime.
pub(super) struct Server {
    pub(super) endpoint: String,
    pub(super) address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicU32>,
}

/// One accepted connection.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Handles each connection with `handle`; it is closed when that ends.
    pub(super) async fn start<F, Fut>(handle: F) -> Self
    where
        F: Fn(Connection) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, connections) = (Arc::default(), Arc::new(AtomicU32::new(0)));
        let server =
            Self { endpoint: format!("http://{address}"), address, seen: Arc::clone(&seen), connections };
        let connections = Arc::clone(&server.connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let stream = BufReader::new(stream);
                tokio::spawn(handle(Connection { stream, seen: Arc::clone(&seen) }));
            }
        });
        server
    }

    /// Sends this response to every request.
    pub(super) async fn responding(response: impl Into<Vec<u8>>) -> Self {
        let response = Arc::new(response.into());
        Self::start(move |mut connection| {
            let response = Arc::clone(&response);
            async move {
                while connection.request().await.is_some() {
                    if !connection.write(&response).await {
                        break;
                    }
                }
            }
        })
        .await
    }

    /// Sends this response to the first request of each connection and closes the connection.
    pub(super) async fn closing_after(response: impl Into<Vec<u8>>) -> Self {
        let response = Arc::new(response.into());
        Self::start(move |mut connection| {
            let response = Arc::clone(&response);
            async move {
                connection.request().await;
                connection.write(&response).await;
            }
        })
        .await
    }

    /// The requests so far, each head and body.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> u32 {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn client(&self) -> Pipeline {
        client().build(&self.endpoint, key()).unwrap()
    }
}

/// A client in real time that does not wait before its retries.
pub(super) fn client() -> Client {
    Client::new().retry(crate::RetryOptions::default().initial_backoff(Duration::ZERO))
}

impl Connection {
    /// The next request, or `None` when the client has closed the connection.
    pub(super) async fn request(&mut self) -> Option<String> {
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut text).await.ok()? == 0 {
                return None;
            }
        }
        let length = text.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
        });
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body).await.ok()?;
        text.push_str(&String::from_utf8_lossy(&body));
        self.seen.lock().unwrap().push(text.clone());
        Some(text)
    }

    /// Returns whether the client still reads.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.get_mut().write_all(bytes).await.is_ok()
    }

    pub(super) async fn read_exact(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.ok()?;
        Some(bytes)
    }

    /// Returns when the client has closed the connection.
    pub(super) async fn closed(&mut self) {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest).await;
    }
}

/// An address without a listener.
pub(super) async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

pub(super) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}
