//! Dispatches an event whose head is valid to a method of the handler, and turns the result into a response.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};

use super::notification::{Notification, parse};
use super::panics::{catch, caught};
use super::rejection::{Rejection, empty, text};
use super::shared::Shared;
use super::{
    ConnectRequest, Context, HandlerError, Result, UserEvent, UserEventResponse, head, mqtt, user_event,
};
use crate::json;

/// Represents the kind of an event, according to its type.
pub(super) enum Kind {
    Connect,
    Connected,
    Disconnected,
    GroupJoined,
    GroupLeft,
    User(String),
    /// The service sent a kind that this version of the crate does not know.
    Unknown,
}

impl Kind {
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Rejection> {
        let event_type = head::required(headers, "ce-type")?;
        let Some(suffix) = event_type.strip_prefix("azure.webpubsub.") else {
            return Err(Rejection::bad_request("ce-type is not an event of Web PubSub").got(event_type));
        };
        Ok(match suffix {
            "sys.connect" => Self::Connect,
            "sys.connected" => Self::Connected,
            "sys.disconnected" => Self::Disconnected,
            "gp.joined" => Self::GroupJoined,
            "gp.left" => Self::GroupLeft,
            other => match other.strip_prefix("user.") {
                Some(name) => Self::User(user_event::name(headers, name)?),
                None => Self::Unknown,
            },
        })
    }

    /// Returns whether the body is JSON that has to be parsed.
    pub(super) fn needs_json(&self) -> bool {
        matches!(self, Self::Connect | Self::Disconnected | Self::GroupJoined | Self::GroupLeft)
    }
}

/// An event whose origin, hub, and signature are valid, and whose body has not been read yet.
/// [`Webhook::check`](super::Webhook::check) returns it.
#[must_use = "the service waits for the response"]
pub struct PendingEvent {
    pub(super) shared: Arc<Shared>,
    pub(super) kind: Kind,
    pub(super) context: Context,
}

impl PendingEvent {
    /// Returns the attributes of the event.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Returns the maximum size of the body in bytes.
    #[must_use]
    pub fn body_limit(&self) -> usize {
        self.shared.body_limit
    }

    /// Calls the handler with the event and returns its response.
    ///
    /// If the returned future is dropped, the handler's future is dropped with it, unless it was passed to
    /// [`spawn_with`](super::WebhookBuilder::spawn_with).
    pub async fn respond(self, body: Bytes) -> Response<Bytes> {
        if body.len() > self.shared.body_limit {
            return Rejection::body_too_large(self.shared.body_limit).respond();
        }
        self.dispatch(body).await.unwrap_or_else(Rejection::respond)
    }

    async fn dispatch(self, body: Bytes) -> Result<Response<Bytes>, Rejection> {
        let Self { shared, kind, context } = self;
        let body = if kind.needs_json() { json::without_mark(body) } else { body };
        let notification = match kind {
            Kind::Connect => return Ok(connect(&shared, &context, parse(&body)?).await),
            Kind::User(name) => {
                let event = UserEvent::read(name, body, &context)?;
                return Ok(user_event(&shared, &context, event).await);
            }
            Kind::Unknown => {
                tracing::debug!(event = context.event_type(), "ignored a webhook event of an unknown kind");
                return Ok(empty(StatusCode::NO_CONTENT));
            }
            Kind::Connected => Notification::Connected,
            Kind::Disconnected => Notification::disconnected(&body)?,
            Kind::GroupJoined => Notification::group_joined(&body)?,
            Kind::GroupLeft => Notification::group_left(&body)?,
        };
        Ok(notify(shared, context, notification).await)
    }
}

impl fmt::Debug for PendingEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PendingEvent").field(&self.context).finish()
    }
}

async fn connect(shared: &Shared, context: &Context, request: ConnectRequest) -> Response<Bytes> {
    let offered = request.subprotocols.clone();
    let mqtt_version =
        context.mqtt().map(|_| request.mqtt.as_ref().map_or(5, |packet| packet.protocol_version));
    let result = caught(async { shared.handler.connect(context, request).await }).await;
    let error = match result.and_then(|accepted| accepted.into_response(&offered)) {
        Ok(response) => return response,
        Err(error) => error,
    };
    log(context, &error);
    let mqtt_response = mqtt_version.and_then(|version| mqtt::reject_connect(&error, version).ok());
    mqtt_response.unwrap_or_else(|| error_response(&error))
}

async fn user_event(shared: &Shared, context: &Context, event: UserEvent) -> Response<Bytes> {
    let result = caught(async { shared.handler.user_event(context, event).await }).await;
    match result.and_then(UserEventResponse::into_response) {
        Ok(response) => response,
        Err(error) => {
            log(context, &error);
            error_response(&error)
        }
    }
}

/// Delivers an event that the service does not wait for: after the response if there is a spawner, before it otherwise.
async fn notify(shared: Arc<Shared>, context: Context, notification: Notification) -> Response<Bytes> {
    let Some(spawn) = shared.spawn.clone() else {
        return match deliver(&shared, &context, notification).await {
            Ok(()) => empty(StatusCode::NO_CONTENT),
            Err(error) => error_response(&error),
        };
    };
    let of_task = context.clone();
    let task = Box::pin(async move {
        // The error is logged already, and the response has been sent.
        let _ = deliver(&shared, &of_task, notification).await;
    });
    match catch("the function of `spawn_with`", || spawn(task)) {
        Ok(()) => empty(StatusCode::NO_CONTENT),
        Err(error) => {
            log(&context, &error);
            error_response(&error)
        }
    }
}

async fn deliver(shared: &Shared, context: &Context, notification: Notification) -> Result {
    let delivered = caught(notification.deliver(shared.handler.as_ref(), context)).await;
    delivered.inspect_err(|error| log(context, error))
}

fn error_response(error: &HandlerError) -> Response<Bytes> {
    text(error.status(), error.public_text().to_owned())
}

/// A rejection is normal operation of a handler. A failure needs attention.
fn log(context: &Context, error: &HandlerError) {
    let (event, connection_id) = (context.event_type(), context.connection_id());
    if error.status().is_server_error() {
        tracing::error!(event, connection_id, %error, "webhook handler failed");
    } else {
        tracing::debug!(event, connection_id, %error, "webhook handler rejected the event");
    }
}
