//! What every operation's builder can do besides its own parameters.

/// Gives an operation's builder the overrides that all calls share, `.with_response()` and `.await`. The builder needs a
/// field `call: Call<Value>`. Without a value, as for lists, it gives the overrides alone.
#[macro_export]
macro_rules! call_setters {
    ($builder:ty) => {
        impl $builder {
            /// Sets a header of this call in place of any value that it would have. The headers that carry the credential
            /// and frame the message cannot be set.
            pub fn header<N, V>(mut self, name: N, value: V) -> Self
            where
                N: TryInto<$crate::reexport::http::HeaderName>,
                V: TryInto<$crate::reexport::http::HeaderValue>,
            {
                self.call.header(name, value);
                self
            }

            /// Sets how long this whole call may take, waits and token fetches included.
            pub fn deadline(mut self, limit: ::std::time::Duration) -> Self {
                self.call.deadline(limit);
                self
            }

            /// Sets how long one attempt of this call may take.
            pub fn attempt_timeout(mut self, limit: ::std::time::Duration) -> Self {
                self.call.attempt_timeout(limit);
                self
            }

            /// Sets how long making a connection may take, where this call needs a new one. Calls whose budget differs from the
            /// client's use connections of their own; those of the last few budgets are kept for later calls.
            pub fn connect_timeout(mut self, limit: ::std::time::Duration) -> Self {
                self.call.connect_timeout(limit);
                self
            }

            /// Sets how failures of a passing kind are retried in this call.
            pub fn retry(mut self, retry: $crate::RetryOptions) -> Self {
                self.call.retry(retry);
                self
            }

            /// Says whether this call may be repeated when the service may already have acted on it.
            pub fn idempotent(mut self, idempotent: bool) -> Self {
                self.call.idempotent(idempotent);
                self
            }

            /// Adds code around this call, outside its retries.
            pub fn policy(mut self, policy: impl $crate::Policy) -> Self {
                self.call.policy(::std::sync::Arc::new(policy));
                self
            }
        }
    };
    ($builder:ty => $value:ty) => {
        $crate::call_setters!($builder);

        impl $builder {
            /// Sends the call and gives its value together with the answer's status and headers.
            ///
            /// # Errors
            ///
            /// As when the builder is awaited.
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
