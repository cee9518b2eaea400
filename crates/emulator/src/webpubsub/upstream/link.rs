//! The link between a connection and the event handlers of its hub. Blocking events are sent from here; the others are
//! queued here in order (event handler, section 4).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Response, StatusCode};
use serde_json::json;

use super::Upstream;
use super::call::NoResponse;
use super::connect::{self, ConnectRequest, Decision};
use super::headers::{self, About, Kept};
use super::settings::{Event, EventHandlerSettings, SystemEvent};
use crate::webpubsub::delivery::Data;
use crate::webpubsub::errors::Rejection;
use crate::webpubsub::media_type::media_type;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// A bound of the emulator: a handler that hangs must not exhaust the memory.
const MAX_NOTICES: usize = 1_000;
const JSON: &str = "application/json; charset=utf-8";

/// A connection as event handlers see it.
#[derive(Debug)]
pub(in crate::webpubsub) struct Link {
    upstream: Arc<Upstream>,
    hub: String,
    connection: String,
    state: Mutex<State>,
    /// Held while a request of the client is processed. The next one waits, even if it arrives on another socket.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    user: Option<String>,
    subprotocol: Option<String>,
    kept: Kept,
    last_id: u64,
    notices: VecDeque<Notice>,
    /// Whether a task is sending them.
    sending: bool,
}

/// An event whose response is not awaited.
#[derive(Debug)]
pub(in crate::webpubsub) enum Notice {
    Connected,
    Disconnected { reason: String },
    Joined { group: String },
    Left { group: String },
}

/// The outcome of a user event.
#[derive(Debug)]
pub(in crate::webpubsub) enum Outcome {
    /// No handler accepts the event.
    Unhandled,
    /// The handler accepted the event, possibly with a response for the client.
    Accepted(Option<Data>),
    Failed,
}

impl Link {
    pub(in crate::webpubsub) fn new(upstream: &Arc<Upstream>, hub: &str, connection: &str) -> Arc<Self> {
        Arc::new(Self {
            upstream: Arc::clone(upstream),
            hub: hub.to_owned(),
            connection: connection.to_owned(),
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        })
    }

    /// Sets the user and subprotocol once they are determined.
    pub(in crate::webpubsub) fn identify(&self, user: Option<&str>, subprotocol: Option<&str>) {
        let mut state = self.state();
        state.user = user.map(str::to_owned);
        state.subprotocol = subprotocol.map(str::to_owned);
    }

    /// Waits until no other request of the connection is being processed.
    pub(in crate::webpubsub) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Asks the handler whether a client may connect. Without a handler it may, unchanged.
    pub(in crate::webpubsub) async fn connect(
        &self,
        user: Option<&str>,
        connect_request: &ConnectRequest,
        offered: &[String],
    ) -> Result<Decision, Rejection> {
        let event = SystemEvent::Connect;
        let Some(handler) = self.upstream.handler(&self.hub, Event::System(event)) else {
            return Ok(Decision::default());
        };
        self.identify(user, None);
        let (name, event_type) = event.names();
        let response = self.ask(&handler, name, Some(name), event_type, JSON, connect_request.body()).await;
        let response = response.map_err(|error| connect::no_response(&error))?;
        let decision = Decision::read(&response, offered)?;
        self.keep(&response).map_err(|why| connect::rejection(StatusCode::BAD_GATEWAY, why))?;
        Ok(decision)
    }

    /// Sends a user event and waits for the response.
    pub(in crate::webpubsub) async fn user_event(&self, name: &str, data: &Data) -> Outcome {
        let Some(handler) = self.upstream.handler(&self.hub, Event::User(name)) else {
            return Outcome::Unhandled;
        };
        let (content_type, body) = payload(data);
        let event_type = format!("azure.webpubsub.user.{name}");
        match self.ask(&handler, name, Some(name), &event_type, content_type, body).await {
            Ok(response) if response.status().is_success() => {
                match self.keep(&response).and_then(|()| read(&response)) {
                    Ok(data) => Outcome::Accepted(data),
                    Err(why) => self.failed(name, &why),
                }
            }
            Ok(response) => self.failed(name, &response.status()),
            Err(error) => self.failed(name, &error),
        }
    }

    fn failed(&self, event: &str, why: &dyn std::fmt::Display) -> Outcome {
        tracing::warn!(hub = self.hub, event, %why, "an event handler failed");
        Outcome::Failed
    }

    /// Whether a handler receives the end of the connection.
    pub(in crate::webpubsub) fn observes_end(&self) -> bool {
        self.upstream.handler(&self.hub, Event::System(SystemEvent::Disconnected)).is_some()
    }

    /// Queues an event after the earlier ones, without waiting. It is dropped if no handler accepts it.
    pub(in crate::webpubsub) fn notify(self: &Arc<Self>, notice: Notice) {
        if self.upstream.handler(&self.hub, Event::System(notice.event())).is_none() {
            return;
        }
        let mut state = self.state();
        if state.notices.len() >= MAX_NOTICES {
            tracing::warn!(hub = self.hub, "too many events are queued for a handler; one was dropped");
            return;
        }
        state.notices.push_back(notice);
        if !state.sending
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            state.sending = true;
            runtime.spawn(Arc::clone(self).send_notices());
        }
    }

    async fn send_notices(self: Arc<Self>) {
        loop {
            let notice = {
                let mut state = self.state();
                let next = state.notices.pop_front();
                state.sending = next.is_some();
                next
            };
            let Some(notice) = notice else { return };
            self.send_notice(&notice).await;
        }
    }

    async fn send_notice(&self, notice: &Notice) {
        let event = notice.event();
        let Some(handler) = self.upstream.handler(&self.hub, Event::System(event)) else { return };
        let (name, event_type) = event.names();
        let of_group = matches!(event, SystemEvent::GroupJoined | SystemEvent::GroupLeft);
        let event_name = (!of_group).then_some(name);
        match self.ask(&handler, name, event_name, event_type, JSON, notice.body()).await {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => {
                self.failed(name, &response.status());
            }
            Err(error) => {
                self.failed(name, &error);
            }
        }
    }

    /// Calls a handler whose address allows it.
    async fn ask(
        &self,
        handler: &EventHandlerSettings,
        event: &str,
        event_name: Option<&str>,
        event_type: &str,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<Response<Bytes>, NoResponse> {
        if !self.upstream.may_call(&self.hub, handler).await {
            return Err(NoResponse::Forbidden);
        }
        let target = handler.target(&self.hub, event).map_err(|_| NoResponse::Forbidden)?;
        let headers = {
            let mut state = self.state();
            state.last_id += 1;
            let about = About {
                origin: self.upstream.origin(),
                content_type,
                event_type,
                event_name,
                hub: &self.hub,
                connection: &self.connection,
                user: state.user.as_deref(),
                subprotocol: state.subprotocol.as_deref(),
                id: state.last_id,
                time: self.upstream.clock.now(),
            };
            headers::event(about, &self.upstream.keys.both(), &state.kept)
        };
        self.upstream.call(RESPONSE_TIMEOUT, &target, Method::POST, headers, body).await
    }

    fn keep(&self, response: &Response<Bytes>) -> Result<(), &'static str> {
        self.state().kept.read(response.headers())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notice {
    fn event(&self) -> SystemEvent {
        match self {
            Self::Connected => SystemEvent::Connected,
            Self::Disconnected { .. } => SystemEvent::Disconnected,
            Self::Joined { .. } => SystemEvent::GroupJoined,
            Self::Left { .. } => SystemEvent::GroupLeft,
        }
    }

    fn body(&self) -> Bytes {
        let body = match self {
            Self::Connected => json!({}),
            Self::Disconnected { reason } => json!({ "reason": reason }),
            Self::Joined { group } | Self::Left { group } => json!({ "group": group }),
        };
        body.to_string().into()
    }
}

/// The content type and body of a user event (event handler, section 4.3).
fn payload(data: &Data) -> (&'static str, Bytes) {
    match data {
        Data::Text(text) => ("text/plain; charset=utf-8", text.clone().into()),
        Data::Json(json) => (JSON, json.get().to_owned().into()),
        Data::Binary(bytes) => ("application/octet-stream", bytes.clone()),
        Data::Protobuf(bytes) => ("application/x-protobuf", bytes.clone()),
    }
}

/// The handler's response for the client, if any.
fn read(response: &Response<Bytes>) -> Result<Option<Data>, &'static str> {
    let body = response.body();
    if body.is_empty() {
        return Ok(None);
    }
    let content_type =
        response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let text = || std::str::from_utf8(body).map(str::to_owned).map_err(|_| "the response is not UTF-8");
    let data = match media_type(content_type).0.as_str() {
        "text/plain" => Data::Text(text()?),
        "application/json" => {
            Data::Json(serde_json::from_str(&text()?).map_err(|_| "the response is not JSON")?)
        }
        _ => Data::Binary(body.clone()),
    };
    Ok(Some(data))
}
