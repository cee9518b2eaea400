//! A plain WebSocket client on tungstenite: the witness of what the service did to a connection.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE};
use serde_json::Value;
use service_core::{BoxError, Clock, SystemClock, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// No step of a connection takes longer on a machine that works at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connected WebSocket client.
#[derive(Debug)]
pub struct Client {
    stream: WebSocketStream<reqwest::Upgraded>,
    /// The service's id of the connection; empty for simple clients, which do not receive theirs.
    pub connection_id: String,
}

/// How a connection ended, as its client saw it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// The text of the `disconnected` message, if one came.
    pub message: Option<String>,
    /// The code of the close frame, if one came.
    pub code: Option<u16>,
    /// The text of the close frame.
    pub reason: String,
}

impl Client {
    /// Connects with the subprotocol `json.webpubsub.azure.v1` and waits until the service says `connected`.
    ///
    /// # Errors
    ///
    /// A rejected handshake, or another first frame.
    pub async fn connect(url: &str) -> Result<Self, BoxError> {
        let mut client = Self::open(url, Some("json.webpubsub.azure.v1")).await?;
        let first = client.json().await?;
        match (first["event"].as_str(), first["connectionId"].as_str()) {
            (Some("connected"), Some(id)) => client.connection_id = id.to_owned(),
            _ => return Err(format!("the first frame is not `connected`: {first}").into()),
        }
        Ok(client)
    }

    /// Connects without a subprotocol.
    ///
    /// # Errors
    ///
    /// A rejected handshake.
    pub async fn connect_simple(url: &str) -> Result<Self, BoxError> {
        Self::open(url, None).await
    }

    async fn open(url: &str, subprotocol: Option<&str>) -> Result<Self, BoxError> {
        let key = generate_key();
        // The scheme only: a token in the query may hold the letters as well.
        let url = url.strip_prefix("ws").map_or_else(|| url.to_owned(), |rest| format!("http{rest}"));
        let mut request = reqwest::Client::builder()
            .http1_only()
            .build()?
            .get(url)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key);
        if let Some(name) = subprotocol {
            request = request.header(SEC_WEBSOCKET_PROTOCOL, name);
        }
        let response = request.send().await.map_err(reqwest::Error::without_url)?;
        let accepted = response.headers().get("sec-websocket-accept").map(http::HeaderValue::as_bytes);
        if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(format!("the handshake failed with status {}", response.status()).into());
        }
        let upgraded = response.upgrade().await.map_err(reqwest::Error::without_url)?;
        let stream = WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await;
        Ok(Self { stream, connection_id: String::new() })
    }

    /// The next text frame, as JSON.
    ///
    /// # Errors
    ///
    /// The end of the connection, another frame, or none in time.
    pub async fn json(&mut self) -> Result<Value, BoxError> {
        match self.frame().await? {
            Some(Message::Text(text)) => Ok(serde_json::from_str(&text)?),
            other => Err(format!("a text frame was expected, not {other:?}").into()),
        }
    }

    /// Sends a frame of the subprotocol.
    ///
    /// # Errors
    ///
    /// A connection that is closed.
    pub async fn send(&mut self, frame: &Value) -> Result<(), BoxError> {
        Ok(self.stream.send(Message::text(frame.to_string())).await?)
    }

    /// Sends `ping` and waits for its `pong`: the connection is alive in both directions.
    ///
    /// # Errors
    ///
    /// Anything but the `pong`.
    pub async fn ping(&mut self) -> Result<(), BoxError> {
        self.stream.send(Message::text(r#"{"type":"ping"}"#)).await?;
        let response = self.json().await?;
        if response["type"] == "pong" {
            Ok(())
        } else {
            Err(format!("`pong` was expected, not {response}").into())
        }
    }

    /// Reads until the service has closed the connection.
    ///
    /// A client that speaks the subprotocol also pings: a response proves that the connection is still open, which is an error
    /// unless it ends within `grace` further seconds.
    ///
    /// # Errors
    ///
    /// A connection that stays open.
    pub async fn ending(&mut self, grace: u32) -> Result<Ending, BoxError> {
        let mut ending = Ending::default();
        let mut pongs = 0;
        self.ask_for_pong().await;
        loop {
            match self.frame().await? {
                Some(Message::Text(text)) => {
                    let frame: Value = serde_json::from_str(&text)?;
                    match (frame["type"].as_str(), frame["event"].as_str()) {
                        (_, Some("disconnected")) => {
                            ending.message = frame["message"].as_str().map(str::to_owned);
                        }
                        (Some("pong"), _) if pongs >= grace => {
                            return Err("the connection is still open".into());
                        }
                        (Some("pong"), _) => {
                            pongs += 1;
                            SystemClock::new().sleep(Duration::from_secs(1)).await;
                            self.ask_for_pong().await;
                        }
                        _ => {}
                    }
                }
                Some(Message::Close(Some(close))) => {
                    ending.code = Some(close.code.into());
                    ending.reason = close.reason.to_string();
                }
                Some(_) => {}
                None => return Ok(ending),
            }
        }
    }

    /// Simple clients have no ping of their own; a connection that is closed already needs none.
    async fn ask_for_pong(&mut self) {
        if !self.connection_id.is_empty() {
            let _ = self.stream.send(Message::text(r#"{"type":"ping"}"#)).await;
        }
    }

    async fn frame(&mut self) -> Result<Option<Message>, BoxError> {
        let clock = SystemClock::new();
        match timeout(&clock, PATIENCE, self.stream.next()).await {
            Some(frame) => Ok(frame.transpose()?),
            None => Err(format!("no frame came within {PATIENCE:?}").into()),
        }
    }
}
