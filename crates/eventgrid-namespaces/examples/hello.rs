//! Publishes one event to the topic `orders`. Reads `EVENTGRID_NAMESPACES_ENDPOINT` and `EVENTGRID_NAMESPACES_KEY`.
use eventgrid_namespaces::{BoxError, CloudEvent, Sender};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    greet(&Sender::from_env("orders")?).await
}

pub(crate) async fn greet(sender: &Sender) -> Result<(), BoxError> {
    sender.send(CloudEvent::new("/hello", "com.example.greeting", "hello, world")?).await?;
    Ok(())
}
