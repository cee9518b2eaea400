//! Tests of the whole pipeline, rule by rule: in virtual time if time matters, on real sockets if the network does.
//! They are unit tests, so that a plain `cargo test` runs them without a feature.

mod calls;
mod deadlines;
mod messages;
mod metrics;
mod overrides;
mod policies;
mod proxies;
mod rate_limits;
mod retries;
mod rooms;
mod secrets;
mod server;
mod sockets;
mod tokens;
mod traces;
mod upgrades;

use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response};

use self::rooms::{Client, Rooms};
use crate::testing::{ManualClock, ScriptedTransport};
use crate::{
    AccessToken, Authorize, BearerToken, BoxError, Call, CallInstruments, Clock, Dialect, Endpoint,
    HeaderKey, Operation, Pipeline, Result, TokenCredential, TokenRequest, Transport, read,
};

/// The secret that tests plant where secrets belong, and search for everywhere else.
const PLANTED: &str = "planted-secret-9f3c";

static DIALECT: Dialect =
    Dialect::new("rooms/1.2.3", crate::call_span!("rooms.request_id"), "rooms.request_id")
        .request_id_header(HeaderName::from_static("x-call-id"))
        .response_request_id_headers(&["x-request-id"])
        .error_code(&["x-error-code"])
        .instruments(&CALLS);

static CALLS: CallInstruments = crate::call_instruments!("rooms");

/// Not idempotent, as sending a message is.
static SEND: Operation =
    Operation::new("SendToRoom", Method::POST, "/rooms/{room}/:send").query(&["reason"]).success(&[202]);
/// Idempotent, as closing is.
static CLOSE: Operation = Operation::new("CloseRoom", Method::DELETE, "/rooms/{room}")
    .query(&["reason"])
    .success(&[204])
    .idempotent();
/// Idempotent, with a response to read.
static GET: Operation =
    Operation::new("GetRoom", Method::GET, "/rooms/{room}").idempotent().max_response_bytes(1024);

fn call(pipeline: &Pipeline, operation: &'static Operation) -> Rooms {
    Rooms {
        call: Call::new(pipeline, operation, &[("room", "blue")], |response| Ok(response.body().clone())),
    }
}

fn key() -> HeaderKey {
    HeaderKey::authorization("Bearer", &PLANTED.into()).unwrap()
}

fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770)
}

/// A client without a network, in virtual time.
struct Kit {
    pipeline: Pipeline,
    script: ScriptedTransport,
    clock: ManualClock,
}

impl Kit {
    fn new() -> Self {
        Self::with(|client| client)
    }

    fn with(change: impl FnOnce(Client) -> Client) -> Self {
        Self::signed(change, |_| key())
    }

    fn signed<A: Authorize>(
        change: impl FnOnce(Client) -> Client,
        credential: impl FnOnce(Arc<dyn Clock>) -> A,
    ) -> Self {
        let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(start()));
        let client = Client::new().transport(Arc::new(script.clone())).clock(Arc::new(clock.clone()));
        let client = change(client);
        let credential = credential(client.options.clock());
        let pipeline = client.build("https://rooms.example", credential).unwrap();
        Self { pipeline, script, clock }
    }

    /// With tokens of `identity`.
    fn with_tokens(identity: &Identity) -> Self {
        let identity = identity.clone();
        Self::signed(|client| client, |clock| identity.bearer(clock))
    }

    fn send(&self) -> Rooms {
        call(&self.pipeline, &SEND)
    }

    fn close(&self) -> Rooms {
        call(&self.pipeline, &CLOSE)
    }

    fn sent(&self) -> usize {
        self.script.sent().len()
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
}

type Behave = dyn Fn(u32, &dyn Clock) -> Result<Duration, BoxError> + Send + Sync;

/// An identity service: what it returns next, how long it takes, and how often it was called.
#[derive(Clone)]
struct Identity {
    asked: Arc<AtomicU32>,
    behave: Arc<Behave>,
    takes: Duration,
    clock: Arc<std::sync::OnceLock<Arc<dyn Clock>>>,
}

impl Identity {
    /// `behave` receives the number of the request, starting at 1, and returns the lifetime of its token.
    fn new(
        takes: Duration,
        behave: impl Fn(u32, &dyn Clock) -> Result<Duration, BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self { asked: Arc::default(), behave: Arc::new(behave), takes, clock: Arc::default() }
    }

    fn bearer(self, clock: Arc<dyn Clock>) -> BearerToken {
        self.clock.set(Arc::clone(&clock)).unwrap();
        BearerToken::new(self, TokenRequest::new(["scope"]), clock)
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl TokenCredential for Identity {
    async fn token(&self, _request: TokenRequest) -> Result<AccessToken, BoxError> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let clock = self.clock.get().unwrap();
        if !self.takes.is_zero() {
            clock.sleep(self.takes).await;
        }
        let life = (self.behave)(number, &**clock)?;
        Ok(AccessToken::new(format!("token-{number}"), clock.now() + life))
    }
}

/// All text that an error can produce: Display, both Debugs, and the chain of its sources.
fn everything(error: &crate::Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}");
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        text.push_str(&format!("\n{source}\n{source:?}\n{source:#?}"));
        next = source.source();
    }
    text
}

fn response(status: u16, headers: &[(&'static str, &str)]) -> Response<Bytes> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Bytes::new()).unwrap()
}

fn authorization(request: &Request<Bytes>) -> &str {
    request.headers()[http::header::AUTHORIZATION].to_str().unwrap()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
