//! The endpoint of the server: its address, whether it uses TLS, and the URL under which clients find it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// An address, its scheme, and its origin from the clients' point of view.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    pub(crate) secure: bool,
    /// Scheme, host, and port.
    origin: Arc<str>,
    is_advertised: bool,
}

impl Endpoint {
    /// The endpoint of an address. Without an advertised URL, clients use the address, or loopback where the server
    /// listens on all addresses.
    pub(crate) fn new(address: SocketAddr, secure: bool, advertised: Option<&str>) -> io::Result<Self> {
        let origin = match advertised {
            Some(url) => origin(url)?,
            None => format!("{}://{}", http_scheme(secure), reachable(address)),
        };
        Ok(Self { address, secure, origin: origin.into(), is_advertised: advertised.is_some() })
    }

    /// `http://HOST:PORT`, or with `https`.
    pub(crate) fn http(&self) -> String {
        self.origin.as_ref().to_owned()
    }

    /// `ws://HOST:PORT`, or with `wss`.
    pub(crate) fn ws(&self) -> String {
        self.origin.replacen("http", "ws", 1)
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        self.origin.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// The origin, if it was advertised.
    pub(crate) fn advertised(&self) -> Option<&str> {
        self.is_advertised.then_some(self.origin.as_ref())
    }

    /// Whether clients find the server at a loopback address, and so only within one machine.
    pub(crate) fn is_at_loopback(&self) -> bool {
        let host = host(self.authority());
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether clients send their requests in clear text, and not only within one machine.
    pub(crate) fn is_exposed(&self) -> bool {
        self.origin.starts_with("http://") && !self.is_at_loopback()
    }
}

/// The host of an authority, without brackets.
pub(crate) fn host(authority: &str) -> &str {
    let end = authority.rfind(':').filter(|end| !authority[*end..].contains(']'));
    authority[..end.unwrap_or(authority.len())].trim_matches(['[', ']'])
}

/// Scheme and authority of a URL without path, query, and user.
fn origin(url: &str) -> io::Result<String> {
    let invalid = || {
        let message = format!("the advertised URL must be http:// or https:// with a host only, not {url}");
        io::Error::new(io::ErrorKind::InvalidInput, message)
    };
    let uri: http::Uri = url.parse().map_err(|_| invalid())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(invalid()) };
    let plain = uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
    if !matches!(scheme, "http" | "https") || !plain || authority.host().is_empty() {
        return Err(invalid());
    }
    Ok(format!("{scheme}://{authority}"))
}

fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

pub(super) fn http_scheme(secure: bool) -> &'static str {
    if secure { "https" } else { "http" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(address: &str, advertised: Option<&str>) -> io::Result<Endpoint> {
        Endpoint::new(address.parse().unwrap(), false, advertised)
    }

    #[test]
    fn an_endpoint_on_all_addresses_is_reachable_at_loopback_or_as_advertised() {
        let of = |address, advertised| endpoint(address, advertised).unwrap().http();
        assert_eq!(of("0.0.0.0:80", None), "http://127.0.0.1:80");
        assert_eq!(of("[::]:80", None), "http://[::1]:80");
        assert_eq!(of("192.0.2.1:80", None), "http://192.0.2.1:80");
        assert_eq!(of("0.0.0.0:80", Some("https://emulator.test/")), "https://emulator.test");
        assert_eq!(endpoint("0.0.0.0:80", Some("https://a:1")).unwrap().ws(), "wss://a:1");
        for url in ["emulator", "ftp://a", "http://a/path", "http://a?x", "http://user@a", "http://", ""] {
            assert!(endpoint("0.0.0.0:80", Some(url)).is_err(), "{url}");
        }
    }

    #[test]
    fn only_clear_text_beyond_loopback_is_exposed() {
        for (url, exposed) in [
            ("http://127.0.0.1:1", false),
            ("http://[::1]:1", false),
            ("http://localhost", false),
            ("https://emulator", false),
            ("http://emulator:8080", true),
            ("http://[2001:db8::1]", true),
        ] {
            assert_eq!(endpoint("0.0.0.0:80", Some(url)).unwrap().is_exposed(), exposed, "{url}");
        }
    }
}
