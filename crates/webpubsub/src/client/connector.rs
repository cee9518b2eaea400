//! Opens the WebSockets of one client: fetches the address for a new connection and keeps it for recoveries.

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
    /// The address of the current connection, and the pipeline that leads to it.
    current: Mutex<Option<(Address, Pipeline)>>,
}

impl Connector {
    pub(super) fn new(access: Access, options: ClientOptions, protocol: Protocol) -> Self {
        Self { access, options, protocol, current: Mutex::default() }
    }

    /// Opens a new connection.
    pub(super) async fn connect(&self) -> Result<Socket> {
        let limit = self.options.attempt_timeout();
        let clock = self.options.clock();
        let address = timeout(&*clock, limit, self.access.address()).await.unwrap_or_else(|| {
            let text = format!("could not obtain a client access URL within {limit:?}");
            Err(Error::new(ErrorKind::Timeout, text).with_delivery(Delivery::NotSent))
        })?;
        let pipeline = self.pipeline(&address)?;
        let (url, token) = address.new_connection_url();
        socket::open(&pipeline, url, token, self.protocol).await
    }

    /// Recovers a dropped connection.
    pub(super) async fn recover(&self, connection: &Connected) -> Result<Socket> {
        let Some((address, pipeline)) = self.current() else {
            return Err(Error::new(
                ErrorKind::Transport,
                "could not recover the connection: none was established",
            ));
        };
        socket::open(&pipeline, address.recovery_url(connection), None, self.protocol).await
    }

    /// Returns the hub of the current connection.
    pub(super) fn hub(&self) -> Option<String> {
        self.current().and_then(|(address, _)| address.hub().map(str::to_owned))
    }

    fn current(&self) -> Option<(Address, Pipeline)> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the pipeline for this address, which may change from one connection to the next.
    fn pipeline(&self, address: &Address) -> Result<Pipeline> {
        let known = self.current().filter(|(current, _)| current.endpoint == address.endpoint);
        let pipeline = match known {
            Some((_, pipeline)) => pipeline,
            None => {
                self.options.clone().build(&DIALECT, address.endpoint.clone(), Arc::new(TokenInRequest))?
            }
        };
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) =
            Some((address.clone(), pipeline.clone()));
        Ok(pipeline)
    }
}

/// Adds no credentials: each request already contains its access token, which belongs to a connection, not to a client.
#[derive(Debug)]
struct TokenInRequest;

#[async_trait]
impl Authorize for TokenInRequest {
    async fn authorize(&self, _: &mut Request<Bytes>) -> Result<()> {
        Ok(())
    }
}
