//! The trait that an application implements. It has one method per event, each with a default that accepts the event.

use async_trait::async_trait;

use super::{ConnectRequest, ConnectResponse, Context, Disconnected, Result, UserEvent, UserEventResponse};

/// Handles the events of a hub's connections.
///
/// Implement it with `#[async_trait::async_trait]`. Each method has a default that accepts the event. If a method returns
/// an error, the response has the status of the [`HandlerError`](super::HandlerError). Any other error converts into one by
/// `?`, as a 500 that does not reveal its cause.
///
/// The events of a connection arrive in order. However, the service does not wait for the responses to `connected`,
/// `disconnected`, and group events: a user event can be handled before `connected` has returned.
///
/// # Examples
///
/// ```
/// use async_trait::async_trait;
/// use webpubsub::event_handler::{
///     ConnectRequest, ConnectResponse, Context, EventHandler, HandlerError, Result, UserEvent, UserEventResponse,
/// };
///
/// struct Echo;
///
/// #[async_trait]
/// impl EventHandler for Echo {
///     async fn connect(&self, context: &Context, _request: ConnectRequest) -> Result<ConnectResponse> {
///         match context.user_id() {
///             Some(_) => Ok(ConnectResponse::accept()),
///             None => Err(HandlerError::unauthorized("sign in first")),
///         }
///     }
///
///     async fn user_event(&self, _context: &Context, event: UserEvent) -> Result<UserEventResponse> {
///         Ok(UserEventResponse::text(event.text().unwrap_or("not a text")))
///     }
/// }
/// ```
#[async_trait]
pub trait EventHandler: Send + Sync + 'static {
    /// Is called when a client requests a connection. The service waits for the response. The default accepts the
    /// connection unchanged.
    ///
    /// # Errors
    ///
    /// An error rejects the connection. The status and text of a 4xx reach the client, but a browser does not show them to its
    /// page. For a 5xx, the client receives some 5xx status.
    async fn connect(&self, context: &Context, request: ConnectRequest) -> Result<ConnectResponse> {
        let _ = (context, request);
        Ok(ConnectResponse::accept())
    }

    /// Is called when a client has connected. The service does not wait for the response. The default does nothing.
    async fn connected(&self, context: &Context) -> Result {
        let _ = context;
        Ok(())
    }

    /// Is called when a connection that `connect` accepted has ended. The service does not wait for the response. The
    /// default does nothing.
    async fn disconnected(&self, context: &Context, event: Disconnected) -> Result {
        let _ = (context, event);
        Ok(())
    }

    /// Is called when a client has sent an event or a plain message, or has invoked an event. The service waits for the
    /// response, and so does the client's acknowledgement. The default accepts the event and sends nothing to the client.
    ///
    /// An invocation is a preview feature of the service. A handler cannot distinguish it from an event. The content of the
    /// response is the result that the client waits for.
    ///
    /// # Errors
    ///
    /// If an error is returned, the event fails, and so does an invocation. According to the documentation, the service drops the
    /// connection of the client. The service team's emulator drops only clients without a subprotocol. Other clients receive a
    /// failed acknowledgment and stay connected. Expect both.
    ///
    /// After a 5xx, the service can call the handler again, with the same [`Context::event_id`] for the same connection. Make the
    /// handler safe to repeat, or return a 4xx.
    ///
    /// Whether a client receives the status or the text is not documented. To return an error that the client can read, respond
    /// with JSON that describes it.
    async fn user_event(&self, context: &Context, event: UserEvent) -> Result<UserEventResponse> {
        let _ = (context, event);
        Ok(UserEventResponse::none())
    }

    /// Is called when the connection has joined a group. The service does not wait for the response. The default does
    /// nothing.
    async fn group_joined(&self, context: &Context, group: &str) -> Result {
        let _ = (context, group);
        Ok(())
    }

    /// Is called when the connection has left a group. The service does not wait for the response. The default does
    /// nothing.
    async fn group_left(&self, context: &Context, group: &str) -> Result {
        let _ = (context, group);
        Ok(())
    }
}
