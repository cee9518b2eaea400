//! A loopback HTTP server that does as little as a server can: reads the body, answers with its size. It prints its port
//! and ends with its standard input.

use std::convert::Infallible;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use workspace_bench::server::{REQUIRED, answer_to};
use workspace_bench::{Result, load};

fn main() -> Result<()> {
    load::runtime()?.block_on(run())
}

async fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    let mut rest = Vec::new();
    let (mut input, closed) = (tokio::io::stdin(), &mut rest);
    tokio::select! {
        outcome = accept(listener) => outcome,
        outcome = input.read_to_end(closed) => Ok(outcome.map(drop)?),
    }
}

async fn accept(listener: TcpListener) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
        // A client that goes away ends its connection and nothing else.
        tokio::spawn(async { drop(connection.await) });
    }
}

async fn answer(request: Request<Incoming>) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let complete = REQUIRED.iter().all(|name| request.headers().contains_key(*name));
    let id = request.headers().get("x-request-id").cloned();
    let (status, body) = match request.into_body().collect().await {
        Ok(body) if complete => (StatusCode::OK, answer_to(body.to_bytes().len())),
        Ok(_) => (StatusCode::BAD_REQUEST, format!("the request must have the headers {REQUIRED:?}")),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()),
    };
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(id) = id {
        answer.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
    }
    Ok(answer)
}
