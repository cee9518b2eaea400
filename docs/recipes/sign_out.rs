//! Signs a user out: closes all connections, and keeps the user from connecting again. Reads `WEBPUBSUB_CONNECTION_STRING`.
use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Router, routing::post};
use tokio::net::TcpListener;
use webpubsub::event_handler::{
    ConnectRequest, ConnectResponse, Context, EventHandler, HandlerError, Result, Webhook,
};
use webpubsub::{BoxError, ServiceClient};

/// The users who are signed out. Several servers need a shared store, such as a database.
#[derive(Clone, Default)]
pub(crate) struct SignedOut(Arc<RwLock<HashSet<String>>>);

impl SignedOut {
    fn contains(&self, user: &str) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(user)
    }

    fn insert(&self, user: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(user.to_owned());
    }
}

#[async_trait]
impl EventHandler for SignedOut {
    async fn connect(&self, context: &Context, _: ConnectRequest) -> Result<ConnectResponse> {
        match context.user_id() {
            Some(user) if !self.contains(user) => Ok(ConnectResponse::accept()),
            _ => Err(HandlerError::unauthorized("sign in first")),
        }
    }
}

/// The order matters: a client that reconnects at once must already be rejected.
pub(crate) async fn sign_out(
    service: &ServiceClient,
    users: &SignedOut,
    user: &str,
) -> webpubsub::Result<()> {
    users.insert(user);
    service.user(user).close_connections().reason("signed out").await
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (service, users) = (ServiceClient::from_env("chat")?, SignedOut::default());
    let webhook = Webhook::builder_from_env("chat", users.clone())?.build()?;
    let handle = |State((service, users)): State<(ServiceClient, SignedOut)>, Path(user): Path<String>| async move {
        sign_out(&service, &users, &user).await.map_err(|_| StatusCode::BAD_GATEWAY)
    };
    let app = Router::new().route("/sign-out/{user}", post(handle)).with_state((service, users));
    let app = app.route_service("/upstream", webhook);
    Ok(axum::serve(TcpListener::bind("127.0.0.1:8080").await?, app).await?)
}
