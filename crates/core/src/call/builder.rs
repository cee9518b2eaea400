//! The setters that every operation's builder has in addition to its own parameters.

/// Implements the overrides that all calls share for an operation's builder.
///
/// The builder needs a field `call` of type [`Call<T>`](crate::Call), or of a type with the same methods `options_mut`, which
/// returns the [`CallOptions`](crate::CallOptions) that all setters change, and `send`. `call_setters!(Builder => T)` also
/// implements `with_response` and [`IntoFuture`]; `call_setters!(Builder)`, as for lists, implements the overrides alone.
/// `call_setters!(<T: Row> List<T>, pages.call)` does so for a generic builder, with the path to its call.
#[macro_export]
macro_rules! call_setters {
    // The overrides of a generic builder, or of one whose call is not in a field `call`.
    (<$($param:ident: $bound:path),*> $builder:ty, $($field:ident).+) => {
        impl<$($param: $bound),*> $builder {
            /// Sets a header of this call, replacing any value that the client would send.
            ///
            /// The call fails before anything is sent if the name or the value is invalid, or if the client must set the
            /// header itself: `authorization`, `connection`, `content-length`, `host`, `transfer-encoding`, and `upgrade`.
            pub fn header<N, V>(mut self, name: N, value: V) -> Self
            where
                N: TryInto<$crate::reexport::http::HeaderName>,
                V: TryInto<$crate::reexport::http::HeaderValue>,
            {
                self.$($field).+.options_mut().set_header(name, value);
                self
            }

            /// Sets the timeout of this whole call. Default: the client's.
            ///
            /// It includes all attempts, the waits between them, token requests, and policies.
            pub fn deadline(mut self, limit: ::std::time::Duration) -> Self {
                self.$($field).+.options_mut().set_deadline(limit);
                self
            }

            /// Sets the timeout of one attempt of this call. Default: the client's.
            pub fn attempt_timeout(mut self, limit: ::std::time::Duration) -> Self {
                self.$($field).+.options_mut().set_attempt_timeout(limit);
                self
            }

            /// Sets the timeout for establishing a connection if this call needs a new one. Default: the client's.
            ///
            /// Calls with another connect timeout than the client's use a separate connection pool. The pools of the four
            /// most recently used timeouts are kept.
            pub fn connect_timeout(mut self, limit: ::std::time::Duration) -> Self {
                self.$($field).+.options_mut().set_connect_timeout(limit);
                self
            }

            /// Sets the retry policy of this call for transient failures. Default: the client's.
            pub fn retry(mut self, retry: $crate::RetryOptions) -> Self {
                self.$($field).+.options_mut().set_retry(retry);
                self
            }

            /// Sets whether this call may be retried if the service may already have acted on it.
            ///
            /// Default: whether the operation is idempotent.
            pub fn idempotent(mut self, idempotent: bool) -> Self {
                self.$($field).+.options_mut().set_idempotent(idempotent);
                self
            }

            /// Adds a policy that runs once around this call, outside the retries and inside the client's policies.
            pub fn policy(mut self, policy: impl $crate::Policy) -> Self {
                self.$($field).+.options_mut().add_policy(::std::sync::Arc::new(policy));
                self
            }
        }
    };
    ($builder:ty) => {
        $crate::call_setters!(<> $builder, call);
    };
    ($builder:ty => $value:ty) => {
        $crate::call_setters!($builder);

        impl $builder {
            /// Sends the request and returns its value together with the response's status and headers.
            ///
            /// # Errors
            ///
            /// Returns an error in the same cases as awaiting the builder.
            pub async fn with_response(self) -> $crate::Result<$crate::Response<$value>> {
                self.call.send().await
            }
        }

        impl ::std::future::IntoFuture for $builder {
            type Output = $crate::Result<$value>;
            type IntoFuture = $crate::CallFuture<$value>;

            fn into_future(self) -> Self::IntoFuture {
                ::std::boxed::Box::pin(async move { Ok(self.call.send().await?.body) })
            }
        }
    };
}
