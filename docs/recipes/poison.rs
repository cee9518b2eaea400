//! Rejects events that cannot be handled, and resubmits dead letters. Reads `EVENTGRID_NAMESPACES_ENDPOINT` and
//! `EVENTGRID_NAMESPACES_KEY`, and, as an argument, the file name of a dead-letter blob.
use eventgrid_namespaces::{
    BoxError, Context, Processor, ReceivedEvent, Receiver, Result, Sender, Settlement, dead_letter,
};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Order {
    pub(crate) items: u32,
}

async fn handle(order: Order, _: Context) -> Result<(), BoxError> {
    if order.items == 0 {
        return Err("an order has at least one item".into());
    }
    println!("{} items", order.items);
    Ok(())
}

/// Called with events whose data is not an `Order`, with unreadable ones, and with those that failed five times.
async fn reject(poison: ReceivedEvent, context: Context) -> Settlement {
    let reason = poison.event.err().map_or_else(|| "invalid or failed".to_owned(), |error| error.to_string());
    eprintln!("rejected {:?} after {} deliveries: {reason}", context.delivery().id, context.delivery_count());
    Settlement::Reject
}

pub(crate) fn processor(receiver: Receiver) -> Result<Processor> {
    Processor::builder(receiver).on_poison(reject).max_deliveries(5).typed_handler(handle)
}

/// Publishes the readable events of a dead-letter blob again, and returns their number.
pub(crate) async fn resubmit(sender: &Sender, blob: Vec<u8>) -> Result<usize, BoxError> {
    let mut events = Vec::new();
    for letter in dead_letter::read(blob)? {
        match letter.event {
            Ok(event) => events.push(event),
            Err(unreadable) => eprintln!("not resubmitted: {unreadable}"),
        }
    }
    let count = events.len();
    let result = sender.send_all(events).await;
    result.failed.iter().for_each(|failed| eprintln!("{failed}"));
    Ok(count - result.failed.iter().map(|failed| failed.events.len()).sum::<usize>())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    if let Some(file) = std::env::args().nth(1) {
        let count = resubmit(&Sender::from_env("orders")?, std::fs::read(file)?).await?;
        println!("{count} events resubmitted");
        return Ok(());
    }
    Ok(processor(Receiver::from_env("orders", "billing")?)?.run().await?)
}
