//! The messages between the server and the services: requests, responses, and the names and addresses in them. They are
//! separate from the server, because faults, the journal, and every service use them as well.

mod endpoint;
mod json;
mod request;
mod response;
mod service;

pub(crate) use endpoint::{Endpoint, host};
pub(crate) use json::{json_from_slice, json_from_str};
pub(crate) use request::Request;
pub(crate) use response::{Content, Cut, Live, Response, Upgrade, Upgraded, cut, plain_error, reset};
pub use service::Service;
