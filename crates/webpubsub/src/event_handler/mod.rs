//! The webhook handler, which responds to the HTTP requests that the service sends to the application: the validation of a
//! new webhook, and the events of each connection.
//!
//! An application implements [`EventHandler`]. A [`Webhook`] does the rest: it recognizes the requests of the service,
//! responds to the [abuse
//! protection](https://learn.microsoft.com/azure/azure-web-pubsub/reference-cloud-events#webhook-validation), verifies
//! origin, hub, and signature before it reads the body, limits the size of what it reads, and converts typed responses to
//! HTTP.
//!
//! # Examples
//!
//! ```
//! use async_trait::async_trait;
//! use webpubsub::event_handler::{
//!     ConnectRequest, ConnectResponse, Context, EventHandler, HandlerError, Result, UserEvent, UserEventResponse, Webhook,
//! };
//!
//! struct Chat;
//!
//! #[async_trait]
//! impl EventHandler for Chat {
//!     async fn connect(&self, context: &Context, _request: ConnectRequest) -> Result<ConnectResponse> {
//!         let user = context.user_id().ok_or_else(|| HandlerError::unauthorized("sign in first"))?;
//!         Ok(ConnectResponse::accept().groups([format!("inbox-{user}")]))
//!     }
//!
//!     async fn user_event(&self, _context: &Context, event: UserEvent) -> Result<UserEventResponse> {
//!         Ok(UserEventResponse::text(format!("got {}", event.name())))
//!     }
//! }
//!
//! # fn run() -> webpubsub::Result<()> {
//! let webhook = Webhook::builder("chat", Chat).access_key("the resource's access key").build()?;
//! let app: axum::Router = axum::Router::new().route_service("/upstream", webhook);
//! # Ok(()) }
//! ```
//!
//! # Mounting
//!
//! A [`Webhook`] is a [`tower_service::Service`] over any body. In axum, mount it with `route_service` or
//! `fallback_service`; in hyper, with `hyper_util::service::TowerToHyperService::new(webhook)`. It ignores the path: if the
//! URL template contains `{event}`, mount it on a wildcard. As a service, it responds with 404 to requests that do not come
//! from Web PubSub. Without a framework, [`Webhook::handle`] returns such a request, and [`Webhook::check`] checks the head
//! of a request.
//!
//! # Signatures
//!
//! The signature is `HMAC-SHA256(access key, connection ID)`. It is compared in constant time with every configured key.
//! One match suffices, so that keys can be rotated. The signature covers neither body nor time, so use TLS. A webhook
//! without a key can be built only with [`WebhookBuilder::accept_unverified`].
//!
//! # Timing
//!
//! The service holds back the frames of a connection until `connect` or a user event has a response. It does not wait for
//! the other four events, but expects a prompt response to them. Keep those methods short, or run them after the response
//! with [`WebhookBuilder::spawn_with`]. Nothing is spawned otherwise: if the future of a request is dropped, the handler's
//! future is dropped with it.
//!
//! # Rejections
//!
//! | Status | Cause |
//! |---|---|
//! | 400 | The request is malformed. |
//! | 401 | The origin is not allowed, the signature is invalid, or the hub is another one. |
//! | 413 | The body exceeds the [limit](WebhookBuilder::body_limit). |
//! | 431 | The headers exceed [`MAX_HEADERS`] or [`MAX_HEADER_BYTES`]. |
//!
//! If the handler panics, the response is a 500 and the panic is logged, unless the program is compiled with
//! `panic = "abort"`.
//!
//! Each of these rejections is logged at `warn` with its reason, since users of the service would otherwise notice only that
//! nothing happens. An error that a handler returns is logged with its causes: at `error` if its status is a 5xx, otherwise at
//! `debug`. Events of unknown kinds are accepted and ignored.
//!
//! # Secrets
//!
//! URLs, bodies, claims, `Authorization`, cookies, and connection states are never logged. `Debug` shows at most their
//! names.

mod builder;
mod connect;
mod connect_response;
mod context;
mod dispatch;
mod error;
mod handler;
mod head;
mod mqtt;
mod notification;
mod origin;
mod panics;
mod rejection;
mod service;
mod shared;
mod signature;
mod state;
mod user_event;
mod user_event_response;
mod values;
mod webhook;

pub use builder::{DEFAULT_BODY_LIMIT, WebhookBuilder};
pub use connect::{ClientCertificate, ConnectRequest};
pub use connect_response::ConnectResponse;
pub use context::Context;
pub use dispatch::PendingEvent;
pub use error::{HandlerError, Result};
pub use handler::EventHandler;
pub use head::{MAX_HEADER_BYTES, MAX_HEADERS};
pub use mqtt::{MqttConnect, MqttDisconnect, MqttDisconnectPacket, MqttSession, MqttUserProperty};
pub use notification::Disconnected;
pub use service_core::ResponseBody;
pub use shared::HandlerTask;
pub use state::{ConnectionState, MAX_STATE_BYTES};
pub use user_event::{Data, UserEvent};
pub use user_event_response::UserEventResponse;
pub use values::Values;
pub use webhook::{Check, Handled, Webhook};
