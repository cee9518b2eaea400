//! The connection pools of the default transport. reqwest fixes some settings when a pool is created, so calls with other
//! settings need another pool.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use url::Url;

use super::{ConnectTimeout, ConnectionOptions, Proxy};
use crate::error::{Error, Result};
use crate::{Endpoint, Secret};

/// The maximum number of pools in addition to the client's own. A caller who keeps using new timeouts gets connections that
/// are not reused, but pools do not accumulate.
const MAX_OTHER_POOLS: usize = 4;

/// The settings in which pools differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    connect_timeout: Duration,
    /// WebSockets are upgraded HTTP/1.1 requests, so they need connections that do not negotiate HTTP/2.
    http1_only: bool,
}

/// The client's own pool, and others that are created on first use.
#[derive(Debug)]
pub(super) struct Pools {
    options: ConnectionOptions,
    endpoint: Endpoint,
    own: reqwest::Client,
    others: Mutex<Vec<(Kind, reqwest::Client)>>,
}

impl Pools {
    pub(super) fn new(options: ConnectionOptions, endpoint: &Endpoint) -> Result<Self> {
        let kind = Kind { connect_timeout: options.connect_timeout, http1_only: false };
        let own = build(&options, endpoint, kind)?;
        Ok(Self { options, endpoint: endpoint.clone(), own, others: Mutex::default() })
    }

    pub(super) fn client(
        &self,
        limit: Option<ConnectTimeout>,
        http1_only: bool,
    ) -> Result<Cow<'_, reqwest::Client>> {
        let connect_timeout = limit.map_or(self.options.connect_timeout, |limit| limit.0);
        if connect_timeout == self.options.connect_timeout && !http1_only {
            return Ok(Cow::Borrowed(&self.own));
        }
        self.other(Kind { connect_timeout, http1_only }).map(Cow::Owned)
    }

    /// Moves the pool to the end of the list, so that the first one is the least recently used.
    fn other(&self, kind: Kind) -> Result<reqwest::Client> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let client = match others.iter().position(|(other, _)| *other == kind) {
            Some(index) => others.remove(index).1,
            None => build(&self.options, &self.endpoint, kind)?,
        };
        others.push((kind, client.clone()));
        if others.len() > MAX_OTHER_POOLS {
            others.remove(0);
        }
        Ok(client)
    }
}

fn build(options: &ConnectionOptions, endpoint: &Endpoint, kind: Kind) -> Result<reqwest::Client> {
    let invalid = |what: &str, error: reqwest::Error| {
        Error::invalid_input(what, "cannot be used", None).with_source(error.without_url())
    };
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(kind.connect_timeout)
        .pool_idle_timeout(options.pool_idle_timeout);
    if !options.reads_environment(endpoint) {
        builder = builder.no_proxy();
    }
    if never_tls(options, endpoint) {
        builder = builder.tls_certs_only([]);
    }
    if let Proxy::Fixed(url) = &options.proxy {
        builder = builder.proxy(fixed_proxy(url)?);
    }
    for pem in &options.root_certificates {
        let certificates =
            reqwest::Certificate::from_pem_bundle(pem).map_err(|error| invalid("root certificate", error))?;
        if certificates.is_empty() {
            return Err(Error::invalid_input("root certificate", "contains no PEM certificate", None));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    if let Some(pem) = &options.client_certificate {
        let identity = reqwest::Identity::from_pem(pem.expose().as_bytes());
        builder = builder.identity(identity.map_err(|error| invalid("client certificate", error))?);
    }
    if kind.http1_only {
        builder = builder.http1_only();
    }
    // reqwest parses the certificates only now.
    builder.build().map_err(|error| invalid("certificate or TLS setting", error))
}

/// Returns whether no connection of the pool can be encrypted: plain `http`, and no proxy that might use TLS. The system's
/// root certificates are then not read, which would take longer than opening a connection, and a container without any can
/// use a service on the same network.
fn never_tls(options: &ConnectionOptions, endpoint: &Endpoint) -> bool {
    !endpoint.is_https()
        && !options.reads_environment(endpoint)
        && !matches!(options.proxy, Proxy::Fixed(_))
        && options.root_certificates.is_empty()
        && options.client_certificate.is_none()
}

/// Checks the scheme, since reqwest accepts schemes that it does not support and would then connect without the proxy.
fn fixed_proxy(text: &Secret) -> Result<reqwest::Proxy> {
    // The parsers' errors may contain the URL, and with it the proxy's password.
    let invalid = || Error::invalid_input("proxy", "is not a URL such as `http://host:3128`", None);
    let url = Url::parse(text.expose()).map_err(|_| invalid())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid());
    }
    reqwest::Proxy::all(url).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools() -> Pools {
        Pools::new(ConnectionOptions::default(), &Endpoint::parse("http://localhost:1").unwrap()).unwrap()
    }

    #[test]
    fn calls_without_a_connect_timeout_share_the_clients_pool() {
        let pools = pools();
        let own = Some(ConnectTimeout(Duration::from_secs(10)));
        assert!([None, own].iter().all(|limit| matches!(pools.client(*limit, false), Ok(Cow::Borrowed(_)))));
        assert!(pools.others.lock().unwrap().is_empty());
    }

    #[test]
    fn the_systems_certificates_are_skipped_only_if_nothing_can_be_encrypted() {
        let plain = Endpoint::parse("http://localhost:1").unwrap();
        let options = ConnectionOptions::default;
        let fixed = |url: &str| ConnectionOptions { proxy: Proxy::Fixed(url.into()), ..options() };
        assert!(never_tls(&options(), &plain));
        assert!(!never_tls(&options(), &Endpoint::parse("https://localhost:1").unwrap()));
        // The environment may name a proxy that uses TLS.
        assert!(!never_tls(&options(), &Endpoint::parse("http://emulator:1").unwrap()));
        assert!(!never_tls(&fixed("https://proxy:1"), &plain));
        assert!(!never_tls(&ConnectionOptions { root_certificates: vec!["x".into()], ..options() }, &plain));
    }

    #[test]
    fn a_pool_is_kept_per_connect_timeout_and_the_least_recently_used_one_is_dropped() {
        let pools = pools();
        let get = |secs: u64| pools.client(Some(ConnectTimeout(Duration::from_secs(secs))), false).unwrap();
        for secs in [1, 2, 3, 4, 1, 5] {
            get(secs);
        }
        let others = pools.others.lock().unwrap();
        let kept: Vec<_> = others.iter().map(|(kind, _)| kind.connect_timeout.as_secs()).collect();
        assert_eq!(kept, [3, 4, 1, 5]);
    }
}
