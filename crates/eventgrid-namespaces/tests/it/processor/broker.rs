//! A subscription in virtual time: locks that expire and are renewed, injected faults, and a record of all calls.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use eventgrid_namespaces::{
    Clock, Delivery, Error, ErrorKind, NamespaceClientBuilder, Notice, Processor, ProcessorBuilder, Result,
    RetryOptions, Transport, Upgrade,
};
use http::{Request, Response};
use serde_json::{Value, json};
use service_core::testing::{ManualClock, RecordingMeter};
use service_core::timeout;
use tokio::sync::Notify;

use crate::common::{self, namespace_builder};

pub(crate) const WINDOW: Duration = Duration::from_secs(3600);

/// A fault that affects one request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    Status(u16),
    /// 429 with this `retry-after`.
    Throttled(u64),
    /// An immediate response without events.
    Empty,
    /// The request is processed, but there is no response.
    NoResponse,
    /// Each token fails with this code, and nothing else happens.
    Code(&'static str),
    /// The response is delayed.
    Late(Duration),
    /// The response is delayed, and each token fails with this code.
    LateCode(Duration, &'static str),
}

#[derive(Debug, Default)]
pub(crate) struct State {
    queue: VecDeque<(String, u32)>,
    locks: HashMap<String, Lock>,
    faults: Vec<(&'static str, Fault)>,
    tokens: u32,
    /// Whether released events are delivered again.
    redeliver: bool,
    pub(crate) polls: usize,
    /// How long a request and its response travel together.
    pub(crate) round_trip: Duration,
    /// The time and the operation of each call, with its number of tokens or its maximum number of events.
    pub(crate) calls: Vec<(Duration, String, usize)>,
    /// What was settled, as `<verb> <event's id>`.
    pub(crate) settled: Vec<String>,
    /// The maximum number of events that were locked at a time, and of concurrent long polls.
    pub(crate) max_locked: usize,
    pub(crate) max_polls: usize,
}

#[derive(Debug)]
struct Lock {
    event: String,
    count: u32,
    received: Duration,
    until: Duration,
}

#[derive(Debug, Clone)]
pub(crate) struct Broker {
    pub(crate) clock: ManualClock,
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) notices: Arc<Mutex<Vec<String>>>,
    arrived: Arc<Notify>,
    settled: Arc<Notify>,
}

impl Broker {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::jumping(SystemTime::UNIX_EPOCH);
        let (arrived, settled) = (Arc::default(), Arc::default());
        Self { clock, state: Arc::default(), notices: Arc::default(), arrived, settled }
    }

    /// A broker with events whose ids are `0`, `1`, ...
    pub(crate) fn with(events: usize) -> Self {
        let broker = Self::new();
        (0..events).for_each(|id| broker.publish(&event(id)));
        broker
    }

    pub(crate) fn publish(&self, event: &str) {
        self.state().queue.push_back((event.to_owned(), 0));
        self.arrived.notify_one();
    }

    pub(crate) fn fault(&self, verb: &'static str, fault: Fault) -> &Self {
        self.state().faults.push((verb, fault));
        self
    }

    /// Makes released events be delivered again from now on.
    pub(crate) fn redeliver(&self) {
        self.state().redeliver = true;
    }

    pub(crate) fn processor(&self) -> ProcessorBuilder {
        self.processor_of("2024-06-01")
    }

    pub(crate) fn processor_of(&self, version: &str) -> ProcessorBuilder {
        self.processor_with(version, |builder| builder)
    }

    /// A processor whose client reports to the meter.
    pub(crate) fn metered(&self) -> (ProcessorBuilder, RecordingMeter) {
        let meter = RecordingMeter::new();
        let given = Arc::new(meter.clone());
        (self.processor_with("2024-06-01", |builder| builder.meter(given)), meter)
    }

    /// A processor whose client has further settings.
    pub(crate) fn processor_with(
        &self,
        version: &str,
        set: impl FnOnce(NamespaceClientBuilder) -> NamespaceClientBuilder,
    ) -> ProcessorBuilder {
        let builder = namespace_builder()
            .transport(Arc::new(self.clone()))
            .clock(Arc::new(self.clock.clone()))
            .api_version(version)
            .retry(RetryOptions::none());
        let notices = Arc::clone(&self.notices);
        Processor::builder(common::receiver(set(builder)))
            .on_notice(move |notice: &Notice<'_>| notices.lock().unwrap().push(notice.to_string()))
    }

    /// Ends the lock of an event, as if its time had passed.
    pub(crate) fn lose(&self, id: &str) {
        let own = |lock: &Lock| lock.event.contains(&format!("\"id\":\"{id}\""));
        assert_eq!(self.state().locks.extract_if(|_, lock| own(lock)).count(), 1);
    }

    pub(crate) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn settled(&self) -> Vec<String> {
        let mut settled = self.state().settled.clone();
        settled.sort();
        settled
    }

    pub(crate) fn notices(&self) -> Vec<String> {
        self.notices.lock().unwrap().clone()
    }

    pub(crate) fn locked(&self) -> usize {
        self.state().locks.len()
    }

    /// The times at which this operation was called, in seconds.
    pub(crate) fn times(&self, verb: &str) -> Vec<f64> {
        let state = self.state();
        let calls = state.calls.iter().filter(|(_, called, _)| called == verb);
        calls.map(|(at, ..)| at.as_secs_f64()).collect()
    }

    /// Returns once this many events have been settled, including releases.
    pub(crate) fn until_settled(&self, events: usize) -> impl Future<Output = ()> + use<> {
        let broker = self.clone();
        async move {
            while broker.state().settled.len() < events {
                broker.settled.notified().await;
            }
        }
    }

    /// Returns at this time.
    pub(crate) fn until(&self, seconds: u64) -> impl Future<Output = ()> + use<> {
        let clock = self.clock.clone();
        async move { clock.sleep(Duration::from_secs(seconds).saturating_sub(clock.elapsed())).await }
    }

    fn expire(&self) {
        let (now, mut state) = (self.clock.elapsed(), self.state());
        let ended: Vec<_> = state.locks.extract_if(|_, lock| lock.until <= now).collect();
        state.queue.extend(ended.into_iter().map(|(_, lock)| (lock.event, lock.count)));
    }

    fn take(&self, max: usize) -> Vec<Value> {
        self.expire();
        let (now, mut state) = (self.clock.elapsed(), self.state());
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some((event, count)) = state.queue.pop_front()
        {
            state.tokens += 1;
            let (token, count) = (format!("token-{}", state.tokens), count + 1);
            let properties = json!({"lockToken": token, "deliveryCount": count});
            let parsed: Value = serde_json::from_str(&event).unwrap();
            taken.push(json!({"brokerProperties": properties, "event": parsed}));
            let until = now + Duration::from_secs(60);
            state.locks.insert(token, Lock { event, count, received: now, until });
        }
        state.max_locked = state.max_locked.max(state.locks.len());
        taken
    }

    async fn receive(&self, query: &str) -> Value {
        let number = |name: &str| {
            query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap().parse::<u64>().unwrap()
        };
        let (max, ends) = (
            number("maxEvents=") as usize,
            self.clock.elapsed() + Duration::from_secs(number("maxWaitTime=")),
        );
        loop {
            let taken = self.take(max);
            if !taken.is_empty() || self.clock.elapsed() >= ends {
                return json!({ "value": taken });
            }
            let next = self.state().locks.values().map(|lock| lock.until).min().unwrap_or(ends).min(ends);
            let wait = next.saturating_sub(self.clock.elapsed());
            timeout(&self.clock, wait, self.arrived.notified()).await;
        }
    }

    fn settle(&self, verb: &str, query: &str, tokens: &[String], code: Option<&str>) -> Value {
        self.expire();
        let (now, mut state) = (self.clock.elapsed(), self.state());
        let (mut succeeded, mut failed) = (Vec::new(), Vec::new());
        for token in tokens {
            let failure = code.or_else(|| match state.locks.get(token) {
                Some(lock) if verb != "renewLock" || now <= lock.received + WINDOW => None,
                _ => Some("TokenLost"),
            });
            if let Some(code) = failure {
                failed.push(json!({"lockToken": token, "error": {"code": code, "message": "no"}}));
                continue;
            }
            succeeded.push(token);
            if verb == "renewLock" {
                state.locks.get_mut(token).unwrap().until = now + Duration::from_secs(60);
                continue;
            }
            let lock = state.locks.remove(token).unwrap();
            if verb == "release" && state.redeliver {
                state.queue.push_back((lock.event.clone(), lock.count));
                self.arrived.notify_one();
            }
            let event: Value = serde_json::from_str(&lock.event).unwrap();
            let mut line = format!("{verb} {}", event["id"].as_str().unwrap_or("?"));
            if let Some((_, delay)) = query.split_once("releaseDelayInSeconds=") {
                write!(line, " {delay}").unwrap();
            }
            state.settled.push(line);
            self.settled.notify_one();
        }
        json!({"succeededLockTokens": succeeded, "failedLockTokens": failed})
    }

    async fn travel(&self, time: Duration) {
        if !time.is_zero() {
            self.clock.sleep(time).await;
        }
    }

    async fn respond(&self, verb: &str, request: &Request<Bytes>) -> Result<Response<Bytes>> {
        let query = request.uri().query().unwrap();
        let tokens: Vec<String> = serde_json::from_slice::<Value>(request.body())
            .map_or_else(|_| Vec::new(), |body| serde_json::from_value(body["lockTokens"].clone()).unwrap());
        let fault = {
            let mut state = self.state();
            let max = query.split('&').find_map(|pair| pair.strip_prefix("maxEvents="));
            let size = max.map_or(tokens.len(), |max| max.parse().unwrap());
            state.calls.push((self.clock.elapsed(), verb.to_owned(), size));
            let at = state.faults.iter().position(|(of, _)| *of == verb);
            at.map(|at| state.faults.remove(at).1)
        };
        let (mut late, mut code) = (Duration::ZERO, None);
        match fault {
            Some(Fault::Status(status)) => {
                return Ok(Response::builder().status(status).body(Bytes::new()).unwrap());
            }
            Some(Fault::Throttled(wait)) => {
                let response = Response::builder().status(429).header("retry-after", wait);
                return Ok(response.body(Bytes::new()).unwrap());
            }
            Some(Fault::Empty) => return Ok(Response::new(Bytes::from_static(br#"{"value":[]}"#))),
            Some(Fault::Code(token_code)) => code = Some(token_code),
            Some(Fault::Late(by)) => late = by,
            Some(Fault::LateCode(by, token_code)) => (late, code) = (by, Some(token_code)),
            Some(Fault::NoResponse) | None => {}
        }
        let body = match verb {
            "receive" => self.receive(query).await,
            verb => self.settle(verb, query, &tokens, code),
        };
        if !late.is_zero() {
            self.clock.sleep(late).await;
        }
        if let Some(Fault::NoResponse) = fault {
            return Err(Error::new(ErrorKind::Transport, "reset").with_delivery(Delivery::Unknown));
        }
        Ok(Response::new(damaged(&body.to_string()).into()))
    }
}

/// Runs a processor in its own task: a test's main future is polled less often than tasks, so virtual time would get ahead of it.
pub(crate) async fn run(
    processor: Result<Processor>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    tokio::spawn(async move { processor.unwrap().run_until(stop).await }).await.unwrap()
}

/// Counts a long poll until it ends or is dropped.
struct Polling<'a>(&'a Broker);

impl<'a> Polling<'a> {
    fn new(broker: &'a Broker) -> Self {
        let mut state = broker.state();
        state.polls += 1;
        state.max_polls = state.max_polls.max(state.polls);
        drop(state);
        Self(broker)
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.0.state().polls -= 1;
    }
}

#[async_trait]
impl Transport for Broker {
    async fn send(&self, request: Request<Bytes>, _: &service_core::SendOptions) -> Result<Response<Bytes>> {
        let verb = request.uri().path().rsplit_once(':').unwrap().1.to_owned();
        let _polling = (verb == "receive").then(|| Polling::new(self));
        let half = self.state().round_trip / 2;
        self.travel(half).await;
        let response = self.respond(&verb, &request).await;
        self.travel(half).await;
        response
    }

    async fn upgrade(&self, _: Request<()>, _: &service_core::SendOptions) -> Result<Upgrade> {
        Err(Error::new(ErrorKind::Transport, "nothing to upgrade here").permanent())
    }
}

/// Replaces U+FFFD, which stands for a byte that is not UTF-8.
fn damaged(body: &str) -> Vec<u8> {
    body.split('\u{fffd}').map(str::as_bytes).collect::<Vec<_>>().join(&0xff)
}

pub(crate) fn event(id: usize) -> String {
    json!({"specversion": "1.0", "id": id.to_string(), "source": "/t", "type": "t", "data": {}}).to_string()
}

/// `<verb> <id>` for each of the ids, sorted as [`Broker::settled`] is.
pub(crate) fn each(verb: &str, ids: impl IntoIterator<Item = usize>) -> Vec<String> {
    let mut lines: Vec<_> = ids.into_iter().map(|id| format!("{verb} {id}")).collect();
    lines.sort();
    lines
}
