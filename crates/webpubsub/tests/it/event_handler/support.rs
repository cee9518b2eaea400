//! Requests as the service sends them, and a handler that tests can configure.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::request::Builder;
use http::{Request, Response};
use webpubsub::event_handler::{
    ConnectRequest, ConnectResponse, Context, Disconnected, EventHandler, Handled, Result, UserEvent,
    UserEventResponse, Webhook, WebhookBuilder,
};

pub(crate) const KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";
pub(crate) const SECOND_KEY: &str = "second-key";
/// The signatures of the connection `conn1` by `KEY`, then by `SECOND_KEY`.
pub(crate) const SIGNATURES: [&str; 2] = [
    "sha256=8de7281e588e23b0a30a7180ffa240257b8176e983004c240c9f3f7a7233c993",
    "sha256=0af559990664df7b5ec3bbeb14578be4a5607aa5ea49d4e0f2b7e9f2e1d21518",
];
pub(crate) const ORIGIN: &str = "name.webpubsub.azure.com";
pub(crate) const JSON: &str = "application/json; charset=utf-8";

type OnConnect = dyn Fn(&Context, ConnectRequest) -> Result<ConnectResponse> + Send + Sync;
type OnEvent = dyn Fn(&Context, UserEvent) -> Result<UserEventResponse> + Send + Sync;
type OnNotification = dyn Fn(&Context, String) -> Result + Send + Sync;

/// Runs the given closures, and accepts all other events.
pub(crate) struct TestHandler {
    connect: Box<OnConnect>,
    event: Box<OnEvent>,
    notification: Box<OnNotification>,
}

impl TestHandler {
    pub(crate) fn accepting() -> Self {
        Self {
            connect: Box::new(|_, _| Ok(ConnectResponse::accept())),
            event: Box::new(|_, _| Ok(UserEventResponse::none())),
            notification: Box::new(|_, _| Ok(())),
        }
    }

    pub(crate) fn on_connect(
        act: impl Fn(&Context, ConnectRequest) -> Result<ConnectResponse> + Send + Sync + 'static,
    ) -> Self {
        Self { connect: Box::new(act), ..Self::accepting() }
    }

    pub(crate) fn on_event(
        act: impl Fn(&Context, UserEvent) -> Result<UserEventResponse> + Send + Sync + 'static,
    ) -> Self {
        Self { event: Box::new(act), ..Self::accepting() }
    }

    pub(crate) fn on_notification(act: impl Fn(&Context, String) -> Result + Send + Sync + 'static) -> Self {
        Self { notification: Box::new(act), ..Self::accepting() }
    }

    /// Runs the given closure for every event, which it accepts by returning.
    pub(crate) fn all(act: impl Fn() + Send + Sync + Clone + 'static) -> Self {
        let (on_connect, on_event) = (act.clone(), act.clone());
        Self {
            connect: Box::new(move |_, _| {
                on_connect();
                Ok(ConnectResponse::accept())
            }),
            event: Box::new(move |_, _| {
                on_event();
                Ok(UserEventResponse::none())
            }),
            notification: Box::new(move |_, _| {
                act();
                Ok(())
            }),
        }
    }

    /// Records every event that reaches the handler.
    pub(crate) fn recording() -> (Self, Seen) {
        let seen = Seen::default();
        let (a, b, c) = (seen.clone(), seen.clone(), seen.clone());
        let handler = Self {
            connect: Box::new(move |_, _| {
                a.push("connect");
                Ok(ConnectResponse::accept())
            }),
            event: Box::new(move |_, event| {
                b.push(event.name());
                Ok(UserEventResponse::none())
            }),
            notification: Box::new(move |_, notification| {
                c.push(&notification);
                Ok(())
            }),
        };
        (handler, seen)
    }

    pub(crate) fn builder(self) -> WebhookBuilder {
        Webhook::builder("chat", self)
    }

    pub(crate) fn webhook(self) -> Webhook {
        self.builder().access_key(KEY).build().unwrap()
    }
}

#[async_trait]
impl EventHandler for TestHandler {
    async fn connect(&self, context: &Context, request: ConnectRequest) -> Result<ConnectResponse> {
        (self.connect)(context, request)
    }

    async fn connected(&self, context: &Context) -> Result {
        (self.notification)(context, "connected".to_owned())
    }

    async fn disconnected(&self, context: &Context, event: Disconnected) -> Result {
        (self.notification)(context, format!("disconnected: {}", event.reason))
    }

    async fn user_event(&self, context: &Context, event: UserEvent) -> Result<UserEventResponse> {
        (self.event)(context, event)
    }

    async fn group_joined(&self, context: &Context, group: &str) -> Result {
        (self.notification)(context, format!("joined: {group}"))
    }

    async fn group_left(&self, context: &Context, group: &str) -> Result {
        (self.notification)(context, format!("left: {group}"))
    }
}

/// Records the events that reached a handler.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub(crate) fn push(&self, what: &str) {
        self.0.lock().unwrap().push(what.to_owned());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// An event of the connection `conn1`, signed by both keys.
pub(crate) fn event(event_type: &str) -> Builder {
    unsigned(event_type).header("ce-signature", SIGNATURES.join(","))
}

pub(crate) fn unsigned(event_type: &str) -> Builder {
    let name = event_type.rsplit('.').next().unwrap();
    let builder = Request::post("/upstream?event=x&code=planted-code")
        .header("WebHook-Request-Origin", ORIGIN)
        .header("ce-specversion", "1.0")
        .header("ce-awpsversion", "1.0")
        .header("ce-type", event_type)
        .header("ce-source", "/hubs/chat/client/conn1")
        .header("ce-id", "7")
        .header("ce-time", "2024-01-01T00:00:00Z")
        .header("ce-hub", "Chat")
        .header("ce-connectionId", "conn1")
        .header("ce-userId", "dave");
    if event_type.contains(".gp.") { builder } else { builder.header("ce-eventName", name) }
}

pub(crate) fn with_body(builder: Builder, content_type: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    builder.header("Content-Type", content_type).body(body.into()).unwrap()
}

pub(crate) fn connect(body: &'static str) -> Request<Bytes> {
    with_body(event("azure.webpubsub.sys.connect"), JSON, body)
}

pub(crate) async fn respond(webhook: &Webhook, request: Request<Bytes>) -> Response<Bytes> {
    match webhook.handle(request).await {
        Handled::Response(response) => response,
        Handled::NotOurs(request) => panic!("not handled: {request:?}"),
    }
}

pub(crate) fn body(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

/// Returns status and body, for comparing both at once.
pub(crate) fn parts(response: &Response<Bytes>) -> (u16, &str) {
    (response.status().as_u16(), body(response))
}
