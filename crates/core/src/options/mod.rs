//! The settings of a client, which are the same for every service, and the checks that `build` makes.

mod builder;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};

use crate::call::LastUri;
use crate::clock::{Randomness, SystemClock};
use crate::pipeline::Inner;
use crate::retry::Quota;
use crate::transport::{ConnectionOptions, HttpClient, Proxy};
use crate::{
    Authorize, Clock, Dialect, Endpoint, Error, Meter, MeterHandle, Pipeline, Policy, RateLimiter, Result,
    RetryOptions, Secret, TraceContext, Transport,
};

/// Contains a client's settings.
///
/// A service crate keeps one in its builder, where [`client_setters!`](crate::client_setters) adds a setter for each
/// setting, and creates its [`Pipeline`] from it with [`build`](Self::build). The [crate documentation](crate) has an
/// example.
#[derive(Clone)]
#[must_use]
pub struct ClientOptions {
    app_id: Option<String>,
    connection: ConnectionOptions,
    allow_insecure_http: bool,
    transport: Option<Arc<dyn Transport>>,
    seed: Option<u64>,
    calls: CallSettings,
}

/// The settings that apply to all calls of a client.
#[derive(Clone)]
pub(crate) struct CallSettings {
    pub(crate) retry: RetryOptions,
    pub(crate) deadline: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) call_policies: Vec<Arc<dyn Policy>>,
    pub(crate) attempt_policies: Vec<Arc<dyn Policy>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rate_limiter: Option<Arc<dyn RateLimiter>>,
    pub(crate) meter: MeterHandle,
    pub(crate) trace_context: Option<Arc<dyn Fn() -> Option<TraceContext> + Send + Sync>>,
}

impl CallSettings {
    /// Returns the trace context of the current span.
    pub(crate) fn trace_context(&self) -> Option<TraceContext> {
        self.trace_context.as_ref().and_then(|current| current())
    }
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            app_id: None,
            connection: ConnectionOptions::default(),
            allow_insecure_http: false,
            transport: None,
            seed: None,
            calls: CallSettings {
                retry: RetryOptions::default(),
                deadline: Duration::from_secs(100),
                attempt_timeout: Duration::from_secs(30),
                call_policies: Vec::new(),
                attempt_policies: Vec::new(),
                clock: Arc::new(SystemClock::new()),
                rate_limiter: None,
                meter: MeterHandle::default(),
                trace_context: None,
            },
        }
    }
}

impl ClientOptions {
    /// Returns the client's clock, which credentials also need to use.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.calls.clock)
    }

    /// Returns the timeout of one attempt.
    #[must_use]
    pub fn attempt_timeout(&self) -> Duration {
        self.calls.attempt_timeout
    }

    /// Returns a function that returns a random duration, uniformly distributed between zero and its argument.
    ///
    /// It is meant for waits outside the pipeline, and uses the same seed in tests.
    pub fn jitter(&self) -> impl Fn(Duration) -> Duration + Send + Sync + 'static {
        let randomness = Randomness::new(self.seed);
        move |bound| randomness.up_to(bound)
    }

    /// Validates the settings and creates the pipeline.
    ///
    /// No connection is opened before the first request.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if:
    ///
    /// * the endpoint uses plain `http`, is not on loopback, and plain `http` was not allowed;
    /// * the app id is empty, longer than 64 characters, or contains anything but visible ASCII characters;
    /// * a certificate or the proxy cannot be used; or
    /// * the crate was built with `rustls-no-provider` and no TLS provider is installed.
    pub fn build(
        self,
        dialect: &'static Dialect,
        endpoint: Endpoint,
        credential: Arc<dyn Authorize>,
    ) -> Result<Pipeline> {
        if !endpoint.is_https() && !endpoint.is_loopback() && !self.allow_insecure_http {
            let rule = "must use `https`, since every request carries the credential; \
                        call `.allow_insecure_http()` to allow plain http to another machine";
            return Err(Error::invalid_input("endpoint", rule, Some(endpoint.as_str())));
        }
        let user_agent = user_agent(self.app_id.as_deref(), dialect.product)?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(HttpClient::new(self.connection, &endpoint, Arc::clone(&self.calls.clock))?),
        };
        let response_ids = dialect.response_request_id_headers.iter();
        let inner = Inner {
            dialect,
            response_ids: response_ids
                .filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
                .collect(),
            endpoint,
            transport,
            credential,
            quota: Quota::new(),
            randomness: Randomness::new(self.seed),
            user_agent,
            settings: self.calls,
            in_flight: AtomicUsize::new(0),
            last_uri: LastUri::default(),
        };
        Ok(Pipeline { inner: Arc::new(inner) })
    }

    /// Sets a rate limiter, from which every attempt takes a slot before it is sent. Default: none.
    pub fn set_rate_limiter(&mut self, rate_limiter: Arc<dyn RateLimiter>) {
        self.calls.rate_limiter = Some(rate_limiter);
    }

    /// Returns the handle to the client's meter, for values that are measured outside the pipeline.
    #[must_use]
    pub fn meter(&self) -> MeterHandle {
        self.calls.meter.clone()
    }

    /// Sets the meter that receives the client's metrics. Default: none.
    pub fn set_meter(&mut self, meter: Arc<dyn Meter>) {
        self.calls.meter = MeterHandle::new(meter);
    }

    /// Sets the function that returns the trace context of the current span. Default: none.
    pub fn set_trace_context(&mut self, current: Arc<dyn Fn() -> Option<TraceContext> + Send + Sync>) {
        self.calls.trace_context = Some(current);
    }

    /// Sets the name of the calling program, which the user agent starts with.
    pub fn set_app_id(&mut self, id: String) {
        self.app_id = Some(id);
    }

    /// Sets the retry policy for transient failures.
    pub fn set_retry(&mut self, retry: RetryOptions) {
        self.calls.retry = retry;
    }

    /// Sets the timeout of a whole call. Default: 100 s.
    pub fn set_deadline(&mut self, limit: Duration) {
        self.calls.deadline = limit;
    }

    /// Sets the timeout of one attempt. Default: 30 s.
    pub fn set_attempt_timeout(&mut self, limit: Duration) {
        self.calls.attempt_timeout = limit;
    }

    /// Sets the timeout for establishing a connection. Default: 10 s.
    pub fn set_connect_timeout(&mut self, limit: Duration) {
        self.connection.connect_timeout = limit;
    }

    /// Sets how long an idle connection is kept open. Default: 45 s.
    pub fn set_pool_idle_timeout(&mut self, limit: Duration) {
        self.connection.pool_idle_timeout = limit;
    }

    /// Sets how many connections may be open at the same time. Default: 100.
    pub fn set_pool_max_connections(&mut self, connections: usize) {
        self.connection.max_connections = connections;
    }

    /// Sets the proxy for all requests.
    pub fn set_proxy(&mut self, url: Secret) {
        self.connection.proxy = Proxy::Fixed(url);
    }

    /// Disables proxies.
    pub fn set_no_proxy(&mut self) {
        self.connection.proxy = Proxy::None;
    }

    /// Adds root certificates in PEM format.
    pub fn add_root_certificate(&mut self, pem: Bytes) {
        self.connection.root_certificates.push(pem);
    }

    /// Sets the client certificate (mutual TLS) in PEM format.
    pub fn set_client_certificate(&mut self, pem: Secret) {
        self.connection.client_certificate = Some(pem);
    }

    /// Allows plain `http` to another machine.
    pub fn set_allow_insecure_http(&mut self) {
        self.allow_insecure_http = true;
    }

    /// Adds a policy that runs once around every call.
    pub fn add_policy(&mut self, policy: Arc<dyn Policy>) {
        self.calls.call_policies.push(policy);
    }

    /// Adds a policy that runs around every attempt.
    pub fn add_attempt_policy(&mut self, policy: Arc<dyn Policy>) {
        self.calls.attempt_policies.push(policy);
    }

    /// Sets the transport that sends the requests.
    pub fn set_transport(&mut self, transport: Arc<dyn Transport>) {
        self.transport = Some(transport);
    }

    /// Sets the clock for timeouts, waits, and tokens.
    pub fn set_clock(&mut self, clock: Arc<dyn Clock>) {
        self.calls.clock = clock;
    }

    /// Sets the seed of the random numbers for jitter and request ids, so that tests are reproducible.
    #[cfg(any(test, feature = "testing"))]
    pub fn set_seed(&mut self, seed: u64) {
        self.seed = Some(seed);
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("retry", &self.calls.retry)
            .field("deadline", &self.calls.deadline)
            .field("attempt_timeout", &self.calls.attempt_timeout)
            .finish_non_exhaustive()
    }
}

fn user_agent(app_id: Option<&str>, product: &str) -> Result<HeaderValue> {
    let system = format!("{product} ({}; {})", std::env::consts::OS, std::env::consts::ARCH);
    let Some(id) = app_id else { return value(&system) };
    let visible = id.bytes().all(|byte| byte.is_ascii_graphic());
    if id.is_empty() || id.len() > 64 || !visible {
        return Err(Error::invalid_input(
            "app id",
            "must be 1 to 64 visible ASCII characters without spaces",
            Some(id),
        ));
    }
    value(&format!("{id} {system}"))
}

fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| {
        Error::invalid_input("user agent", "contains a character that HTTP headers do not allow", Some(text))
    })
}
