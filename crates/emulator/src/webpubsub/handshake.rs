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
use super::group_state::GroupStates;
use super::member::{Groups, Member};
use super::membership::Membership;
use super::outbox::{outbox, roomy_outbox};
use super::roles::Roles;
use super::socket::{self, Session};
use super::streams::Streams;
use super::token::{Claims, claim_values, client_token};
use super::unacknowledged::{AckIds, Unacknowledged};
use super::upstream::{ConnectRequest, Decision, Link};
use super::{Inner, errors, names};
use crate::faults::sockets::SocketFaults;
use crate::message::{Content, Request, Response, Upgrade, host};

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
    let mode = simple_mode(request)?;
    let protocol =
        known(&offered).unwrap_or_else(|| Protocol::Simple { mode: mode.clone(), subprotocol: None });
    if let Some(connection) = request.query("awps_connection_id") {
        let (protocol, upgrade) = recover(service, request, hub, protocol, connection);
        return Ok(switching(key, &protocol, &offered, upgrade));
    }
    let claims = claims(service, request, hub).map_err(errors::unauthorized)?;
    let client = Client::new(&claims, protocol)?;
    let connection = names::new_connection();
    let link = Link::new(&service.upstream, &origin(service, request), hub, &connection);
    let connect_request = ConnectRequest::new(request, claim_values(request), &offered);
    let decision = link.connect(client.user.as_deref(), &connect_request, &offered).await?;
    let client = client.changed(decision, mode);
    let protocol = client.protocol.clone();
    Ok(switching(key, &protocol, &offered, enter(service, hub, connection, client, link)))
}

/// The host by which the client found the service, as event handlers are given it.
fn origin(service: &Inner, request: &Request) -> String {
    let authority = if request.host.is_empty() { service.endpoint.authority() } else { &request.host };
    let host = host(authority).to_ascii_lowercase();
    if host.contains(':') { format!("[{host}]") } else { host }
}

/// The claims of the client's token. Without a token, there are none, if the hub allows that.
fn claims(service: &Inner, request: &Request, hub: &str) -> Result<Claims, &'static str> {
    if client_token(request).is_none() && service.anonymous.allow(hub) {
        return Ok(Claims::default());
    }
    service.keys.check_client_token(request, hub, service.endpoint.authority(), service.clock.now())
}

/// The 101 response. Clients compare the selected subprotocol with what they offered, so it is spelled as offered.
fn switching(key: &str, protocol: &Protocol, offered: &[String], upgrade: Upgrade) -> Response {
    let mut response = Response::new(Content::Upgrade(upgrade));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(name) = protocol.name().and_then(|name| HeaderValue::from_str(spelling(name, offered)).ok()) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, name);
    }
    response
}

fn spelling<'a>(name: &'a str, offered: &'a [String]) -> &'a str {
    let same = |other: &&String| other.eq_ignore_ascii_case(name);
    let exact = offered.iter().find(|other| *other == name);
    exact.or_else(|| offered.iter().find(same)).map_or(name, String::as_str)
}

/// Recovers a connection, which needs no access token and continues with its own subprotocol. A failed recovery is
/// reported in a close frame.
fn recover(
    service: &Inner,
    request: &Request,
    hub: &str,
    offered: Protocol,
    connection: &str,
) -> (Protocol, Upgrade) {
    let (clock, now) = (service.clock.clone(), service.clock.now());
    let (outbox, pending) = roomy_outbox(clock.clone());
    let token = request.query("awps_reconnection_token").unwrap_or("");
    let recovered = service.keys.is_reconnection_token(token, hub, connection, now).then(|| {
        let faults = SocketFaults::open(&service.faults, hub, connection);
        let token = service.keys.reconnection_token(hub, connection, now);
        let (membership, identity) = Membership::recover(&service.hubs, hub, connection, &token, &outbox)?;
        if faults.rejects_recovery() {
            membership.end();
            return None;
        }
        Some((membership, identity, faults))
    });
    match recovered.flatten() {
        Some((membership, identity, faults)) => {
            let protocol = identity.protocol.clone();
            let session = Session { identity, membership, outbox, pending, faults, clock };
            let note = format!("recovers {connection}");
            (protocol, Upgrade::new(note, move |stream| socket::run(stream, session)))
        }
        None => {
            let note = format!("cannot recover {connection}");
            (offered, Upgrade::new(note, move |stream| socket::reject_recovery(stream, clock)))
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
    fn new(claims: &Claims, protocol: Protocol) -> Result<Self, Rejection> {
        let groups = claims.groups.as_slice();
        if !groups.iter().all(|group| names::is_group(group)) {
            return Err(errors::invalid("webpubsub.group", errors::GROUP_NAME));
        }
        Ok(Self {
            user: claims.user(),
            roles: Roles::read(claims.role.as_slice()),
            groups: groups.iter().map(String::as_str).collect(),
            protocol,
        })
    }

    /// The handler's values replace those of the token.
    fn changed(self, decision: Decision, mode: SimpleMode) -> Self {
        let Decision { user, groups, roles, subprotocol } = decision;
        let chosen = |name: String| {
            Protocol::named(&name).unwrap_or(Protocol::Simple { mode, subprotocol: Some(name) })
        };
        Self {
            user: user.map_or(self.user, |user| Some(user).filter(|user| !user.is_empty())),
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
        states: GroupStates::default(),
        streams: Streams::default(),
    };
    let who = user.as_ref().map_or_else(String::new, |user| format!(", user {user}"));
    let note = format!("connection {connection}{who}");
    let membership = Membership::enter(&service.hubs, hub, connection, member, &outbox);
    let identity = Identity { user, protocol };
    let session = Session { identity, membership, outbox, pending, faults, clock };
    Upgrade::new(note, move |stream| socket::run(stream, session))
}

fn hub(request: &Request) -> Result<&str, Rejection> {
    match request.path().as_slice() {
        ["client", "hubs", _] => Ok(request.segments.get(2).map_or("", String::as_str)),
        ["client"] | ["client", ""] => request
            .last_query("hub")
            .ok_or_else(|| errors::invalid("hub", "The hub is missing in path and query.")),
        _ => {
            let message = "No client endpoint has this path.";
            Err(errors::error(StatusCode::NOT_FOUND, "Error.NotFound", message, "Path"))
        }
    }
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

/// The subprotocols that the client offers, in order. Empty elements of the list are ignored (RFC 9110, section 5.6.1).
fn offered(request: &Request) -> Vec<String> {
    let values =
        request.headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(',')).map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The first supported protocol. An event handler may select another one, or a custom one. If none is supported, the
/// client is a simple one.
fn known(offered: &[String]) -> Option<Protocol> {
    offered.iter().find_map(|name| Protocol::named(name))
}

/// Reads the parameters of a simple client, whose names and values are case-insensitive. They are also checked for
/// clients that turn out not to be simple.
fn simple_mode(request: &Request) -> Result<SimpleMode, Rejection> {
    let mode = request.last_query("webpubsub_mode").unwrap_or("");
    if mode.is_empty() || mode.eq_ignore_ascii_case("sendEvent") {
        return Ok(SimpleMode::SendEvent);
    }
    if !mode.eq_ignore_ascii_case("sendToGroup") {
        return Err(errors::invalid("webpubsub_mode", &format!("The value '{mode}' is not valid.")));
    }
    let group = request.last_query("group").filter(|group| names::is_group(group));
    let group = group.ok_or_else(|| errors::invalid("group", errors::GROUP_NAME))?.to_owned();
    let no_echo = match request.last_query("noEcho").unwrap_or("") {
        "" => false,
        value if value.eq_ignore_ascii_case("false") => false,
        value if value.eq_ignore_ascii_case("true") => true,
        value => return Err(errors::invalid("noEcho", &format!("The value '{value}' is not valid."))),
    };
    Ok(SimpleMode::SendToGroup { group, no_echo })
}
