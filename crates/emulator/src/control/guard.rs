//! Who may use the control API. It is meant for programs on the same machine and for containers with a token, but a
//! browser on this machine can be made to send requests by any page that it shows.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use http::{Method, StatusCode};

use super::call::Problem;
use crate::message::{Endpoint, Request, host};

/// The rules of one emulator.
#[derive(Clone)]
pub(crate) struct Guard {
    token: Option<Arc<str>>,
    /// Whether the server listens on a loopback address.
    loopback: bool,
    /// Names under which clients find the emulator, besides `localhost` and addresses.
    names: [Arc<str>; 2],
}

impl Guard {
    /// The rules for a server that listens on `host`.
    pub(crate) fn new(endpoint: &Endpoint, own_host: &str, token: Option<String>) -> Self {
        let names = [host(endpoint.authority()).into(), own_host.into()];
        Self { token: token.map(Arc::from), loopback: endpoint.address.ip().is_loopback(), names }
    }

    /// Rejects a request that may not use the control API.
    pub(super) fn check(&self, request: &Request) -> Result<(), Problem> {
        if !self.loopback && self.token.is_none() {
            return Err(Problem::unknown_path());
        }
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

    /// Rejects a request that a page of another origin may have caused. A foreign `Host` is the sign of a name that was
    /// bound to this address after the page was loaded.
    pub(crate) fn check_source(&self, request: &Request) -> Result<(), Problem> {
        let forbidden = |message| Err(Problem::new(StatusCode::FORBIDDEN, message));
        if request.headers.get_all(HOST).iter().count() != 1 || !self.is_own(host(&request.host)) {
            return forbidden("the `Host` header does not name this emulator");
        }
        let origins: Vec<_> = request.headers.get_all(ORIGIN).iter().collect();
        let own = request.origin();
        let foreign = |origin: &&http::HeaderValue| !origin.as_bytes().eq_ignore_ascii_case(own.as_bytes());
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
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Takes the same time wherever the texts differ.
pub(crate) fn are_equal(given: &str, expected: &str) -> bool {
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
        Guard::new(&endpoint, "0.0.0.0", token.map(str::to_owned))
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
