//! The two webhooks, which the emulator calls: the event handler of the hub, and the receiver of pushed events.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use eventgrid_namespaces::{CloudEvent, push};
use http::StatusCode;
use serde_json::json;
use service_core::{BoxError, Clock};
use tokio::net::TcpListener;
use webpubsub::event_handler::{
    Context, EventHandler, HandlerError, Result as Handled, UserEvent, UserEventResponse, Webhook,
};

use super::events::Events;
use super::{HUB, PUSH, Shared, TOPIC, grid};

const SECRET: &str = "endure";
/// How many of a thousand calls of the event handler fail and are retried, and how many are not.
const RETRIED: u64 = 30;
const FAILED: u64 = 10;

/// Serves both, and declares them at the emulator.
pub(super) async fn start(shared: &Arc<Shared>) -> Result<(), BoxError> {
    let handler = Webhook::builder(HUB, Upstream(Arc::clone(shared)));
    let handler = handler.access_key(shared.service.webpubsub_key.clone()).build()?;
    let pushed = Arc::clone(shared);
    let receiver =
        push::Webhook::builder(move |event: CloudEvent, context: eventgrid_namespaces::Context| {
            let shared = Arc::clone(&pushed);
            async move { receive(&shared, &event, context.delivery_count()).await }
        });
    let receiver = receiver.query_secret("code", SECRET).clock(shared.clock.clone()).build()?;
    let app = Router::new().route_service("/hub/{event}", handler).route_service("/push", receiver);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });
    let events = ["connect", "connected", "disconnected", "groupJoined", "groupLeft"];
    let handler = json!({ "url": format!("http://{address}/hub/{{event}}"), "system_events": events });
    let hub = json!({ "event_handlers": [handler] });
    shared.service.declare(&format!("webpubsub/hubs/{HUB}"), hub).await?;
    let url = format!("http://{address}/push?code={SECRET}");
    let settings = json!({ "push": { "url": url, "lenient_retries": true } });
    shared.service.declare(&format!("eventgrid/topics/{TOPIC}/subscriptions/{PUSH}"), settings).await
}

/// The handler of pushed events. Some calls fail.
async fn receive(shared: &Shared, event: &CloudEvent, delivery: u32) -> Result<(), BoxError> {
    let number = grid::number(event.id()).ok_or("an event that no publisher sent")?;
    let succeeds = !Events::is_poison(number) && !grid::fails(shared, number, delivery, 1);
    shared.clock.sleep(Duration::from_millis(1)).await;
    shared.events.pushed(number, succeeds, shared.clock.elapsed());
    if succeeds { Ok(()) } else { Err("the handler fails".into()) }
}

/// The handler of events and invocations. Some calls fail.
struct Upstream(Arc<Shared>);

#[async_trait]
impl EventHandler for Upstream {
    async fn user_event(&self, context: &Context, event: UserEvent) -> Handled<UserEventResponse> {
        let text = event.text().unwrap_or_default().to_owned();
        let (user, number) = text.split_once(':').ok_or_else(|| HandlerError::bad_request("not a number"))?;
        let number = number.parse().map_err(|_| HandlerError::bad_request("not a number"))?;
        let time = u64::try_from(self.0.clock.elapsed().as_nanos()).unwrap_or_default();
        let drawn = self.0.random(number ^ time).u64(..1_000);
        let ours = context.user_id() == Some(user);
        let succeeds = ours && drawn >= RETRIED + FAILED;
        self.0.upstream.handled(user, number, succeeds);
        if succeeds {
            return Ok(if event.name() == "echo" {
                UserEventResponse::text(text)
            } else {
                UserEventResponse::none()
            });
        }
        let status = if drawn < RETRIED { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::CONFLICT };
        Err(HandlerError::new(status, "the handler fails"))
    }
}
