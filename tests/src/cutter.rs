//! A TCP proxy that cuts connections at random bytes, in either direction, so that a client meets every way in which a
//! network can let it down. It knows nothing of what it carries, except where a handshake ends.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// How far into a connection an early cut comes: within the two heads of a handshake, or shortly after.
const EARLY: u64 = 1_000;
/// A cut this soon after the handshake of a recovery disturbs the recovery itself.
const RECOVERING: u64 = 512;

/// How connections are cut. The same seed cuts the n-th connection at the same byte.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Where the random numbers start.
    pub seed: u64,
    /// How many bytes a connection carries in one direction before it is cut, on average.
    pub mean: u64,
    /// How many of a hundred connections are cut at their very start instead.
    pub early: u8,
}

/// How many connections were cut, and where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cuts {
    /// All of them.
    pub total: u64,
    /// On the client's bytes.
    pub up: u64,
    /// On the server's bytes.
    pub down: u64,
    /// Before the server's response head was forwarded.
    pub in_handshake: u64,
    /// While a client came back to a connection that it had lost, or just afterwards.
    pub in_recovery: u64,
    /// By a reset, which also destroys what was under way.
    pub resets: u64,
}

/// The proxy. It ends, with its connections, when it is dropped.
#[derive(Debug)]
pub struct Cutter {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    plan: Plan,
    cutting: AtomicBool,
    cuts: Mutex<Cuts>,
}

impl Cutter {
    /// Starts a proxy to `target` that cuts from the start.
    ///
    /// # Errors
    ///
    /// No free port.
    pub async fn start(target: SocketAddr, plan: Plan) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let cuts = Mutex::default();
        let shared = Arc::new(Shared { target, plan, cutting: AtomicBool::new(true), cuts });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was cut so far.
    #[must_use]
    pub fn cuts(&self) -> Cuts {
        *self.shared.cuts()
    }

    /// Lets everything through from now on, connections that were about to be cut included.
    pub fn rest(&self) {
        self.shared.cutting.store(false, Ordering::Relaxed);
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn cuts(&self) -> MutexGuard<'_, Cuts> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    for number in 0.. {
        // An error of one client, such as one that is gone already, does not concern the others.
        let Ok((near, _)) = listener.accept().await else { continue };
        connections.spawn(carry(near, number, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

/// Where this connection is cut.
struct Fate {
    up: bool,
    after: u64,
    reset: bool,
}

impl Fate {
    fn of(number: u64, plan: Plan) -> Self {
        let mut random = fastrand::Rng::with_seed(plan.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number);
        let early = random.u8(..100) < plan.early;
        let after = if early {
            random.u64(..EARLY)
        } else {
            // Exponential: at any byte the connection is as likely to be cut as at any other.
            (-(1.0 - random.f64()).ln() * plan.mean as f64) as u64
        };
        Self { up: random.bool(), after, reset: random.bool() }
    }
}

async fn carry(mut near: TcpStream, number: u64, shared: Arc<Shared>) {
    let Ok(mut far) = TcpStream::connect(shared.target).await else { return };
    let fate = Fate::of(number, shared.plan);
    let heads = Mutex::new(Heads::default());
    let limit = |up: bool| (fate.up == up).then_some(fate.after);
    let cut = {
        let (near_reads, near_writes) = near.split();
        let (far_reads, far_writes) = far.split();
        let up = pump(near_reads, far_writes, limit(true), &shared.cutting, |bytes| heads.look(bytes, true));
        let down =
            pump(far_reads, near_writes, limit(false), &shared.cutting, |bytes| heads.look(bytes, false));
        matches!(tokio::try_join!(up, down), Err(End::Cut))
    };
    if !cut {
        return;
    }
    if fate.reset {
        // With a linger time of zero the kernel sends RST and throws away what was not sent.
        drop((near.set_zero_linger(), far.set_zero_linger()));
    }
    let heads = heads.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut cuts = shared.cuts();
    cuts.total += 1;
    cuts.up += u64::from(fate.up);
    cuts.down += u64::from(!fate.up);
    cuts.resets += u64::from(fate.reset);
    cuts.in_handshake += u64::from(heads.after_head.is_none());
    cuts.in_recovery += u64::from(heads.recovers && heads.after_head.unwrap_or(0) < RECOVERING);
}

/// What the first bytes of a connection say.
#[derive(Default)]
struct Heads {
    first: Vec<u8>,
    recovers: bool,
    matched: usize,
    /// How many bytes followed the server's head; `None` before its end.
    after_head: Option<u64>,
}

trait Look {
    fn look(&self, bytes: &[u8], up: bool);
}

impl Look for Mutex<Heads> {
    fn look(&self, bytes: &[u8], up: bool) {
        let mut heads = self.lock().unwrap_or_else(PoisonError::into_inner);
        if up { heads.request(bytes) } else { heads.respond(bytes) }
    }
}

impl Heads {
    fn request(&mut self, bytes: &[u8]) {
        const MARK: &[u8] = b"awps_reconnection_token=";
        if self.recovers || self.first.len() > 4096 {
            return;
        }
        self.first.extend_from_slice(bytes);
        self.recovers = self.first.windows(MARK.len()).any(|window| window == MARK);
    }

    fn respond(&mut self, bytes: &[u8]) {
        const END: &[u8] = b"\r\n\r\n";
        if let Some(after) = &mut self.after_head {
            *after += bytes.len() as u64;
            return;
        }
        for (index, byte) in bytes.iter().enumerate() {
            let matched = if *byte == END[self.matched] { self.matched + 1 } else { 0 };
            self.matched = matched.max(usize::from(*byte == END[0]));
            if self.matched == END.len() {
                self.after_head = Some((bytes.len() - index - 1) as u64);
                return;
            }
        }
    }
}

enum End {
    Cut,
    Broken,
}

/// Carries one direction until it ends, breaks, or has carried as much as it may.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut limit: Option<u64>,
    cutting: &AtomicBool,
    seen: impl Fn(&[u8]),
) -> Result<(), End> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await.map_err(|_| End::Broken)?;
        if read == 0 {
            // The other direction may have something to say still.
            return to.shutdown().await.map_err(|_| End::Broken);
        }
        if limit.is_some() && !cutting.load(Ordering::Relaxed) {
            limit = None;
        }
        let through = limit.map_or(read, |left| read.min(usize::try_from(left).unwrap_or(usize::MAX)));
        to.write_all(&buffer[..through]).await.map_err(|_| End::Broken)?;
        seen(&buffer[..through]);
        if through < read {
            return Err(End::Cut);
        }
        limit = limit.map(|left| left - through as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reads, mut writes) = stream.split();
                    tokio::io::copy(&mut reads, &mut writes).await
                });
            }
        });
        address
    }

    /// How many of these bytes are echoed.
    async fn through(cutter: &Cutter, bytes: &[u8]) -> usize {
        let mut stream = TcpStream::connect(cutter.address()).await.unwrap();
        let (mut reads, mut writes) = stream.split();
        let mut back = Vec::new();
        let write = async {
            // A cut connection breaks the write; what came back is what counts.
            drop(writes.write_all(bytes).await);
            drop(writes.shutdown().await);
        };
        let (_, _) = tokio::join!(write, reads.read_to_end(&mut back));
        back.len()
    }

    #[tokio::test]
    async fn connections_are_cut_in_both_directions_and_counted() {
        let plan = Plan { seed: 7, mean: 2_000, early: 30 };
        let cutter = Cutter::start(echo().await, plan).await.unwrap();
        let (mut short, mut whole) = (0, 0);
        for _ in 0..60 {
            if through(&cutter, &[b'x'; 3_000]).await < 3_000 { short += 1 } else { whole += 1 }
        }
        let cuts = cutter.cuts();
        assert!(cuts.total >= short && short > 10 && whole > 3, "{short} short, {whole} whole, {cuts:?}");
        assert!(cuts.up > 3 && cuts.down > 3 && cuts.resets > 3, "{cuts:?}");
        assert_eq!((cuts.up + cuts.down, cuts.in_handshake, cuts.in_recovery), (cuts.total, cuts.total, 0));
    }

    #[tokio::test]
    async fn a_proxy_at_rest_carries_everything() {
        let cutter = Cutter::start(echo().await, Plan { seed: 7, mean: 1, early: 100 }).await.unwrap();
        assert!(through(&cutter, &[b'x'; 100_000]).await < 100_000);
        cutter.rest();
        assert_eq!(through(&cutter, &[b'x'; 100_000]).await, 100_000);
    }

    #[test]
    fn the_end_of_a_head_is_found_wherever_it_is_split() {
        let response = b"HTTP/1.1 101 X\r\na: b\r\n\r\nframes";
        for split in 0..response.len() {
            let mut heads = Heads::default();
            heads.respond(&response[..split]);
            heads.respond(&response[split..]);
            assert_eq!(heads.after_head, Some(6), "{split}");
        }
    }

    #[test]
    fn a_client_that_comes_back_is_recognised() {
        let request = b"GET /client/hubs/h?awps_connection_id=c&awps_reconnection_token=t HTTP/1.1\r\n";
        let mut heads = Heads::default();
        heads.request(&request[..50]);
        assert!(!heads.recovers);
        heads.request(&request[50..]);
        assert!(heads.recovers);
    }

    #[test]
    fn the_same_seed_cuts_at_the_same_byte() {
        let plan = |seed| Plan { seed, mean: 10_000, early: 10 };
        let cuts = |seed| (0..50).map(|number| Fate::of(number, plan(seed)).after).collect::<Vec<_>>();
        assert_eq!(cuts(1), cuts(1));
        assert_ne!(cuts(1), cuts(2));
    }
}
