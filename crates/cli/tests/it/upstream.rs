//! An HTTP server whose responses a test writes itself: an event handler, an identity service, or a proxy.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A server that waits for requests.
pub(crate) struct Upstream {
    listener: TcpListener,
}

/// A request without a response yet. The connection is closed when it is dropped.
pub(crate) struct Call {
    /// The request line and the header lines.
    pub(crate) head: String,
    stream: TcpStream,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    /// Returns the URL of the server.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.listener.local_addr().unwrap())
    }

    /// Waits for the next request. Requests that validate the server as a webhook are accepted.
    pub(crate) async fn call(&mut self) -> Call {
        loop {
            let (stream, _) = self.listener.accept().await.unwrap();
            let call = Call::read(stream).await;
            if !call.head.starts_with("OPTIONS ") {
                return call;
            }
            call.respond("webhook-allowed-origin: *\r\n", "").await;
        }
    }
}

impl Call {
    async fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        loop {
            let mut buffer = [0; 4096];
            let length = stream.read(&mut buffer).await.unwrap();
            assert!(length > 0, "the request was cut off");
            bytes.extend_from_slice(&buffer[..length]);
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let expected = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if expected.is_none_or(|length| length.parse() == Ok(body.len())) {
                    return Self { head: head.to_owned(), stream };
                }
            }
        }
    }

    /// Responds with 200, these header lines, and a body.
    pub(crate) async fn respond(self, headers: &str, body: &str) {
        self.respond_with("200 OK", headers, body).await;
    }

    /// Responds with a status, header lines, and a body, and closes the connection.
    pub(crate) async fn respond_with(mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n");
        self.stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        self.stream.shutdown().await.unwrap();
    }
}
