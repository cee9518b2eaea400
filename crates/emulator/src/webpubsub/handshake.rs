//! The opening handshake of a WebSocket: validates the request, token, and subprotocol, and adds the client to its hub.

use std::sync::Arc;

use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderValue, Method, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::connection::{Identity, Protocol, SimpleMode};
use super::errors::Rejection;
use super::frame::ServerFrame;
use super::member::{Groups, Member};
use super::membership::Membership;
use super::outbox::{outbox, roomy_outbox};
use super::roles::Roles;
use super::socket::{self, Session};
use super::token::{Claims, claim_values};
use super::unacknowledged::{AckIds, Unacknowledged};
use super::upstream::{ConnectRequest, Decision, Link};
use super::{Inner, errors, names};
use crate::faults::sockets::SocketFaults;
use crate::message::{Content, Request, Response, Upgrade};

/// Responds to a request below `/client`.
pub(super) async fn respond(service: &Inner, request: &Request) -> Response {
    try_respond(service, request).await.unwrap_or_else(|rejection| *rejection)
}

async fn try_respond(service: &Inner, request: &Request) -> Result<Response, Rejection> {
    let hub = hub(request)?;
    let key = check_upgrade(request)?;
    if !names::is_hub(hub) {
        return Err(errors::invalid("hub", "The hub name is invalid."));
    }
    let offered = offered(request);
    let known = known(&offered);
    let mode = if known.is_some() { SimpleMode::SendEvent } else { simple_mode(request)? };
    let protocol = known.unwrap_or(Protocol::Simple { mode: mode.clone(), subprotocol: None });
    if let Some((connection, token)) = recovery(request, &protocol) {
        let upgrade = recover(service, hub, &protocol, connection, token);
        return Ok(switching(key, &protocol, upgrade));
    }
    let claims = service.keys.check_client_token(request, hub, service.clock.now());
    let client = Client::new(&claims.map_err(errors::unauthorized)?, protocol);
    let connection = names::new_connection();
    let link = Link::new(&service.upstream, hub, &connection);
    let connect_request = ConnectRequest::new(request, claim_values(request), &offered);
    let decision = link.connect(client.user.as_deref(), &connect_request, &offered).await?;
    let client = client.changed(decision, mode);
    let protocol = client.protocol.clone();
    Ok(switching(key, &protocol, enter(service, hub, connection, client, link)))
}

/// The 101 response.
fn switching(key: &str, protocol: &Protocol, upgrade: Upgrade) -> Response {
    let mut response = Response::new(Content::Upgrade(upgrade));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(name) = protocol.name().and_then(|name| HeaderValue::from_str(name).ok()) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, name);
    }
    response
}

/// The connection to recover and its token, if the client requests that.
fn recovery<'a>(request: &'a Request, protocol: &Protocol) -> Option<(&'a str, &'a str)> {
    let (connection, token) = (request.query("awps_connection_id"), request.query("awps_reconnection_token"));
    let asked = protocol.is_reliable() && (connection.is_some() || token.is_some());
    asked.then(|| (connection.unwrap_or(""), token.unwrap_or("")))
}

/// Recovers a connection, which needs no access token. A failed recovery is reported in a close frame.
fn recover(service: &Inner, hub: &str, protocol: &Protocol, connection: &str, token: &str) -> Upgrade {
    let (clock, now) = (service.clock.clone(), service.clock.now());
    let (outbox, pending) = roomy_outbox(clock.clone());
    let recovered = service.keys.is_reconnection_token(token, hub, connection, now).then(|| {
        let faults = SocketFaults::open(&service.faults, hub, connection);
        let token = service.keys.reconnection_token(hub, connection, now);
        let (membership, identity) =
            Membership::recover(&service.hubs, hub, connection, protocol, &token, &outbox)?;
        if faults.rejects_recovery() {
            membership.end();
            return None;
        }
        Some((membership, identity, faults))
    });
    match recovered.flatten() {
        Some((membership, identity, faults)) => {
            let session = Session { identity, membership, outbox, pending, faults, clock };
            Upgrade::new(format!("recovers {connection}"), move |stream| socket::run(stream, session))
        }
        None => {
            let note = format!("cannot recover {connection}");
            Upgrade::new(note, move |stream| socket::reject_recovery(stream, clock))
        }
    }
}

/// A client as its token describes it, and then as its event handler decides.
struct Client {
    user: Option<String>,
    roles: Roles,
    groups: Groups,
    protocol: Protocol,
}

impl Client {
    fn new(claims: &Claims, protocol: Protocol) -> Self {
        let groups = claims.groups.as_slice().iter().map(String::as_str);
        Self {
            user: claims.user(),
            roles: Roles::read(claims.role.as_slice()),
            groups: groups.filter(|group| names::is_group(group)).collect(),
            protocol,
        }
    }

    /// The handler's values replace those of the token.
    fn changed(self, decision: Decision, mode: SimpleMode) -> Self {
        let Decision { user, groups, roles, subprotocol } = decision;
        let chosen = |name: String| {
            Protocol::named(&name).unwrap_or(Protocol::Simple { mode, subprotocol: Some(name) })
        };
        Self {
            user: user.or(self.user),
            roles: roles.map_or(self.roles, |roles| Roles::read(&roles)),
            groups: groups.map_or(self.groups, |groups| groups.iter().map(String::as_str).collect()),
            protocol: subprotocol.map_or(self.protocol, chosen),
        }
    }
}

/// Enters the hub before the response is sent, so that a client that has received it can be reached.
fn enter(service: &Inner, hub: &str, connection: String, client: Client, link: Arc<Link>) -> Upgrade {
    let Client { user, roles, groups, protocol } = client;
    let (clock, reliable) = (service.clock.clone(), protocol.is_reliable());
    let (outbox, pending) = if reliable { roomy_outbox(clock.clone()) } else { outbox(clock.clone()) };
    link.identify(user.as_deref(), protocol.name());
    let token = reliable.then(|| service.keys.reconnection_token(hub, &connection, clock.now()));
    let (name, reconnection) = (user.as_deref(), token.as_deref());
    let frame = ServerFrame::Connected { connection: &connection, user: name, reconnection };
    outbox.push_all(protocol.encode(&frame));
    let faults = SocketFaults::open(&service.faults, hub, &connection);
    let member = Member {
        user: user.clone(),
        groups,
        roles,
        protocol: protocol.clone(),
        outbox: Some(outbox.clone()),
        acknowledged: AckIds::default(),
        unacknowledged: reliable.then(Unacknowledged::default),
        link,
        lost_until: None,
    };
    let who = user.as_ref().map_or_else(String::new, |user| format!(", user {user}"));
    let note = format!("connection {connection}{who}");
    let membership = Membership::enter(&service.hubs, hub, connection, member, &outbox);
    let identity = Identity { user, protocol };
    let session = Session { identity, membership, outbox, pending, faults, clock };
    Upgrade::new(note, move |stream| socket::run(stream, session))
}

fn hub(request: &Request) -> Result<&str, Rejection> {
    let hub = match request.path().as_slice() {
        ["client", "hubs", _] => request.segments.get(2).map(String::as_str),
        ["client"] | ["client", ""] => request.query("hub"),
        _ => None,
    };
    hub.ok_or_else(|| {
        errors::error(StatusCode::NOT_FOUND, "Error.NotFound", "No client endpoint has this path.", "Path")
    })
}

/// The client's key, if the request is a WebSocket handshake (RFC 6455, section 4.2.1).
fn check_upgrade(request: &Request) -> Result<&str, Rejection> {
    let names = |header, word: &str| {
        request
            .header(header)
            .is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let opening =
        request.method == Method::GET && names(UPGRADE, "websocket") && names(CONNECTION, "upgrade");
    if !opening || request.header(SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(errors::invalid("Upgrade", "The request is not a WebSocket handshake of version 13."));
    }
    request
        .header(SEC_WEBSOCKET_KEY)
        .ok_or_else(|| errors::invalid("Sec-WebSocket-Key", "The key is missing."))
}

/// The subprotocols that the client offers, in order.
fn offered(request: &Request) -> Vec<String> {
    let values =
        request.headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',').map(|name| name.trim().to_owned())).collect()
}

/// Selects a single known protocol. Only an event handler selects a custom one, or one of several; until then, the
/// client is a simple one.
fn known(offered: &[String]) -> Option<Protocol> {
    match offered {
        [name] => Protocol::named(name),
        _ => None,
    }
}

fn simple_mode(request: &Request) -> Result<SimpleMode, Rejection> {
    match request.query("webpubsub_mode") {
        None | Some("sendEvent") => Ok(SimpleMode::SendEvent),
        Some("sendToGroup") => match request.query("group").filter(|group| names::is_group(group)) {
            Some(group) => Ok(SimpleMode::SendToGroup(group.to_owned())),
            None => Err(errors::invalid("group", errors::GROUP_NAME)),
        },
        Some(mode) => Err(errors::invalid("webpubsub_mode", &format!("The value '{mode}' is not valid."))),
    }
}
