//! A chat in the hub `chat` of `WEBPUBSUB_CONNECTION_STRING`. Alice sends an event, which the service delivers to port
//! 8080, path `/upstream`. The webhook there forwards it to bob.
use tokio::net::TcpListener;
use webpubsub::client::Event;
use webpubsub::event_handler::{self, Context, EventHandler, UserEvent, UserEventResponse, Webhook};
use webpubsub::{BoxError, Client, ServiceClient};

pub(crate) struct Chat(pub(crate) ServiceClient);

#[async_trait::async_trait]
impl EventHandler for Chat {
    async fn user_event(&self, from: &Context, event: UserEvent) -> event_handler::Result<UserEventResponse> {
        let (user, text) = (from.user_id().unwrap_or("?"), event.text().unwrap_or("(no text)"));
        self.0.group("room").send(format!("{user}: {text}")).await?;
        Ok(UserEventResponse::none())
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let service = ServiceClient::from_env("chat")?;
    let webhook = Webhook::builder_from_env("chat", Chat(service.clone()))?.build()?;
    println!("{}", run(&service, webhook, TcpListener::bind("127.0.0.1:8080").await?).await?);
    Ok(())
}

pub(crate) async fn run(service: &ServiceClient, hook: Webhook, at: TcpListener) -> Result<String, BoxError> {
    let app = axum::Router::new().route_service("/upstream", hook);
    tokio::spawn(axum::serve(at, app).into_future());
    let alice = Client::builder(service.client_access().user("alice").await?).connect().await?;
    let bob = Client::builder(service.client_access().user("bob").groups(["room"]).await?).connect().await?;
    alice.send_event("say", "hello, bob").await?;
    while let Some(event) = bob.events().next().await {
        if let Event::GroupMessage(message) = event {
            return Ok(format!("bob received {}", message.data.as_text().unwrap_or("(no text)")));
        }
    }
    Err("bob received nothing".into())
}
