//! Publishes one event to the topic `orders` without a key, as the user who is signed in with the Azure CLI or the Azure
//! Developer CLI. Reads `EVENTGRID_NAMESPACES_ENDPOINT`. The user needs the role "EventGrid Data Sender".
use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_identity::DeveloperToolsCredential;
use eventgrid_namespaces::{AzureCredential, BoxError, CloudEvent, Credential, Sender};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let var = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let credential = DeveloperToolsCredential::new(None)?;
    let sender = sender(&var("EVENTGRID_NAMESPACES_ENDPOINT")?, credential)?;
    sender.send(CloudEvent::new("/hello", "com.example.greeting", "hello, world")?).await?;
    Ok(())
}

pub(crate) fn sender(
    endpoint: &str,
    credential: Arc<dyn TokenCredential>,
) -> eventgrid_namespaces::Result<Sender> {
    Sender::new(endpoint, "orders", Credential::token(AzureCredential::new(credential)))
}
