//! Sends a message to all connections of the hub `chat` of the service at `WEBPUBSUB_ENDPOINT`, without an access key. You
//! must be signed in with the Azure CLI or the Azure Developer CLI, and have the role "Web PubSub Service Owner".
use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_identity::DeveloperToolsCredential;
use webpubsub::{AzureCredential, BoxError, Credential, ServiceClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let credential = credential(DeveloperToolsCredential::new(None)?);
    ServiceClient::builder_from_env_with(credential, "chat")?.build()?.send_to_all("hello, world").await?;
    Ok(())
}

pub(crate) fn credential(signed_in: Arc<dyn TokenCredential>) -> Credential {
    Credential::token(AzureCredential::new(signed_in))
}
