#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod close;
mod connection;
mod credential;
mod group;
mod jwt;
mod names;
pub mod operations;
mod service;
mod user;

pub use close::CloseConnections;
pub use connection::{CloseConnection, Connection};
pub use credential::Credential;
pub use group::Group;
pub use service::{ServiceClient, ServiceClientBuilder};
pub use user::User;

#[cfg(feature = "azure-identity")]
pub use service_core::AzureCredential;
pub use service_core::{
    AccessToken, BoxError, Clock, Delivery, Error, ErrorDetail, ErrorKind, InnerError, Next, Policy,
    RawRequest, Response, Result, RetryOptions, Secret, StopReason, TokenCredential, Transport, Upgrade,
};
