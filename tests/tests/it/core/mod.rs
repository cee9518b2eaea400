//! The core below the clients, against servers whose faults are scripted to the byte.

mod azure_identity;
mod bad_input;
mod connections;
mod goaway;
mod not_sent;
mod pool;
mod runtimes;
mod tls;

use std::time::Duration;

use webpubsub::{Credential, RetryOptions, ServiceClient, ServiceClientBuilder};

/// Builds a client that retries without a delay.
fn builder(endpoint: &str) -> ServiceClientBuilder {
    let retry = RetryOptions::default().initial_backoff(Duration::ZERO);
    ServiceClient::builder(endpoint, "chat", Credential::access_key("planted-key")).retry(retry)
}
