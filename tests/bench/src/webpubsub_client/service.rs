//! The service's side of the benchmark, as little as one can do: acknowledges what is sent, and sends as many messages as
//! it is asked for. Of those, no more than the real service keeps are ever without their sequence ack.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::wire::{BURST, Frame, GROUP, PATH, PROTOCOL, whole};
use crate::{Result, responses};

/// So many messages the service keeps for a client.
const UNACKNOWLEDGED: u64 = 1000;

/// Whether a request is for a WebSocket.
#[must_use]
pub fn is_meant<B>(request: &Request<B>) -> bool {
    request.uri().path() == PATH
}

/// The response to a request for a WebSocket, which is then served for as long as the client stays.
#[must_use]
pub fn upgrade(mut request: Request<Incoming>) -> Response<Bytes> {
    let headers = request.headers();
    let offered = headers.get(SEC_WEBSOCKET_PROTOCOL).is_some_and(|name| name == PROTOCOL);
    let key = headers.get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let (true, true, Some(Ok(accept))) =
        (offered, headers.contains_key(AUTHORIZATION), key.map(HeaderValue::try_from))
    else {
        return responses::rejection("a WebSocket needs a key, a token and the reliable JSON subprotocol");
    };
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        // A client that goes away ends its connection and nothing else.
        let Ok(stream) = upgraded.await else { return };
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, None).await;
        drop(serve(socket).await);
    });
    let mut switching = Response::new(Bytes::new());
    *switching.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = switching.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    switching
}

/// Reads all that has arrived and responds to it together.
async fn serve(mut socket: WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>) -> Result<()> {
    let mut conversation = Conversation::new()?;
    loop {
        while let Some(frame) = conversation.responses.pop_front() {
            socket.feed(frame).await?;
        }
        socket.flush().await?;
        let mut heard = socket.next().await;
        while let Some(message) = heard {
            let message = message?;
            if message.is_close() {
                return Ok(());
            }
            if let Message::Text(frame) = &message {
                conversation.hear(frame)?;
            }
            heard = socket.next().now_or_never().flatten();
        }
    }
}

/// What is between the service and one client.
#[derive(Default)]
struct Conversation {
    responses: VecDeque<Message>,
    text: String,
    /// Messages that were asked for and not sent yet.
    owed: u64,
    sent: u64,
    acknowledged: u64,
}

impl Conversation {
    fn new() -> Result<Self> {
        let mut conversation = Self::default();
        conversation.respond(&Frame {
            event: "connected".into(),
            connection_id: "connection".into(),
            reconnection_token: "token".into(),
            ..Frame::of("system")
        })?;
        Ok(conversation)
    }

    fn respond(&mut self, frame: &Frame<'_>) -> Result<()> {
        self.responses.push_back(Message::text(serde_json::to_string(frame)?));
        Ok(())
    }

    fn hear(&mut self, frame: &str) -> Result<()> {
        let frame: Frame<'_> = serde_json::from_str(frame)?;
        match &*frame.r#type {
            "sequenceAck" => self.acknowledged = frame.sequence_id.unwrap_or_default(),
            "event" if frame.event == BURST => {
                let (messages, size) = frame.data.split_once(' ').ok_or("a burst is `COUNT SIZE`")?;
                self.owed += messages.parse::<u64>()?;
                self.text = "x".repeat(size.parse()?);
                self.ack(frame.ack_id, true)?;
            }
            "sendToGroup" => self.ack(frame.ack_id, frame.group == GROUP && whole(&frame.data).is_ok())?,
            "ping" => self.respond(&Frame::of("pong"))?,
            _ => self.ack(frame.ack_id, false)?,
        }
        self.pay()
    }

    fn ack(&mut self, ack_id: Option<u64>, success: bool) -> Result<()> {
        self.respond(&Frame { ack_id, success: Some(success), ..Frame::of("ack") })
    }

    /// Sends the remaining messages, up to the limit of unacknowledged ones.
    fn pay(&mut self) -> Result<()> {
        while self.owed > 0 && self.sent - self.acknowledged.min(self.sent) < UNACKNOWLEDGED {
            self.owed -= 1;
            self.sent += 1;
            let frame = serde_json::to_string(&Frame {
                from: "group".into(),
                group: GROUP.into(),
                from_user_id: "user".into(),
                sequence_id: Some(self.sent),
                data_type: "text".into(),
                data: self.text.as_str().into(),
                ..Frame::of("message")
            })?;
            self.responses.push_back(Message::text(frame));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::text;
    use super::*;

    #[test]
    fn no_more_messages_are_sent_than_the_service_would_keep_unacknowledged() {
        let mut conversation = Conversation::new().unwrap();
        let burst = Frame { event: BURST.into(), data: "1500 7".into(), ..Frame::of("event") };
        conversation.hear(&serde_json::to_string(&burst).unwrap()).unwrap();
        assert_eq!(conversation.sent, 1000);
        let ack = Frame { sequence_id: Some(64), ..Frame::of("sequenceAck") };
        conversation.hear(&serde_json::to_string(&ack).unwrap()).unwrap();
        assert_eq!(conversation.sent, 1064);
        let last = conversation.responses.pop_back().unwrap();
        assert!(last.to_text().unwrap().ends_with(r#""data":"xxxxxxx"}"#), "{last}");
    }

    #[test]
    fn a_send_without_its_whole_text_is_rejected() {
        for (data, success) in [(text(), "true"), ("x".to_owned(), "false")] {
            let mut conversation = Conversation::new().unwrap();
            let send =
                Frame { group: GROUP.into(), ack_id: Some(7), data: data.into(), ..Frame::of("sendToGroup") };
            conversation.hear(&serde_json::to_string(&send).unwrap()).unwrap();
            let response = conversation.responses.pop_back().unwrap();
            assert_eq!(
                response.to_text().unwrap(),
                format!(r#"{{"type":"ack","ackId":7,"success":{success}}}"#)
            );
        }
    }
}
