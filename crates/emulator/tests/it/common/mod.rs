//! Shared by the emulator's tests: a small HTTP/1.1 client that hides nothing.

use serde_json::Value;
use service_emulator::Emulator;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn read(text: &str) -> Self {
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP response: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header =
            |line: &str| line.split_once(':').map(|(k, v)| (k.to_ascii_lowercase(), v.trim().to_owned()));
        let mut response =
            Self { status, headers: lines.filter_map(header).collect(), body: body.to_owned() };
        if response.header("transfer-encoding") == Some("chunked") {
            response.body = unchunked(body);
        }
        response
    }
}

/// Decodes a chunked body with whole chunks (RFC 9112, section 7.1).
fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let (chunk, rest) = rest.split_at(usize::from_str_radix(length, 16).unwrap());
        text += chunk;
        body = rest.strip_prefix("\r\n").unwrap();
    }
    text
}

/// Sends bytes on a new connection and reads to its end.
pub(crate) async fn exchange(emulator: &Emulator, request: &[u8]) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(emulator.address()).await?;
    stream.write_all(request).await?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await?;
    Ok(String::from_utf8_lossy(&response).into_owned())
}

/// The text of a request that closes its connection.
pub(crate) fn request_text(
    emulator: &Emulator,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> String {
    let mut text =
        format!("{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", emulator.address());
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() || matches!(method, "POST" | "PUT") {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text + "\r\n" + body
}

pub(crate) async fn http(
    emulator: &Emulator,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    let text = request_text(emulator, method, target, headers, body);
    Response::read(&exchange(emulator, text.as_bytes()).await.unwrap())
}

/// Sends bytes and reads the head of the response, however long the connection stays open after it.
pub(crate) async fn head(emulator: &Emulator, request: &[u8]) -> Response {
    let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    Response::read(&String::from_utf8(head).unwrap())
}
