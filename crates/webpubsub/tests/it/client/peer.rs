//! The scripted service: a transport that passes each upgrade request to the test, and the service's end of the WebSocket.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response};
use serde_json::Value;
use service_core::{Delivery, Error, ErrorKind, Io, Result, Transport, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{self, Message};

/// A transport whose service is the test.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    requests: mpsc::UnboundedSender<Handshake>,
    received: Arc<Mutex<mpsc::UnboundedReceiver<Handshake>>>,
}

/// An upgrade request that waits for its response.
#[derive(Debug)]
pub(crate) struct Handshake {
    pub(crate) request: Request<()>,
    response: oneshot::Sender<Result<Upgrade>>,
}

impl Network {
    pub(crate) fn new() -> Self {
        let (requests, received) = mpsc::unbounded_channel();
        Self { requests, received: Arc::new(Mutex::new(received)) }
    }

    /// Waits for the next request of the client.
    pub(crate) async fn handshake(&self) -> Handshake {
        self.received.lock().await.recv().await.unwrap()
    }

    /// Returns the next request, if there is one.
    pub(crate) async fn try_handshake(&self) -> Option<Handshake> {
        self.received.lock().await.try_recv().ok()
    }

    /// Accepts the next request, and sends the `connected` frame.
    pub(crate) async fn connect(&self, connection: &str) -> Peer {
        let mut peer = self.handshake().await.accept();
        peer.send(&connected(connection)).await;
        peer
    }
}

pub(crate) fn connected(connection: &str) -> String {
    format!(
        r#"{{"type":"system","event":"connected","connectionId":"{connection}","userId":"u","reconnectionToken":"planted-{connection}"}}"#
    )
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, _: Request<Bytes>, _: &service_core::SendOptions) -> Result<Response<Bytes>> {
        Err(Error::new(ErrorKind::Transport, "only upgrades are supported"))
    }

    async fn upgrade(&self, request: Request<()>, _: &service_core::SendOptions) -> Result<Upgrade> {
        let (response, received) = oneshot::channel();
        let _ = self.requests.send(Handshake { request, response });
        received.await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Transport, "no response").with_delivery(Delivery::NotSent))
        })
    }
}

impl Handshake {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn reject(self, status: u16) {
        self.reject_with(status, None);
    }

    pub(crate) fn reject_with(self, status: u16, retry_after: Option<&str>) {
        let body = Bytes::from_static(br#"{"code":"Odd","message":"test rejection"}"#);
        let mut response = Response::builder().status(status);
        if let Some(value) = retry_after {
            response = response.header("retry-after", value);
        }
        let response = response.body(body).unwrap();
        let _ = self.response.send(Ok(Upgrade::Rejected(response)));
    }

    pub(crate) fn accept(self) -> Peer {
        let key = derive_accept_key(self.header("sec-websocket-key").unwrap().as_bytes());
        let protocol = self.header("sec-websocket-protocol").unwrap().to_owned();
        self.respond_with(&key, &protocol)
    }

    pub(crate) fn respond_with(self, key: &str, protocol: &str) -> Peer {
        let head = Response::builder()
            .status(101)
            .header("sec-websocket-accept", key)
            .header("sec-websocket-protocol", protocol)
            .body(())
            .unwrap();
        let (near, far) = tokio::io::duplex(1 << 20);
        let _ = self.response.send(Ok(Upgrade::Switched(head, Box::new(near) as Box<dyn Io>)));
        Peer { stream: far, socket: None }
    }
}

/// The service's end of one connection.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: DuplexStream,
    socket: Option<WebSocketStream<DuplexStream>>,
}

impl Peer {
    async fn socket(&mut self) -> &mut WebSocketStream<DuplexStream> {
        if self.socket.is_none() {
            let stream = std::mem::replace(&mut self.stream, tokio::io::duplex(1).0);
            self.socket = Some(WebSocketStream::from_raw_socket(stream, Role::Server, None).await);
        }
        self.socket.as_mut().unwrap()
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.frame(Message::text(text)).await;
    }

    pub(crate) async fn frame(&mut self, message: Message) {
        self.socket().await.send(message).await.unwrap();
    }

    /// Sends bytes without framing.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        let stream = self.socket().await.get_mut();
        // The client may close the stream before everything is written.
        let _ = stream.write_all(bytes).await;
        let _ = stream.flush().await;
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Message, tungstenite::Error>> {
        self.socket().await.next().await
    }

    /// Receives the next frame of the client as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        loop {
            match self.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                // Sent after a recovery; the library responds.
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("{other:?} is not JSON"),
            }
        }
    }

    pub(crate) async fn ack(&mut self, id: &Value) {
        self.send(&format!(r#"{{"type":"ack","ackId":{id},"success":true}}"#)).await;
    }

    pub(crate) async fn close(&mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        let _ = self.socket().await.close(Some(frame)).await;
    }

    /// Reads to the end. Returns the close code of the client, if there is one.
    pub(crate) async fn ending(mut self) -> Option<u16> {
        let mut code = None;
        while let Some(Ok(message)) = self.next().await {
            if let Message::Close(frame) = message {
                code = frame.map(|frame| frame.code.into());
            }
        }
        code
    }

    /// Returns whether the client still holds its end, once it has shut down its direction.
    pub(crate) async fn is_connected(&mut self) -> bool {
        self.socket().await.get_mut().write_all(b"x").await.is_ok()
    }
}

/// Accepts a connection over the network: reads the request and selects the first subprotocol.
pub(crate) async fn accept(mut stream: TcpStream) -> WebSocketStream<TcpStream> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.unwrap().1.to_owned()
    };
    let (accept, protocol) =
        (derive_accept_key(header("sec-websocket-key").as_bytes()), header("sec-websocket-protocol"));
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-accept: {accept}\r\nsec-websocket-protocol: {protocol}\r\n\r\n"
    );
    stream.write_all(response.as_bytes()).await.unwrap();
    WebSocketStream::from_raw_socket(stream, Role::Server, None).await
}
