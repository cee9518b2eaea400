#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod builder;
#[cfg(feature = "client")]
pub mod client;
mod client_access;
mod close;
mod connection;
mod credential;
#[cfg(feature = "event-handler")]
pub mod event_handler;
mod exists;
mod explain;
pub mod filter;
mod group;
mod json;
mod jwt;
mod members;
mod membership;
mod message;
#[cfg(feature = "preview")]
mod metadata;
mod metrics;
mod names;
pub mod operations;
mod permission;
mod request;
mod role;
mod rules;
mod send;
mod service;
#[cfg(feature = "testing")]
pub mod testing;
mod user;

pub use builder::ServiceClientBuilder;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub use client::Client;
pub use client_access::{ClientAccess, ClientProtocol, CreateClientAccess};
pub use close::{CloseConnection, CloseConnections};
pub use connection::Connection;
pub use credential::Credential;
pub use exists::{CheckHealth, Exists};
pub use explain::{AudiencePart, Explanation, Finding, KeyMisuse, Unauthorized};
pub use filter::Filter;
pub use group::Group;
pub use members::{ConnectionPages, ListConnections, Member, MemberPage};
pub use membership::{ChangeMembership, ChangeMemberships, Connections};
pub use message::Message;
#[cfg(feature = "preview")]
#[cfg_attr(docsrs, doc(cfg(feature = "preview")))]
pub use metadata::Metadata;
pub use metrics::INSTRUMENTS;
pub use permission::{GrantPermission, HasPermission, Permission, RevokePermission};
pub use role::Role;
pub use send::{SendToAll, SendToConnection, SendToGroup, SendToUser};
pub use service::ServiceClient;
pub use user::User;

#[cfg(feature = "azure-identity")]
pub use service_core::AzureCredential;
pub use service_core::{
    AccessToken, AttributeValue, BoxError, CallFuture, ClientStats, Clock, Delivery, Error, ErrorDetail,
    ErrorKind, InnerError, Instrument, InstrumentKind, Io, Meter, Next, Operation, Policy, RawRequest,
    Response, Result, RetryOptions, Secret, SendOptions, StopReason, SystemClock, TokenCredential,
    TokenRequest, TraceContext, Transport, Upgrade,
};
/// The crates that define the types of requests and responses, for [`Policy`], [`Transport`], and
/// [`ServiceClient::request`].
pub use {bytes, http};
