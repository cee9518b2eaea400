//! Joins a group, says something, and shows what is said there: on the service when `WEBPUBSUB_CLIENT_URL` is set to a client
//! access URL with the roles `webpubsub.joinLeaveGroup` and `webpubsub.sendToGroup`, else on the emulator.
use std::io::Write;

use service_emulator::{Emulator, webpubsub::ClientToken};
use webpubsub::client::Event;
use webpubsub::{BoxError, Client};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let emulator = Emulator::start().await?;
    let token =
        ClientToken::new().user("alice").role("webpubsub.joinLeaveGroup").role("webpubsub.sendToGroup");
    let url = std::env::var("WEBPUBSUB_CLIENT_URL")
        .unwrap_or_else(|_| emulator.webpubsub().client_access_url("chat", &token));
    let client = Client::builder(url).connect().await?;
    run(&client, &["hello", "is anybody here?"], 2, &mut std::io::stdout()).await
}

/// Says these lines, and shows as many as `most`.
pub(crate) async fn run(
    client: &Client,
    lines: &[&str],
    most: usize,
    out: &mut impl Write,
) -> Result<(), BoxError> {
    client.join_group("room").await?;
    for line in lines {
        client.send_to_group("room", *line).await?;
    }
    let (mut events, mut shown) = (client.events(), 0);
    while shown < most
        && let Some(event) = events.next().await
    {
        if let Event::GroupMessage(message) = event {
            let from = message.from_user_id.as_deref().unwrap_or("somebody");
            writeln!(out, "{from}: {}", message.data.as_text().unwrap_or("(no text)"))?;
            shown += 1;
        }
    }
    client.close().await;
    Ok(())
}
