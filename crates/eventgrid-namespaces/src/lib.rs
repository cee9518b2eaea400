#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod credential;
pub mod dead_letter;
mod event;
mod messaging;
mod metrics;
mod namespace;
pub mod operations;
mod processor;
mod publish;
#[cfg(feature = "push")]
pub mod push;
mod receive;
mod receiver;
mod response;
mod sas;
mod send_all;
mod sender;
mod settle;
mod split;
#[cfg(feature = "testing")]
pub mod testing;
mod token_hash;

pub use batch::{EventBatch, IntoBatch, NotAdded};
pub use credential::Credential;
pub use event::{CloudEvent, CloudEventBuilder, Data, ExtensionValue, InvalidEvent, Json};
pub use metrics::INSTRUMENTS;
pub use namespace::{NamespaceClient, NamespaceClientBuilder};
pub use processor::{
    Context, EventDelivery, Handler, IntoSettlement, Notice, Processor, ProcessorBuilder, ProcessorStats,
    Settlement,
};
pub use publish::{SendBatch, SendEvent};
pub use receive::{Receive, ReceivedEvent, UnreadableEvent};
pub use receiver::Receiver;
pub use sas::SasToken;
pub use send_all::{FailedEvents, IntoEvents, SendAll, SendAllResult};
pub use sender::Sender;
pub use settle::{
    Acknowledge, FailedToken, Interrupted, Reject, Release, ReleaseDelay, RenewLocks, SettleResult,
    TokenErrorCode,
};

#[cfg(feature = "azure-identity")]
pub use service_core::AzureCredential;
pub use service_core::{
    AccessToken, AttributeValue, BoxError, CallFuture, ClientStats, Clock, Delivery, Error, ErrorDetail,
    ErrorKind, InnerError, Instrument, InstrumentKind, Io, Meter, Next, Operation, Policy, RawRequest,
    Response, Result, RetryOptions, Secret, SendOptions, StopReason, SystemClock, TokenCredential,
    TokenRequest, TraceContext, Transport, Upgrade,
};
/// Re-exports the crates whose request and response types appear in [`Policy`], [`Transport`] and `request`.
pub use {bytes, http};
