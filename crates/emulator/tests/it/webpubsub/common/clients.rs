//! Clients of Web PubSub: tokens made from their claims alone, REST requests, and WebSockets.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt as _, StreamExt as _};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use service_emulator::Emulator;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::common::{Response, http};

pub(crate) const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
pub(crate) const VERSION: &str = "api-version=2024-12-01";
pub(crate) const JSON: &str = "json.webpubsub.azure.v1";
pub(crate) const RELIABLE: &str = "json.reliable.webpubsub.azure.v1";

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(crate) fn now(emulator: &Emulator) -> u64 {
    let since: SystemTime = emulator.clock().now();
    since.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A signed token of these claims.
pub(crate) fn jwt(key: &str, claims: &Value) -> String {
    jsonwebtoken::encode(&Header::default(), claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
}

/// The `Authorization` header for a request to this target.
pub(crate) fn authorization(emulator: &Emulator, target: &str) -> String {
    let audience = format!("http://{}{target}", emulator.address());
    let claims = json!({ "aud": audience, "exp": now(emulator) + 60 });
    format!("Bearer {}", jwt(KEY, &claims))
}

/// Sends a REST request to the hub `chat`. The path may contain a query.
pub(crate) async fn rest(emulator: &Emulator, method: &str, path: &str) -> Response {
    send(emulator, method, path, "text/plain", "").await
}

pub(crate) async fn send(
    emulator: &Emulator,
    method: &str,
    path: &str,
    content_type: &str,
    body: &str,
) -> Response {
    let separator = if path.contains('?') { '&' } else { '?' };
    let target = format!("/api/hubs/chat/{path}{separator}{VERSION}");
    let authorization = authorization(emulator, &target);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", content_type)];
    http(emulator, method, &target, &headers, body).await
}

/// Sends a text to the group `g` of the hub `chat`.
pub(crate) async fn publish(emulator: &Emulator, text: &str) {
    assert_eq!(send(emulator, "POST", "groups/g/:send", "text/plain", text).await.status, 202);
}

/// The claims of a client of the hub `chat`, and additional ones.
pub(crate) fn client_claims(emulator: &Emulator, more: Value) -> Value {
    let audience = format!("http://{}/client/hubs/chat", emulator.address());
    let mut claims = json!({ "aud": audience, "exp": now(emulator) + 60 });
    let Value::Object(more) = more else { panic!("claims are an object") };
    claims.as_object_mut().unwrap().extend(more);
    claims
}

/// Opens a WebSocket at any path and query, with or without a subprotocol.
pub(crate) async fn open(emulator: &Emulator, target: &str, protocol: Option<&str>) -> Result<Socket, Error> {
    open_at(emulator.address(), target, protocol).await
}

/// Opens a WebSocket at an emulator in another process.
pub(crate) async fn open_at(
    address: SocketAddr,
    target: &str,
    protocol: Option<&str>,
) -> Result<Socket, Error> {
    let mut request = format!("ws://{address}{target}").into_client_request()?;
    if let Some(protocol) = protocol {
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(protocol).unwrap());
    }
    let stream = TcpStream::connect(address).await?;
    tokio_tungstenite::client_async(request, MaybeTlsStream::Plain(stream)).await.map(|(socket, _)| socket)
}

/// The groups of a connection of the hub `chat`.
pub(crate) fn groups(emulator: &Emulator, connection: &str) -> Vec<String> {
    let all = emulator.webpubsub().connections("chat");
    all.into_iter().find(|other| other.connection_id == connection).unwrap().groups
}

/// The status with which a handshake was rejected.
pub(crate) fn rejection(outcome: Result<Socket, Error>) -> u16 {
    match outcome {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("not rejected: {other:?}"),
    }
}

/// A connected client of the hub `chat`.
pub(crate) struct Client {
    pub(crate) socket: Socket,
    pub(crate) id: String,
    pub(crate) user: Option<String>,
}

impl Client {
    /// With the JSON subprotocol and additional claims.
    pub(crate) async fn json(emulator: &Emulator, claims: Value) -> Self {
        let token = jwt(KEY, &client_claims(emulator, claims));
        let socket =
            open(emulator, &format!("/client/hubs/chat?access_token={token}"), Some(JSON)).await.unwrap();
        let mut client = Self { socket, id: String::new(), user: None };
        let connected = client.frame().await;
        assert_eq!((&connected["type"], &connected["event"]), (&json!("system"), &json!("connected")));
        client.id = connected["connectionId"].as_str().unwrap().to_owned();
        client.user = connected["userId"].as_str().map(str::to_owned);
        client
    }

    /// Without a subprotocol. `query` starts with `&` or is empty.
    pub(crate) async fn simple(emulator: &Emulator, claims: Value, query: &str) -> Self {
        let before = emulator.webpubsub().connections("chat");
        let token = jwt(KEY, &client_claims(emulator, claims));
        let target = format!("/client/hubs/chat?access_token={token}{query}");
        let socket = open(emulator, &target, None).await.unwrap();
        let after = emulator.webpubsub().connections("chat");
        let own = after.into_iter().find(|connection| !before.contains(connection)).unwrap();
        Self { socket, id: own.connection_id, user: own.user_id }
    }

    pub(crate) async fn next(&mut self) -> Message {
        self.socket.next().await.unwrap().unwrap()
    }

    /// The next text frame as JSON. Pings, which are sent when the clock is advanced, are ignored.
    pub(crate) async fn frame(&mut self) -> Value {
        loop {
            match self.next().await {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("no text frame: {other:?}"),
            }
        }
    }

    /// The code and text of the next frame, which is a close frame.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        match self.next().await {
            Message::Close(Some(close)) => (close.code.into(), close.reason.to_string()),
            other => panic!("no close frame: {other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    pub(crate) async fn send_json(&mut self, frame: Value) {
        self.send(Message::text(frame.to_string())).await;
    }

    /// Nothing but the pong is received: anything sent earlier would have come first.
    pub(crate) async fn assert_silent(&mut self) {
        self.send_json(json!({ "type": "ping" })).await;
        assert_eq!(self.frame().await, json!({ "type": "pong" }));
    }
}
