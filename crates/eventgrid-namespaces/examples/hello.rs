//! Publishes one event to the topic `orders`. Reads `EVENTGRID_NAMESPACES_ENDPOINT` and `EVENTGRID_NAMESPACES_KEY`.
use eventgrid_namespaces::{BoxError, CloudEvent, Credential, Sender};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let var = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let key = Credential::access_key(var("EVENTGRID_NAMESPACES_KEY")?);
    greet(&Sender::new(&var("EVENTGRID_NAMESPACES_ENDPOINT")?, "orders", key)?).await
}

pub(crate) async fn greet(sender: &Sender) -> Result<(), BoxError> {
    sender.send(CloudEvent::new("/hello", "com.example.greeting", "hello, world")?).await?;
    Ok(())
}
