//! Makes the WebSockets of one client: asks for the address where a new connection is wanted, keeps it for recoveries.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use service_core::{Authorize, ClientOptions, Delivery, Error, ErrorKind, Pipeline, Result, timeout};

use super::access::{Access, Address};
use super::codec::Protocol;
use super::frame::Connected;
use super::socket::{self, Socket};
use crate::builder::DIALECT;

pub(super) struct Connector {
    access: Access,
    options: ClientOptions,
    protocol: Protocol,
    /// Where the current connection is, and what leads there.
    current: Mutex<Option<(Address, Pipeline)>>,
}

impl Connector {
    pub(super) fn new(access: Access, options: ClientOptions, protocol: Protocol) -> Self {
        Self { access, options, protocol, current: Mutex::default() }
    }

    /// A connection that the service does not know yet.
    pub(super) async fn connect(&self) -> Result<Socket> {
        let limit = self.options.attempt_timeout();
        let clock = self.options.clock();
        let address = timeout(&*clock, limit, self.access.address()).await.unwrap_or_else(|| {
            let text = format!("no client access URL could be had within {limit:?}");
            Err(Error::new(ErrorKind::Timeout, text).with_delivery(Delivery::NotSent))
        })?;
        let pipeline = self.pipeline(&address)?;
        let (url, token) = address.of_new();
        socket::open(&pipeline, url, token, self.protocol).await
    }

    /// The connection that was lost.
    pub(super) async fn recover(&self, connection: &Connected) -> Result<Socket> {
        let Some((address, pipeline)) = self.current() else {
            return Err(Error::new(ErrorKind::Transport, "there is no connection to recover"));
        };
        socket::open(&pipeline, address.of_recovery(connection), None, self.protocol).await
    }

    fn current(&self) -> Option<(Address, Pipeline)> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The one that leads to this address. The service may send a client elsewhere from one connection to the next.
    fn pipeline(&self, address: &Address) -> Result<Pipeline> {
        let known = self.current().filter(|(current, _)| current.endpoint == address.endpoint);
        let pipeline = match known {
            Some((_, pipeline)) => pipeline,
            None => self.options.clone().build(&DIALECT, address.endpoint.clone(), Arc::new(InTheRequest))?,
        };
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((address.clone(), pipeline.clone()));
        Ok(pipeline)
    }
}

/// The access token is put into each request by itself: it belongs to a connection, not to a client.
#[derive(Debug)]
struct InTheRequest;

#[async_trait]
impl Authorize for InTheRequest {
    async fn authorize(&self, _: &mut Request<Bytes>) -> Result<()> {
        Ok(())
    }
}
