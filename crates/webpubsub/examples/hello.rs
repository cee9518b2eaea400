//! A minimal program that sends a message to all connections of the hub `chat` of `WEBPUBSUB_CONNECTION_STRING`.
use webpubsub::{BoxError, ServiceClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let service = ServiceClient::from_env("chat")?;
    greet(&service).await
}

pub(crate) async fn greet(service: &ServiceClient) -> Result<(), BoxError> {
    service.send_to_all("hello, world").await?;
    Ok(())
}
