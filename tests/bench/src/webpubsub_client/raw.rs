//! What a user would write with tokio-tungstenite and serde_json alone, for one task that does nothing else: no recovery, no
//! callers that wait side by side, no limits of time.

use std::collections::HashSet;

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use http::HeaderValue;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::wire::{ACKED_TOGETHER, BURST, Frame, GROUP, PROTOCOL, burst, has_size, text};
use crate::Result;
use crate::load::LANES;

/// A connection that has received its `connected` message.
pub(super) struct Connection(Mutex<State>);

struct State {
    socket: WebSocketStream<TcpStream>,
    next_id: u64,
    seen: u64,
    acknowledged: u64,
    text: String,
}

/// A message as its receiver has it.
struct GroupMessage {
    group: String,
    from_user_id: String,
    data: String,
}

pub(super) async fn connect(address: &str) -> Result<Connection> {
    let mut request = address.into_client_request()?;
    let headers = request.headers_mut();
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a.b.c"));
    let authority = request.uri().authority().ok_or("an address without a host")?;
    let stream = TcpStream::connect(authority.as_str()).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    let connected = socket.next().await.ok_or("the server hung up")??;
    let frame: Frame<'_> = serde_json::from_str(connected.to_text()?)?;
    if frame.event != "connected" {
        return Err("the server said something else than `connected`".into());
    }
    let state = State { socket, next_id: 1, seen: 0, acknowledged: 0, text: text() };
    Ok(Connection(Mutex::new(state)))
}

/// Receives so many messages of this size.
pub(super) async fn receive(connection: &Connection, messages: u32, size: usize) -> Result<()> {
    let state = &mut *connection.0.lock().await;
    let ack_id = state.id();
    let data = burst(messages, size).into();
    state.feed(&Frame { event: BURST.into(), ack_id, data, ..Frame::of("event") }).await?;
    state.socket.flush().await?;
    let mut received = 0;
    while received < messages {
        let heard = state.heard().await?;
        let frame: Frame<'_> = serde_json::from_str(heard.to_text()?)?;
        if frame.r#type != "message" {
            continue;
        }
        let message = GroupMessage {
            group: frame.group.into_owned(),
            from_user_id: frame.from_user_id.into_owned(),
            data: frame.data.into_owned(),
        };
        has_size(&message.data, size)?;
        if message.group != GROUP || message.from_user_id.is_empty() || frame.sequence_id <= Some(state.seen)
        {
            return Err("a message that was not expected".into());
        }
        state.seen = frame.sequence_id.unwrap_or_default();
        state.acknowledge().await?;
        received += 1;
    }
    Ok(())
}

/// Sends the text so many times, and waits until each has its ack.
pub(super) async fn send(connection: &Connection, messages: u32) -> Result<()> {
    let state = &mut *connection.0.lock().await;
    let (mut waiting, mut sent) = (HashSet::new(), 0);
    while sent < messages || !waiting.is_empty() {
        while sent < messages && waiting.len() < LANES as usize {
            let ack_id = state.id();
            waiting.extend(ack_id);
            let text = std::mem::take(&mut state.text);
            let (group, data_type, data) = (GROUP.into(), "text".into(), text.as_str().into());
            state.feed(&Frame { group, ack_id, data_type, data, ..Frame::of("sendToGroup") }).await?;
            state.text = text;
            sent += 1;
        }
        state.socket.flush().await?;
        let mut heard = Some(state.heard().await?);
        while let Some(message) = heard {
            let frame: Frame<'_> = serde_json::from_str(message.to_text()?)?;
            if frame.success != Some(true) || !frame.ack_id.is_some_and(|id| waiting.remove(&id)) {
                return Err("a send was rejected".into());
            }
            heard = state.heard().now_or_never().transpose()?;
        }
    }
    Ok(())
}

impl State {
    fn id(&mut self) -> Option<u64> {
        self.next_id += 1;
        Some(self.next_id)
    }

    async fn feed(&mut self, frame: &Frame<'_>) -> Result<()> {
        Ok(self.socket.feed(Message::text(serde_json::to_string(frame)?)).await?)
    }

    async fn heard(&mut self) -> Result<Message> {
        Ok(self.socket.next().await.ok_or("the server hung up")??)
    }

    async fn acknowledge(&mut self) -> Result<()> {
        if self.seen - self.acknowledged < ACKED_TOGETHER {
            return Ok(());
        }
        self.acknowledged = self.seen;
        self.feed(&Frame { sequence_id: Some(self.seen), ..Frame::of("sequenceAck") }).await?;
        Ok(self.socket.flush().await?)
    }
}
