//! The core below the clients, against servers whose faults are scripted to the byte.

mod azure_identity;

/// The tests of connections, over the default transport.
#[path = "network"]
mod over_default {
    mod bad_input;
    mod connections;
    mod goaway;
    mod not_sent;
    mod pool;
    mod runtimes;
    mod tls;

    use super::{NamespaceClientBuilder, ServiceClientBuilder};

    /// Whether the transport learns the status of a rejected tunnel by asking the proxy again.
    const ASKS_PROXY_AGAIN: bool = true;

    fn choose(builder: ServiceClientBuilder) -> ServiceClientBuilder {
        builder
    }

    fn choose_for_events(builder: NamespaceClientBuilder) -> NamespaceClientBuilder {
        builder
    }

    fn builder(endpoint: &str) -> ServiceClientBuilder {
        choose(super::builder(endpoint))
    }
}

/// The same tests, over the transport on hyper.
#[path = "network"]
#[expect(clippy::duplicate_mod, reason = "the same tests, over another transport")]
mod over_hyper {
    mod bad_input;
    mod connections;
    mod goaway;
    mod not_sent;
    mod pool;
    mod runtimes;
    mod tls;

    use super::{NamespaceClientBuilder, ServiceClientBuilder};

    const ASKS_PROXY_AGAIN: bool = false;

    fn choose(builder: ServiceClientBuilder) -> ServiceClientBuilder {
        builder.hyper_transport()
    }

    fn choose_for_events(builder: NamespaceClientBuilder) -> NamespaceClientBuilder {
        builder.hyper_transport()
    }

    fn builder(endpoint: &str) -> ServiceClientBuilder {
        choose(super::builder(endpoint))
    }
}

use std::time::Duration;

use eventgrid_namespaces::NamespaceClientBuilder;
use webpubsub::{Credential, RetryOptions, ServiceClient, ServiceClientBuilder};

/// Builds a client that retries without a delay.
fn builder(endpoint: &str) -> ServiceClientBuilder {
    let retry = RetryOptions::default().initial_backoff(Duration::ZERO);
    ServiceClient::builder(endpoint, "chat", Credential::access_key("planted-key")).retry(retry)
}
