//! What a user can set on a client: the same for every service, and the checks that come with building one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;

use crate::clock::{Randomness, SystemClock};
use crate::pipeline::Inner;
use crate::retry::Quota;
use crate::transport::{ConnectionOptions, HttpClient, Proxy};
use crate::{
    Authorize, Clock, Dialect, Endpoint, Error, Pipeline, Policy, RateLimiter, Result, RetryOptions, Secret,
    Transport,
};

/// A client's settings. Service crates wrap it with [`client_setters!`](crate::client_setters).
#[derive(Clone)]
#[must_use]
pub struct ClientOptions {
    app_id: Option<String>,
    retry: RetryOptions,
    deadline: Duration,
    attempt_timeout: Duration,
    connection: ConnectionOptions,
    allow_insecure_http: bool,
    call_policies: Vec<Arc<dyn Policy>>,
    attempt_policies: Vec<Arc<dyn Policy>>,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    rate_limiter: Option<Arc<dyn RateLimiter>>,
    seed: Option<u64>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            app_id: None,
            retry: RetryOptions::default(),
            deadline: Duration::from_secs(100),
            attempt_timeout: Duration::from_secs(30),
            connection: ConnectionOptions::default(),
            allow_insecure_http: false,
            call_policies: Vec::new(),
            attempt_policies: Vec::new(),
            transport: None,
            clock: Arc::new(SystemClock::new()),
            rate_limiter: None,
            seed: None,
        }
    }
}

impl ClientOptions {
    /// The time that the client will go by; credentials that look at a clock take this one.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// How long one attempt may take.
    #[must_use]
    pub fn attempt_limit(&self) -> Duration {
        self.attempt_timeout
    }

    /// A source of uniformly random durations from zero to the bound given, for what waits outside the pipeline.
    pub fn jitter(&self) -> impl Fn(Duration) -> Duration + Send + Sync + 'static {
        let randomness = Randomness::new(self.seed);
        move |bound| randomness.up_to(bound)
    }

    /// Checks the settings and makes the pipeline.
    ///
    /// # Errors
    ///
    /// Plain `http` to another machine that was not allowed by name, an app id that fits no header, certificates or a proxy
    /// that cannot be used, no TLS provider.
    pub fn build(
        self,
        dialect: &'static Dialect,
        endpoint: Endpoint,
        credential: Arc<dyn Authorize>,
    ) -> Result<Pipeline> {
        if !endpoint.is_https() && !endpoint.is_loopback() && !self.allow_insecure_http {
            let rule = "must use `https`, since the credential goes with every request; \
                        `.allow_insecure_http()` permits plain http to another machine";
            return Err(Error::invalid_input("endpoint", rule, Some(endpoint.as_str())));
        }
        let user_agent = user_agent(self.app_id.as_deref(), dialect.product)?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(HttpClient::new(self.connection, &endpoint, Arc::clone(&self.clock))?),
        };
        let inner = Inner {
            dialect,
            endpoint,
            transport,
            clock: self.clock,
            rate_limiter: self.rate_limiter,
            credential,
            call_policies: self.call_policies,
            attempt_policies: self.attempt_policies,
            retry: self.retry,
            quota: Quota::new(),
            randomness: Randomness::new(self.seed),
            deadline: self.deadline,
            attempt_timeout: self.attempt_timeout,
            user_agent,
        };
        Ok(Pipeline { inner: Arc::new(inner) })
    }

    /// Keeps the client below its service's limit on how often it is called: every attempt waits for its place.
    pub fn rate_limiter(&mut self, rate_limiter: Arc<dyn RateLimiter>) {
        self.rate_limiter = Some(rate_limiter);
    }

    #[doc(hidden)]
    pub fn app_id(&mut self, id: String) {
        self.app_id = Some(id);
    }

    #[doc(hidden)]
    pub fn retry(&mut self, retry: RetryOptions) {
        self.retry = retry;
    }

    #[doc(hidden)]
    pub fn deadline(&mut self, limit: Duration) {
        self.deadline = limit;
    }

    #[doc(hidden)]
    pub fn attempt_timeout(&mut self, limit: Duration) {
        self.attempt_timeout = limit;
    }

    #[doc(hidden)]
    pub fn connect_timeout(&mut self, limit: Duration) {
        self.connection.connect_timeout = limit;
    }

    #[doc(hidden)]
    pub fn pool_idle_timeout(&mut self, limit: Duration) {
        self.connection.pool_idle_timeout = limit;
    }

    #[doc(hidden)]
    pub fn pool_max_connections(&mut self, connections: usize) {
        self.connection.max_connections = connections;
    }

    #[doc(hidden)]
    pub fn proxy(&mut self, url: Secret) {
        self.connection.proxy = Proxy::Fixed(url);
    }

    #[doc(hidden)]
    pub fn no_proxy(&mut self) {
        self.connection.proxy = Proxy::None;
    }

    #[doc(hidden)]
    pub fn root_certificate(&mut self, pem: Bytes) {
        self.connection.root_certificates.push(pem);
    }

    #[doc(hidden)]
    pub fn client_certificate(&mut self, pem: Secret) {
        self.connection.client_certificate = Some(pem);
    }

    #[doc(hidden)]
    pub fn allow_insecure_http(&mut self) {
        self.allow_insecure_http = true;
    }

    #[doc(hidden)]
    pub fn policy(&mut self, policy: Arc<dyn Policy>) {
        self.call_policies.push(policy);
    }

    #[doc(hidden)]
    pub fn attempt_policy(&mut self, policy: Arc<dyn Policy>) {
        self.attempt_policies.push(policy);
    }

    #[doc(hidden)]
    pub fn transport(&mut self, transport: Arc<dyn Transport>) {
        self.transport = Some(transport);
    }

    #[doc(hidden)]
    pub fn set_clock(&mut self, clock: Arc<dyn Clock>) {
        self.clock = clock;
    }

    /// Fixes the sequence of random numbers behind jitter and request ids, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn seed(&mut self, seed: u64) {
        self.seed = Some(seed);
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("retry", &self.retry)
            .field("deadline", &self.deadline)
            .field("attempt_timeout", &self.attempt_timeout)
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
    HeaderValue::from_str(text)
        .map_err(|_| Error::invalid_input("user agent", "fits no HTTP header", Some(text)))
}

/// Gives a client's builder the setters that all clients share. The builder needs a field `options: ClientOptions`.
#[macro_export]
macro_rules! client_setters {
    ($builder:ty) => {
        $crate::connection_setters!($builder);

        impl $builder {
            /// Sets how failures of a passing kind are retried. Default: 3 retries, waits from 0.8 s doubling up to 30 s.
            pub fn retry(mut self, retry: $crate::RetryOptions) -> Self {
                self.options.retry(retry);
                self
            }

            /// Sets how long a whole call may take, waits and token fetches included. Default: 100 s.
            pub fn deadline(mut self, limit: ::std::time::Duration) -> Self {
                self.options.deadline(limit);
                self
            }

            /// Sets how long an idle connection is kept. Default: 45 s.
            ///
            /// Keep it shorter than the idle timeout of every load balancer and proxy on the way: a request that meets a
            /// connection being closed has an unknown outcome.
            pub fn pool_idle_timeout(mut self, limit: ::std::time::Duration) -> Self {
                self.options.pool_idle_timeout(limit);
                self
            }

            /// Sets how many connections calls may use at the same time. Default: 100.
            ///
            /// Further calls wait for a connection within their timeouts. Calls that share an HTTP/2 connection count once.
            /// Long polls and upgrades have an allowance of the same size of their own, so that no other call waits for
            /// them. At most as many idle connections are kept.
            pub fn pool_max_connections(mut self, connections: usize) -> Self {
                self.options.pool_max_connections(connections);
                self
            }

            /// Adds code around every call, outside its retries.
            pub fn policy(mut self, policy: impl $crate::Policy) -> Self {
                self.options.policy(::std::sync::Arc::new(policy));
                self
            }

            /// Adds code around every attempt, before the credential signs.
            pub fn attempt_policy(mut self, policy: impl $crate::Policy) -> Self {
                self.options.attempt_policy(::std::sync::Arc::new(policy));
                self
            }
        }
    };
}

/// Those of them that also mean something where there is a connection and no calls. The builder needs a field
/// `options: ClientOptions`.
#[macro_export]
macro_rules! connection_setters {
    ($builder:ty) => {
        impl $builder {
            /// Names the calling program, first in the user agent: 1 to 64 visible ASCII characters.
            pub fn app_id(mut self, id: impl Into<String>) -> Self {
                self.options.app_id(id.into());
                self
            }

            /// Sets how long one attempt may take. Default: 30 s.
            pub fn attempt_timeout(mut self, limit: ::std::time::Duration) -> Self {
                self.options.attempt_timeout(limit);
                self
            }

            /// Sets how long making a connection may take. Default: 10 s.
            pub fn connect_timeout(mut self, limit: ::std::time::Duration) -> Self {
                self.options.connect_timeout(limit);
                self
            }

            /// Sends everything through this proxy, `http://[user:password@]host:port`, whatever the environment says.
            pub fn proxy(mut self, url: impl Into<$crate::Secret>) -> Self {
                self.options.proxy(url.into());
                self
            }

            /// Uses no proxy, whatever the environment says. Loopback never has one from the environment.
            pub fn no_proxy(mut self) -> Self {
                self.options.no_proxy();
                self
            }

            /// Trusts these PEM certificates besides the system's. Can be given several times.
            pub fn root_certificate(mut self, pem: impl Into<$crate::reexport::bytes::Bytes>) -> Self {
                self.options.root_certificate(pem.into());
                self
            }

            /// Shows this certificate to the server: a PEM text with the certificate chain and its private key.
            pub fn client_certificate(mut self, pem: impl Into<$crate::Secret>) -> Self {
                self.options.client_certificate(pem.into());
                self
            }

            /// Permits plain `http` to another machine, such as an emulator in a container. The credential is then readable
            /// on the way.
            pub fn allow_insecure_http(mut self) -> Self {
                self.options.allow_insecure_http();
                self
            }

            /// Replaces the network, as in tests. Connection settings then have no effect.
            pub fn transport(mut self, transport: ::std::sync::Arc<dyn $crate::Transport>) -> Self {
                self.options.transport(transport);
                self
            }

            /// Replaces the machine's time, as in tests.
            pub fn clock(mut self, clock: ::std::sync::Arc<dyn $crate::Clock>) -> Self {
                self.options.set_clock(clock);
                self
            }
        }
    };
}
