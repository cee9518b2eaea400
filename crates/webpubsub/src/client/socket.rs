//! One WebSocket: the opening handshake over the client's transport (RFC 6455, section 4), and its stream.

use futures_util::SinkExt;
use http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use service_core::{Delivery, Error, ErrorKind, Pipeline, Result, Secret, sensitive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use super::codec::Protocol;
use super::read_ahead::ReadAhead;

pub(super) type Socket = WebSocketStream<ReadAhead>;

/// The buffer of an idle client. tungstenite's default, 128 KiB, would dominate its memory.
const READ_BUFFER: usize = 2 * 1024;
/// The service stores 16 MB for a client, so no message is larger. With a lower bound, a large message would fail again after
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
    check_response(head.headers(), protocol, &key).map_err(|error| error.with_operation("connect"))?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(MAX_BYTES))
        .max_frame_size(Some(MAX_BYTES));
    Ok(WebSocketStream::from_raw_socket(ReadAhead::new(stream), Role::Client, Some(config)).await)
}

fn request(url: String, token: Option<&Secret>, protocol: Protocol, key: &str) -> Result<Request<()>> {
    let mut request = Request::new(());
    // The parser's error is left out, since the URL may contain a secret.
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

/// Validates the handshake response (RFC 6455, section 4.1) and the negotiated subprotocol.
fn check_response(headers: &HeaderMap, protocol: Protocol, key: &str) -> Result<()> {
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let invalid = |text: String| Err(Error::new(ErrorKind::Decode, text).with_delivery(Delivery::Responded));
    if header(SEC_WEBSOCKET_ACCEPT) != Some(derive_accept_key(key.as_bytes()).as_str()) {
        return invalid(
            "the handshake failed: invalid `sec-websocket-accept` header in the response".to_owned(),
        );
    }
    match header(SEC_WEBSOCKET_PROTOCOL) {
        Some(name) if name == protocol.name() => Ok(()),
        _ => invalid(format!(
            "the handshake failed: the service did not select the subprotocol {}",
            protocol.name()
        )),
    }
}

/// Ends a WebSocket after a violation of the protocol, which `code` names, or after a close frame of the service: transmits the
/// close frame, and discards what still arrives until the service ends the connection. Otherwise, the system would reset it, and
/// the service might not receive the close frame (RFC 6455, section 7.1.1).
pub(super) async fn end(mut socket: Socket, code: Option<CloseCode>) {
    let written = match code {
        Some(code) => socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await,
        // The library has queued the response.
        None => socket.flush().await,
    };
    let stream = socket.get_mut();
    if written.is_ok() && stream.shutdown().await.is_ok() {
        let mut discarded = vec![0; READ_BUFFER];
        while stream.read(&mut discarded).await.is_ok_and(|length| length > 0) {}
    }
}
