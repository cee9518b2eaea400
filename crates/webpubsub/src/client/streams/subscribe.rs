//! The subscription to the streams of a group.

use std::collections::VecDeque;
use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use service_core::{CallFuture, Error, Result};

use super::IDLE_TIMEOUT;
use super::reader::{NewStream, StreamReader};
use crate::client::frame::Upstream;
use crate::client::send::{self, Options};
use crate::client::session::Effect;
use crate::client::{Client, Group};
use crate::names;

/// The default capacity of a reader, as large as that of a subscription.
const CAPACITY: usize = 1000;
/// The maximum number of streams that the program has not taken yet.
const MAX_NEW: usize = 1000;

impl Group {
    /// Joins the group, and returns a subscription to the streams that other clients send to it.
    ///
    /// The subscription returns one reader for each stream, with the parts of this stream. While a group has such
    /// subscriptions, each of them receives all streams of the group, and the parts of streams are not delivered as messages. All
    /// other messages of the group arrive as without it. After a reconnect, the client rejoins the group automatically, unless
    /// [`rejoin_groups`](crate::client::ClientBuilder::rejoin_groups) is off. Dropping the subscription does not leave the group.
    ///
    /// Streams are a preview feature of the service.
    ///
    /// # Errors
    ///
    /// Returns an error if an option is invalid, or under the same conditions as [`Client::join_group`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
    /// let mut streams = client.group("stories").streams().await?;
    /// while let Some(mut reader) = streams.next().await {
    ///     // Reads the streams at the same time.
    ///     tokio::spawn(async move {
    ///         while let Some(part) = reader.next().await {
    ///             println!("{}: {part:?}", reader.id());
    ///         }
    ///     });
    /// }
    /// # Ok(()) }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
    pub fn streams(&self) -> SubscribeStreams {
        SubscribeStreams {
            group: self.clone(),
            only_from_start: false,
            idle_timeout: IDLE_TIMEOUT,
            capacity: CAPACITY,
            options: Options::default(),
        }
    }
}

/// A request that subscribes to the streams of a group when awaited.
///
/// Created by [`Group::streams`]. Dropping the future is the same as dropping the subscription: the client may join the group.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// # async fn run(client: webpubsub::Client) -> webpubsub::Result<()> {
/// let request = client.group("stories").streams();
/// let streams = request.only_from_start().idle_timeout(Duration::from_secs(30)).capacity(100).await?;
/// # Ok(()) }
/// ```
#[must_use = "does nothing until awaited"]
#[derive(Debug)]
pub struct SubscribeStreams {
    group: Group,
    only_from_start: bool,
    idle_timeout: Duration,
    capacity: usize,
    options: Options,
}

impl SubscribeStreams {
    /// Ignores streams whose first part was sent before the client joined the group.
    ///
    /// By default, they are returned too, and [`StreamReader::missed_parts`] returns how many parts are missing.
    pub fn only_from_start(mut self) -> Self {
        self.only_from_start = true;
        self
    }

    /// Sets the time without a part after which a reader ends with [`ReadError::Idle`](super::ReadError::Idle). Zero disables
    /// it. Default: 300 s.
    ///
    /// A sender can keep its stream open for longer without sending a part. A later part of the stream is returned by a new
    /// reader.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle_timeout = limit;
        self
    }

    /// Sets how many parts each reader buffers, at least 1. Default: 1000.
    ///
    /// The parts in a buffer have at most 16 MB, plus one part. If a buffer is full, its reader ends with
    /// [`ReadError::TooSlow`](super::ReadError::TooSlow). Other streams and the connection are not affected.
    pub fn capacity(mut self, parts: usize) -> Self {
        self.capacity = parts;
        self
    }

    /// Sets the timeout of the join, which starts when the request is first polled. Default: the client's
    /// [`ack_timeout`](crate::client::ClientBuilder::ack_timeout).
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.options.deadline = Some(limit);
        self
    }
}

impl IntoFuture for SubscribeStreams {
    type Output = Result<Streams>;
    type IntoFuture = CallFuture<Streams>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            if self.capacity == 0 {
                return Err(Error::invalid_input("capacity", "must be at least 1", Some("0")));
            }
            let idle_timeout = Some(self.idle_timeout).filter(|limit| !limit.is_zero());
            let accepting = Arc::new(Accepting::new(self.only_from_start, idle_timeout, self.capacity));
            let client = self.group.client().clone();
            let group = self.group.name();
            names::group(group)?;
            let effect = Effect::ReceiveStreams(group.to_owned(), Arc::clone(&accepting));
            let join = |ack_id| Upstream::JoinGroup { group, ack_id };
            let joining = send::submit(&client, "joinGroup", self.options, effect, join)?;
            joining.get(&client).await?;
            Ok(Streams { accepting, client })
        })
    }
}

/// What the connection and a subscription share.
#[derive(Debug)]
pub(in crate::client) struct Accepting {
    pub(in crate::client) only_from_start: bool,
    pub(in crate::client) idle_timeout: Option<Duration>,
    pub(in crate::client) capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    new: VecDeque<NewStream>,
    /// How many streams were discarded since the program had taken all.
    discarded: u64,
    ended: bool,
    /// Whether the program has dropped the subscription. Its readers go on.
    dropped: bool,
    receiver: Option<Waker>,
}

impl Accepting {
    pub(in crate::client) fn new(
        only_from_start: bool,
        idle_timeout: Option<Duration>,
        capacity: usize,
    ) -> Self {
        Self { only_from_start, idle_timeout, capacity, state: Mutex::default() }
    }

    /// Returns whether the program takes new streams.
    pub(in crate::client) fn is_accepting(&self) -> bool {
        let state = self.lock();
        !state.ended && !state.dropped
    }

    /// Adds a stream. Returns `false` if it is discarded, because the program does not take its streams.
    pub(in crate::client) fn accept(&self, stream: NewStream) -> bool {
        let mut state = self.lock();
        if state.ended || state.dropped {
            return false;
        }
        if state.new.len() >= MAX_NEW {
            if state.discarded == 0 {
                tracing::warn!(
                    held = MAX_NEW,
                    "the program does not take the streams of a subscription, so further streams are discarded"
                );
            }
            state.discarded += 1;
            return false;
        }
        state.new.push_back(stream);
        state.wake();
        true
    }

    /// Ends the subscription after the streams that the program has not taken yet.
    pub(in crate::client) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.wake();
    }

    pub(in crate::client) fn poll_next(&self, context: &Context<'_>) -> Poll<Option<NewStream>> {
        let mut state = self.lock();
        if let Some(stream) = state.new.pop_front() {
            if state.new.is_empty() {
                state.discarded = 0;
            }
            return Poll::Ready(Some(stream));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        match &mut state.receiver {
            Some(waker) => waker.clone_from(context.waker()),
            empty => *empty = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.receiver.take() {
            waker.wake();
        }
    }
}

/// A subscription to the streams of one group.
///
/// Created by [`Group::streams`]. It also implements [`Stream`], which ends when the client leaves the group, cannot rejoin it,
/// or stops.
///
/// Dropping a subscription does not leave the group. The readers that it has returned go on. Up to 1000 streams wait to be
/// returned; further ones are discarded, and one line at level WARN is logged. A subscription keeps the client open, as a clone
/// of the client does.
///
/// # Examples
///
/// ```no_run
/// # async fn run(client: webpubsub::Client) -> Result<(), webpubsub::BoxError> {
/// let mut streams = client.group("stories").streams().await?;
/// if let Some(mut reader) = streams.next().await {
///     while let Some(part) = reader.next().await {
///         print!("{}", part?.as_text().unwrap_or_default());
///     }
/// }
/// # Ok(()) }
/// ```
#[must_use = "streams stay in their queue until they are received"]
pub struct Streams {
    accepting: Arc<Accepting>,
    client: Client,
}

impl Streams {
    /// Receives the next stream, or returns `None` once the client is no longer in the group or has stopped.
    ///
    /// A stream is returned when its first part arrives.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: no stream is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<StreamReader> {
        let waiting = Waiting(&self.accepting);
        let new = std::future::poll_fn(|context| waiting.0.poll_next(context)).await;
        new.map(|new| self.reader(new))
    }

    fn reader(&self, new: NewStream) -> StreamReader {
        new.into_reader(Arc::clone(&self.accepting), self.client.clone())
    }
}

impl Stream for Streams {
    type Item = StreamReader;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<StreamReader>> {
        self.accepting.poll_next(context).map(|new| new.map(|new| self.reader(new)))
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        let mut state = self.accepting.lock();
        state.dropped = true;
        let unread = std::mem::take(&mut state.new);
        drop(state);
        drop(unread);
    }
}

/// A call of [`Streams::next`], which can be dropped while it waits. Its waker would keep the task of the program in memory.
struct Waiting<'a>(&'a Accepting);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.lock().receiver = None;
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streams(..)")
    }
}
