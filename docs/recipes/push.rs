//! Receives the events that Event Grid pushes. Reads `WEBHOOK_SECRET`, which the subscription sends in the header `x-api-key`.
use axum::Router;
use eventgrid_namespaces::push::Webhook;
use eventgrid_namespaces::{BoxError, CloudEvent, Context, Settlement};
use tokio::net::TcpListener;

async fn handle(event: CloudEvent, _: Context) -> Result<Settlement, BoxError> {
    println!("{} {}", event.id(), event.event_type());
    Ok(Settlement::Acknowledge)
}

pub(crate) fn app(secret: &str) -> eventgrid_namespaces::Result<Router> {
    let webhook = Webhook::builder(handle).header_secret("x-api-key", secret).build()?;
    Ok(Router::new().route_service("/events", webhook))
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let app = app(&std::env::var("WEBHOOK_SECRET")?)?;
    Ok(axum::serve(TcpListener::bind("127.0.0.1:7071").await?, app).await?)
}
