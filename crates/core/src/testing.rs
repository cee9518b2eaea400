//! A scripted transport and a clock that tests move: every rule about retries, tokens and deadlines without a network and
//! without waiting.
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
//! # static DIALECT: Dialect = Dialect {
//! #     product: "rooms/0.1.0", request_id_header: None, response_request_id_headers: &[], error_code: &[],
//! #     span: service_core::call_span!("id"), span_request_id: "id",
//! # };
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

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use crate::error::{Delivery, Error, ErrorKind, Result};
use crate::{Clock, SendOptions, Transport, Upgrade};

/// A transport that answers from a script and keeps what it was asked to send.
///
/// An answer beyond the end of the script is an error that says so.
#[derive(Debug, Clone, Default)]
pub struct ScriptedTransport(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    steps: VecDeque<Step>,
    sent: Vec<Request<Bytes>>,
    connect_timeouts: Vec<Option<Duration>>,
}

#[derive(Debug)]
enum Step {
    Answer(Result<Response<Bytes>>),
    /// Answers after this much of the clock's time.
    Late(Arc<dyn Clock>, Duration, Result<Response<Bytes>>),
    Never,
}

impl ScriptedTransport {
    /// An empty script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next request is answered so.
    pub fn respond(&self, answer: Response<impl Into<Bytes>>) -> &Self {
        self.push(Step::Answer(Ok(answer.map(Into::into))))
    }

    /// The next request is answered with this status and no body.
    ///
    /// # Panics
    ///
    /// For a number that is no HTTP status.
    #[allow(clippy::panic, reason = "a test kit tells the test's author")]
    pub fn status(&self, status: u16) -> &Self {
        match http::StatusCode::from_u16(status) {
            Ok(status) => {
                let mut answer = Response::new(Bytes::new());
                *answer.status_mut() = status;
                self.respond(answer)
            }
            Err(_) => panic!("{status} is not an HTTP status"),
        }
    }

    /// The next request fails, this far on its way.
    pub fn fail(&self, delivery: Delivery) -> &Self {
        let error = Error::new(ErrorKind::Transport, "the script says so").with_delivery(delivery);
        self.push(Step::Answer(Err(error)))
    }

    /// The next request is answered after this much of `clock`'s time.
    pub fn respond_after(
        &self,
        clock: Arc<dyn Clock>,
        wait: Duration,
        answer: Response<impl Into<Bytes>>,
    ) -> &Self {
        self.push(Step::Late(clock, wait, Ok(answer.map(Into::into))))
    }

    /// The next request is never answered.
    pub fn hang(&self) -> &Self {
        self.push(Step::Never)
    }

    /// Everything that was sent, in order.
    #[must_use]
    pub fn sent(&self) -> Vec<Request<Bytes>> {
        self.lock().sent.clone()
    }

    /// Returns the connect timeout of each request sent, where its call overrides the client's.
    #[must_use]
    pub fn connect_timeouts(&self) -> Vec<Option<Duration>> {
        self.lock().connect_timeouts.clone()
    }

    fn push(&self, step: Step) -> &Self {
        self.lock().steps.push_back(step);
        self
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn send(&self, request: Request<Bytes>, options: &SendOptions) -> Result<Response<Bytes>> {
        let step = {
            let mut script = self.lock();
            script.sent.push(request);
            script.connect_timeouts.push(options.connect_timeout);
            script.steps.pop_front()
        };
        match step {
            Some(Step::Answer(answer)) => answer,
            Some(Step::Late(clock, wait, answer)) => {
                clock.sleep(wait).await;
                answer
            }
            Some(Step::Never) => std::future::pending().await,
            None => Err(Error::new(ErrorKind::Transport, "the script has ended")
                .with_delivery(Delivery::NotSent)
                .permanent()),
        }
    }

    async fn upgrade(&self, _request: Request<()>, _options: &SendOptions) -> Result<Upgrade> {
        Err(Error::new(ErrorKind::Transport, "a script cannot upgrade")
            .with_delivery(Delivery::NotSent)
            .permanent())
    }
}

/// A clock that stands still until it is moved, or that jumps by itself once nothing else can run.
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
    /// A clock that only [`advance`](Self::advance) moves. It starts at the given time of day.
    #[must_use]
    pub fn new(started_at: SystemTime) -> Self {
        let (now, slept, sleepers) = (Duration::ZERO, Vec::new(), Vec::new());
        Self(Arc::new(Mutex::new(Time { now, started_at, jumps: false, slept, sleepers, next_id: 0 })))
    }

    /// A clock that jumps to the end of the shortest sleep once every task has had its turn. It needs a single-threaded
    /// runtime and no real I/O, since it cannot see either.
    #[must_use]
    pub fn jumping(started_at: SystemTime) -> Self {
        let clock = Self::new(started_at);
        clock.lock().jumps = true;
        clock
    }

    /// Moves time and wakes whoever has slept enough.
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

    /// Every sleep that ran to its end, in order.
    #[must_use]
    pub fn slept(&self) -> Vec<Duration> {
        self.lock().slept.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Time> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a sleeper out when its sleep is dropped, so that an alarm that was not needed moves no clock.
struct Asleep<'a>(&'a ManualClock, u64);

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.lock().sleepers.retain(|sleeper| sleeper.id != self.1);
    }
}

/// How often a jumping clock lets everything else run before it jumps.
const TURNS: u32 = 8;

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
            let place = (sleeper.id, sleeper.until);
            time.sleepers.push(sleeper);
            place
        };
        let asleep = Asleep(self, id);
        let (mut turns, mut seen) = (0, Duration::MAX);
        poll_fn(|context| {
            let mut time = self.lock();
            // Whoever a jump woke has its turns too before the next jump.
            if time.now != seen {
                (turns, seen) = (0, time.now);
            }
            let first = time.sleepers.iter().all(|other| (until, id) <= (other.until, other.id));
            if time.jumps && first && turns >= TURNS {
                time.now = time.now.max(until);
            }
            if time.now >= until {
                return Poll::Ready(());
            }
            turns += 1;
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
    async fn whoever_a_jump_wakes_has_its_turns_before_the_next_jump() {
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
