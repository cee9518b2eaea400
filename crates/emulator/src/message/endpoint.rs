//! The endpoint of the server: its address, and whether it uses TLS.

use std::net::SocketAddr;

/// An address and its scheme.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) secure: bool,
}

impl Endpoint {
    /// `http://ADDRESS:PORT`, or with `https`.
    pub(crate) fn http(self) -> String {
        format!("{}://{}", http_scheme(self.secure), self.address)
    }

    /// `ws://ADDRESS:PORT`, or with `wss`.
    pub(crate) fn ws(self) -> String {
        format!("{}://{}", if self.secure { "wss" } else { "ws" }, self.address)
    }
}

pub(super) fn http_scheme(secure: bool) -> &'static str {
    if secure { "https" } else { "http" }
}
