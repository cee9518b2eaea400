//! Sends a message to all connections of the hub `chat` of the service at `WEBPUBSUB_ENDPOINT`, without an access key. You
//! must be signed in with the Azure CLI or the Azure Developer CLI, and have the role "Web PubSub Service Owner".
use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_identity::DeveloperToolsCredential;
use webpubsub::{AzureCredential, BoxError, Credential, ServiceClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let var = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let credential = DeveloperToolsCredential::new(None)?;
    service(&var("WEBPUBSUB_ENDPOINT")?, credential)?.send_to_all("hello, world").await?;
    Ok(())
}

pub(crate) fn service(
    endpoint: &str,
    credential: Arc<dyn TokenCredential>,
) -> webpubsub::Result<ServiceClient> {
    ServiceClient::new(endpoint, "chat", Credential::token(AzureCredential::new(credential)))
}
