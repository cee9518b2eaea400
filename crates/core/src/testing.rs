//! A scripted transport and a manual clock, with which a client is tested without a network and without waiting.
//!
//! # Examples
//!
//! A test of a retry that takes 8 seconds of virtual time:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::{Duration, SystemTime};
//!
//! use http::{Method, Response};
//! use service_core::testing::{ManualClock, ScriptedTransport};
//! # use service_core::{ClientOptions, Clock, Dialect, Endpoint, HeaderKey, Pipeline, RawRequest, Result, Secret};
//! # struct Builder { options: ClientOptions }
//! # service_core::client_setters!(Builder);
//! # static DIALECT: Dialect = Dialect::new("rooms/0.1.0", service_core::call_span!("id"), "id");
//! # impl Builder {
//! #     fn build(self) -> Result<Pipeline> {
//! #         let credential = HeaderKey::authorization("Bearer", &Secret::new("key"))?;
//! #         self.options.build(&DIALECT, Endpoint::parse("https://rooms.example")?, Arc::new(credential))
//! #     }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH));
//! script.respond(Response::builder().status(429).header("retry-after", "8").body("").unwrap()).status(200);
//! # let builder = Builder { options: ClientOptions::default() };
//! let client = builder.transport(Arc::new(script.clone())).clock(Arc::new(clock.clone())).build()?;
//! RawRequest::new(&client, Method::POST, "/rooms", &[]).await?;
//! assert_eq!((script.sent().len(), clock.elapsed()), (2, Duration::from_secs(8)));
//! # Ok(()) }
//! ```

mod meter;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

pub use self::meter::{Recorded, RecordingMeter};
use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::{Clock, SendOptions, Transport, Upgrade};

/// A transport that returns scripted responses and records the requests.
///
/// Each request takes the next response of the script. A request after the end of the script fails with an error that is not
/// retried, and so does every upgrade. Clones share the script.
///
/// # Examples
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use service_core::testing::ScriptedTransport;
/// use service_core::{Delivery, SendOptions, Transport};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> service_core::Result<()> {
/// let script = ScriptedTransport::new();
/// script.respond(Response::new("open")).fail(Delivery::Unknown);
///
/// let request = Request::get("https://rooms.example/rooms/blue").body(Bytes::new()).unwrap();
/// assert_eq!(script.send(request.clone(), &SendOptions::new(1024)).await?.body(), "open");
/// assert!(script.send(request, &SendOptions::new(1024)).await.unwrap_err().outcome_unknown());
/// assert_eq!(script.sent().len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct ScriptedTransport(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    responses: VecDeque<Scripted>,
    sent: Vec<Request<Bytes>>,
    connect_timeouts: Vec<Option<Duration>>,
}

#[derive(Debug)]
enum Scripted {
    Now(Result<Response<Bytes>>),
    /// Responds after this much of the clock's time.
    After(Arc<dyn Clock>, Duration, Result<Response<Bytes>>),
    Never,
}

impl ScriptedTransport {
    /// Creates a transport with an empty script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a response to the script.
    pub fn respond(&self, response: Response<impl Into<Bytes>>) -> &Self {
        self.push(Scripted::Now(Ok(response.map(Into::into))))
    }

    /// Adds a response with the given status and an empty body to the script.
    ///
    /// # Panics
    ///
    /// Panics if `status` is not a valid HTTP status code.
    #[allow(clippy::panic, reason = "a test kit reports mistakes to the author of the test")]
    pub fn status(&self, status: u16) -> &Self {
        match http::StatusCode::from_u16(status) {
            Ok(status) => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = status;
                self.respond(response)
            }
            Err(_) => panic!("{status} is not an HTTP status"),
        }
    }

    /// Adds a failure of the transport with the given delivery to the script.
    pub fn fail(&self, delivery: Delivery) -> &Self {
        let error = Error::new(ErrorKind::Transport, "the scripted request failed").with_delivery(delivery);
        self.push(Scripted::Now(Err(error)))
    }

    /// Adds a response to the script that is returned after `wait` of `clock`'s time.
    pub fn respond_after(
        &self,
        clock: Arc<dyn Clock>,
        wait: Duration,
        response: Response<impl Into<Bytes>>,
    ) -> &Self {
        self.push(Scripted::After(clock, wait, Ok(response.map(Into::into))))
    }

    /// Adds a response to the script that never arrives.
    pub fn hang(&self) -> &Self {
        self.push(Scripted::Never)
    }

    /// Reyields all requests so far, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Request<Bytes>> {
        self.lock().sent.clone()
    }

    /// Returns the connect timeout of each request, where its call overrides the client's.
    #[must_use]
    pub fn connect_timeouts(&self) -> Vec<Option<Duration>> {
        self.lock().connect_timeouts.clone()
    }

    fn push(&self, scripted: Scripted) -> &Self {
        self.lock().responses.push_back(scripted);
        self
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(&self, request: Request<Bytes>, options: &SendOptions) -> Result<Response<Bytes>> {
        let scripted = {
            let mut script = self.lock();
            script.sent.push(request);
            script.connect_timeouts.push(options.connect_timeout);
            script.responses.pop_front()
        };
        match scripted {
            Some(Scripted::Now(response)) => response,
            Some(Scripted::After(clock, wait, response)) => {
                clock.sleep(wait).await;
                response
            }
            Some(Scripted::Never) => std::future::pending().await,
            None => Err(Error::new(ErrorKind::Transport, "the script has ended")
                .with_delivery(Delivery::NotSent)
                .permanent()),
        }
    }

    async fn upgrade(&self, _request: Request<()>, _options: &SendOptions) -> Result<Upgrade> {
        Err(Error::new(ErrorKind::Transport, "the scripted transport does not support upgrades")
            .with_delivery(Delivery::NotSent)
            .permanent())
    }
}

/// A clock that only moves when a test moves it, or that jumps automatically when all tasks are waiting.
///
/// Clones share the time.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use service_core::Clock;
/// use service_core::testing::ManualClock;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let clock = ManualClock::new(SystemTime::UNIX_EPOCH);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.elapsed(), Duration::from_secs(60));
///
/// // This one reyields from a sleep at once, with the time moved.
/// let clock = ManualClock::jumping(SystemTime::UNIX_EPOCH);
/// clock.sleep(Duration::from_secs(3600)).await;
/// assert_eq!(clock.elapsed(), Duration::from_secs(3600));
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Time>>);

#[derive(Debug)]
struct Time {
    now: Duration,
    started_at: SystemTime,
    jumps: bool,
    slept: Vec<Duration>,
    sleepers: Vec<Sleeper>,
    next_id: u64,
}

#[derive(Debug)]
struct Sleeper {
    id: u64,
    until: Duration,
    waker: Option<Waker>,
}

impl ManualClock {
    /// Creates a clock that starts at the given time of day and only moves when [`advance`](Self::advance) is called.
    #[must_use]
    pub fn new(started_at: SystemTime) -> Self {
        let (now, slept, sleepers) = (Duration::ZERO, Vec::new(), Vec::new());
        Self(Arc::new(Mutex::new(Time { now, started_at, jumps: false, slept, sleepers, next_id: 0 })))
    }

    /// Creates a clock that jumps to the end of the shortest sleep when all tasks are waiting.
    ///
    /// It needs a single-threaded runtime, and tasks that wait for nothing but the clock and each other: the clock cannot
    /// detect other threads or real I/O.
    #[must_use]
    pub fn jumping(started_at: SystemTime) -> Self {
        let clock = Self::new(started_at);
        clock.lock().jumps = true;
        clock
    }

    /// Moves the time forward and wakes the sleeps that have ended.
    pub fn advance(&self, by: Duration) {
        let mut time = self.lock();
        time.now += by;
        let now = time.now;
        time.sleepers.iter_mut().filter(|sleeper| sleeper.until <= now).for_each(|sleeper| {
            if let Some(waker) = sleeper.waker.take() {
                waker.wake();
            }
        });
    }

    /// Reyields the durations of all completed sleeps, in order of completion.
    #[must_use]
    pub fn slept(&self) -> Vec<Duration> {
        self.lock().slept.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Time> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a sleeper when its sleep is dropped, so that an unused timer does not move the clock.
struct Asleep<'a>(&'a ManualClock, u64);

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.lock().sleepers.retain(|sleeper| sleeper.id != self.1);
    }
}

/// How many times a jumping clock yields to other tasks before it jumps.
const YIELDS_BEFORE_JUMP: u32 = 8;

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        let time = self.lock();
        time.started_at + time.now
    }

    fn elapsed(&self) -> Duration {
        self.lock().now
    }

    async fn sleep(&self, wait: Duration) {
        let (id, until) = {
            let mut time = self.lock();
            time.next_id += 1;
            let sleeper = Sleeper { id: time.next_id, until: time.now.saturating_add(wait), waker: None };
            let entry = (sleeper.id, sleeper.until);
            time.sleepers.push(sleeper);
            entry
        };
        let asleep = Asleep(self, id);
        let (mut yields, mut seen) = (0, Duration::MAX);
        poll_fn(|context| {
            let mut time = self.lock();
            // Tasks that a jump woke also run before the next jump.
            if time.now != seen {
                (yields, seen) = (0, time.now);
            }
            let first = time.sleepers.iter().all(|other| (until, id) <= (other.until, other.id));
            if time.jumps && first && yields >= YIELDS_BEFORE_JUMP {
                time.now = time.now.max(until);
            }
            if time.now >= until {
                return Poll::Ready(());
            }
            yields += 1;
            if time.jumps {
                context.waker().wake_by_ref();
            } else if let Some(sleeper) = time.sleepers.iter_mut().find(|sleeper| sleeper.id == id) {
                sleeper.waker = Some(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
        drop(asleep);
        self.lock().slept.push(wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_that_a_jump_wakes_run_before_the_next_jump() {
        let clock = ManualClock::jumping(SystemTime::UNIX_EPOCH);
        let second = Duration::from_secs(1);
        let early = async {
            clock.sleep(second).await;
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            clock.elapsed()
        };
        let (early, ()) = tokio::join!(early, clock.sleep(second * 5));
        assert_eq!((early, clock.elapsed()), (second, second * 5));
    }
}
