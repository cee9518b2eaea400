#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod agents;
pub mod operations;
mod site;

pub use agents::{Agent, AgentStatusPage, Agents, Direction, DisconnectAgent, ListAgentStatus};
pub use site::{SiteClient, SiteClientBuilder};

pub use service_core::{
    BoxError, Clock, Delivery, Error, ErrorDetail, ErrorKind, InnerError, Next, Policy, RawRequest, Response,
    Result, RetryOptions, Secret, StopReason, Transport, Upgrade,
};
