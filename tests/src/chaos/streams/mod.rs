//! The chaos of group streams: parts of many streams while the connections of writers and readers are cut at random bytes.
//! Every stream must end complete and in order, or with an error at both ends.
//!
//! In the second mode, writers lose some connections for good. Readers do not: no writer could know what a reader misses.

mod endings;
mod losses;
mod reader;
mod writer;

use std::sync::Arc;

use service_core::{BoxError, Clock, SystemClock};
use service_emulator::Emulator;
use tokio::task::JoinSet;
use webpubsub::client::ClientBuilder;

use super::judge::Judge;
use super::publisher::Pace;
use super::{GROUP, LOOK, PATIENCE, connect};
use crate::cutter::{Cuts, Cutter, Plan};
use endings::Endings;
pub use endings::Tally;
use losses::Losses;
use writer::Writer;

const READERS: usize = 3;
const WRITERS: usize = 4;
/// How many streams a writer has open at a time.
const OPEN: usize = 10;
/// In the second mode, a connection ends for good whenever the parts of so many streams have been sent. All streams that its
/// writer has open fail.
const STREAMS_PER_LOSS: u64 = 15;

/// What is sent, and how badly it is treated.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Where all random numbers start.
    pub seed: u64,
    /// How many parts all streams together have.
    pub parts: u64,
    /// How many streams there are.
    pub streams: usize,
    /// How many bytes a connection carries in one direction before it is cut, on average.
    pub mean_bytes: u64,
    /// Whether writers lose some connections for good.
    pub unrecoverable: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Report {
    /// How the streams ended, and which parts arrived.
    pub tally: Tally,
    /// Where connections were cut.
    pub cuts: Cuts,
    /// How many attempts to open a stream failed, because the connection was cut before the response. Such a stream has no
    /// parts, and another one takes its place.
    pub not_opened: u64,
    /// How many connections of writers were ended for good.
    pub losses: u64,
    unrecoverable: bool,
}

impl Report {
    /// Whether every stream ended as it must.
    #[must_use]
    pub fn holds(&self) -> bool {
        let Tally { complete, failed, unknown, differing, lost, repeated, .. } = self.tally;
        // A run in which no connection was lost for good, or in which all streams failed, proves nothing.
        let is_proof = complete > 0 && (!self.unrecoverable || (self.losses > 0 && failed + unknown > 0));
        is_proof && (differing, lost, repeated) == (0, 0, 0)
    }
}

/// Runs it to the end.
///
/// # Errors
///
/// What must not happen at all: a client that stops, or does not connect.
pub async fn run(options: Options) -> Result<Report, BoxError> {
    let emulator = Emulator::start().await?;
    let each = options.parts.div_ceil(options.streams as u64);
    let judge = Arc::new(Judge::new(READERS, options.streams, each));
    let endings = Arc::new(Endings::new(READERS, options.streams));
    let plan = Plan { seed: options.seed, mean: options.mean_bytes, early: 20 };
    let cutter = Cutter::start(emulator.address(), plan).await?;
    let mut readers = Vec::new();
    let mut reading = JoinSet::new();
    for number in 0..READERS {
        let user = format!("reader{number}");
        let client = connect(&emulator, &cutter, user, &[GROUP], ClientBuilder::without_events).await?;
        let streams = client.group(GROUP).streams().await?;
        reading.spawn(reader::run(streams, number, Arc::clone(&judge), Arc::clone(&endings)));
        readers.push(client);
    }
    let pace = Pace::new(&judge, true);
    let parts_per_loss = if options.unrecoverable { STREAMS_PER_LOSS * each } else { 0 };
    let losses = Arc::new(Losses::new(&emulator, parts_per_loss)?);
    let mut writing = JoinSet::new();
    for number in 0..WRITERS {
        let user = format!("writer{number}");
        let client = connect(&emulator, &cutter, user.clone(), &[], ClientBuilder::without_events).await?;
        let (pace, endings, losses) = (Arc::clone(&pace), Arc::clone(&endings), Arc::clone(&losses));
        let writer = Writer { client, user, parts: each, pace, endings, losses };
        writing.spawn(writer.run((number..options.streams).step_by(WRITERS)));
    }
    let mut not_opened = 0;
    while let Some(failures) = writing.join_next().await {
        not_opened += failures??;
    }
    wait_for_the_rest(&judge, &endings).await;
    let cuts = cutter.cuts();
    cutter.rest();
    for client in readers {
        client.close().await;
    }
    while let Some(read) = reading.join_next().await {
        read??;
    }
    let tally = endings.judge(&judge);
    let unrecoverable = options.unrecoverable;
    Ok(Report { tally, cuts, not_opened, losses: losses.caused(), unrecoverable })
}

/// Waits until every reader has seen the end of every stream, or until nothing more comes.
async fn wait_for_the_rest(judge: &Judge, endings: &Endings) {
    let clock = SystemClock::new();
    let progress = || judge.progress() + endings.seen();
    let (mut before, mut idle) = (progress(), 0);
    while !endings.are_complete() && idle < PATIENCE {
        clock.sleep(LOOK).await;
        let now = progress();
        idle = if now == before { idle + 1 } else { 0 };
        before = now;
    }
}
