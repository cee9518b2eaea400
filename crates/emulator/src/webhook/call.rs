//! One HTTP request to a webhook, on its own connection, bounded in time and size.

use std::io;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::{Target, Trust};
use crate::clock::Clock;

const MAX_BODY: usize = 16 * 1024 * 1024;

/// A request to a webhook.
#[derive(Clone)]
pub(crate) struct Outgoing<'a> {
    pub(crate) target: &'a Target,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The reason why there is no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoResponse {
    /// The address does not allow calls.
    #[error("the address does not allow calls from this service")]
    Forbidden,
    #[error("no response before the timeout")]
    Late,
    #[error("could not connect: {0}")]
    Unreachable(io::Error),
    #[error("no TLS connection: {0}")]
    NoTls(io::Error),
    #[error("the connection broke: {0}")]
    Broken(hyper::Error),
    #[error("the response was cut off")]
    Cut,
    #[error("the response is larger than 16 MiB")]
    TooLarge,
}

/// Whether another attempt may have another outcome: after 408, every 5xx, and failures of the network.
pub(crate) fn is_transient(outcome: &Result<Response<Bytes>, NoResponse>) -> bool {
    match outcome {
        Ok(response) => {
            response.status() == StatusCode::REQUEST_TIMEOUT || response.status().is_server_error()
        }
        Err(NoResponse::Unreachable(_) | NoResponse::NoTls(_) | NoResponse::Broken(_)) => true,
        Err(NoResponse::Forbidden | NoResponse::Late | NoResponse::Cut | NoResponse::TooLarge) => false,
    }
}

/// Sends a request and reads the complete response before a time of the emulator's clock.
pub(crate) async fn call(
    clock: &Clock,
    deadline: SystemTime,
    trust: &Trust,
    request: Outgoing<'_>,
) -> Result<Response<Bytes>, NoResponse> {
    tokio::select! {
        response = connect(trust, request) => response,
        () = clock.sleep_until(deadline) => Err(NoResponse::Late),
    }
}

async fn connect(trust: &Trust, request: Outgoing<'_>) -> Result<Response<Bytes>, NoResponse> {
    let target = request.target;
    let stream =
        TcpStream::connect((target.host.as_str(), target.port)).await.map_err(NoResponse::Unreachable)?;
    let _ = stream.set_nodelay(true);
    if target.secure {
        exchange(trust.connect(&target.host, stream).await.map_err(NoResponse::NoTls)?, request).await
    } else {
        exchange(stream, request).await
    }
}

async fn exchange<S>(stream: S, outgoing: Outgoing<'_>) -> Result<Response<Bytes>, NoResponse>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Outgoing { target, method, mut headers, body } = outgoing;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(NoResponse::Broken)?;
    if let Ok(host) = HeaderValue::from_str(&target.authority) {
        headers.insert(HOST, host);
    }
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    // Parsed before, as a part of the whole URL.
    if let Ok(uri) = target.path_and_query.parse() {
        *request.uri_mut() = uri;
    }
    let mut exchange = std::pin::pin!(async move {
        let (head, body) = sender.send_request(request).await.map_err(NoResponse::Broken)?.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { NoResponse::TooLarge } else { NoResponse::Cut }
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    });
    tokio::select! {
        biased;
        response = &mut exchange => response,
        // A response that was read before the connection ended is still available.
        _ = connection => exchange.await,
    }
}
