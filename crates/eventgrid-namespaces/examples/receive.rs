//! Receives events of the subscription `billing` of the topic `orders`, acknowledges them, and rejects unreadable ones. Reads
//! `EVENTGRID_NAMESPACES_ENDPOINT` and `EVENTGRID_NAMESPACES_KEY`.
use std::io::Write;

use eventgrid_namespaces::{BoxError, Receiver};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    run(&Receiver::from_env("orders", "billing")?, &mut std::io::stdout()).await
}

pub(crate) async fn run(receiver: &Receiver, out: &mut impl Write) -> Result<(), BoxError> {
    let (mut done, mut unreadable) = (Vec::new(), Vec::new());
    let received = receiver.receive().max_events(100).await?;
    if received.is_empty() {
        writeln!(out, "no event arrived within a minute")?;
    }
    for received in received {
        match &received.event {
            Ok(event) => {
                let (id, source, delivery) = (event.id(), event.source(), received.delivery_count);
                writeln!(out, "{id} from {source}, delivery {delivery}")?;
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
