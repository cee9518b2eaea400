//! A worker for Kubernetes: it stops gracefully, and reports its health and its load over HTTP. Reads
//! `EVENTGRID_NAMESPACES_ENDPOINT` and `EVENTGRID_NAMESPACES_KEY`.
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use eventgrid_namespaces::{BoxError, CloudEvent, Context, Handler, Processor, Receiver, Settlement};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

async fn handle(event: CloudEvent, _: Context) -> Result<Settlement, BoxError> {
    println!("{}", event.id());
    Ok(Settlement::Acknowledge)
}

/// For the autoscaler: the age in seconds of the newest event that the worker holds. Close to 0 if the worker keeps up.
async fn load(State(processor): State<Processor>) -> String {
    let stats = processor.stats();
    let age = stats.newest_age.unwrap_or(Duration::ZERO).as_secs();
    json!({ "age": age, "held": stats.held, "full_receives": stats.full_receives }).to_string()
}

pub(crate) fn app(processor: Processor) -> Router {
    Router::new().route("/health", get(|| async { "ok" })).route("/load", get(load)).with_state(processor)
}

pub(crate) fn processor(
    receiver: Receiver,
    handler: impl Handler<CloudEvent>,
) -> eventgrid_namespaces::Result<Processor> {
    Processor::builder(receiver).concurrency(16).shutdown_timeout(Duration::from_secs(25)).handler(handler)
}

/// Completes when Kubernetes asks the process to stop, or at Ctrl-C.
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminated, mut interrupted) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    })
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let processor = processor(Receiver::from_env("orders", "billing")?, handle)?;
    let listener = TcpListener::bind("0.0.0.0:8080").await?;
    let server = tokio::spawn(axum::serve(listener, app(processor.clone())).into_future());
    processor.run_until(stop()?).await?;
    server.abort();
    Ok(())
}
