//! A small service crate: the builder of an operation and the builder of a client, each with the macros' setters.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "the macros implement public setters, more than these tests use"
)]

use std::sync::Arc;

use bytes::Bytes;

use super::DIALECT;
use crate::{Authorize, Call, ClientOptions, Endpoint, Pipeline, Result};

/// A builder as service crates have them.
#[must_use]
pub(super) struct Rooms {
    pub(super) call: Call<Bytes>,
}

crate::call_setters!(Rooms => Bytes);

impl Rooms {
    pub(super) fn reason(mut self, reason: &str) -> Self {
        self.call.query("reason", reason);
        self
    }
}

/// A client as service crates have them.
pub(super) struct Client {
    pub(super) options: ClientOptions,
}

crate::client_setters!(Client);

impl Client {
    pub(super) fn new() -> Self {
        let mut options = ClientOptions::default();
        options.set_seed(7);
        Self { options }
    }

    pub(super) fn build(self, endpoint: &str, credential: impl Authorize) -> Result<Pipeline> {
        self.options.build(&DIALECT, Endpoint::parse(endpoint)?, Arc::new(credential))
    }
}
