//! Decides who may join which room when a client connects, and later. Reads `WEBPUBSUB_CONNECTION_STRING`.
use std::collections::HashMap;

use async_trait::async_trait;
use axum::Router;
use axum::http::StatusCode;
use tokio::net::TcpListener;
use webpubsub::event_handler::{
    ConnectRequest, ConnectResponse, Context, EventHandler, HandlerError, Result, Webhook,
};
use webpubsub::{BoxError, Permission, Role, ServiceClient};

/// The rooms of each user. Replace it with your database.
pub(crate) struct Rooms(pub(crate) HashMap<String, Vec<String>>);

#[async_trait]
impl EventHandler for Rooms {
    async fn connect(&self, context: &Context, _: ConnectRequest) -> Result<ConnectResponse> {
        let user = context.user_id().ok_or_else(|| HandlerError::unauthorized("sign in first"))?;
        let no_rooms = || HandlerError::new(StatusCode::FORBIDDEN, "you are in no room");
        let rooms = self.0.get(user).ok_or_else(no_rooms)?;
        let roles = rooms.iter().flat_map(|room| [Role::join_leave_group(room), Role::send_to_group(room)]);
        Ok(ConnectResponse::accept().roles(roles))
    }
}

/// Lets one connection join a room while it is connected.
pub(crate) async fn admit(service: &ServiceClient, connection: &str, room: &str) -> webpubsub::Result<()> {
    service.connection(connection).grant_permission(Permission::JoinLeaveGroup).group(room).await
}

/// Removes a user from a room, on all connections.
pub(crate) async fn expel(service: &ServiceClient, user: &str, room: &str) -> webpubsub::Result<()> {
    service.user(user).remove_from_group(room).await
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let rooms = HashMap::from([("ann".to_owned(), vec!["kitchen".to_owned()])]);
    let webhook = Webhook::builder_from_env("chat", Rooms(rooms))?.build()?;
    let app = Router::new().route_service("/upstream", webhook);
    Ok(axum::serve(TcpListener::bind("127.0.0.1:8080").await?, app).await?)
}
