//! Publishes one event and a batch of events to the topic `orders`. Reads `EVENTGRID_NAMESPACES_ENDPOINT` and
//! `EVENTGRID_NAMESPACES_KEY`.
use std::io::Write;

use eventgrid_namespaces::{BoxError, CloudEvent, EventBatch, Sender};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    run(&Sender::from_env("orders")?, &mut std::io::stdout()).await
}

pub(crate) async fn run(sender: &Sender, out: &mut impl Write) -> Result<(), BoxError> {
    let event =
        CloudEvent::builder("/orders", "com.example.day.started").subject("monday").data_json("a new day");
    sender.send(event.build()?).await?;
    let mut batch = EventBatch::new();
    for order in 1..=100 {
        batch.try_add(CloudEvent::new(format!("/orders/{order}"), "com.example.order.created", &order)?)?;
    }
    let events = batch.len() + 1;
    sender.send_batch(batch).await?;
    writeln!(out, "{events} events published")?;
    Ok(())
}
