//! Handles events until Ctrl-C: of the subscription `billing` on topic `orders` of the namespace that
//! `EVENTGRID_NAMESPACES_ENDPOINT` and `EVENTGRID_NAMESPACES_KEY` name, else of the emulator.
use std::env::var;

use eventgrid_namespaces::{
    BoxError, CloudEvent, Context, Credential, Processor, ReceivedEvent, Receiver, Verdict,
};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let emulator = service_emulator::Emulator::start().await?;
    let (endpoint, key) = match (var("EVENTGRID_NAMESPACES_ENDPOINT"), var("EVENTGRID_NAMESPACES_KEY")) {
        (Ok(endpoint), Ok(key)) => (endpoint, key),
        _ => (emulator.endpoint(), emulator.eventgrid().key()),
    };
    let receiver = Receiver::new(&endpoint, "orders", "billing", Credential::access_key(key))?;
    let interrupted = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    Ok(processor(receiver)?.run_until(interrupted).await?)
}

pub(crate) fn processor(receiver: Receiver) -> eventgrid_namespaces::Result<Processor> {
    let builder = Processor::builder(receiver).concurrency(16).prefetch(16);
    let builder = builder.on_notice(|notice| eprintln!("{notice}"));
    builder.on_poison(bury).max_deliveries(5).handler(handle)
}

async fn handle(event: CloudEvent, context: Context) -> Result<Verdict, BoxError> {
    let order: serde_json::Value = event.data_as()?;
    println!("{}: {order}, delivery {}", event.id(), context.delivery_count());
    Ok(Verdict::Acknowledge)
}

async fn bury(received: ReceivedEvent, context: Context) -> Verdict {
    let why = received.event.err().map_or("comes too often".to_owned(), |error| error.reason().to_string());
    eprintln!("{:?}: {why}", context.delivery().id);
    Verdict::Reject
}
