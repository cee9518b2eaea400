//! Connecting as a WebSocket client, which several commands do.

use clap::ValueEnum;
use webpubsub::client::{Access, Protocol, Reconnect};
use webpubsub::{Client, Role, ServiceClient};

use super::Hub;
use crate::failure::{Failure, Result};
use crate::interrupt::Interrupt;
use crate::settings;

/// The subprotocols of the WebSocket client.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Subprotocol {
    Json,
    JsonReliable,
    Protobuf,
    ProtobufReliable,
}

impl From<Subprotocol> for Protocol {
    fn from(subprotocol: Subprotocol) -> Self {
        match subprotocol {
            Subprotocol::Json => Self::Json,
            Subprotocol::JsonReliable => Self::JsonReliable,
            Subprotocol::Protobuf => Self::Protobuf,
            Subprotocol::ProtobufReliable => Self::ProtobufReliable,
        }
    }
}

/// Who connects, and how.
pub(super) struct Connect<'a> {
    pub(super) hub: &'a Hub,
    pub(super) user: Option<&'a str>,
    pub(super) roles: Vec<Role>,
    pub(super) subprotocol: Subprotocol,
    pub(super) reconnect: Reconnect,
}

impl Connect<'_> {
    /// Connects. An interruption is a failure.
    pub(super) async fn connect(self, interrupt: &Interrupt) -> Result<Client> {
        let service = self.hub.client()?;
        // Plain http to another machine needs the permission of the environment, which the service client has checked.
        let insecure = service.endpoint().starts_with("http://");
        let access = access(service, self.user.map(str::to_owned), self.roles);
        let mut builder = Client::builder(access).protocol(self.subprotocol.into()).app_id("hubgrid");
        builder = builder.reconnect(self.reconnect);
        if insecure {
            builder = builder.allow_insecure_http();
        }
        if let Some(certificate) = &settings::get().root_certificate {
            builder = builder.root_certificate(certificate.clone());
        }
        match interrupt.or(builder.connect()).await {
            Some(client) => Ok(client?),
            None => Err(Failure::Interrupted(None)),
        }
    }
}

/// Returns the access, which is created again for each connection, so that an expired token prevents no reconnection.
fn access(service: ServiceClient, user: Option<String>, roles: Vec<Role>) -> Access {
    Access::from_fn(move || {
        let mut access = service.client_access().roles(roles.clone());
        if let Some(user) = &user {
            access = access.user(user.as_str());
        }
        async move { access.await }
    })
}
