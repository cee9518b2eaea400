#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod credential;
mod namespace;
pub mod operations;
mod receiver;
mod settle;

pub use credential::Credential;
pub use receiver::{Receiver, ReceiverBuilder};
pub use settle::{FailedToken, Reject, SettleResult, TokenErrorCode};

#[cfg(feature = "azure-identity")]
pub use service_core::AzureCredential;
pub use service_core::{
    AccessToken, BoxError, Clock, Delivery, Error, ErrorDetail, ErrorKind, InnerError, Next, Policy,
    RawRequest, Response, Result, RetryOptions, Secret, StopReason, TokenCredential, Transport, Upgrade,
};
