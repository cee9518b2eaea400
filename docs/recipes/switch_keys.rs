//! Keeps a server running when one of its access keys is regenerated. Reads `PRIMARY` and `SECONDARY`, both connection strings.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use webpubsub::event_handler::{EventHandler, Webhook};
use webpubsub::{BoxError, Message, Result, ServiceClient};

/// A client with both keys. It uses one of them until the service rejects it.
#[derive(Clone)]
pub(crate) struct TwoKeys {
    clients: [ServiceClient; 2],
    use_secondary: Arc<AtomicBool>,
}

impl TwoKeys {
    pub(crate) fn new(primary: &str, secondary: &str, hub: &str) -> Result<Self> {
        let client = |text| ServiceClient::from_connection_string(text, hub);
        Ok(Self { clients: [client(primary)?, client(secondary)?], use_secondary: Arc::default() })
    }

    pub(crate) async fn send_to_all(&self, message: Message) -> Result<()> {
        let index = usize::from(self.use_secondary.load(Ordering::Relaxed));
        let result = self.clients[index].send_to_all(message.clone()).await;
        match result {
            // A rejected request had no effect, so it is safe to send it with the other key.
            Err(error) if error.status().is_some_and(|status| status == 401) => {
                self.use_secondary.store(index == 0, Ordering::Relaxed);
                self.clients[1 - index].send_to_all(message).await
            }
            result => result,
        }
    }
}

/// Accepts events that are signed with either key.
pub(crate) fn webhook(primary: &str, secondary: &str, handler: impl EventHandler) -> Result<Webhook> {
    Webhook::builder("chat", handler).connection_string(primary).connection_string(secondary).build()
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let service = TwoKeys::new(&std::env::var("PRIMARY")?, &std::env::var("SECONDARY")?, "chat")?;
    Ok(service.send_to_all("hello, world".into()).await?)
}
