#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The services only accept TLS, and the compiler's other errors without it would not help a user.
#[cfg(not(any(feature = "rustls", feature = "rustls-no-provider")))]
compile_error!(
    "enable one of the features `rustls` and `rustls-no-provider`, of this crate or of the client crate"
);

mod call;
mod clock;
mod connection_string;
mod credential;
mod dialect;
mod encode;
mod endpoint;
mod environment;
mod error;
mod meter;
mod operation;
mod options;
mod pace;
mod pipeline;
mod policy;
mod response;
#[cfg(feature = "webhook")]
mod response_body;
mod retry;
mod secret;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod trace_context;
mod transport;

pub use call::{Call, CallFuture, CallOptions, PageLinks, RawRequest, read};
pub use clock::{Clock, SystemClock, timeout};
pub use connection_string::ConnectionString;
#[cfg(feature = "azure-identity")]
pub use credential::AzureCredential;
pub use credential::{
    AccessToken, Authorize, BearerToken, HeaderKey, TokenCredential, TokenRequest, sensitive,
};
pub use dialect::Dialect;
pub use encode::{push_pair, push_segment};
pub use endpoint::Endpoint;
pub use environment::{Environment, Variable};
pub use error::{
    BoxError, Delivery, Error, ErrorDetail, ErrorKind, InnerError, MAX_ERROR_BODY_BYTES, Result, StopReason,
};
pub use meter::{
    AttributeValue, Attributes, CallInstruments, ErrorType, HTTP_REQUEST_DURATION, Instrument,
    InstrumentKind, LATENCY_BOUNDS, Meter, MeterHandle,
};
pub use operation::{DEFAULT_MAX_RESPONSE_BYTES, Operation};
pub use options::ClientOptions;
pub use pace::{NoSlot, RateLimiter};
pub use pipeline::{AfterUnknown, ClientStats, Pipeline};
pub use policy::{Next, Policy};
pub use response::Response;
#[cfg(feature = "webhook")]
pub use response_body::ResponseBody;
pub use retry::RetryOptions;
pub use secret::Secret;
pub use trace_context::TraceContext;
pub use transport::{Io, SendOptions, Transport, Upgrade, url_text};

/// The crates that the macros of this crate use.
#[doc(hidden)]
pub mod reexport {
    pub use {bytes, http, tracing};
}
