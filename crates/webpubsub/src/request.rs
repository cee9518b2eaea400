//! Macros for the builders of operations. Each optional parameter that several operations share is defined once.

/// Defines the builder of an operation.
macro_rules! request {
    ($(#[$doc:meta])* $name:ident => $value:ty $(, $setter:ident)*) => {
        $(#[$doc])*
        #[must_use = "does nothing until awaited"]
        #[derive(Debug)]
        pub struct $name {
            call: service_core::Call<$value>,
        }

        impl $name {
            pub(crate) fn new(call: service_core::Call<$value>) -> Self {
                Self { call }
            }

            $($crate::request::setter!($setter);)*
        }

        service_core::call_setters!($name => $value);
    };
}

/// Defines an optional parameter.
macro_rules! setter {
    (excluded) => {
        /// Excludes connections by ID. IDs of connections that do not exist are ignored.
        pub fn excluded<S: AsRef<str>>(mut self, connections: impl IntoIterator<Item = S>) -> Self {
            self.call.query_each("excluded", connections);
            self
        }
    };
    (reason) => {
        /// Sets the reason, which clients receive in the `disconnected` message and in the close frame.
        pub fn reason(mut self, reason: impl AsRef<str>) -> Self {
            self.call.query("reason", reason);
            self
        }
    };
    (filter) => {
        /// Sends the message only to connections that match the filter.
        pub fn filter(mut self, filter: $crate::filter::Filter) -> Self {
            match filter.checked() {
                Ok(text) => self.call.query("filter", text),
                Err(error) => self.call.check(Err(error)),
            }
            self
        }
    };
    (message_ttl_seconds) => {
        /// Sets how long the service keeps the message for a connection that cannot receive it immediately, such as one
        /// that is being recovered: 0 to 300 seconds. Default: 0, which means indefinitely.
        pub fn message_ttl_seconds(mut self, seconds: u32) -> Self {
            self.call.check($crate::rules::number("messageTtlSeconds", seconds, 0, 300));
            self.call.query("messageTtlSeconds", seconds.to_string());
            self
        }
    };
    (metadata) => {
        /// Adds metadata, which receivers get beside the content. Plain WebSocket clients receive none.
        ///
        /// Headers transfer it, so its keys arrive in lower case, and a value must neither contain a comma nor start or end
        /// with a blank. If it violates a limit of [`Metadata`](crate::Metadata), the call fails before anything is sent.
        ///
        /// Metadata is a preview feature of the service.
        #[cfg(feature = "preview")]
        #[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
        pub fn metadata(mut self, metadata: impl Into<$crate::Metadata>) -> Self {
            metadata.into().put(&mut self.call);
            self
        }
    };
    (group) => {
        /// Limits the operation to one group. By default, it applies to all groups of the hub.
        pub fn group(mut self, name: impl AsRef<str>) -> Self {
            self.call.check($crate::names::group(name.as_ref()));
            self.call.query("targetName", name);
            self
        }
    };
}

pub(crate) use {request, setter};
