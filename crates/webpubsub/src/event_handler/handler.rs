//! What an application implements: one method per event, each with a default that lets the event pass.

use async_trait::async_trait;

use super::{ConnectRequest, ConnectResponse, Context, Disconnected, Result, UserEvent, UserEventResponse};

/// Decides about the events of a hub's connections.
///
/// Implement it under `#[async_trait::async_trait]`. An error becomes the HTTP status that
/// [`HandlerError`](super::HandlerError) holds; any other error type converts into one by `?`, as a 500 that tells nothing.
///
/// Events of one connection arrive in order, but the answers to `connected`, `disconnected` and group events are not waited
/// for: a user event may be handled before `connected` has returned.
#[async_trait]
pub trait EventHandler: Send + Sync + 'static {
    /// A client wants to connect; the service waits for the answer. The default accepts it unchanged.
    ///
    /// An error refuses the connection: a 4xx and its text reach the client's handshake, a 5xx reaches it as some 5xx.
    async fn connect(&self, context: &Context, request: ConnectRequest) -> Result<ConnectResponse> {
        let _ = (context, request);
        Ok(ConnectResponse::accept())
    }

    /// A client has connected; the service does not wait. The default does nothing.
    async fn connected(&self, context: &Context) -> Result {
        let _ = context;
        Ok(())
    }

    /// A connection that `connect` accepted has ended; the service does not wait. The default does nothing.
    async fn disconnected(&self, context: &Context, event: Disconnected) -> Result {
        let _ = (context, event);
        Ok(())
    }

    /// A client has sent an event or a simple message, or calls `invoke`; the service waits for the answer, and the client's
    /// acknowledgement with it. The default accepts it and answers nothing.
    ///
    /// An error makes the service drop the client's connection.
    async fn user_event(&self, context: &Context, event: UserEvent) -> Result<UserEventResponse> {
        let _ = (context, event);
        Ok(UserEventResponse::none())
    }

    /// The connection has joined a group; the service does not wait. The default does nothing.
    async fn group_joined(&self, context: &Context, group: &str) -> Result {
        let _ = (context, group);
        Ok(())
    }

    /// The connection has left a group; the service does not wait. The default does nothing.
    async fn group_left(&self, context: &Context, group: &str) -> Result {
        let _ = (context, group);
        Ok(())
    }
}
