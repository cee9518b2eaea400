//! Errors of reqwest as errors of this crate: what failed, with host and root cause, and how far the request got. It is
//! separate because reqwest has no types for most of this, so that it must be read from the chain of sources.

use std::error::Error as StdError;
use std::io;

use http::{HeaderMap, StatusCode, Uri};
use rustls::AlertDescription;
use url::Url;

use super::{ConnectionOptions, Proxy};
use crate::Endpoint;
use crate::error::{Delivery, Error, ErrorKind, Result, chain, root_cause};

/// The servers that a client talks to, as errors name them.
#[derive(Debug)]
pub(super) struct Peers {
    host: String,
    /// Whether requests are sent without TLS.
    plain: bool,
    proxy: Option<String>,
}

impl Peers {
    /// # Errors
    ///
    /// Returns an error if a proxy variable that applies to the endpoint is malformed.
    pub(super) fn new(options: &ConnectionOptions, endpoint: &Endpoint) -> Result<Self> {
        let proxy = match &options.proxy {
            Proxy::Fixed(url) => Url::parse(url.expose()).ok().and_then(|url| authority(&url)),
            Proxy::Environment if options.reads_environment(endpoint) => environment_proxy(endpoint)?,
            Proxy::Environment | Proxy::None => None,
        };
        Ok(Self { host: endpoint.host_and_port(), plain: !endpoint.is_https(), proxy })
    }

    /// Converts an error that occurred before a response arrived.
    pub(super) fn failure(&self, error: reqwest::Error) -> Error {
        let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Transport };
        let Failure { text, delivery, permanent, status } = self.classify(&error);
        let mut failure = Error::new(kind, text).with_delivery(delivery).with_source(error.without_url());
        if let Some(status) = status {
            failure = failure.with_head(status, HeaderMap::new());
        }
        if permanent { failure.permanent() } else { failure }
    }

    /// Returns whether a proxy rejected a tunnel with a status that the error does not contain.
    pub(super) fn rejected_tunnel(error: &reqwest::Error) -> bool {
        Traits::of(error).tunnel.as_deref().is_some_and(is_rejection)
    }

    /// The server responded with status 101 to a request that did not ask for another protocol (RFC 9110, 15.2.2).
    pub(super) fn switched(&self) -> Error {
        let text = format!("the server at {} switched protocols instead of responding", self.host);
        Error::new(ErrorKind::Transport, text).with_delivery(Delivery::Unknown)
    }

    /// Converts an error that occurred in the middle of a success response's body.
    pub(super) fn cut_off(&self, error: reqwest::Error) -> Error {
        let text = format!("the response from {} was cut off", self.host);
        let cut_off = match Traits::of(&error).invalid {
            Some(fault) => {
                Error::new(ErrorKind::Transport, format!("{text}: {fault}")).with_source(error.without_url())
            }
            None => Error::new(ErrorKind::Transport, text).with_cause(error.without_url()),
        };
        cut_off.with_delivery(Delivery::Accepted)
    }

    /// The stream of a success response ended before its body did.
    pub(super) fn ended_early(&self) -> Error {
        let text = format!("the response from {} was cut off: the server ended its stream early", self.host);
        Error::new(ErrorKind::Transport, text).with_delivery(Delivery::Accepted)
    }

    fn classify(&self, error: &reqwest::Error) -> Failure {
        let (host, cause) = (&self.host, root_cause(error));
        let traits = Traits::of(error);
        if traits.rejected_certificate {
            let text = format!("could not connect to {host}: the server's certificate was rejected: {cause}");
            return Failure::not_sent(text).permanent();
        }
        if traits.rejected_by_server {
            let text = format!("{host} rejected the client's certificate or requires one: {cause}");
            return Failure::not_sent(text).permanent();
        }
        if let Some(tunnel) = &traits.tunnel {
            return self.tunnel(tunnel, &cause);
        }
        if traits.not_tls {
            return Failure::not_sent(format!("could not connect to {host}: the server does not speak TLS"));
        }
        if error.is_connect() {
            let target =
                self.proxy.as_ref().map_or_else(|| host.clone(), |proxy| format!("the proxy at {proxy}"));
            let cause = if error.is_timeout() { "the connect timeout elapsed" } else { &cause };
            return Failure::not_sent(format!("could not connect to {target}: {cause}"));
        }
        if traits.unsent {
            return Failure::not_sent(format!("the connection to {host} closed before the request was sent"));
        }
        if error.is_builder() {
            return Failure::not_sent(format!("the request is not valid: {cause}")).permanent();
        }
        if traits.not_http {
            let hint =
                if self.plain { " (if it expects TLS, the endpoint must begin with `https`)" } else { "" };
            return Failure::unknown(format!("the server at {host} does not speak HTTP: {cause}{hint}"));
        }
        if let Some(fault) = traits.invalid {
            return Failure::unknown(format!("the server at {host} sent an invalid response: {fault}"));
        }
        Failure::unknown(format!("the connection to {host} failed before a response arrived: {cause}"))
    }

    /// A CONNECT request to the proxy failed.
    fn tunnel(&self, tunnel: &str, cause: &str) -> Failure {
        let host = &self.host;
        let proxy = self.proxy.as_deref().unwrap_or("an unknown address");
        if tunnel.contains("authorization required") {
            let text = format!(
                "could not connect to {host} through the proxy at {proxy}: 407, the proxy requires authentication"
            );
            let status = Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
            return Failure { status, ..Failure::not_sent(text).permanent() };
        }
        if is_rejection(tunnel) {
            let text =
                format!("could not connect to {host}: the proxy at {proxy} rejected the CONNECT request");
            return Failure::not_sent(text).permanent();
        }
        Failure::not_sent(format!("could not connect to the proxy at {proxy}: {cause}"))
    }
}

/// Whether the text of a failed tunnel means that the proxy responded with another status than 200 and 407.
fn is_rejection(tunnel: &str) -> bool {
    tunnel.contains("unsuccessful") || tunnel.contains("too long")
}

struct Failure {
    text: String,
    delivery: Delivery,
    permanent: bool,
    status: Option<StatusCode>,
}

impl Failure {
    fn not_sent(text: String) -> Self {
        Self { text, delivery: Delivery::NotSent, permanent: false, status: None }
    }

    fn unknown(text: String) -> Self {
        Self { delivery: Delivery::Unknown, ..Self::not_sent(text) }
    }

    fn permanent(self) -> Self {
        Self { permanent: true, ..self }
    }
}

fn authority(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// The proxy that reqwest will take from the environment. It silently ignores one that it cannot read.
fn environment_proxy(endpoint: &Endpoint) -> Result<Option<String>> {
    let scheme = if endpoint.is_https() { "HTTPS_PROXY" } else { "HTTP_PROXY" };
    for name in [scheme, "ALL_PROXY"] {
        for name in [name.to_owned(), name.to_ascii_lowercase()] {
            let Ok(value) = std::env::var(&name) else { continue };
            let value = value.trim();
            if !value.is_empty() && parse_proxy(value).is_none() {
                let rule = "is not a proxy URL such as `http://host:3128`";
                return Err(Error::invalid_input(&format!("environment variable {name}"), rule, None));
            }
        }
    }
    let Ok(uri) = endpoint.as_str().parse::<Uri>() else { return Ok(None) };
    let matched = hyper_util::client::proxy::matcher::Matcher::from_env().intercept(&uri);
    Ok(matched.and_then(|proxy| authority(&Url::parse(&proxy.uri().to_string()).ok()?)))
}

fn parse_proxy(value: &str) -> Option<Url> {
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&with_scheme).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.host_str().is_some()).then_some(url)
}

/// What the sources of a transport error reveal.
#[derive(Default)]
struct Traits {
    /// This side rejected the server's certificate.
    rejected_certificate: bool,
    /// The server rejected this side's certificate.
    rejected_by_server: bool,
    unsent: bool,
    not_tls: bool,
    not_http: bool,
    /// How the server violated HTTP.
    invalid: Option<String>,
    /// The text of a failed tunnel through a proxy.
    tunnel: Option<String>,
}

impl Traits {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut traits = Self::default();
        for error in chain(error) {
            traits.read(error);
        }
        traits
    }

    fn read(&mut self, error: &(dyn StdError + 'static)) {
        self.rejected_by_server |= rejects_client_certificate(error);
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            self.rejected_certificate |= matches!(tls, rustls::Error::InvalidCertificate(_));
            self.not_tls |=
                matches!(tls, rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType));
        } else if let Some(http) = error.downcast_ref::<hyper::Error>() {
            // The pool closed the connection before the request was written to it.
            self.unsent |= http.is_canceled();
            if http.is_parse() {
                let text = http.to_string();
                self.not_http |= text.contains("HTTP version");
                self.invalid = Some(fault(&text));
            }
        } else if let Some(stream) = error.downcast_ref::<h2::Error>() {
            // REFUSED_STREAM, and GOAWAY for streams above its last one, promise that nothing was processed (RFC 9113, 8.7).
            let refused = stream.reason() == Some(h2::Reason::REFUSED_STREAM);
            self.unsent |= stream.is_remote() && (refused || stream.is_go_away());
            if stream.is_library() && stream.reason() != Some(h2::Reason::NO_ERROR) {
                self.invalid = Some(fault(&stream.to_string()));
            }
        } else if self.tunnel.is_none() {
            // hyper-util keeps the type of this error to itself.
            self.tunnel = Some(error.to_string()).filter(|text| text.starts_with("tunnel error"));
        }
    }
}

/// Explains how a response violates HTTP. hyper and h2 keep the types of these errors to themselves.
fn fault(text: &str) -> String {
    let known = [
        // More than 100 headers or 400 KiB in HTTP/1.1, more than 16 KiB in HTTP/2.
        ("message head is too large", "its head is too large"),
        ("header_list_way_too_large", "its head is too large"),
        ("too_many_continuations", "its head is too large"),
        ("too_many_data_frames", "it has too many small frames"),
        ("content-length", "its `Content-Length` is invalid"),
    ];
    let known = known.iter().find(|(part, _)| text.contains(part));
    known.map_or_else(
        || text.split_whitespace().collect::<Vec<_>>().join(" "),
        |(_, fault)| (*fault).to_owned(),
    )
}

/// The alerts by which a server rejects the client's certificate, or requires one. In TLS 1.3 it decides after the client's
/// own handshake is done, so the alert arrives while the request is on its way; the server reads no request before it has
/// decided (RFC 8446, 4.4).
const CERTIFICATE_ALERTS: [AlertDescription; 9] = [
    AlertDescription::CertificateRequired,
    AlertDescription::BadCertificate,
    AlertDescription::UnsupportedCertificate,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateExpired,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnknownCA,
    AlertDescription::AccessDenied,
    // Its signature does not verify: a handshake alert too, never one of records (RFC 8446, 6.2).
    AlertDescription::DecryptError,
];

fn rejects_client_certificate(error: &(dyn StdError + 'static)) -> bool {
    let mut alerts = CERTIFICATE_ALERTS.iter().map(|alert| rustls::Error::AlertReceived(*alert));
    match (error.downcast_ref::<rustls::Error>(), error.downcast_ref::<io::Error>()) {
        (Some(tls), _) => alerts.any(|alert| alert == *tls),
        // Streams of an HTTP/2 connection receive only the kind and the text of the error that ended it.
        (_, Some(io)) if io.kind() == io::ErrorKind::InvalidData => {
            let text = io.to_string();
            alerts.any(|alert| alert.to_string() == text)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    /// The error that a client gets if the server resets its stream for this reason.
    async fn reset(reason: h2::Reason) -> h2::Error {
        let (near, far) = tokio::io::duplex(4096);
        tokio::spawn(async move {
            let mut server = h2::server::handshake(far).await.unwrap();
            while let Some(Ok((_, mut response))) = server.accept().await {
                response.send_reset(reason);
            }
        });
        let (mut client, connection) = h2::client::handshake(near).await.unwrap();
        tokio::spawn(connection);
        let request = Request::post("http://rooms.example/").body(()).unwrap();
        let (response, _) = client.send_request(request, true).unwrap();
        response.await.unwrap_err()
    }

    #[tokio::test]
    async fn a_refused_http2_stream_was_not_processed_and_any_other_reset_one_may_have_been() {
        assert!(Traits::of(&reset(h2::Reason::REFUSED_STREAM).await).unsent);
        assert!(Traits::of(&io::Error::other(reset(h2::Reason::REFUSED_STREAM).await)).unsent);
        for reason in [h2::Reason::INTERNAL_ERROR, h2::Reason::CANCEL, h2::Reason::NO_ERROR] {
            assert!(!Traits::of(&reset(reason).await).unsent, "{reason}");
        }
        // An error of this side promises nothing about the other.
        assert!(!Traits::of(&h2::Error::from(h2::Reason::REFUSED_STREAM)).unsent);
    }

    #[test]
    fn a_rejected_certificate_is_found_behind_other_errors() {
        let rejected = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert!(Traits::of(&io::Error::other(io::Error::other(rejected))).rejected_certificate);
        assert!(!Traits::of(&io::Error::other(rustls::Error::DecryptError)).rejected_certificate);
        let by_server =
            |alert| Traits::of(&io::Error::other(rustls::Error::AlertReceived(alert))).rejected_by_server;
        assert!(by_server(AlertDescription::CertificateRequired) && by_server(AlertDescription::UnknownCA));
        assert!(!by_server(AlertDescription::InternalError), "it says nothing about the request");
    }

    #[test]
    fn hosts_are_named_with_their_port() {
        let of = |url| Endpoint::parse(url).unwrap().host_and_port();
        assert_eq!(of("https://name.example"), "name.example:443");
        assert_eq!(of("http://name.example"), "name.example:80");
        assert_eq!(of("https://name.example:8443"), "name.example:8443");
        assert_eq!(of("http://[::1]:80"), "[::1]:80");
        assert_eq!(of("http://[::1]:8080"), "[::1]:8080");
    }

    #[test]
    fn proxy_values_with_and_without_a_scheme_are_read() {
        for value in ["http://proxy:3128", "proxy:3128", "https://user:pass@proxy", "proxy"] {
            assert!(parse_proxy(value).is_some(), "{value}");
        }
        for value in ["http://", "socks5://proxy", "http://[::", "http://proxy:port"] {
            assert!(parse_proxy(value).is_none(), "{value}");
        }
    }
}
