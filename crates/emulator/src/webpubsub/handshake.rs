//! The opening of a WebSocket: checks the request, the token and the protocol asked for, and enters the hub.

use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderValue, Method, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::connection::{Identity, JSON, Protocol, RELIABLE_JSON, SimpleMode};
use super::errors::Refusal;
use super::frame::Told;
use super::member::Member;
use super::membership::Membership;
use super::outbox::{outbox, roomy_outbox};
use super::roles::Roles;
use super::socket::{self, Session};
use super::token::{Claims, reconnection_token};
use super::unacknowledged::{AckIds, Unacknowledged};
use super::{Inner, errors, names};
use crate::faults::SocketFaults;
use crate::server::{Answer, Reply, Request, Upgrade};

const LATER: [&str; 2] = ["protobuf.webpubsub.azure.v1", "protobuf.reliable.webpubsub.azure.v1"];

/// Answers a request below `/client`.
pub(super) fn answer(service: &Inner, request: &Request) -> Answer {
    try_answer(service, request).unwrap_or_else(|refusal| Answer::Reply(*refusal))
}

fn try_answer(service: &Inner, request: &Request) -> Result<Answer, Refusal> {
    let hub = hub(request)?;
    let key = check_upgrade(request)?;
    if !names::is_hub(hub) {
        return Err(errors::invalid("hub", "The hub name is invalid."));
    }
    let protocol = protocol(request)?;
    let upgrade = match recovery(request, &protocol) {
        Some((connection, token)) => recover(service, hub, &protocol, connection, token),
        None => {
            let claims = service.keys.check_client_token(request, hub, service.clock.now());
            enter(service, hub, protocol.clone(), &claims.map_err(errors::unauthorized)?)
        }
    };
    Ok(Answer::Upgrade(switching(key, &protocol), upgrade))
}

/// The answer 101.
fn switching(key: &str, protocol: &Protocol) -> Reply {
    let mut reply = errors::bare(StatusCode::SWITCHING_PROTOCOLS);
    let headers = reply.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(name) = protocol.name() {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(name));
    }
    reply
}

/// The connection to go on with and the token for it, when the client asks for that.
fn recovery<'a>(request: &'a Request, protocol: &Protocol) -> Option<(&'a str, &'a str)> {
    let (connection, token) = (request.query("awps_connection_id"), request.query("awps_reconnection_token"));
    let asked = protocol.is_reliable() && (connection.is_some() || token.is_some());
    asked.then(|| (connection.unwrap_or(""), token.unwrap_or("")))
}

/// Goes on with a connection, for which no access token is needed. That it cannot be is told by a close frame.
fn recover(service: &Inner, hub: &str, protocol: &Protocol, connection: &str, token: &str) -> Upgrade {
    let (clock, now) = (service.clock.clone(), service.clock.now());
    let (outbox, pending) = roomy_outbox(clock.clone());
    let recovered = service.keys.is_reconnection_token(token, hub, connection, now).then(|| {
        let faults = SocketFaults::open(&service.faults, hub, connection);
        let token = reconnection_token(hub, connection, now);
        let (membership, identity) =
            Membership::recover(&service.hubs, hub, connection, protocol, &token, &outbox)?;
        // What is refused here is taken out of the hub, and told to nobody else.
        (!faults.refuses_recovery()).then_some((membership, identity, faults))
    });
    match recovered.flatten() {
        Some((membership, identity, faults)) => {
            let session = Session { identity, membership, outbox, pending, faults, clock };
            Upgrade::new(move |stream| socket::run(stream, session))
        }
        None => Upgrade::new(move |stream| socket::refuse(stream, clock)),
    }
}

/// Enters the hub before the answer is sent: whoever sees the answer can be reached.
fn enter(service: &Inner, hub: &str, protocol: Protocol, claims: &Claims) -> Upgrade {
    let (clock, connection) = (service.clock.clone(), names::new_connection());
    let identity = Identity { user: claims.user(), protocol };
    let reliable = identity.protocol.is_reliable();
    let (outbox, pending) = if reliable { roomy_outbox(clock.clone()) } else { outbox(clock.clone()) };
    let token = reliable.then(|| reconnection_token(hub, &connection, clock.now()));
    let (user, reconnection) = (identity.user.as_deref(), token.as_deref());
    let told = Told::Connected { connection: &connection, user, reconnection };
    identity.protocol.tell(&told).map(|frame| outbox.push(frame));
    let faults = SocketFaults::open(&service.faults, hub, &connection);
    let groups = claims.groups.as_slice().iter().map(String::as_str);
    let member = Member {
        user: identity.user.clone(),
        groups: groups.filter(|group| names::is_group(group)).collect(),
        roles: Roles::read(claims.role.as_slice()),
        protocol: identity.protocol.clone(),
        outbox: Some(outbox.clone()),
        acknowledged: AckIds::default(),
        unacknowledged: reliable.then(Unacknowledged::default),
        lost_until: None,
    };
    let membership = Membership::enter(&service.hubs, hub, connection, member, &outbox);
    let session = Session { identity, membership, outbox, pending, faults, clock };
    Upgrade::new(move |stream| socket::run(stream, session))
}

fn hub(request: &Request) -> Result<&str, Refusal> {
    let hub = match request.path().as_slice() {
        ["client", "hubs", _] => request.segments.get(2).map(String::as_str),
        ["client"] | ["client", ""] => request.query("hub"),
        _ => None,
    };
    hub.ok_or_else(|| {
        errors::error(StatusCode::NOT_FOUND, "Error.NotFound", "No client endpoint has this path.", "Path")
    })
}

/// The client's key, when the request is a WebSocket opening (RFC 6455, section 4.2.1).
fn check_upgrade(request: &Request) -> Result<&str, Refusal> {
    let names = |header, word: &str| {
        request
            .header(header)
            .is_some_and(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let opening =
        request.method == Method::GET && names(UPGRADE, "websocket") && names(CONNECTION, "upgrade");
    if !opening || request.header(SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(errors::invalid("Upgrade", "The request is no WebSocket opening of version 13."));
    }
    request
        .header(SEC_WEBSOCKET_KEY)
        .ok_or_else(|| errors::invalid("Sec-WebSocket-Key", "The key is missing."))
}

/// One known protocol is chosen; a custom one, or one of several, only an event handler could choose, so that the
/// client is a simple one.
fn protocol(request: &Request) -> Result<Protocol, Refusal> {
    let asked: Vec<&str> = request
        .headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        .collect();
    match asked.as_slice() {
        [JSON] => Ok(Protocol::Json),
        [RELIABLE_JSON] => Ok(Protocol::ReliableJson),
        [name] if LATER.contains(name) => {
            let message = format!("This emulator does not speak the subprotocol '{name}'.");
            Err(errors::invalid("Sec-WebSocket-Protocol", &message))
        }
        _ => Ok(Protocol::Simple { mode: simple_mode(request)? }),
    }
}

fn simple_mode(request: &Request) -> Result<SimpleMode, Refusal> {
    match request.query("webpubsub_mode") {
        None | Some("sendEvent") => Ok(SimpleMode::SendEvent),
        Some("sendToGroup") => match request.query("group").filter(|group| names::is_group(group)) {
            Some(group) => Ok(SimpleMode::SendToGroup(group.to_owned())),
            None => Err(errors::invalid("group", errors::GROUP_NAME)),
        },
        Some(mode) => Err(errors::invalid("webpubsub_mode", &format!("The value '{mode}' is not valid."))),
    }
}
