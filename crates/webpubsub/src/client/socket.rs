//! One WebSocket: the opening handshake over the client's transport (RFC 6455, section 4), and its stream.

use http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use service_core::{Delivery, Error, ErrorKind, Io, Pipeline, Result, Secret, sensitive};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::codec::Protocol;

pub(super) type Socket = WebSocketStream<Box<dyn Io>>;

/// What one read takes at most. tungstenite's own choice, 128 KiB, would be most of an idle client.
const READ_BUFFER: usize = 16 * 1024;
/// The service keeps 16 MB for a client, so that no message is larger. A lower bound would refuse one message again after
/// each recovery.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Opens a WebSocket with this subprotocol.
pub(super) async fn open(
    pipeline: &Pipeline,
    url: String,
    token: Option<&Secret>,
    protocol: Protocol,
) -> Result<Socket> {
    let key = generate_key();
    let opened = pipeline.upgrade(request(url, token, protocol, &key)?).await;
    let (head, stream) = opened.map_err(|error| error.with_operation("connect"))?;
    check(head.headers(), protocol, &key)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(MAX_BYTES))
        .max_frame_size(Some(MAX_BYTES));
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await)
}

fn request(url: String, token: Option<&Secret>, protocol: Protocol, key: &str) -> Result<Request<()>> {
    let mut request = Request::new(());
    // The parser's error is left out, since the URL may hold a secret.
    *request.uri_mut() =
        Uri::try_from(url).map_err(|_| Error::invalid_input("client access URL", "is not a URL", None))?;
    let headers = request.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(SEC_WEBSOCKET_KEY, sensitive(key)?);
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol.name()));
    if let Some(token) = token {
        headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {}", token.expose()))?);
    }
    Ok(request)
}

/// Whether the other side speaks WebSocket and the subprotocol asked for.
fn check(headers: &HeaderMap, protocol: Protocol, key: &str) -> Result<()> {
    let answered = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let refuse = |text: String| Err(Error::new(ErrorKind::Decode, text).with_delivery(Delivery::Responded));
    if answered(SEC_WEBSOCKET_ACCEPT) != Some(derive_accept_key(key.as_bytes()).as_str()) {
        return refuse("the other side does not speak WebSocket".to_owned());
    }
    match answered(SEC_WEBSOCKET_PROTOCOL) {
        Some(name) if name == protocol.name() => Ok(()),
        _ => refuse(format!("the service does not speak the subprotocol {} here", protocol.name())),
    }
}
