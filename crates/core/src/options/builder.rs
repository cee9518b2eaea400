//! The setters that every client's builder has in addition to its own settings.

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
                self.options.set_retry(retry);
                self
            }

            /// Sets the timeout of a whole call. Default: 100 s.
            ///
            /// It includes all attempts, the waits between them, token requests, and policies. A call's own setting takes
            /// precedence.
            pub fn deadline(mut self, limit: ::std::time::Duration) -> Self {
                self.options.set_deadline(limit);
                self
            }

            /// Sets how long an idle connection is kept open. Default: 45 s.
            ///
            /// Keep it shorter than the idle timeout of every load balancer and proxy on the way: a request that meets a
            /// connection being closed has an unknown outcome.
            pub fn pool_idle_timeout(mut self, limit: ::std::time::Duration) -> Self {
                self.options.set_pool_idle_timeout(limit);
                self
            }

            /// Sets how many connections may be open at the same time. Default: 100.
            ///
            /// Further calls wait for a connection within their timeouts. Calls that share an HTTP/2 connection count once.
            /// Long polls and upgrades have their own allowance of the same size, so that no other call waits for them. Calls
            /// with a connect timeout of their own use other connections, and so does a WebSocket.
            ///
            /// A connection that does not return to the pool within 250 ms after its call counts as closed. On a machine that is
            /// too busy for that, a few more can be open for a moment.
            pub fn pool_max_connections(mut self, connections: usize) -> Self {
                self.options.set_pool_max_connections(connections);
                self
            }

            /// Sets the meter that receives the client's metrics. Default: none; nothing is then measured.
            pub fn meter(mut self, meter: ::std::sync::Arc<dyn $crate::Meter>) -> Self {
                self.options.set_meter(meter);
                self
            }

            /// Adds a policy that runs once around every call, outside the retries.
            ///
            /// Policies run in the order in which they are added.
            pub fn policy(mut self, policy: impl $crate::Policy) -> Self {
                self.options.add_policy(::std::sync::Arc::new(policy));
                self
            }

            /// Adds a policy that runs around every attempt, before the credential signs.
            ///
            /// Policies run in the order in which they are added.
            pub fn attempt_policy(mut self, policy: impl $crate::Policy) -> Self {
                self.options.add_attempt_policy(::std::sync::Arc::new(policy));
                self
            }

            /// Sets the function that returns the trace context of the current span. Default: none.
            ///
            /// It is called in the span of each attempt, whose request gets the headers `traceparent` and `tracestate`. If the
            /// caller or a policy has set one of them, both are left as they are. The function must neither block nor panic.
            pub fn trace_context(
                mut self,
                current: impl Fn() -> ::std::option::Option<$crate::TraceContext>
                + ::std::marker::Send
                + ::std::marker::Sync
                + 'static,
            ) -> Self {
                self.options.set_trace_context(::std::sync::Arc::new(current));
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
                self.options.set_app_id(id.into());
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
                self.options.set_connect_timeout(limit);
                self
            }

            /// Sets the proxy for all requests, in the form `http://[user:password@]host:port`.
            ///
            /// It replaces the proxy that the environment variables name, and also applies to loopback addresses.
            /// Default: the proxy that `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, and `NO_PROXY` determine, except for
            /// loopback.
            pub fn proxy(mut self, url: impl Into<$crate::Secret>) -> Self {
                self.options.set_proxy(url.into());
                self
            }

            /// Disables proxies, including the one that the environment variables name.
            pub fn no_proxy(mut self) -> Self {
                self.options.set_no_proxy();
                self
            }

            /// Adds root certificates in PEM format that are trusted in addition to the system's.
            ///
            /// This method can be called several times.
            pub fn root_certificate(mut self, pem: impl Into<$crate::reexport::bytes::Bytes>) -> Self {
                self.options.add_root_certificate(pem.into());
                self
            }

            /// Sets the client certificate (mutual TLS), as PEM text with the certificate chain and its private key.
            pub fn client_certificate(mut self, pem: impl Into<$crate::Secret>) -> Self {
                self.options.set_client_certificate(pem.into());
                self
            }

            /// Allows plain `http` to another machine, such as an emulator in a container.
            ///
            /// The credential can then be read by anyone on the network path. Default: plain `http` is only allowed to
            /// loopback.
            pub fn allow_insecure_http(mut self) -> Self {
                self.options.set_allow_insecure_http();
                self
            }

            /// Sets the transport that sends the requests, for example a scripted one in tests.
            ///
            /// Settings of connections, such as the proxy and certificates, then have no effect. Default: a pool of HTTP/1.1
            /// and HTTP/2 connections.
            pub fn transport(mut self, transport: ::std::sync::Arc<dyn $crate::Transport>) -> Self {
                self.options.set_transport(transport);
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
