//! The link between a connection and the event handlers of its hub. Blocking events are sent from here; the others are
//! queued here in order (event handler, section 4).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Response, StatusCode};
use serde_json::json;

use super::Upstream;
use super::connect::{self, ConnectRequest, Decision};
use super::headers::{self, About, Kept};
use super::settings::{Event, EventHandlerSettings, SystemEvent};
use crate::message::json_from_str;
use crate::webhook::{NoResponse, Outgoing, Target};
use crate::webpubsub::delivery::{Data, Payload};
use crate::webpubsub::errors::Rejection;
use crate::webpubsub::frame::{HandlerResponse, Invalid};
use crate::webpubsub::media_type::media_type;
use crate::webpubsub::metadata::{BarePrefix, Metadata};

/// For all attempts together.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(100);
/// Reserved for these two events, even if no handler receives them. The others follow.
const CONNECT_ID: u64 = 0;
const CONNECTED_ID: u64 = 1;
/// A bound of the emulator: a handler that hangs must not exhaust the memory.
const MAX_NOTICES: usize = 1_000;
const JSON: &str = "application/json; charset=utf-8";

/// A connection as event handlers see it.
#[derive(Debug)]
pub(in crate::webpubsub) struct Link {
    upstream: Arc<Upstream>,
    /// The host by which the client found the service.
    origin: String,
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
    /// How many ids were taken after the reserved ones.
    taken: u64,
    notices: VecDeque<(Numbered, Notice)>,
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

/// The id and time of an event, which all attempts to send it share.
#[derive(Debug, Clone, Copy)]
struct Numbered {
    id: u64,
    time: SystemTime,
}

/// An event as it is sent to a handler.
struct Outbound<'a> {
    numbered: Numbered,
    /// In the URL.
    name: &'a str,
    /// Events of groups have a type only.
    is_named: bool,
    event_type: &'a str,
    content_type: &'static str,
    body: Bytes,
    metadata: HeaderMap,
}

/// The outcome of a user event or of an invocation.
#[derive(Debug)]
pub(in crate::webpubsub) enum Outcome {
    /// The handler accepted the event, possibly with a response for the client.
    Accepted(HandlerResponse),
    /// The handler failed, or no handler accepts the event.
    Failed,
    /// The handler did not respond in time.
    TimedOut,
}

impl Link {
    pub(in crate::webpubsub) fn new(
        upstream: &Arc<Upstream>,
        origin: &str,
        hub: &str,
        connection: &str,
    ) -> Arc<Self> {
        Arc::new(Self {
            upstream: Arc::clone(upstream),
            origin: origin.to_owned(),
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
        let numbered = self.number(CONNECT_ID);
        let body = connect_request.body();
        let outbound = Outbound::system(numbered, event, body);
        let response = self.ask(&handler, outbound).await;
        let response = response.map_err(|error| connect::no_response(&error))?;
        let decision = Decision::read(&response, offered)?;
        self.keep_state(&response).map_err(|why| connect::rejection(StatusCode::BAD_GATEWAY, why))?;
        Ok(decision)
    }

    /// Sends a user event and waits for the response.
    pub(in crate::webpubsub) async fn user_event(&self, name: &str, payload: &Payload) -> Outcome {
        let Some(handler) = self.upstream.handler(&self.hub, Event::User(name)) else {
            self.upstream.record_uncalled(&self.hub, &self.subject(name), "no event handler accepts it");
            tracing::warn!(hub = self.hub, event = name, "no event handler accepts an event");
            return Outcome::Failed;
        };
        let (content_type, body) = content(&payload.data);
        let mut metadata = HeaderMap::new();
        if let Err(Invalid(why)) = payload.metadata.write(&mut metadata) {
            return self.failed(name, &why);
        }
        let event_type = &format!("azure.webpubsub.user.{name}");
        let numbered = self.next_number(&mut self.state());
        let outbound = Outbound { numbered, name, is_named: true, event_type, content_type, body, metadata };
        match self.ask(&handler, outbound).await {
            Ok(response) if response.status().is_success() => {
                match self.keep_state(&response).and_then(|()| read(&response)) {
                    Ok(response) => Outcome::Accepted(response),
                    Err(why) => self.failed(name, &why),
                }
            }
            Ok(response) => self.failed(name, &response.status()),
            Err(error) => match self.failed(name, &error) {
                _ if matches!(error, NoResponse::Late) => Outcome::TimedOut,
                failed => failed,
            },
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
        let numbered = match notice {
            Notice::Connected => self.number(CONNECTED_ID),
            _ => self.next_number(&mut state),
        };
        state.notices.push_back((numbered, notice));
        if !state.sending
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            state.sending = true;
            runtime.spawn(Arc::clone(self).send_notices());
        }
    }

    async fn send_notices(self: Arc<Self>) {
        loop {
            let next = {
                let mut state = self.state();
                let next = state.notices.pop_front();
                state.sending = next.is_some();
                next
            };
            let Some((numbered, notice)) = next else { return };
            self.send_notice(numbered, &notice).await;
        }
    }

    async fn send_notice(&self, numbered: Numbered, notice: &Notice) {
        let event = notice.event();
        let Some(handler) = self.upstream.handler(&self.hub, Event::System(event)) else { return };
        let (name, _) = event.names();
        let outbound = Outbound::system(numbered, event, notice.body());
        match self.ask(&handler, outbound).await {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => {
                self.failed(name, &response.status());
            }
            Err(error) => {
                self.failed(name, &error);
            }
        }
    }

    /// Calls a handler whose address allows it, and keeps the cookies of a success.
    async fn ask(
        &self,
        handler: &EventHandlerSettings,
        outbound: Outbound<'_>,
    ) -> Result<Response<Bytes>, NoResponse> {
        let subject = self.subject(outbound.name);
        let checked = handler.check_target(&self.hub).map_err(|_| NoResponse::Forbidden)?;
        if !self.upstream.may_call(&checked, &self.origin).await {
            self.upstream.record_uncalled(&self.hub, &subject, "the validation of its event handler failed");
            return Err(NoResponse::Forbidden);
        }
        let target = handler.target(&self.hub, outbound.name).map_err(|_| NoResponse::Forbidden)?;
        let headers = self.headers(&outbound, &target);
        let request = Outgoing { target: &target, method: Method::POST, headers, body: outbound.body };
        let response = self.upstream.call(RESPONSE_TIMEOUT, &subject, request).await?;
        if response.status().is_success() {
            let now = self.upstream.clock.now();
            self.state().kept.keep_cookies(response.headers(), &target, now);
        }
        Ok(response)
    }

    fn headers(&self, outbound: &Outbound<'_>, target: &Target) -> HeaderMap {
        let state = self.state();
        let about = About {
            origin: &self.origin,
            content_type: outbound.content_type,
            event_type: outbound.event_type,
            event_name: outbound.is_named.then_some(outbound.name),
            hub: &self.hub,
            connection: &self.connection,
            user: state.user.as_deref(),
            subprotocol: state.subprotocol.as_deref(),
            id: outbound.numbered.id,
            time: outbound.numbered.time,
        };
        let mut headers = headers::event(&about, target, &self.upstream.keys.both(), &state.kept);
        headers.extend(outbound.metadata.clone());
        headers
    }

    /// How the log names an event.
    fn subject(&self, event: &str) -> String {
        format!("{event}, connection {}", self.connection)
    }

    fn number(&self, id: u64) -> Numbered {
        Numbered { id, time: self.upstream.clock.now() }
    }

    fn next_number(&self, state: &mut State) -> Numbered {
        state.taken += 1;
        self.number(CONNECTED_ID + state.taken)
    }

    fn keep_state(&self, response: &Response<Bytes>) -> Result<(), &'static str> {
        self.state().kept.keep_state(response.headers())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbound<'_> {
    fn system(numbered: Numbered, event: SystemEvent, body: Bytes) -> Self {
        let (name, event_type) = event.names();
        let is_named = !matches!(event, SystemEvent::GroupJoined | SystemEvent::GroupLeft);
        let metadata = HeaderMap::new();
        Self { numbered, name, is_named, event_type, content_type: JSON, body, metadata }
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
fn content(data: &Data) -> (&'static str, Bytes) {
    match data {
        Data::Text(text) => ("text/plain; charset=utf-8", text.clone().into()),
        Data::Json(json) => (JSON, json.get().to_owned().into()),
        Data::Binary(bytes) => ("application/octet-stream", bytes.clone()),
        Data::Protobuf(bytes) => ("application/x-protobuf", bytes.clone()),
    }
}

/// The handler's response for the client.
fn read(response: &Response<Bytes>) -> Result<HandlerResponse, &'static str> {
    let metadata = Metadata::from_headers(response.headers(), BarePrefix::Ignored);
    Ok(HandlerResponse { data: read_data(response)?, metadata: metadata.map_err(|Invalid(why)| why)? })
}

fn read_data(response: &Response<Bytes>) -> Result<Option<Data>, &'static str> {
    let body = response.body();
    if body.is_empty() {
        return Ok(None);
    }
    let content_type =
        response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let text = || std::str::from_utf8(body).map(str::to_owned).map_err(|_| "the response is not UTF-8");
    let data = match media_type(content_type).0.as_str() {
        "text/plain" => Data::Text(text()?),
        "application/json" => Data::Json(json_from_str(&text()?).map_err(|_| "the response is not JSON")?),
        "application/x-protobuf" => Data::Protobuf(body.clone()),
        _ => Data::Binary(body.clone()),
    };
    Ok(Some(data))
}
