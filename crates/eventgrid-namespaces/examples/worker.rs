//! Handles events of the subscription `billing` of the topic `orders` until Ctrl-C. Reads `EVENTGRID_NAMESPACES_ENDPOINT` and
//! `EVENTGRID_NAMESPACES_KEY`.
use eventgrid_namespaces::{BoxError, CloudEvent, Context, Processor, ReceivedEvent, Receiver, Settlement};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let receiver = Receiver::from_env("orders", "billing")?;
    let interrupted = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    Ok(processor(receiver)?.run_until(interrupted).await?)
}

pub(crate) fn processor(receiver: Receiver) -> eventgrid_namespaces::Result<Processor> {
    let builder = Processor::builder(receiver).concurrency(16).prefetch(16);
    let builder = builder.on_notice(|notice| eprintln!("{notice}"));
    builder.on_poison(dead_letter).max_deliveries(5).handler(handle)
}

async fn handle(event: CloudEvent, context: Context) -> Result<Settlement, BoxError> {
    let order: serde_json::Value = event.data_as()?;
    println!("{}: {order}, delivery {}", event.id(), context.delivery_count());
    Ok(Settlement::Acknowledge)
}

async fn dead_letter(received: ReceivedEvent, context: Context) -> Settlement {
    let reason =
        received.event.err().map_or("delivered too often".to_owned(), |error| error.reason().to_string());
    eprintln!("{:?}: {reason}", context.delivery().id);
    Settlement::Reject
}
