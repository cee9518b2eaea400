//! What several subjects share: a namespace for a scripted transport, and an emulator with one subscription.

pub(crate) mod spans;

use eventgrid_namespaces::{Credential, NamespaceClient, NamespaceClientBuilder, Receiver};
use http::Method;
use serde_json::json;
use service_emulator::Emulator;

/// A builder of a client whose requests go to a transport that the test sets.
pub(crate) fn namespace_builder() -> NamespaceClientBuilder {
    NamespaceClient::builder("https://x.example", Credential::access_key("k"))
}

/// The receiver of the subscription `billing` of the topic `orders`.
pub(crate) fn receiver(builder: NamespaceClientBuilder) -> Receiver {
    builder.build().unwrap().receiver("orders", "billing")
}

/// An emulator with the topic `orders` and its subscription `billing`.
pub(crate) async fn emulator() -> Emulator {
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    emulator
}

/// The access key of the emulator's namespace.
pub(crate) fn key(emulator: &Emulator) -> Credential {
    Credential::access_key(emulator.eventgrid().key())
}

/// Publishes an event with this id and source, without a sender.
pub(crate) async fn publish(receiver: &Receiver, id: &str, source: &str) {
    let event =
        json!({"specversion": "1.0", "id": id, "source": source, "type": "t", "data": {}}).to_string();
    let request = receiver.request(Method::POST, "/topics/{}:publish", &["orders"]);
    request.body("application/cloudevents+json; charset=utf-8", event).await.unwrap();
}

/// The number of events that are waiting or locked.
pub(crate) fn left(emulator: &Emulator) -> usize {
    let grid = emulator.eventgrid();
    grid.waiting("orders", "billing") + grid.locked("orders", "billing")
}
