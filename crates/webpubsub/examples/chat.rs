//! A chat in the hub `chat` of `WEBPUBSUB_CONNECTION_STRING`. Alice sends an event, which the service delivers to port
//! 8080, path `/upstream`. The webhook there forwards it to bob.
use std::io::Write;
use tokio::net::TcpListener;
use webpubsub::client::Event;
use webpubsub::event_handler::{self, Context, EventHandler, UserEvent, UserEventResponse, Webhook};
use webpubsub::{BoxError, Client, ServiceClient};

struct Chat(ServiceClient);

#[async_trait::async_trait]
impl EventHandler for Chat {
    async fn user_event(
        &self,
        context: &Context,
        event: UserEvent,
    ) -> event_handler::Result<UserEventResponse> {
        let line = format!("{}: {}", context.user_id().unwrap_or("?"), event.text().unwrap_or("(no text)"));
        self.0.group("room").send(line).await?;
        Ok(UserEventResponse::none())
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let var = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    run(&var("WEBPUBSUB_CONNECTION_STRING")?, listener, &mut std::io::stdout()).await
}

pub(crate) async fn run(text: &str, listener: TcpListener, out: &mut impl Write) -> Result<(), BoxError> {
    let service = ServiceClient::from_connection_string(text, "chat")?;
    let webhook = Webhook::builder("chat", Chat(service.clone())).connection_string(text).build()?;
    let app = axum::Router::new().route_service("/upstream", webhook);
    tokio::spawn(axum::serve(listener, app).into_future());
    let alice = Client::builder(service.client_access().user("alice").await?).connect().await?;
    let bob = Client::builder(service.client_access().user("bob").groups(["room"]).await?).connect().await?;
    alice.send_event("say", "hello, bob").await?;
    while let Some(event) = bob.events().next().await {
        let Event::GroupMessage(message) = event else { continue };
        return Ok(writeln!(out, "bob received {}", message.data.as_text().unwrap_or("(no text)"))?);
    }
    Err("bob received nothing".into())
}
