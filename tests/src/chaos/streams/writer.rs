//! A writer of streams: a few at a time, each with numbered parts and an end that is reported.

use std::sync::Arc;

use futures_util::StreamExt;
use service_core::BoxError;
use webpubsub::client::StreamWriter;
use webpubsub::{Client, Error};

use super::endings::{Ending, Endings};
use super::{GROUP, OPEN, Pace};

/// How often a stream is opened under another id. More failures in a row are not due to cut connections.
const MAX_ATTEMPTS: u64 = 50;

/// Writes these streams. Returns how many attempts to open one failed.
pub(super) async fn run(
    client: Client,
    streams: impl Iterator<Item = usize>,
    parts: u64,
    pace: Arc<Pace>,
    endings: Arc<Endings>,
) -> Result<u64, BoxError> {
    let mut writing = futures_util::stream::iter(streams)
        .map(|stream| write(&client, stream, parts, &pace, &endings))
        .buffer_unordered(OPEN);
    let mut not_opened = 0;
    while let Some(failures) = writing.next().await {
        not_opened += failures?;
    }
    drop(writing);
    client.close().await;
    Ok(not_opened)
}

async fn write(
    client: &Client,
    stream: usize,
    parts: u64,
    pace: &Pace,
    endings: &Endings,
) -> Result<u64, BoxError> {
    for attempt in 0..MAX_ATTEMPTS {
        let opening = client.group(GROUP).open_stream().stream_id(format!("{stream}-{attempt}"));
        if let Ok(writer) = opening.await {
            endings.written(stream, attempt, fill(writer, stream, parts, pace).await);
            return Ok(attempt);
        }
    }
    Err("a stream cannot be opened".into())
}

/// Sends all parts and ends the stream.
async fn fill(mut writer: StreamWriter, stream: usize, parts: u64, pace: &Pace) -> Ending {
    for number in 0..parts {
        pace.take().await;
        if writer.send(format!("{stream}:{number}")).await.is_err() {
            return Ending::Failed;
        }
    }
    match writer.finish().await {
        Ok(()) => Ending::Complete,
        Err(error) => ending(&error),
    }
}

/// The end may have taken effect although its response is lost.
fn ending(error: &Error) -> Ending {
    if error.outcome_unknown() { Ending::Unknown } else { Ending::Failed }
}
