#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod credential;
mod event;
mod namespace;
pub mod operations;
mod receiver;
mod settle;

pub use credential::Credential;
pub use event::{CloudEvent, CloudEventBuilder, Data, ExtensionValue, InvalidEvent, Json};
pub use receiver::{Receiver, ReceiverBuilder};
pub use settle::{FailedToken, Reject, SettleResult, TokenErrorCode};

#[cfg(feature = "azure-identity")]
pub use service_core::AzureCredential;
pub use service_core::{
    AccessToken, BoxError, Clock, Delivery, Error, ErrorDetail, ErrorKind, InnerError, Next, Policy,
    RawRequest, Response, Result, RetryOptions, Secret, StopReason, TokenCredential, Transport, Upgrade,
};
