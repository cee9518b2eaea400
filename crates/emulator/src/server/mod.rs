//! The one port: reads requests, hands them to the service that they name, writes answers.

mod request;

pub(crate) use request::{Reply, Request};
