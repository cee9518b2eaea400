//! The programs that the pages in `docs/` show, on the emulator, and the pages themselves.

mod event_grid;
mod hulft;
mod pages;
mod web_pubsub;

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

/// Serves the router on a free port.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}
