//! A service in virtual time: lists of any length, the rate limit and its block, and delayed requests.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use hulft_webconnect::{Clock, Error, ErrorKind, Result, SiteClient, SiteClientBuilder, Transport, Upgrade};
use service_core::testing::ManualClock;

/// The maximum number of calls in a minute.
const LIMIT: usize = 100;
const MINUTE: Duration = Duration::from_secs(60);

/// The service. Its defaults cause no failures.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) clock: ManualClock,
    /// How many rows every list has.
    pub(crate) rows: u64,
    /// The maximum number of rows in a page, regardless of the request.
    pub(crate) page_cap: u64,
    /// The status of the n-th request, from 0.
    pub(crate) status: fn(usize) -> u16,
    /// How long the n-th request takes until it arrives.
    pub(crate) delay: fn(usize) -> Duration,
    /// Whether the limit is in effect.
    pub(crate) limited: bool,
    pub(crate) seen: Mutex<Seen>,
}

/// What the service saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) sent: Vec<Duration>,
    pub(crate) arrived: Vec<Duration>,
    pub(crate) requests: Vec<Request<Bytes>>,
    pub(crate) blocked: bool,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            clock: ManualClock::jumping(SystemTime::UNIX_EPOCH),
            rows: 0,
            page_cap: 1_000,
            status: |_| 200,
            delay: |_| Duration::ZERO,
            limited: true,
            seen: Mutex::default(),
        }
    }
}

impl Service {
    pub(crate) fn client(self) -> (Arc<Self>, SiteClient) {
        self.client_with(|builder| builder)
    }

    pub(crate) fn client_with(
        self,
        set: impl FnOnce(SiteClientBuilder) -> SiteClientBuilder,
    ) -> (Arc<Self>, SiteClient) {
        let clock = Arc::new(self.clock.clone());
        let service = Arc::new(self);
        let builder =
            SiteClient::builder("planted-key").transport(Arc::clone(&service) as Arc<dyn Transport>);
        (service, set(builder.clock(clock)).build().unwrap())
    }

    pub(crate) fn sent(&self) -> Vec<Duration> {
        self.seen.lock().unwrap().sent.clone()
    }

    /// The queries of all requests, in order.
    pub(crate) fn queries(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.requests.iter().map(|request| request.uri().query().unwrap_or_default().to_owned()).collect()
    }

    pub(crate) fn was_blocked(&self) -> bool {
        self.seen.lock().unwrap().blocked
    }

    fn respond(&self, request: &Request<Bytes>, number: usize) -> Response<Bytes> {
        let status = if self.overrun() { 429 } else { (self.status)(number) };
        let body = match status {
            200 if request.uri().path().ends_with("/service/status") => r#"{"totalStatus":"0"}"#.to_owned(),
            200 => self.page(request),
            _ => String::new(),
        };
        Response::builder().status(status).body(body.into()).unwrap()
    }

    /// Whether the latest 101 requests arrived within a minute.
    fn overrun(&self) -> bool {
        let mut seen = self.seen.lock().unwrap();
        let arrived = &seen.arrived;
        let over = arrived.len() > LIMIT
            && arrived[arrived.len() - 1] - arrived[arrived.len() - 1 - LIMIT] <= MINUTE;
        seen.blocked |= over && self.limited;
        seen.blocked
    }

    /// A page of the relay log, whose rows carry their index.
    fn page(&self, request: &Request<Bytes>) -> String {
        let query = request.uri().query().unwrap_or_default();
        let number = |name: &str, default: u64| {
            let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.map_or(default, |value| value.parse().unwrap())
        };
        let (start, max) = (number("startIndex", 0), number("maxResults", 30));
        assert!(start <= 10_000 && (1..=1_000).contains(&max), "{query}");
        let rows = start..self.rows.min(start + max.min(self.page_cap)).max(start);
        let logs: Vec<_> = rows.map(|row| serde_json::json!({"processingId": row.to_string()})).collect();
        serde_json::json!({"totalSize": self.rows, "fetchSize": logs.len(), "startIndex": start,
            "maxResults": max, "logs": logs})
        .to_string()
    }
}

#[async_trait]
impl Transport for Service {
    async fn send(&self, request: Request<Bytes>, _: &service_core::SendOptions) -> Result<Response<Bytes>> {
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.sent.push(self.clock.elapsed());
            seen.requests.push(request.clone());
            seen.sent.len() - 1
        };
        let delay = (self.delay)(number);
        if !delay.is_zero() {
            self.clock.sleep(delay).await;
        }
        self.seen.lock().unwrap().arrived.push(self.clock.elapsed());
        Ok(self.respond(&request, number))
    }

    async fn upgrade(&self, _: Request<()>, _: &service_core::SendOptions) -> Result<Upgrade> {
        Err(Error::new(ErrorKind::Transport, "upgrades are not supported").permanent())
    }
}

/// The maximum number of requests sent in any minute, including both ends.
pub(crate) fn max_in_a_minute(sent: &[Duration]) -> usize {
    let within = |start: &Duration| sent.iter().filter(|at| *at >= start && **at <= *start + MINUTE).count();
    sent.iter().map(within).max().unwrap_or_default()
}
