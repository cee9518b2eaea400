//! The settings of a client, which are the same for every service, and the checks that `build` makes.

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

/// Contains a client's settings.
///
/// A service crate keeps one in its builder, where [`client_setters!`](crate::client_setters) adds a setter for each
/// setting, and creates its [`Pipeline`] from it with [`build`](Self::build). The [crate documentation](crate) has an
/// example.
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
    /// Returns the client's clock, which credentials also need to use.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Returns the timeout of one attempt.
    #[must_use]
    pub fn attempt_timeout(&self) -> Duration {
        self.attempt_timeout
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

    /// Sets a rate limiter, from which every attempt takes a slot before it is sent. Default: none.
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
    pub fn set_attempt_timeout(&mut self, limit: Duration) {
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

    /// Sets the seed of the random numbers for jitter and request ids, so that tests are reproducible.
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
    HeaderValue::from_str(text).map_err(|_| {
        Error::invalid_input("user agent", "contains a character that HTTP headers do not allow", Some(text))
    })
}

/// Implements the setters that all clients' builders share.
///
/// The builder needs a field `options` of type [`ClientOptions`](crate::ClientOptions). A client without calls, which only
/// opens connections, uses [`connection_setters!`](crate::connection_setters) instead.
#[macro_export]
macro_rules! client_setters {
    ($builder:ty) => {
        $crate::connection_setters!($builder);

        impl $builder {
            /// Sets the retry policy for transient failures.
            ///
            /// Default: 3 retries, exponential backoff from 0.8 s to 30 s with full jitter. A call's own setting takes
            /// precedence.
            pub fn retry(mut self, retry: $crate::RetryOptions) -> Self {
                self.options.retry(retry);
                self
            }

            /// Sets the timeout of a whole call. Default: 100 s.
            ///
            /// It includes all attempts, the waits between them, token requests, and policies. A call's own setting takes
            /// precedence.
            pub fn deadline(mut self, limit: ::std::time::Duration) -> Self {
                self.options.deadline(limit);
                self
            }

            /// Sets how long an idle connection is kept open. Default: 45 s.
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
            /// Long polls and upgrades have their own allowance of the same size, so that no other call waits for them. At
            /// most as many idle connections are kept.
            pub fn pool_max_connections(mut self, connections: usize) -> Self {
                self.options.pool_max_connections(connections);
                self
            }

            /// Adds a policy that runs once around every call, outside the retries.
            ///
            /// Policies run in the order in which they are added.
            pub fn policy(mut self, policy: impl $crate::Policy) -> Self {
                self.options.policy(::std::sync::Arc::new(policy));
                self
            }

            /// Adds a policy that runs around every attempt, before the credential signs.
            ///
            /// Policies run in the order in which they are added.
            pub fn attempt_policy(mut self, policy: impl $crate::Policy) -> Self {
                self.options.attempt_policy(::std::sync::Arc::new(policy));
                self
            }
        }
    };
}

/// Implements the setters for connections, for builders of clients that make no calls.
///
/// They are a subset of [`client_setters!`](crate::client_setters). The builder needs a field `options` of type
/// [`ClientOptions`](crate::ClientOptions).
#[macro_export]
macro_rules! connection_setters {
    ($builder:ty) => {
        impl $builder {
            /// Sets the name of the calling program, which the user agent starts with.
            ///
            /// It must consist of 1 to 64 visible ASCII characters without spaces; otherwise `build` returns an error.
            pub fn app_id(mut self, id: impl Into<String>) -> Self {
                self.options.app_id(id.into());
                self
            }

            /// Sets the timeout of one attempt. Default: 30 s.
            ///
            /// It includes the token request, connecting, and reading the response. A call's own setting takes precedence.
            pub fn attempt_timeout(mut self, limit: ::std::time::Duration) -> Self {
                self.options.set_attempt_timeout(limit);
                self
            }

            /// Sets the timeout for establishing a connection, including the TLS handshake. Default: 10 s.
            pub fn connect_timeout(mut self, limit: ::std::time::Duration) -> Self {
                self.options.connect_timeout(limit);
                self
            }

            /// Sets the proxy for all requests, in the form `http://[user:password@]host:port`.
            ///
            /// It replaces the proxy that the environment variables name, and also applies to loopback addresses.
            /// Default: the proxy that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, and `NO_PROXY` determine, except for
            /// loopback.
            pub fn proxy(mut self, url: impl Into<$crate::Secret>) -> Self {
                self.options.proxy(url.into());
                self
            }

            /// Disables proxies, including the one that the environment variables name.
            pub fn no_proxy(mut self) -> Self {
                self.options.no_proxy();
                self
            }

            /// Adds root certificates in PEM format that are trusted in addition to the system's.
            ///
            /// This method can be called several times.
            pub fn root_certificate(mut self, pem: impl Into<$crate::reexport::bytes::Bytes>) -> Self {
                self.options.root_certificate(pem.into());
                self
            }

            /// Sets the client certificate (mutual TLS), as PEM text with the certificate chain and its private key.
            pub fn client_certificate(mut self, pem: impl Into<$crate::Secret>) -> Self {
                self.options.client_certificate(pem.into());
                self
            }

            /// Allows plain `http` to another machine, such as an emulator in a container.
            ///
            /// The credential can then be read by anyone on the network path. Default: plain `http` is only allowed to
            /// loopback.
            pub fn allow_insecure_http(mut self) -> Self {
                self.options.allow_insecure_http();
                self
            }

            /// Sets the transport that sends the requests, for example a scripted one in tests.
            ///
            /// Settings of connections, such as the proxy and certificates, then have no effect. Default: a pool of HTTP/1.1
            /// and HTTP/2 connections.
            pub fn transport(mut self, transport: ::std::sync::Arc<dyn $crate::Transport>) -> Self {
                self.options.transport(transport);
                self
            }

            /// Sets the clock for timeouts, waits, and tokens, for example a manual one in tests. Default: the system's
            /// clock.
            pub fn clock(mut self, clock: ::std::sync::Arc<dyn $crate::Clock>) -> Self {
                self.options.set_clock(clock);
                self
            }
        }
    };
}
