//! An invocation in the hub `chat` of `WEBPUBSUB_CONNECTION_STRING`. A client invokes the event `sum`, which the service delivers
//! to the webhook on port 8080, path `/upstream`. The client receives the response of this webhook.
use std::time::Duration;

use tokio::net::TcpListener;
use webpubsub::event_handler::Result as HandlerResult;
use webpubsub::event_handler::{Context, EventHandler, UserEvent, UserEventResponse, Webhook};
use webpubsub::{BoxError, Client, ServiceClient};

pub(crate) struct Calculator;

#[async_trait::async_trait]
impl EventHandler for Calculator {
    async fn user_event(&self, _context: &Context, event: UserEvent) -> HandlerResult<UserEventResponse> {
        let numbers: Vec<i64> = event.json()?;
        Ok(UserEventResponse::json(&numbers.iter().sum::<i64>())?)
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let webhook = Webhook::builder_from_env("chat", Calculator)?.build()?;
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("1 + 2 = {}", run(&ServiceClient::from_env("chat")?, webhook, listener).await?);
    Ok(())
}

pub(crate) async fn run(
    service: &ServiceClient,
    webhook: Webhook,
    listener: TcpListener,
) -> Result<i64, BoxError> {
    let app = axum::Router::new().route_service("/upstream", webhook);
    tokio::spawn(axum::serve(listener, app).into_future());
    let client = Client::builder(service.client_access().user("alice").await?).connect().await?;
    let response = client.invoke("sum", &[1, 2]).timeout(Duration::from_secs(10)).await?;
    Ok(response.json()?)
}
