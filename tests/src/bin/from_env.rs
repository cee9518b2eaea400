//! Runs the smallest example of one client with a client that is configured by the environment, as a program of a user would.

use std::io::Error;

use eventgrid_namespaces::Sender;
use hulft_webconnect::SiteClient;
use service_core::BoxError;
use webpubsub::ServiceClient;

#[expect(dead_code, reason = "this program has its own `main`")]
#[path = "../../../crates/eventgrid-namespaces/examples/hello.rs"]
mod eventgrid;
#[expect(dead_code, reason = "this program has its own `main`")]
#[path = "../../../crates/hulft-webconnect/examples/hello.rs"]
mod hulft;
#[expect(dead_code, reason = "this program has its own `main`")]
#[path = "../../../crates/webpubsub/examples/hello.rs"]
mod pubsub;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    match std::env::args().nth(1).as_deref() {
        Some("webpubsub") => pubsub::greet(&ServiceClient::from_env("chat")?).await,
        Some("eventgrid") => eventgrid::greet(&Sender::from_env("orders")?).await,
        Some("hulft") => hulft::list_agents(&SiteClient::from_env()?, &mut std::io::stdout()).await,
        _ => Err(Error::other("usage: from_env webpubsub|eventgrid|hulft").into()),
    }
}
