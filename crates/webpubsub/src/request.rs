//! The builders of operations: a type, and the optional parameters that several operations share, each written once.

/// An operation's builder.
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

/// An optional parameter.
macro_rules! setter {
    (excluded) => {
        /// Leaves these connections out, by id. Ids that are not there do no harm.
        pub fn excluded<S: AsRef<str>>(mut self, connections: impl IntoIterator<Item = S>) -> Self {
            self.call.query_each("excluded", connections);
            self
        }
    };
    (reason) => {
        /// Tells the clients why: the text reaches them in the `disconnected` message and the close frame.
        pub fn reason(mut self, reason: impl AsRef<str>) -> Self {
            self.call.query("reason", reason);
            self
        }
    };
    (filter) => {
        /// Sends only to the connections that match.
        pub fn filter(mut self, filter: $crate::filter::Filter) -> Self {
            match filter.checked() {
                Ok(text) => self.call.query("filter", text),
                Err(error) => self.call.check(Err(error)),
            }
            self
        }
    };
    (message_ttl_seconds) => {
        /// Sets how long the message may wait for a connection that cannot take it at once, as in recovery: 0 to 300
        /// seconds. Default: 0, which means for ever.
        pub fn message_ttl_seconds(mut self, seconds: u32) -> Self {
            self.call.check($crate::rules::number("messageTtlSeconds", seconds, 0, 300));
            self.call.query("messageTtlSeconds", seconds.to_string());
            self
        }
    };
    (group) => {
        /// Means this group alone. Without it, a grant and a question are about all groups of the hub.
        pub fn group(mut self, name: impl AsRef<str>) -> Self {
            self.call.check($crate::names::group(name.as_ref()));
            self.call.query("targetName", name);
            self
        }
    };
}

pub(crate) use {request, setter};
