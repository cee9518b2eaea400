//! The single port: accepts connections, reads requests, and writes the responses of the services.

mod accept;
mod connection;
mod content;
mod io;
mod limit;
mod log;
mod shared;
mod tls;

pub(crate) use accept::Running;
pub(crate) use limit::max_connections;
pub(crate) use log::Log;
pub use log::Received;
pub(crate) use shared::{Handle, Shared};
pub(crate) use tls::Tls;
