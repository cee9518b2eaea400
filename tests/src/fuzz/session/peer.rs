//! The service's end: it accepts each upgrade, confirms the connection, and checks every frame of the client.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response};
use service_core::{Error, ErrorKind, Io, Result, SendOptions, Transport, Upgrade};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use webpubsub::client::Protocol;

use super::frames;
use super::upstream::{Checks, bytes_field};

/// More than a script can send.
const BUFFER: usize = 1 << 22;

/// The transport of the client. What it opens is picked up by the peer.
#[derive(Debug, Clone, Default)]
pub(super) struct Network(Arc<Mutex<Vec<Opened>>>);

#[derive(Debug)]
struct Opened {
    stream: DuplexStream,
    is_recovery: bool,
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, _: Request<Bytes>, _: &SendOptions) -> Result<Response<Bytes>> {
        Err(Error::new(ErrorKind::Transport, "only upgrades are supported"))
    }

    async fn upgrade(&self, request: Request<()>, _: &SendOptions) -> Result<Upgrade> {
        let headers = request.headers();
        let head = Response::builder()
            .status(101)
            .header("sec-websocket-accept", derive_accept_key(headers["sec-websocket-key"].as_bytes()))
            .header("sec-websocket-protocol", &headers["sec-websocket-protocol"])
            .body(())
            .unwrap();
        let (near, stream) = tokio::io::duplex(BUFFER);
        let is_recovery =
            request.uri().query().is_some_and(|query| query.contains("awps_reconnection_token"));
        self.0.lock().unwrap().push(Opened { stream, is_recovery });
        Ok(Upgrade::Switched(head, Box::new(near) as Box<dyn Io>))
    }
}

/// The service.
pub(super) struct Peer {
    network: Network,
    protocol: Protocol,
    stream: Option<DuplexStream>,
    /// What the client wrote and is not a complete frame yet.
    written: Vec<u8>,
    /// The number of connections and recoveries, and the number of the current connection.
    opened: usize,
    connection: usize,
    checks: Checks,
}

impl Peer {
    pub(super) fn new(protocol: Protocol) -> Self {
        let is_text = matches!(protocol, Protocol::Json | Protocol::JsonReliable);
        let (network, checks) = (Network::default(), Checks::new(is_text));
        Self { network, protocol, stream: None, written: Vec::new(), opened: 0, connection: 0, checks }
    }

    pub(super) fn transport(&self) -> Network {
        self.network.clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.opened
    }

    /// The data frames that the client sent, in order.
    pub(super) fn sent(&self) -> Vec<String> {
        self.checks.sent.clone()
    }

    pub(super) async fn frame(&mut self, payload: &[u8]) {
        self.checks.will_send(payload);
        let kind = if self.checks.is_text { frames::TEXT } else { frames::BINARY };
        self.write(&frames::frame(kind, payload, false)).await;
    }

    pub(super) async fn control(&mut self, kind: u8, payload: &[u8]) {
        self.write(&frames::frame(kind, &payload[..payload.len().min(125)], false)).await;
    }

    pub(super) async fn raw(&mut self, bytes: &[u8]) {
        self.checks.will_send_anything();
        self.write(bytes).await;
    }

    async fn write(&mut self, bytes: &[u8]) {
        if let Some(stream) = &mut self.stream {
            // The client may have closed its end.
            let _ = stream.write_all(bytes).await;
        }
    }

    pub(super) fn disconnect(&mut self) {
        self.stream = None;
        self.written.clear();
    }

    /// Accepts what the client opened, and reads what it wrote.
    pub(super) async fn exchange(&mut self) {
        let opened = std::mem::take(&mut *self.network.0.lock().unwrap());
        for Opened { stream, is_recovery } in opened {
            self.disconnect();
            self.stream = Some(stream);
            self.opened += 1;
            self.connection += usize::from(!is_recovery);
            self.checks.opened(is_recovery);
            let confirmation = self.confirmation();
            self.frame(&confirmation).await;
        }
        let Some(stream) = &mut self.stream else { return };
        while let Some(Ok(1..)) = stream.read_buf(&mut self.written).now_or_never() {}
        while let Some((kind, payload)) = frames::take(&mut self.written, true) {
            self.checks.received(kind, &payload);
        }
    }

    fn confirmation(&self) -> Vec<u8> {
        let connection_id = format!("c{}", self.connection);
        let token = self.protocol.is_reliable().then(|| "token".to_owned());
        if self.checks.is_text {
            let frame = serde_json::json!({ "type": "system", "event": "connected", "userId": "u",
                "connectionId": connection_id, "reconnectionToken": token });
            return frame.to_string().into_bytes();
        }
        let token = token.map(|token| bytes_field(3, token.as_bytes())).unwrap_or_default();
        let connected = [bytes_field(1, connection_id.as_bytes()), bytes_field(2, b"u"), token].concat();
        bytes_field(3, &bytes_field(1, &connected))
    }
}
