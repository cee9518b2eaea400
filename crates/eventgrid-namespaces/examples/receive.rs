//! Receives events and acknowledges what can be read: of the subscription `billing` on topic `orders` of the namespace that
//! `EVENTGRID_NAMESPACES_ENDPOINT` and `EVENTGRID_NAMESPACES_KEY` name, else of the emulator.
use std::env::var;

use eventgrid_namespaces::{BoxError, Credential, Receiver};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let emulator = service_emulator::Emulator::start().await?;
    let (endpoint, key) = match (var("EVENTGRID_NAMESPACES_ENDPOINT"), var("EVENTGRID_NAMESPACES_KEY")) {
        (Ok(endpoint), Ok(key)) => (endpoint, key),
        _ => (emulator.endpoint(), emulator.eventgrid().key()),
    };
    let receiver = Receiver::new(&endpoint, "orders", "billing", Credential::access_key(key))?;
    run(&receiver, &mut std::io::stdout()).await
}

pub(crate) async fn run(receiver: &Receiver, out: &mut impl std::io::Write) -> Result<(), BoxError> {
    let (mut done, mut unreadable) = (Vec::new(), Vec::new());
    for received in receiver.receive().max_events(100).await? {
        match &received.event {
            Ok(event) => {
                writeln!(
                    out,
                    "{} from {}, delivery {}",
                    event.id(),
                    event.source(),
                    received.delivery_count
                )?;
                done.push(received.lock_token);
            }
            Err(error) => {
                writeln!(out, "unreadable: {}", error.reason())?;
                unreadable.push(received.lock_token);
            }
        }
    }
    if !unreadable.is_empty() {
        receiver.reject(unreadable).await?.into_result()?;
    }
    if !done.is_empty() {
        receiver.acknowledge(done).await?.into_result()?;
    }
    Ok(())
}
