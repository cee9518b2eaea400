//! A server that closes connections which were idle for as long as a load balancer allows, and clients that call it right then.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use service_core::{Clock, SystemClock, timeout};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Figures;
use crate::calls::message::Message;
use crate::calls::rooms::{self, Rooms};
use crate::responses::response_to;
use crate::{Result, load};

/// How many clients call how often.
#[derive(Debug, Clone)]
pub struct Idle {
    /// The clients, each with its own connection.
    pub lanes: usize,
    /// How often each one calls.
    pub calls: usize,
    /// When the server closes an idle connection.
    pub closes_after: Duration,
    /// The pause between two calls of a client, in milliseconds.
    pub pause: Range<u64>,
}

impl Default for Idle {
    fn default() -> Self {
        Self { lanes: 50, calls: 12, closes_after: Duration::from_secs(60), pause: 59_000..61_001 }
    }
}

/// Makes the calls, none of which may be repeated, and counts those whose outcome is unknown or that fail otherwise.
///
/// # Errors
///
/// A system that gives no port or no thread.
pub fn idle(plan: &Idle) -> Result<Figures> {
    let (address, accepted) = start(plan.closes_after)?;
    let mut outcomes = Vec::new();
    load::runtime()?.block_on(async {
        let mut lanes = JoinSet::new();
        for _ in 0..plan.lanes {
            lanes.spawn(lane(address, plan.clone()));
        }
        while let Some(lane) = lanes.join_next().await {
            outcomes.extend(lane??);
        }
        Ok::<_, crate::Error>(())
    })?;
    let failures: Vec<_> = outcomes.iter().flatten().collect();
    for failure in &failures {
        eprintln!("{failure}");
    }
    let text = format!(
        "{} calls by {} clients, a pause of {:?} ms, a server that closes after {:?}: {} connections, {} failures",
        outcomes.len(),
        plan.lanes,
        plan.pause,
        plan.closes_after,
        accepted.load(Ordering::Relaxed),
        failures.len()
    );
    Ok(Figures::new(text, u64::try_from(failures.len())?, 0))
}

/// The texts of the calls that failed.
async fn lane(address: SocketAddr, plan: Idle) -> Result<Vec<Option<String>>> {
    let message = Arc::new(Message::new(&format!("http://{address}"))?);
    let rooms = Rooms::over(&message, None)?;
    let (clock, mut outcomes) = (SystemClock::new(), Vec::new());
    for call in 0..plan.calls {
        if call > 0 {
            clock.sleep(Duration::from_millis(fastrand::u64(plan.pause.clone()))).await;
        }
        let outcome = rooms::send(rooms.clone(), Arc::clone(&message)).await;
        outcomes.push(outcome.err().map(|error| error.to_string()));
    }
    Ok(outcomes)
}

/// Starts the server on a thread of its own.
fn start(closes_after: Duration) -> Result<(SocketAddr, Arc<AtomicUsize>)> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let (address, accepted) = (listener.local_addr()?, Arc::new(AtomicUsize::new(0)));
    let (runtime, count) = (load::runtime()?, Arc::clone(&accepted));
    std::thread::Builder::new().spawn(move || runtime.block_on(accept(listener, closes_after, &count)))?;
    Ok((address, accepted))
}

async fn accept(listener: std::net::TcpListener, closes_after: Duration, count: &AtomicUsize) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        count.fetch_add(1, Ordering::Relaxed);
        // A connection that ends concerns no other.
        tokio::spawn(async move { drop(serve(stream, closes_after).await) });
    }
}

async fn serve(mut stream: TcpStream, closes_after: Duration) -> Result<()> {
    let clock = SystemClock::new();
    let mut unread = Vec::new();
    loop {
        let request = timeout(&clock, closes_after, request(&mut stream, &mut unread)).await;
        let Some(length) = request.transpose()? else { return Ok(()) };
        let body = response_to(length);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await?;
    }
}

/// Reads a request and returns the length of its body.
async fn request(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Result<usize> {
    loop {
        if let Some(end) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&unread[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length = length.map_or(Ok(0), |length| length.trim().parse())?;
            if unread.len() >= end + 4 + length {
                unread.drain(..end + 4 + length);
                return Ok(length);
            }
        }
        if stream.read_buf(unread).await? == 0 {
            return Err("the client closed the connection".into());
        }
    }
}
