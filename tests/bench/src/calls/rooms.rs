//! The core as a service crate uses it: an operation, its own builder, a static key.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use service_core::{
    Call, ClientOptions, Dialect, Endpoint, HeaderKey, Operation, Pipeline, Secret, Transport, call_setters,
    call_span,
};

use super::message::{JSON, KEY, Message, REQUEST_ID, ROOM};
use crate::Result;

static DIALECT: Dialect =
    Dialect::new("workspace-bench/0.0.0", call_span!("bench.request_id"), "bench.request_id")
        .request_id_header(http::HeaderName::from_static(REQUEST_ID))
        .response_request_id_headers(&[REQUEST_ID]);

static SEND: Operation =
    Operation::new("SendToRoom", Method::POST, "/rooms/{room}/:send").query(&["api-version", "reason"]);

/// The client.
#[derive(Clone)]
pub(crate) struct Rooms {
    pipeline: Pipeline,
}

impl Rooms {
    /// A client for the message's origin, over this transport or over the network.
    pub(crate) fn over(message: &Message, transport: Option<Arc<dyn Transport>>) -> Result<Self> {
        let mut options = ClientOptions::default();
        if let Some(transport) = transport {
            options.set_transport(transport);
        }
        let key = HeaderKey::authorization("Bearer", &Secret::new(KEY))?;
        let pipeline = options.build(&DIALECT, Endpoint::parse(&message.origin)?, Arc::new(key))?;
        Ok(Self { pipeline })
    }

    fn send(&self, room: &str, body: Bytes) -> SendToRoom {
        let read = |response: &http::Response<Bytes>| Ok(response.body().clone());
        let mut call = Call::new(&self.pipeline, &SEND, &[("room", room)], read);
        call.query("api-version", "2026-01-01");
        call.body(JSON, body);
        SendToRoom { call }
    }
}

/// The builder of one call.
#[must_use = "does nothing until awaited"]
struct SendToRoom {
    call: Call<Bytes>,
}

impl SendToRoom {
    fn reason(mut self, reason: &str) -> Self {
        self.call.query("reason", reason);
        self
    }
}

call_setters!(SendToRoom => Bytes);

/// Sends the message once.
pub(crate) async fn send(rooms: Rooms, message: Arc<Message>) -> Result<()> {
    let response = rooms.send(ROOM, message.body.clone()).reason("closing time").await?;
    message.check(&response)
}
