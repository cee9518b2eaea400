//! A server with a negotiate endpoint: users who are signed in get a URL to connect to. Reads `WEBPUBSUB_CONNECTION_STRING`.
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, COOKIE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::routing::post;
use serde_json::json;
use tokio::net::TcpListener;
use webpubsub::{BoxError, Role, ServiceClient};

pub(crate) struct App {
    pub(crate) service: ServiceClient,
    /// The users who are signed in, by the value of their cookie `session`. Replace it with the sessions of your program.
    pub(crate) sessions: HashMap<String, String>,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let sessions = HashMap::from([("ann-1".to_owned(), "ann".to_owned())]);
    let app = router(App { service: ServiceClient::from_env("chat")?, sessions });
    Ok(axum::serve(TcpListener::bind("127.0.0.1:3000").await?, app).await?)
}

pub(crate) fn router(app: App) -> Router {
    Router::new().route("/negotiate", post(negotiate)).with_state(Arc::new(app))
}

/// The value of the cookie `session`, which can be one of several.
fn session(headers: &HeaderMap) -> Option<&str> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split("; ")).find_map(|cookie| cookie.strip_prefix("session="))
}

type Negotiated = Result<([(HeaderName, &'static str); 1], String), StatusCode>;

async fn negotiate(State(app): State<Arc<App>>, headers: HeaderMap) -> Negotiated {
    let user = session(&headers).and_then(|session| app.sessions.get(session));
    let user = user.ok_or(StatusCode::UNAUTHORIZED)?;
    // The client connects at once, so five minutes are plenty. An established connection outlives its token.
    let access = app.service.client_access().user(user).lifetime(Duration::from_secs(300));
    let access = access.roles([Role::join_leave_group("lobby"), Role::send_to_group("lobby")]).await;
    let access = access.map_err(|_| StatusCode::BAD_GATEWAY)?;
    // The URL is a secret: no cache may keep it.
    Ok(([(CACHE_CONTROL, "no-store")], json!({ "url": access.url }).to_string()))
}
