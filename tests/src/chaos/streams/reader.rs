//! A reader of all streams of the group, which reports their parts and ends.

use std::sync::Arc;

use service_core::BoxError;
use tokio::task::JoinSet;
use webpubsub::client::{StreamReader, Streams};

use super::endings::Endings;
use crate::chaos::judge::Judge;
use crate::stream_parts;

/// Reads until the client is closed.
pub(super) async fn run(
    mut streams: Streams,
    reader: usize,
    judge: Arc<Judge>,
    endings: Arc<Endings>,
) -> Result<(), BoxError> {
    let mut reading = JoinSet::new();
    while let Some(stream) = streams.next().await {
        reading.spawn(read(stream, reader, Arc::clone(&judge), Arc::clone(&endings)));
    }
    while let Some(read) = reading.join_next().await {
        read??;
    }
    Ok(())
}

async fn read(
    mut stream: StreamReader,
    reader: usize,
    judge: Arc<Judge>,
    endings: Arc<Endings>,
) -> Result<(), BoxError> {
    let (number, attempt) = stream.id().split_once('-').ok_or("a stream that no writer opened")?;
    let (number, attempt): (usize, u64) = (number.parse()?, attempt.parse()?);
    let read = stream_parts::read(&mut stream, number as u64, |part| judge.heard(reader, number, part));
    let ending = read.await?;
    judge.ended(reader, number);
    endings.read(reader, number, attempt, ending);
    Ok(())
}
