//! A loopback HTTP server that does as little as a server can: reads the body, sends a prepared response; or speaks WebSocket. With the argument
//! `emulator`, it is the emulator. It prints its port and ends with its standard input.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use service_emulator::Emulator;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use workspace_bench::eventgrid::{self, stream};
use workspace_bench::webpubsub_client::service;
use workspace_bench::{Result, load, responses};

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some("emulator") {
        // As the emulator's program does.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        return runtime.block_on(emulate());
    }
    load::runtime()?.block_on(run())
}

async fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?.port());
    tokio::select! {
        outcome = accept(listener) => outcome,
        outcome = closed() => outcome,
    }
}

/// Runs the emulator in place of the server.
async fn emulate() -> Result<()> {
    let emulator = Emulator::start().await?;
    emulator.eventgrid().set_keys(eventgrid::KEY, eventgrid::KEY)?;
    println!("{}", emulator.address().port());
    closed().await
}

/// Returns once standard input is closed.
async fn closed() -> Result<()> {
    let mut rest = Vec::new();
    Ok(tokio::io::stdin().read_to_end(&mut rest).await.map(drop)?)
}

async fn accept(listener: TcpListener) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(response))
            .with_upgrades();
        // A client that goes away ends its connection and nothing else.
        tokio::spawn(async { drop(connection.await) });
    }
}

async fn response(request: Request<Incoming>) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    if service::is_meant(&request) {
        return Ok(service::upgrade(request).map(Full::from));
    }
    let (head, body) = request.into_parts();
    Ok(match body.collect().await {
        Ok(body) => match stream::topic_of(head.uri.path()) {
            Some(topic) => responses::of_stream(topic, &head, &body.to_bytes()).await.map(Full::from),
            None => responses::to(&head, &body.to_bytes()).map(Full::from),
        },
        Err(_) => responses::rejection("the body is incomplete").map(Full::from),
    })
}
