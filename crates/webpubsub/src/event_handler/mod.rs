//! The webhook handler: answers the calls that the service makes to the application, from the check of a new webhook to
//! the events of each connection. Apart from the rest of the crate, since it serves HTTP where the rest speaks it.
//!
//! An [`EventHandler`] says what to do, a [`Webhook`] does everything around it: it recognises the service's calls, answers
//! the [abuse protection](https://learn.microsoft.com/azure/azure-web-pubsub/reference-cloud-events#webhook-validation),
//! checks origin, hub and signature before the body is read, bounds what it reads, and turns typed answers into HTTP.
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
//! **Mounting.** A [`Webhook`] is a [`tower_service::Service`] over any body, cheap to clone: `route_service` or
//! `fallback_service` in axum, `hyper_util::service::TowerToHyperService::new(webhook)` in hyper. It looks at no path; where
//! the URL template holds `{event}`, mount it on a wildcard. As a service it answers 404 to what the service did not send;
//! without a framework, [`Webhook::handle`] gives such a request back, and [`Webhook::check`] judges a request by its head.
//!
//! **Origin.** The signature is `HMAC-SHA256(access key, connection id)`, compared in constant time with every key that was
//! given; one that matches is enough, so keys can be rotated. It covers neither body nor time, so serve over TLS. Without a
//! key a webhook is not built, unless [`WebhookBuilder::accept_unverified`] says so.
//!
//! **Time.** The service holds back a connection's frames until `connect` or a user event is answered. It does not wait for
//! the other four, but answers to them are expected at once: keep those methods short, or have them run after the answer
//! with [`WebhookBuilder::spawn_with`]. Nothing is spawned otherwise: when the caller goes away, its handler's future is dropped.
//!
//! **Refusals.** 400 for calls that cannot be read, 401 for a foreign origin, another hub or a wrong signature, 413 and 431 for
//! bodies and headers over the limits. Each is logged at `warn` with its reason, since to the service's users a refused
//! webhook only looks like silence. Events of a kind that this version does not know are accepted and left alone.
//!
//! **Secrets.** Nothing of a request's URL, body, claims, `Authorization`, cookies or connection state is logged, and
//! `Debug` shows of them at most the names.

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
mod rejection;
mod response_body;
mod service;
mod signature;
mod state;
mod user_event;
mod user_event_response;
mod values;
mod webhook;

pub use builder::{DEFAULT_BODY_LIMIT, HandlerTask, WebhookBuilder};
pub use connect::{ClientCertificate, ConnectRequest};
pub use connect_response::ConnectResponse;
pub use context::Context;
pub use dispatch::PendingEvent;
pub use error::{HandlerError, Result};
pub use handler::EventHandler;
pub use head::{MAX_HEADER_BYTES, MAX_HEADERS};
pub use mqtt::{MqttConnect, MqttDisconnect, MqttDisconnectPacket, MqttSession, MqttUserProperty};
pub use notification::Disconnected;
pub use response_body::ResponseBody;
pub use state::{ConnectionState, MAX_STATE_BYTES};
pub use user_event::{Data, UserEvent};
pub use user_event_response::UserEventResponse;
pub use values::Values;
pub use webhook::{Check, Handled, Webhook};
