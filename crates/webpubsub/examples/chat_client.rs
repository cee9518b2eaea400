//! Joins the group `room` in the hub `chat` of `WEBPUBSUB_CONNECTION_STRING`, sends messages to it, and prints the messages
//! that it receives. A real client gets its URL from a server instead of creating it: see `Access::from_fn`.
use std::io::Write;

use webpubsub::client::Event;
use webpubsub::{BoxError, Client, Role, ServiceClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let access = ServiceClient::from_env("chat")?.client_access().user("alice");
    let access = access.roles([Role::join_leave_group("room"), Role::send_to_group("room")]).await?;
    let client = Client::builder(access).connect().await?;
    run(&client, &["hello", "is anybody here?"], 2, &mut std::io::stdout()).await
}

/// Sends these lines, and prints at most `max` received messages.
pub(crate) async fn run(
    client: &Client,
    lines: &[&str],
    max: usize,
    out: &mut impl Write,
) -> Result<(), BoxError> {
    client.join_group("room").await?;
    for line in lines {
        client.send_to_group("room", *line).await?;
    }
    let (mut events, mut shown) = (client.events(), 0);
    while shown < max
        && let Some(event) = events.next().await
    {
        let Event::GroupMessage(message) = event else { continue };
        let from = message.from_user_id.as_deref().unwrap_or("somebody");
        writeln!(out, "{from}: {}", message.data.as_text().unwrap_or("(no text)"))?;
        shown += 1;
    }
    client.close().await;
    Ok(())
}
