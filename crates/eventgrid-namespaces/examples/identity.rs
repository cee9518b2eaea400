//! Publishes one event to the topic `orders` without a key, as the user who is signed in with the Azure CLI or the Azure
//! Developer CLI. Reads `EVENTGRID_NAMESPACES_ENDPOINT`. The user needs the role "EventGrid Data Sender".
use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use azure_identity::DeveloperToolsCredential;
use eventgrid_namespaces::{AzureCredential, BoxError, CloudEvent, Credential, NamespaceClient, Sender};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let credential = credential(DeveloperToolsCredential::new(None)?);
    publish(&NamespaceClient::builder_from_env_with(credential)?.build()?.sender("orders")).await
}

pub(crate) fn credential(signed_in: Arc<dyn TokenCredential>) -> Credential {
    Credential::token(AzureCredential::new(signed_in))
}

pub(crate) async fn publish(sender: &Sender) -> Result<(), BoxError> {
    Ok(sender.send(CloudEvent::new("/hello", "com.example.greeting", "hello, world")?).await?)
}
