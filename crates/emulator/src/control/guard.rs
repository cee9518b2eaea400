//! Who may use the control API. It is meant for programs on the same machine and for containers with a token, but a
//! browser on this machine can be made to send requests by any page that it shows.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use http::{Method, StatusCode};

use super::call::Problem;
use crate::message::{Endpoint, Request, host};
use crate::page::Proof;

/// The rules of one emulator.
#[derive(Clone)]
pub(crate) struct Guard {
    token: Option<Arc<str>>,
    /// Whether the server listens on a loopback address.
    loopback: bool,
    /// Whether only programs on this machine are meant to reach the server.
    local: bool,
    /// What browsers state as their origin if they reach the server through a proxy.
    advertised: Option<Arc<str>>,
    /// Names under which clients find the emulator, besides `localhost` and addresses.
    names: [Arc<str>; 2],
    /// A secret of this process, which the forms of the page contain.
    form_key: Arc<str>,
    shows_payloads: bool,
}

impl Guard {
    /// The rules for a server that listens on `host`.
    pub(crate) fn new(
        endpoint: &Endpoint,
        own_host: &str,
        token: Option<String>,
        shows_payloads: bool,
    ) -> Self {
        let names = [host(endpoint.authority()).into(), own_host.into()];
        let form_key: String = std::iter::repeat_with(fastrand::alphanumeric).take(32).collect();
        let loopback = endpoint.address.ip().is_loopback();
        // An advertised name is for others, whom a proxy or a container lets in.
        let local = loopback && endpoint.is_at_loopback();
        let advertised = endpoint.advertised().map(|origin| with_plain_port(origin).into());
        // An empty token would protect nothing.
        let token = token.filter(|token| !token.is_empty()).map(Arc::from);
        Self { token, loopback, local, advertised, names, form_key: form_key.into(), shows_payloads }
    }

    /// Whether the page shows payloads.
    pub(crate) fn shows_payloads(&self) -> bool {
        self.shows_payloads
    }

    /// What the forms of the page contain. `None` if actions are not allowed.
    pub(crate) fn proof(&self) -> Option<Proof> {
        self.check_reachable().ok()?;
        Some(Proof { key: self.form_key.as_ref().to_owned(), asks_for_token: self.token.is_some() })
    }

    /// Rejects everything if the server can be reached from other machines, and there is no token.
    pub(crate) fn check_reachable(&self) -> Result<(), Problem> {
        if !self.local && self.token.is_none() { Err(Problem::unknown_path()) } else { Ok(()) }
    }

    /// Rejects a form that the page did not send, or that lacks the control token.
    pub(crate) fn check_form(&self, key: &str, token: &str) -> Result<(), Problem> {
        if !are_equal(key, &self.form_key) {
            return Err(Problem::new(StatusCode::FORBIDDEN, "the form is not of this page: reload it"));
        }
        match &self.token {
            Some(expected) if !are_equal(token, expected) => {
                Err(Problem::invalid("the control token is wrong"))
            }
            _ => Ok(()),
        }
    }

    /// Rejects a request that may not use the control API.
    pub(super) fn check(&self, request: &Request) -> Result<(), Problem> {
        self.check_reachable()?;
        self.check_source(request)?;
        if let Some(token) = &self.token {
            let given = request.header(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
            if !given.is_some_and(|given| are_equal(given.trim(), token)) {
                return Err(Problem::new(StatusCode::UNAUTHORIZED, "the control token is missing or wrong"));
            }
        }
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        if !reads && !is_json(request.header(CONTENT_TYPE).unwrap_or("")) {
            let message = "a write requires the header `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
        }
        Ok(())
    }

    /// Rejects a request whose `Host` is foreign: the sign of a name that was bound to this address after a page of
    /// another origin was loaded.
    pub(crate) fn check_host(&self, request: &Request) -> Result<(), Problem> {
        if request.headers.get_all(HOST).iter().count() == 1 && self.is_own(host(&request.host)) {
            return Ok(());
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "the `Host` header does not name this emulator"))
    }

    /// Rejects a request that a page of another origin may have caused.
    pub(crate) fn check_source(&self, request: &Request) -> Result<(), Problem> {
        self.check_host(request)?;
        let forbidden = |message| Err(Problem::new(StatusCode::FORBIDDEN, message));
        let origins: Vec<_> = request.headers.get_all(ORIGIN).iter().collect();
        let own = request.origin();
        let is =
            |origin: &http::HeaderValue, own: &str| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes());
        let advertised = self.advertised.as_deref();
        let foreign = |origin: &&http::HeaderValue| {
            !is(origin, &own) && !advertised.is_some_and(|advertised| is(origin, advertised))
        };
        // Browsers state the site in a header that scripts cannot set.
        let site = request.header("sec-fetch-site").unwrap_or("none");
        if origins.iter().any(foreign) || !matches!(site, "same-origin" | "none") {
            return forbidden("requests of other origins are rejected");
        }
        Ok(())
    }

    /// Whether a host is this emulator. A name that is bound to an address later cannot be an address itself.
    fn is_own(&self, host: &str) -> bool {
        let known = host.eq_ignore_ascii_case("localhost")
            || self.names.iter().any(|name| !name.is_empty() && name.eq_ignore_ascii_case(host));
        known || host.parse::<IpAddr>().is_ok_and(|address| !self.loopback || address.is_loopback())
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("loopback", &self.loopback)
            .field("local", &self.local)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

/// Rejects a token that is easy to guess, or that a header cannot contain. The error does not repeat it.
pub(crate) fn check_token(token: &str) -> Result<(), &'static str> {
    let valid = (8..=256).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    if valid { Ok(()) } else { Err("must be 8 to 256 visible ASCII characters") }
}

/// An origin as browsers write it: without the default port of its scheme.
fn with_plain_port(origin: &str) -> &str {
    let port = if origin.starts_with("https:") { ":443" } else { ":80" };
    origin.strip_suffix(port).unwrap_or(origin)
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Takes the same time wherever the texts differ.
fn are_equal(given: &str, expected: &str) -> bool {
    let differences = given.bytes().zip(expected.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == expected.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;

    fn guard(address: &str, advertised: Option<&str>, token: Option<&str>) -> Guard {
        let endpoint = Endpoint::new(address.parse().unwrap(), false, advertised).unwrap();
        Guard::new(&endpoint, "0.0.0.0", token.map(str::to_owned), false)
    }

    fn status(guard: &Guard, method: Method, headers: &[(&'static str, &str)]) -> u16 {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let request = Request::read(method, "/_emulator/reset".to_owned(), headers, Bytes::new()).unwrap();
        guard.check(&request).map_or_else(|problem| problem.into_response().status().as_u16(), |()| 200)
    }

    #[test]
    fn on_loopback_only_the_own_host_and_origin_are_accepted() {
        let guard = guard("127.0.0.1:80", None, None);
        for (host, expected) in [
            ("127.0.0.1:80", 200),
            ("localhost:9", 200),
            ("[::1]", 200),
            ("127.9.9.9", 200),
            ("evil.test", 403),
            ("localhost.evil.test", 403),
            ("192.0.2.1", 403),
            ("", 403),
        ] {
            assert_eq!(status(&guard, Method::GET, &[("host", host)]), expected, "{host}");
        }
        for (origin, expected) in [
            ("http://localhost:80", 200),
            ("http://localhost:81", 403),
            ("https://localhost:80", 403),
            ("http://evil.test", 403),
            ("null", 403),
        ] {
            let headers = [("host", "localhost:80"), ("origin", origin)];
            assert_eq!(status(&guard, Method::GET, &headers), expected, "{origin}");
        }
        let headers = [("host", "localhost"), ("sec-fetch-site", "cross-site")];
        assert_eq!(status(&guard, Method::GET, &headers), 403);
        assert_eq!(status(&guard, Method::GET, &[]), 403);
    }

    #[test]
    fn an_advertised_name_lets_others_in_so_it_requires_a_token() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", 200),
            ("http://localhost", 200),
            ("https://[::1]:8443", 200),
            ("http://emulator:8080", 404),
            ("https://192.0.2.1", 404),
            ("http://localhost.evil.test", 404),
        ] {
            let guard = guard("127.0.0.1:80", Some(url), None);
            assert_eq!(status(&guard, Method::GET, &[("host", "localhost")]), expected, "{url}");
            assert_eq!(guard.proof().is_some(), expected == 200, "{url}");
        }
        let guard = guard("127.0.0.1:80", Some("http://emulator"), Some("s3cret"));
        assert_eq!(status(&guard, Method::GET, &[("host", "emulator")]), 401);
        let headers = [("host", "emulator"), ("authorization", "Bearer s3cret")];
        assert_eq!(status(&guard, Method::GET, &headers), 200);
    }

    #[test]
    fn the_advertised_origin_is_its_own_even_if_a_proxy_terminates_tls() {
        for (url, origin, expected) in [
            ("https://emulator.test", "https://emulator.test", 200),
            ("https://emulator.test:443", "https://emulator.test", 200),
            ("https://emulator.test:8443", "https://emulator.test:8443", 200),
            ("https://emulator.test", "HTTPS://emulator.test", 200),
            ("https://emulator.test", "https://emulator.test:444", 403),
            ("https://emulator.test", "https://emulator.test.evil.test", 403),
            ("https://emulator.test", "https://127.0.0.1", 403),
            ("https://emulator.test", "null", 403),
        ] {
            let guard = guard("127.0.0.1:80", Some(url), Some("s3cret"));
            let (host, token) = (("host", "emulator.test"), ("authorization", "Bearer s3cret"));
            assert_eq!(status(&guard, Method::GET, &[host, token, ("origin", origin)]), expected, "{origin}");
        }
        // A name that is not advertised may be that of another server on the machine from which a container's port is mapped.
        let guard = guard("0.0.0.0:8080", None, Some("s3cret"));
        let headers = [
            ("host", "localhost:80"),
            ("authorization", "Bearer s3cret"),
            ("origin", "http://127.0.0.1:8080"),
        ];
        assert_eq!(status(&guard, Method::GET, &headers), 403);
    }

    #[test]
    fn a_token_has_8_to_256_visible_characters() {
        let long = "x".repeat(257);
        for (token, valid) in
            [("", false), ("s3cret-", false), ("s3cret-8", true), ("s3 cret-8", false), ("s3crété-8", false)]
        {
            assert_eq!(check_token(token).is_ok(), valid, "{token}");
        }
        assert!(check_token(&long).is_err() && check_token(&long[1..]).is_ok());
    }

    #[test]
    fn a_write_requires_json() {
        let guard = guard("127.0.0.1:80", None, None);
        for (content_type, expected) in [
            ("application/json", 200),
            ("Application/JSON; charset=utf-8", 200),
            ("text/plain", 415),
            ("application/x-www-form-urlencoded", 415),
        ] {
            let headers = [("host", "localhost"), ("content-type", content_type)];
            assert_eq!(status(&guard, Method::POST, &headers), expected, "{content_type}");
        }
        assert_eq!(status(&guard, Method::DELETE, &[("host", "localhost")]), 415);
    }

    #[test]
    fn beyond_loopback_there_is_no_api_without_a_token() {
        let open = guard("0.0.0.0:80", Some("http://emulator"), None);
        assert_eq!(status(&open, Method::GET, &[("host", "localhost")]), 404);
        let empty = guard("0.0.0.0:80", None, Some(""));
        let headers = [("host", "localhost"), ("authorization", "Bearer ")];
        assert_eq!(status(&empty, Method::GET, &headers), 404);
        let guard = guard("0.0.0.0:80", Some("http://emulator"), Some("s3cret"));
        assert_eq!(status(&guard, Method::GET, &[("host", "localhost")]), 401);
        for (host, expected) in
            [("emulator:80", 200), ("192.0.2.1:80", 200), ("localhost", 200), ("evil.test", 403)]
        {
            let headers = [("host", host), ("authorization", "Bearer s3cret")];
            assert_eq!(status(&guard, Method::GET, &headers), expected, "{host}");
        }
        let headers = [("host", "localhost"), ("authorization", "Bearer s3cre")];
        assert_eq!(status(&guard, Method::GET, &headers), 401);
        assert!(!format!("{guard:?}").contains("s3cret"));
    }
}
