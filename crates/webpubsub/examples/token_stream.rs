//! A text in the hub `chat` of `WEBPUBSUB_CONNECTION_STRING` that is shown while it is being written, such as the output of a
//! language model. One client sends it to the group `stories` token by token, and the other one prints each token at once.
use std::io::Write;

use webpubsub::{BoxError, Client, Role, ServiceClient};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let service = ServiceClient::from_env("chat")?;
    let writes = service.client_access().user("model").roles([Role::send_to_group("stories")]).await?;
    let reads = service.client_access().user("alice").roles([Role::join_leave_group("stories")]).await?;
    let writer = Client::builder(writes).connect().await?;
    let reader = Client::builder(reads).connect().await?;
    run(&writer, &reader, &["Once ", "upon ", "a ", "time."], &mut std::io::stdout()).await
}

/// Sends the tokens as one stream, and prints them as they arrive.
pub(crate) async fn run(
    writer: &Client,
    reader: &Client,
    tokens: &'static [&'static str],
    out: &mut impl Write,
) -> Result<(), BoxError> {
    let mut streams = reader.group("stories").streams().await?;
    let mut story = writer.group("stories").open_stream().await?;
    let writing = tokio::spawn(async move {
        for token in tokens {
            story.send(*token).await?;
        }
        story.finish().await
    });
    let mut stream = streams.next().await.ok_or("the reader is no longer in the group")?;
    while let Some(token) = stream.next().await {
        write!(out, "{}", token?.as_text().unwrap_or_default())?;
        out.flush()?;
    }
    writing.await??;
    Ok(writeln!(out)?)
}
