//! One HTTP request to a webhook, on its own connection, bounded in time and size.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::settings::Target;
use crate::clock::Clock;

/// The same as the maximum size of a message.
const MAX_BODY: usize = 1024 * 1024;

/// The reason why there is no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoResponse {
    /// The address does not allow calls.
    #[error("the address does not allow calls from this service")]
    Forbidden,
    #[error("no response before the timeout")]
    Late,
    #[error("could not connect: {0}")]
    Unreachable(io::Error),
    #[error("the connection broke: {0}")]
    Broken(hyper::Error),
    #[error("the response was cut off or too large")]
    Cut,
}

/// Sends a request and reads the complete response within the limit, which is measured on the emulator's clock.
pub(super) async fn call(
    clock: &Clock,
    limit: Duration,
    target: &Target,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response<Bytes>, NoResponse> {
    tokio::select! {
        response = exchange(target, method, headers, body) => response,
        () = clock.sleep(limit) => Err(NoResponse::Late),
    }
}

async fn exchange(
    target: &Target,
    method: Method,
    mut headers: HeaderMap,
    body: Bytes,
) -> Result<Response<Bytes>, NoResponse> {
    let stream =
        TcpStream::connect((target.host.as_str(), target.port)).await.map_err(NoResponse::Unreachable)?;
    let _ = stream.set_nodelay(true);
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
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| NoResponse::Cut)?;
        Ok(Response::from_parts(head, body.to_bytes()))
    });
    tokio::select! {
        biased;
        response = &mut exchange => response,
        // A response that was read before the connection ended is still available.
        _ = connection => exchange.await,
    }
}
