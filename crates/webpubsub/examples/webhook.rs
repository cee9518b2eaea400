//! A webhook for the hub `chat` in axum. It accepts clients that have a user ID, and numbers the messages of each
//! connection.
use async_trait::async_trait;
use axum::Router;
use webpubsub::BoxError;
use webpubsub::event_handler::{
    ConnectRequest, ConnectResponse, ConnectionState, Context, EventHandler, HandlerError, Result, UserEvent,
    UserEventResponse, Webhook,
};

pub(crate) struct Chat;

#[async_trait]
impl EventHandler for Chat {
    async fn connect(&self, context: &Context, _request: ConnectRequest) -> Result<ConnectResponse> {
        let user = context.user_id().ok_or_else(|| HandlerError::unauthorized("sign in first"))?;
        println!("{user} connects");
        Ok(ConnectResponse::accept().groups(["lobby"]).state(ConnectionState::json(&0)?))
    }

    async fn user_event(&self, context: &Context, event: UserEvent) -> Result<UserEventResponse> {
        let count = 1 + context.state().map_or(Ok(0), ConnectionState::decode::<u64>)?;
        let text = format!("{}, number {count}", event.text().unwrap_or("something"));
        Ok(UserEventResponse::text(text).state(ConnectionState::json(&count)?))
    }
}

pub(crate) fn app(webhook: Webhook) -> Router {
    Router::new().route_service("/upstream", webhook)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let app = app(Webhook::builder_from_env("chat", Chat)?.build()?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    println!("listening for events on http://{}/upstream", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
