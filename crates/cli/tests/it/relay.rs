//! A relay in front of the emulator that records what the program sends over a WebSocket.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A running relay.
pub(crate) struct Relay {
    pub(crate) address: String,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    /// Starts a relay to `target`.
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let sent = Arc::default();
        let log = Arc::clone(&sent);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, target, Arc::clone(&log)));
            }
        });
        Self { address, sent }
    }

    /// Returns the text frames that the program has sent, which are JSON.
    pub(crate) fn frames(&self) -> Vec<Value> {
        let sent = self.sent.lock().unwrap();
        let head = sent.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        text_frames(&sent[head..])
    }
}

async fn carry(client: TcpStream, target: SocketAddr, log: Arc<Mutex<Vec<u8>>>) {
    let server = TcpStream::connect(target).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let back = async { tokio::io::copy(&mut from_server, &mut to_client).await };
    let forth = async {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            log.lock().unwrap().extend_from_slice(&buffer[..length]);
            to_server.write_all(&buffer[..length]).await?;
        }
        to_server.shutdown().await
    };
    // A connection that is cut off is not a failure of the relay.
    let _ = tokio::join!(back, forth);
}

/// Reads the masked frames of a client (RFC 6455, section 5.2), and returns the content of the text frames.
fn text_frames(mut bytes: &[u8]) -> Vec<Value> {
    let mut frames = Vec::new();
    while let [first, second, rest @ ..] = bytes {
        let (length, rest) = match second & 0x7f {
            126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            short => (usize::from(short), rest),
        };
        let (mask, rest) = rest.split_at(4);
        let (payload, rest) = rest.split_at(length);
        let payload: Vec<_> =
            payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        if first & 0x0f == 1 {
            frames.push(serde_json::from_slice(&payload).unwrap());
        }
        bytes = rest;
    }
    frames
}
