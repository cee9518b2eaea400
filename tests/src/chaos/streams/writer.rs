//! A writer of streams: a few at a time, each with numbered parts and an end that is reported.

use std::sync::Arc;

use futures_util::StreamExt;
use service_core::BoxError;
use webpubsub::client::StreamWriter;
use webpubsub::{Client, Error};

use super::endings::Endings;
use super::losses::Losses;
use super::{GROUP, OPEN, Pace};
use crate::stream_parts::Ending;

/// How often a stream is opened under another id. More failures in a row are not due to cut connections.
const MAX_ATTEMPTS: u64 = 50;

/// A client that writes streams, and what its streams share with the others.
pub(super) struct Writer {
    pub(super) client: Client,
    pub(super) user: String,
    /// How many parts a stream has.
    pub(super) parts: u64,
    pub(super) pace: Arc<Pace>,
    pub(super) endings: Arc<Endings>,
    pub(super) losses: Arc<Losses>,
}

impl Writer {
    /// Writes these streams. Returns how many attempts to open one failed.
    pub(super) async fn run(self, streams: impl Iterator<Item = usize>) -> Result<u64, BoxError> {
        let writing = futures_util::stream::iter(streams).map(|stream| self.write(stream));
        let mut writing = writing.buffer_unordered(OPEN);
        let mut not_opened = 0;
        while let Some(failures) = writing.next().await {
            not_opened += failures?;
        }
        drop(writing);
        self.client.close().await;
        Ok(not_opened)
    }

    async fn write(&self, stream: usize) -> Result<u64, BoxError> {
        for attempt in 0..MAX_ATTEMPTS {
            let opening = self.client.group(GROUP).open_stream().stream_id(format!("{stream}-{attempt}"));
            if let Ok(writer) = opening.await {
                self.endings.written(stream, attempt, self.fill(writer, stream).await);
                return Ok(attempt);
            }
        }
        Err("a stream cannot be opened".into())
    }

    /// Sends all parts and ends the stream.
    async fn fill(&self, mut writer: StreamWriter, stream: usize) -> Ending {
        for number in 0..self.parts {
            self.pace.take().await;
            self.losses.sends(&self.user).await;
            if writer.send(format!("{stream}:{number}")).await.is_err() {
                self.pace.skip(self.parts - number - 1);
                return Ending::Failed;
            }
        }
        match writer.finish().await {
            Ok(()) => Ending::Complete,
            Err(error) => ending(&error),
        }
    }
}

/// The end may have taken effect although its response is lost.
fn ending(error: &Error) -> Ending {
    if error.outcome_unknown() { Ending::Unknown } else { Ending::Failed }
}
