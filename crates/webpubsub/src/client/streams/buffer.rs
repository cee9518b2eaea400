//! The bounded buffer between a client's connection and the program that reads one stream.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::reader::ReadError;
use crate::client::data::Data;

/// The maximum bytes of the parts in a buffer.
const MAX_BYTES: usize = 16 * 1024 * 1024;

#[derive(Debug)]
pub(in crate::client) struct PartBuffer {
    /// The maximum number of parts.
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    parts: VecDeque<Data>,
    bytes: usize,
    /// The end of the stream, with an error that the program has not received yet.
    end: Option<Option<ReadError>>,
    reader: Option<Waker>,
}

impl PartBuffer {
    pub(in crate::client) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    /// Adds a part. If the buffer is full, the stream ends with an error instead. Returns whether the stream goes on.
    pub(in crate::client) fn part(&self, part: Data) -> bool {
        let mut state = self.lock();
        if state.end.is_some() {
            return false;
        }
        let has_room = state.parts.len() < self.capacity && state.bytes < MAX_BYTES;
        if has_room {
            state.bytes += part.len();
            state.parts.push_back(part);
        } else {
            state.end = Some(Some(ReadError::TooSlow { buffered: state.parts.len() }));
        }
        state.wake();
        has_room
    }

    /// Ends the stream after the parts that are in the buffer.
    pub(in crate::client) fn end(&self, error: Option<ReadError>) {
        let mut state = self.lock();
        state.end.get_or_insert(error);
        state.wake();
    }

    pub(in crate::client) fn poll_next(
        &self,
        context: &Context<'_>,
    ) -> Poll<Option<Result<Data, ReadError>>> {
        let mut state = self.lock();
        if let Some(part) = state.parts.pop_front() {
            state.bytes -= part.len();
            return Poll::Ready(Some(Ok(part)));
        }
        if let Some(end) = &mut state.end {
            return Poll::Ready(end.take().map(Err));
        }
        match &mut state.reader {
            Some(waker) => waker.clone_from(context.waker()),
            empty => *empty = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// Removes the waker, which would keep the task of the program in memory.
    pub(super) fn forget_reader(&self) {
        self.lock().reader = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
    }
}
