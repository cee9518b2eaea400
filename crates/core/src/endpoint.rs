//! The address of a service, and the two rules that protect a credential: it is only sent to the service's own origin, and
//! plain `http` is only allowed to loopback.

use std::fmt;

use http::Uri;
use url::{Host, Url};

use crate::secret::{NAMED, variable, wrapping};
use crate::{Error, Result};

/// Represents an origin, `scheme://host[:port]`, to which a client sends its requests.
///
/// It is normalized to the form that is sent: the host is in lower case, and a default port is omitted. The endpoint of a
/// reverse proxy may have a path.
///
/// # Examples
///
/// ```
/// use service_core::Endpoint;
///
/// let endpoint = Endpoint::parse("https://Rooms.Example:443/")?;
/// assert_eq!(endpoint.as_str(), "https://rooms.example");
/// assert!(endpoint.owns(&"https://rooms.example/rooms/blue".parse().unwrap()));
/// assert!(!endpoint.owns(&"https://evil.example/rooms/blue".parse().unwrap()));
///
/// let error = Endpoint::parse("rooms.example").unwrap_err();
/// assert!(error.to_string().contains("has no scheme"));
/// # Ok::<(), service_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    origin: String,
    /// The start of every request's path: empty, or it starts with a slash and ends without one.
    prefix: String,
    https: bool,
    loopback: bool,
}

impl Endpoint {
    /// Parses an endpoint such as `https://rooms.example`. A trailing `/` is ignored.
    ///
    /// # Errors
    ///
    /// Returns an error if the scheme is not `http` or `https`, there is no host, or there are credentials, a path, a query,
    /// or a fragment. The error repeats the text only if it cannot contain a secret.
    pub fn parse(text: &str) -> Result<Self> {
        let endpoint = Self::parse_with_path(text)?;
        if !endpoint.prefix.is_empty() {
            let rule = "must end after the host: no path, query, or fragment";
            return Err(Error::invalid_input("endpoint", rule, printable(text.trim())));
        }
        Ok(endpoint)
    }

    /// Parses the address of a reverse proxy, which may have a path. Every request's path then starts with it.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`parse`](Self::parse), except that a path is allowed.
    pub fn parse_with_path(text: &str) -> Result<Self> {
        let text = text.trim();
        let invalid = |rule| Error::invalid_input("endpoint", rule, printable(text));
        if text.is_empty() {
            return Err(invalid("must not be empty: write `https://<host>`"));
        }
        if let Some(rule) = wrapping(text).or_else(|| variable(text).map(|_| NAMED)) {
            return Err(invalid(rule));
        }
        if !text.contains("://") {
            return Err(invalid("has no scheme: write `https://<host>`"));
        }
        // URL parsers remove tabs and line breaks silently.
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(invalid("must not contain white space"));
        }
        let url = Url::parse(text).map_err(|_| invalid("is not a URL: write `https://<host>`"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("must have the scheme `https` or `http`"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("must not contain credentials: pass them to the client separately"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("must have no query and no fragment"));
        }
        if url.port() == Some(0) {
            return Err(invalid("must have a port between 1 and 65535"));
        }
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            prefix: url.path().trim_end_matches('/').to_owned(),
            https: url.scheme() == "https",
            loopback: is_loopback(&url),
        })
    }

    /// Returns the same endpoint with another port.
    ///
    /// # Errors
    ///
    /// Returns an error if the port is 0.
    pub fn with_port(&self, port: u16) -> Result<Self> {
        if port == 0 {
            return Err(Error::invalid_input("port", "must be between 1 and 65535", Some("0")));
        }
        let mut url =
            Url::parse(&self.origin).map_err(|_| Error::invalid_input("endpoint", "is not a URL", None))?;
        // Fails only for URLs without a host, which `parse` rejects.
        let _ = url.set_port(Some(port));
        Ok(Self { origin: url.origin().ascii_serialization(), ..self.clone() })
    }

    /// Returns the origin, `scheme://host[:port]`, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.origin
    }

    /// Returns the path that every request's path starts with: empty, or a path without a trailing slash.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the host and, unless it is the scheme's default, the port.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.origin.get(self.scheme().len() + "://".len()..).unwrap_or_default()
    }

    fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// Returns the host without its port. An IPv6 address is in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.rsplit_once(':') {
            Some((host, _)) if !authority.ends_with(']') => host,
            _ => authority,
        }
    }

    /// Returns host and port as OpenTelemetry expects them: an IPv6 address without brackets, and also the scheme's default port.
    #[must_use]
    pub fn server(&self) -> (&str, u16) {
        let default = if self.https { 443 } else { 80 };
        let port = self.authority().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        (self.host().trim_matches(['[', ']']), port.unwrap_or(default))
    }

    /// Returns host and port, also if the port is the scheme's default.
    pub(crate) fn host_and_port(&self) -> String {
        let has_port = self.authority().len() > self.host().len();
        let default = match (has_port, self.https) {
            (true, _) => "",
            (false, true) => ":443",
            (false, false) => ":80",
        };
        format!("{}{default}", self.authority())
    }

    /// Returns whether the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Returns whether the host is this machine: `localhost`, `*.localhost`, 127.0.0.0/8, or `::1`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Returns whether `uri` has this origin, so that the credential may be sent to it.
    #[must_use]
    pub fn owns(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
        if scheme == self.scheme() && authority.as_str() == self.authority() {
            return true;
        }
        Self::parse(&format!("{scheme}://{authority}")).is_ok_and(|other| other.origin == self.origin)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        f.write_str(&self.prefix)
    }
}

/// Returns the text if it cannot contain a secret. Connection strings, keys, and URLs with tokens are often passed as an
/// endpoint by mistake.
fn printable(text: &str) -> Option<&str> {
    let is_like_address = text.len() <= 128 && !text.contains(['@', '=', ';', '?', '#', '+', '%']);
    // A key is one word, or has a long one.
    let is_like_key = text.split(['.', '/', ':']).any(|word| word.len() > 32) || !text.contains(['.', ':']);
    (is_like_address && !is_like_key).then_some(text)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_normalized_to_the_form_that_is_sent() {
        for (given, kept) in [
            ("https://Name.Example.COM", "https://name.example.com"),
            (" https://name.example.com:443/ ", "https://name.example.com"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(Endpoint::parse(given).unwrap().as_str(), kept);
        }
        assert_eq!(Endpoint::parse("http://[::1]:8080").unwrap().host(), "[::1]");
        assert_eq!(Endpoint::parse("http://[::1]").unwrap().host(), "[::1]");
        assert_eq!(Endpoint::parse("http://a.b:1").unwrap().host(), "a.b");
        assert_eq!(
            Endpoint::parse("http://[::1]").unwrap().with_port(81).unwrap().as_str(),
            "http://[::1]:81"
        );
        assert_eq!(Endpoint::parse("https://a.b:1").unwrap().with_port(443).unwrap().as_str(), "https://a.b");
        assert!(Endpoint::parse("https://a.b").unwrap().with_port(0).unwrap_err().is_invalid_input());
    }

    #[test]
    fn each_malformed_endpoint_is_rejected_with_its_rule() {
        for (given, rule) in [
            ("", "empty"),
            ("name.example.com", "no scheme"),
            ("planted-key", "no scheme"),
            ("\"https://name.example.com\"", "quotation marks"),
            ("'https://name.example.com", "quotation marks"),
            ("\u{feff}https://name.example.com", "byte order mark"),
            ("ENDPOINT=https://name.example.com", "`NAME=`"),
            ("localhost:8080", "no scheme"),
            ("ftp://name.example.com", "scheme `https` or `http`"),
            ("https://", "not a URL"),
            ("https://name.example.com/hubs", "no path"),
            ("https://name.example.com?x", "no query"),
            ("https://name.example.com/#x", "no fragment"),
            ("https://user:planted@name.example.com", "credentials"),
            ("https://name.exa\nmple.com", "white space"),
            ("https://na me.example.com", "white space"),
            ("https://name.example.com:0", "port"),
            ("https://name.example.com:65536", "not a URL"),
            ("https://[::1", "not a URL"),
        ] {
            let error = Endpoint::parse(given).unwrap_err().to_string();
            assert!(error.contains(rule), "{given}: {error}");
            assert!(!error.contains("planted"), "{error}");
        }
    }

    #[test]
    fn the_address_of_a_reverse_proxy_may_have_a_path() {
        for (given, origin, prefix) in [
            ("https://gw.example", "https://gw.example", ""),
            ("https://gw.example/", "https://gw.example", ""),
            ("https://GW.example:443/a/b//", "https://gw.example", "/a/b"),
            ("https://gw.example/a/../é", "https://gw.example", "/%C3%A9"),
        ] {
            let endpoint = Endpoint::parse_with_path(given).unwrap();
            assert_eq!((endpoint.as_str(), endpoint.prefix()), (origin, prefix), "{given}");
            assert_eq!(endpoint.to_string(), format!("{origin}{prefix}"));
            assert!(endpoint.owns(&"https://gw.example/elsewhere".parse().unwrap()));
        }
        for given in
            ["https://gw.example/a?b", "https://gw.example/a#b", "https://u:p@gw.example/a", "gw.example/a"]
        {
            assert!(Endpoint::parse_with_path(given).unwrap_err().is_invalid_input(), "{given}");
        }
    }

    #[test]
    fn a_connection_string_in_the_wrong_place_is_not_repeated() {
        for given in [
            "Endpoint=https://x.example;AccessKey=planted",
            "plantedXYZplantedXYZplantedXYZplantedXYZ012345",
            "https://x.example/plantedXYZplantedXYZplantedXYZplantedXYZ012345",
            "https://x.example/?sig=planted",
        ] {
            let error = Endpoint::parse(given).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("planted"), "{error}");
        }
    }

    #[test]
    fn international_names_and_short_addresses_are_normalized() {
        for (given, kept) in [
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://127.1:8080", "http://127.0.0.1:8080"),
            ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
            ("https://name.example.com.", "https://name.example.com."),
        ] {
            assert_eq!(Endpoint::parse(given).unwrap().as_str(), kept);
        }
        assert!(Endpoint::parse("http://127.1").unwrap().is_loopback());
        assert!(!Endpoint::parse("http://[::ffff:127.0.0.1]").unwrap().is_loopback());
    }

    #[test]
    fn loopback_is_distinguished_from_names_that_look_like_it() {
        for (given, loopback) in [
            ("http://localhost:1", true),
            ("http://hub.localhost:1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:1", true),
            ("http://localhost.example.com", false),
            ("http://128.0.0.1", false),
            ("http://127.0.0.1.example.com", false),
        ] {
            assert_eq!(Endpoint::parse(given).unwrap().is_loopback(), loopback, "{given}");
        }
    }

    #[test]
    fn only_the_same_scheme_host_and_port_are_the_same_origin() {
        let endpoint = Endpoint::parse("https://name.example.com").unwrap();
        for (uri, own) in [
            ("https://name.example.com/a?b", true),
            ("https://NAME.example.com:443/a", true),
            ("http://name.example.com/a", false),
            ("https://name.example.com:8443/a", false),
            ("https://evil.example.com/a", false),
            ("https://name.example.com@evil.example.com/a", false),
            ("https://user:word@name.example.com/a", false),
            ("/a", false),
        ] {
            assert_eq!(endpoint.owns(&uri.parse().unwrap()), own, "{uri}");
        }
    }
}
