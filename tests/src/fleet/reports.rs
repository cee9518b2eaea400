//! What workers report to the judge, over a connection of their own: a line for each step of a handler. The judge confirms each
//! line with one byte. A handler waits for that before it returns, so the judge knows its result before the broker can.

use std::net::SocketAddr;
use std::sync::Arc;

use service_core::BoxError;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

use crate::deliveries::Deliveries;

/// Listens for workers until the runtime ends. Returns the address.
pub(super) async fn listen(deliveries: Arc<Deliveries>) -> Result<SocketAddr, BoxError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let deliveries = Arc::clone(&deliveries);
            // The connection of a worker that is killed just ends.
            tokio::spawn(async move { judge(stream, &deliveries).await.ok() });
        }
    });
    Ok(address)
}

async fn judge(stream: TcpStream, deliveries: &Deliveries) -> Result<(), BoxError> {
    stream.set_nodelay(true)?;
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let worker = lines.next_line().await?.unwrap_or_default().parse()?;
    while let Some(line) = lines.next_line().await? {
        match line.split_once(' ') {
            Some(("begun", token)) => deliveries.begun(token, worker),
            Some(("succeeded", token)) => deliveries.ended(token, true),
            Some(("failed", token)) => deliveries.ended(token, false),
            _ => return Err(format!("`{line}` is not a report").into()),
        }
        write.write_all(b"+").await?;
    }
    Ok(())
}

/// A worker's side.
#[derive(Debug, Clone)]
pub(super) struct Reporter(mpsc::UnboundedSender<(String, oneshot::Sender<()>)>);

impl Reporter {
    pub(super) async fn connect(judge: SocketAddr, worker: u32) -> Result<Self, BoxError> {
        let stream = TcpStream::connect(judge).await?;
        stream.set_nodelay(true)?;
        let (read, mut write) = stream.into_split();
        write.write_all(format!("{worker}\n").as_bytes()).await?;
        let (reports, reported) = mpsc::unbounded_channel();
        let (waiters, waiting) = mpsc::unbounded_channel();
        tokio::spawn(write_reports(write, reported, waiters));
        tokio::spawn(read_confirmations(read, waiting));
        Ok(Self(reports))
    }

    /// Reports a step without waiting.
    pub(super) fn report(&self, step: &str, token: &str) -> oneshot::Receiver<()> {
        let (confirmed, confirmation) = oneshot::channel();
        // Without a judge the confirmation never comes, and its receiver says so.
        let _ = self.0.send((format!("{step} {token}\n"), confirmed));
        confirmation
    }
}

async fn write_reports(
    mut write: OwnedWriteHalf,
    mut reported: mpsc::UnboundedReceiver<(String, oneshot::Sender<()>)>,
    waiters: mpsc::UnboundedSender<oneshot::Sender<()>>,
) {
    while let Some((line, waiter)) = reported.recv().await {
        if waiters.send(waiter).is_err() || write.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_confirmations(
    mut read: OwnedReadHalf,
    mut waiting: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
) {
    let mut bytes = [0; 1024];
    while let Ok(count @ 1..) = read.read(&mut bytes).await {
        for _ in 0..count {
            if let Some(waiter) = waiting.recv().await {
                // The start of a handler is not waited for.
                let _ = waiter.send(());
            }
        }
    }
}
