//! How many events a second the emulator takes in, gives out, and settles, compared with what a namespace of the service can do.
//! The emulator is a process of its own. The load comes from hyper alone, with prepared batches, and costs as little as it can.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use service_core::{Clock as _, SystemClock};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::KEY;
use super::wire::small_event;
use crate::Result;
use crate::calls::raw_hyper::{self, Hyper};
use crate::load;
use crate::plan::Plan;
use crate::report::{Limit, Report};
use crate::server::Server;
use crate::spread::Spread;

/// The size of an event, from which the throughput of a unit is counted.
const EVENT: usize = 1_024;
const BATCH: usize = 250;
const PUBLISHERS: usize = 4;
const RECEIVERS: usize = 4;
/// Each gets every event, so that twice as many come out as go in.
const SUBSCRIPTIONS: [&str; 2] = ["billing", "shipping"];
/// What a namespace of 40 throughput units takes in a second. It gives out twice as many.
const EVENTS_PER_SECOND: f64 = 40_000.0;
/// Rounds of so many seconds show enough.
const ROUNDS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(2);

/// Adds the rates and their limit to the report.
pub(super) fn sustain(plan: Plan, server: &Path, report: &mut Report) -> Result<()> {
    let batches = plan.requests as usize;
    let runtime = load::runtime()?;
    let mut micros = Vec::new();
    let mut cpu = Vec::new();
    for _ in 0..plan.rounds.min(ROUNDS) {
        let server = Server::emulator(server)?;
        micros.push(runtime.block_on(run(&server.origin(), batches))?.as_secs_f64());
        cpu.extend(server.cpu_time()?.map(|time| time.as_secs_f64()));
    }
    let each = |seconds: &f64| seconds * 1e6 / (batches * BATCH) as f64;
    let micros = Spread::of(micros.iter().map(each)).ok_or("there were no rounds")?;
    let rate = 1e6 / micros.median;
    let cpu = Spread::of(cpu.iter().map(each)).map_or_else(String::new, |cpu| {
        format!("; {:.1} µs of its CPU time per event published", cpu.median)
    });
    report.note(&format!(
        "\n  the emulator, events of 1 KiB in batches of {BATCH}: {rate:.0} a second in, {:.0} out and settled{cpu}",
        2.0 * rate
    ));
    report.limit(Limit::new("emulator: µs per event in, 2 out", micros, 1e6 / EVENTS_PER_SECOND));
    Ok(())
}

/// Publishes so many batches, and receives and acknowledges all events at the same time. Returns how long that took.
async fn run(origin: &str, batches: usize) -> Result<Duration> {
    let client = Load::new(origin)?;
    for subscription in SUBSCRIPTIONS {
        client.declare(subscription).await?;
    }
    let clock = SystemClock::new();
    let started = clock.elapsed();
    let mut tasks = JoinSet::new();
    let left = Arc::new(AtomicUsize::new(batches));
    for _ in 0..PUBLISHERS {
        tasks.spawn(client.clone().publish(Arc::clone(&left)));
    }
    let (settled, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let all = SUBSCRIPTIONS.len() * batches * BATCH;
    for subscription in SUBSCRIPTIONS {
        for _ in 0..RECEIVERS {
            let (client, settled, done) = (client.clone(), Arc::clone(&settled), Arc::clone(&done));
            tasks.spawn(async move {
                loop {
                    let count = client.receive(subscription, 100).await?;
                    if settled.fetch_add(count, Ordering::Relaxed) + count == all {
                        done.notify_one();
                    }
                }
            });
        }
    }
    loop {
        tokio::select! {
            biased;
            () = done.notified() => return Ok(clock.elapsed().saturating_sub(started)),
            Some(ended) = tasks.join_next() => ended??,
        }
    }
}

/// A client that looks at nothing that it need not look at.
#[derive(Clone)]
struct Load {
    client: Hyper,
    origin: Arc<str>,
    authorization: HeaderValue,
    batch: Bytes,
}

impl Load {
    fn new(origin: &str) -> Result<Self> {
        let mut event = small_event();
        let text = event.find(r#""text":""#).ok_or("the event has no text")? + r#""text":""#.len();
        event.insert_str(text, &"x".repeat(EVENT - event.len()));
        Ok(Self {
            client: raw_hyper::client(),
            origin: origin.into(),
            authorization: HeaderValue::from_str(&format!("SharedAccessKey {KEY}"))?,
            batch: format!("[{}]", vec![event; BATCH].join(",")).into(),
        })
    }

    async fn post(&self, path: &str, content_type: &'static str, body: Bytes) -> Result<(StatusCode, Bytes)> {
        let request = Request::post(format!("{}{path}", self.origin))
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, content_type)
            .body(Full::new(body))?;
        let response = self.client.request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    /// Creates a subscription, which the first request to it does.
    async fn declare(&self, subscription: &str) -> Result<()> {
        let path =
            format!("/topics/orders/eventsubscriptions/{subscription}:acknowledge?api-version=2024-06-01");
        let (status, _) = self.post(&path, "application/json", r#"{"lockTokens":["none"]}"#.into()).await?;
        if status == StatusCode::OK { Ok(()) } else { Err(format!("declare: {status}").into()) }
    }

    /// Publishes batches until none are left. While a subscription is full, the service says so.
    async fn publish(self, left: Arc<AtomicUsize>) -> Result<()> {
        let take = |left: usize| left.checked_sub(1);
        while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            loop {
                let path = "/topics/orders:publish?api-version=2024-06-01";
                let content_type = "application/cloudevents-batch+json; charset=utf-8";
                match self.post(path, content_type, self.batch.clone()).await? {
                    (StatusCode::OK, _) => break,
                    (StatusCode::TOO_MANY_REQUESTS, _) => SystemClock::new().sleep(PAUSE).await,
                    (status, text) => {
                        return Err(format!("publish: {status} {}", String::from_utf8_lossy(&text)).into());
                    }
                }
            }
        }
        Ok(())
    }

    /// Receives up to `max` events and acknowledges them. Returns how many there were.
    async fn receive(&self, subscription: &str, max: usize) -> Result<usize> {
        let path = format!("/topics/orders/eventsubscriptions/{subscription}");
        let receive = format!("{path}:receive?api-version=2024-06-01&maxEvents={max}&maxWaitTime=60");
        let (status, received) = self.post(&receive, "application/json", Bytes::new()).await?;
        if status != StatusCode::OK {
            return Err(format!("receive: {status}").into());
        }
        let (tokens, count) = tokens(std::str::from_utf8(&received)?);
        let acknowledge = format!("{path}:acknowledge?api-version=2024-06-01");
        let body = format!(r#"{{"lockTokens":[{tokens}]}}"#);
        let (_, settled) = self.post(&acknowledge, "application/json", body.into()).await?;
        let expected = format!(r#""succeededLockTokens":[{tokens}],"failedLockTokens":[]"#);
        if std::str::from_utf8(&settled)?.contains(&expected) {
            Ok(count)
        } else {
            Err("an event was not settled".into())
        }
    }
}

/// The lock tokens of a response, as a list in JSON, and how many there are.
fn tokens(response: &str) -> (String, usize) {
    let mut tokens = String::with_capacity(100 * 83);
    let mut count = 0;
    for (_, after) in
        response.match_indices(r#""lockToken":""#).map(|(at, name)| response.split_at(at + name.len()))
    {
        let token = after.split('"').next().unwrap_or_default();
        if count > 0 {
            tokens.push(',');
        }
        tokens.extend(["\"", token, "\""]);
        count += 1;
    }
    (tokens, count)
}
