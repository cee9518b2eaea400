//! The pools behind the real transport: reqwest fixes some settings when a pool is made, so that calls which want them
//! otherwise need another one.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use http::StatusCode;
use url::Url;

use super::handshake::Handshakes;
use super::health::{Health, Protocol};
use super::ledger::Ledger;
use super::{ConnectionOptions, Proxy, tunnel};
use crate::error::{Error, Result};
use crate::{Clock, Endpoint, Secret};

/// How many pools are kept besides the client's own. Calls that keep using new connect timeouts then get connections that
/// are not reused, but not an unlimited number of pools.
const MAX_OTHER_POOLS: usize = 4;
/// The number of bytes of a response's body that are buffered before the call reads them, if the response is over HTTP/2.
const STREAM_WINDOW: u32 = 1024 * 1024;
/// HTTP/2 connections with a call in flight are pinged this often when nothing is received.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
/// A connection whose peer does not acknowledge a ping within this time is closed.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// At most one connection is replaced in this time.
const REPLACEMENT_INTERVAL: Duration = Duration::from_secs(1);

/// The settings in which pools differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    connect_timeout: Duration,
    /// WebSockets are upgraded HTTP/1.1 requests, so they need connections that do not negotiate HTTP/2.
    http1_only: bool,
}

/// One pool of connections and what is known about them.
pub(super) struct Pool {
    pub(super) client: reqwest::Client,
    pub(super) health: Arc<Health>,
    pub(super) ledger: Arc<Ledger>,
    kind: Kind,
}

/// The client's own pool, and those created on first use.
pub(super) struct Pools {
    options: ConnectionOptions,
    endpoint: Endpoint,
    clock: Arc<dyn Clock>,
    own: RwLock<Arc<Pool>>,
    others: Mutex<Vec<Arc<Pool>>>,
    /// When a pool was last replaced.
    replaced: Mutex<Option<Duration>>,
}

impl Pools {
    pub(super) fn new(
        options: ConnectionOptions,
        endpoint: &Endpoint,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let kind = Kind { connect_timeout: options.connect_timeout, http1_only: false };
        let own = RwLock::new(Arc::new(build(&options, endpoint, &clock, kind)?));
        let endpoint = endpoint.clone();
        Ok(Self { options, endpoint, clock, own, others: Mutex::default(), replaced: Mutex::default() })
    }

    /// Returns the status with which the proxy rejects a tunnel to the endpoint.
    pub(super) async fn tunnel_status(&self) -> Option<StatusCode> {
        tunnel::status(&self.options, &self.endpoint, &*self.clock).await
    }

    pub(super) fn get(&self, connect_timeout: Option<Duration>, http1_only: bool) -> Result<Arc<Pool>> {
        let connect_timeout = connect_timeout.unwrap_or(self.options.connect_timeout);
        if connect_timeout == self.options.connect_timeout && !http1_only {
            return Ok(Arc::clone(&self.own.read().unwrap_or_else(PoisonError::into_inner)));
        }
        self.other(Kind { connect_timeout, http1_only })
    }

    /// Moves the pool to the end of the list, so that the first one is the one unused for longest.
    fn other(&self, kind: Kind) -> Result<Arc<Pool>> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = match others.iter().position(|other| other.kind == kind) {
            Some(index) => others.remove(index),
            None => Arc::new(build(&self.options, &self.endpoint, &self.clock, kind)?),
        };
        others.push(Arc::clone(&pool));
        if others.len() > MAX_OTHER_POOLS {
            others.remove(0);
        }
        Ok(pool)
    }

    /// Lets later calls use new connections. Calls in flight keep those of `pool`, which end with the last of them.
    pub(super) fn replace(&self, pool: &Pool) {
        let now = self.clock.elapsed();
        let mut replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        if replaced.is_some_and(|last| now.saturating_sub(last) < REPLACEMENT_INTERVAL)
            || !pool.health.retire()
        {
            return;
        }
        *replaced = Some(now);
        drop(replaced);
        tracing::warn!(
            target: "service_core::connection",
            host = self.endpoint.authority(),
            "a connection on which calls time out and nothing is received takes no new calls"
        );
        self.others.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| other.kind != pool.kind);
        let own = Kind { connect_timeout: self.options.connect_timeout, http1_only: false };
        // The same settings were accepted when the first pool was built.
        if pool.kind == own
            && let Ok(fresh) = build(&self.options, &self.endpoint, &self.clock, own)
        {
            *self.own.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        }
    }
}

impl fmt::Debug for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pools").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

fn build(
    options: &ConnectionOptions,
    endpoint: &Endpoint,
    clock: &Arc<dyn Clock>,
    kind: Kind,
) -> Result<Pool> {
    let protocol = if kind.http1_only || !endpoint.is_https() { Protocol::Http1 } else { Protocol::Unknown };
    let health = Arc::new(Health::new(protocol));
    let ledger = Arc::new(Ledger::new(options.max_connections));
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(kind.connect_timeout)
        .pool_idle_timeout(options.pool_idle_timeout)
        .pool_max_idle_per_host(options.max_connections)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .http2_keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .connector_layer(Handshakes::new(Arc::clone(&health), Arc::clone(&ledger), Arc::clone(clock)));
    if !options.reads_environment(endpoint) {
        builder = builder.no_proxy();
    }
    if never_tls(options, endpoint) {
        builder = builder.tls_certs_only([]);
    }
    if let Proxy::Fixed(url) = &options.proxy {
        builder = builder.proxy(fixed_proxy(url)?);
    }
    builder = trusting(builder, options)?;
    if let Some(pem) = &options.client_certificate {
        let identity = reqwest::Identity::from_pem(pem.expose().as_bytes());
        builder = builder.identity(identity.map_err(|error| invalid("client certificate", error))?);
    }
    if kind.http1_only {
        builder = builder.http1_only();
    }
    // reqwest checks the certificates only here.
    let client = builder.build().map_err(|error| invalid("certificate or TLS setting", error))?;
    Ok(Pool { client, health, ledger, kind })
}

/// Adds the caller's root certificates to those of the system.
pub(super) fn trusting(
    mut builder: reqwest::ClientBuilder,
    options: &ConnectionOptions,
) -> Result<reqwest::ClientBuilder> {
    for pem in &options.root_certificates {
        let certificates =
            reqwest::Certificate::from_pem_bundle(pem).map_err(|error| invalid("root certificate", error))?;
        if certificates.is_empty() {
            return Err(Error::invalid_input("root certificate", "holds no PEM certificate", None));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    Ok(builder)
}

fn invalid(what: &str, error: reqwest::Error) -> Error {
    Error::invalid_input(what, "cannot be used", None).with_cause(error.without_url())
}

/// Whether no connection of the pool can ever be encrypted: plain `http`, and no proxy that might be spoken to otherwise.
/// The system's root certificates, which take longer to read than a connection takes to make, are then not read; and a
/// container without any can use a service beside it.
fn never_tls(options: &ConnectionOptions, endpoint: &Endpoint) -> bool {
    !endpoint.is_https()
        && !options.reads_environment(endpoint)
        && !matches!(options.proxy, Proxy::Fixed(_))
        && options.root_certificates.is_empty()
        && options.client_certificate.is_none()
}

/// reqwest takes schemes that it then does not speak, and would connect without the proxy.
pub(super) fn fixed_proxy(text: &Secret) -> Result<reqwest::Proxy> {
    // The parsers' errors may hold the URL, and with it the proxy's password.
    let refuse = || Error::invalid_input("proxy", "is not a URL such as `http://host:3128`", None);
    let url = Url::parse(text.expose()).map_err(|_| refuse())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse());
    }
    reqwest::Proxy::all(url).map_err(|_| refuse())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools() -> Pools {
        let endpoint = Endpoint::parse("http://localhost:1").unwrap();
        Pools::new(ConnectionOptions::default(), &endpoint, Arc::new(crate::SystemClock::new())).unwrap()
    }

    #[test]
    fn calls_without_a_connect_timeout_share_the_clients_pool() {
        let pools = pools();
        let own = Some(Duration::from_secs(10));
        assert!(Arc::ptr_eq(&pools.get(None, false).unwrap(), &pools.get(own, false).unwrap()));
        assert!(pools.others.lock().unwrap().is_empty());
    }

    #[test]
    fn a_replaced_pool_takes_no_new_calls_and_the_next_replacement_waits_a_second() {
        let endpoint = Endpoint::parse("http://localhost:1").unwrap();
        let clock = crate::testing::ManualClock::new(std::time::SystemTime::UNIX_EPOCH);
        let pools = Pools::new(ConnectionOptions::default(), &endpoint, Arc::new(clock.clone())).unwrap();
        let pool = || pools.get(None, false).unwrap();
        let first = pool();
        pools.replace(&first);
        let second = pool();
        assert!(!Arc::ptr_eq(&first, &second));
        pools.replace(&second);
        assert!(Arc::ptr_eq(&second, &pool()), "within a second");
        clock.advance(REPLACEMENT_INTERVAL);
        pools.replace(&first);
        assert!(Arc::ptr_eq(&second, &pool()), "the first one was replaced already");
        pools.replace(&second);
        assert!(!Arc::ptr_eq(&second, &pool()));
    }

    #[test]
    fn the_system_certificates_are_left_out_only_where_nothing_can_be_encrypted() {
        let plain = Endpoint::parse("http://localhost:1").unwrap();
        let options = ConnectionOptions::default;
        let fixed = |url: &str| ConnectionOptions { proxy: Proxy::Fixed(url.into()), ..options() };
        assert!(never_tls(&options(), &plain));
        assert!(!never_tls(&options(), &Endpoint::parse("https://localhost:1").unwrap()));
        // The environment may name a proxy that is spoken to over TLS.
        assert!(!never_tls(&options(), &Endpoint::parse("http://emulator:1").unwrap()));
        assert!(!never_tls(&fixed("https://proxy:1"), &plain));
        assert!(!never_tls(&ConnectionOptions { root_certificates: vec!["x".into()], ..options() }, &plain));
    }

    #[test]
    fn a_pool_is_kept_for_its_connect_timeout_and_the_one_unused_for_longest_goes() {
        let pools = pools();
        for secs in [1, 2, 3, 4, 1, 5] {
            pools.get(Some(Duration::from_secs(secs)), false).unwrap();
        }
        let others = pools.others.lock().unwrap();
        let kept: Vec<_> = others.iter().map(|pool| pool.kind.connect_timeout.as_secs()).collect();
        assert_eq!(kept, [3, 4, 1, 5]);
    }
}
