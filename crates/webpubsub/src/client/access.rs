//! Where a client connects to: a client access URL, fixed or fetched for each connection. The access token moves from the URL
//! to a header, so that URLs in logs do not contain it.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::FutureExt;
use http::Uri;
use service_core::{BoxError, Endpoint, Error, ErrorKind, Result, Secret, push_pair};

use super::frame;
use crate::ClientAccess;

type UrlFuture = Pin<Box<dyn Future<Output = Result<Secret, BoxError>> + Send>>;

/// Provides a [`Client`](crate::Client) with client access URLs, `wss://<host>/client/hubs/<hub>?access_token=...`.
///
/// `&str`, `String`, [`Secret`] and [`ClientAccess`] convert into a fixed URL. `Debug` never shows the URL.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), webpubsub::BoxError> {
/// # let emulator = service_emulator::Emulator::start().await?;
/// use webpubsub::client::Access;
/// use webpubsub::{Client, Role, ServiceClient};
///
/// // A program that holds the access key makes its own URLs, one for each connection.
/// let connection_string = emulator.webpubsub().connection_string();
/// let service = ServiceClient::from_connection_string(&connection_string, "chat")?;
/// let access = Access::from_fn(move || {
///     let service = service.clone();
///     async move { service.client_access().user("ann").roles([Role::join_leave_group("lobby")]).await }
/// });
/// let client = Client::builder(access).connect().await?;
/// client.join_group("lobby").await?;
/// # Ok(()) }
/// ```
pub struct Access(Kind);

enum Kind {
    Url(Secret),
    Fetch(Box<dyn Fn() -> UrlFuture + Send + Sync>),
}

impl Access {
    /// Creates an access that uses one URL for all connections.
    ///
    /// When the URL's token has expired, the client cannot make a new connection and stops as soon as it needs one. Recovering
    /// a dropped connection needs no token. Use [`from_fn`](Self::from_fn) for long-lived clients.
    pub fn url(url: impl Into<Secret>) -> Self {
        Self(Kind::Url(url.into()))
    }

    /// Creates an access that calls `fetch` for a URL before each new connection.
    ///
    /// Recovering a dropped connection does not call `fetch`. Each call must finish within the
    /// [`attempt_timeout`](super::ClientBuilder::attempt_timeout). If the first call fails,
    /// [`connect`](super::ClientBuilder::connect) returns the error. During a reconnect, an error, an invalid URL, and a panic
    /// count as failed attempts.
    ///
    /// # Examples
    ///
    /// ```
    /// use webpubsub::client::Access;
    ///
    /// let access = Access::from_fn(|| async { fetch_from_my_server("/negotiate").await });
    /// # async fn fetch_from_my_server(_: &str) -> std::io::Result<String> { Ok(String::new()) }
    /// ```
    pub fn from_fn<F, A, U, E>(fetch: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<U, E>> + Send + 'static,
        U: Into<Secret>,
        E: Into<BoxError>,
    {
        Self(Kind::Fetch(Box::new(move || {
            let url = fetch();
            Box::pin(async move { url.await.map(Into::into).map_err(Into::into) })
        })))
    }

    pub(super) fn is_fixed(&self) -> bool {
        matches!(self.0, Kind::Url(_))
    }

    pub(super) async fn address(&self) -> Result<Address> {
        match &self.0 {
            Kind::Url(url) => Address::parse(url),
            Kind::Fetch(fetch) => {
                let failed = |error: BoxError| {
                    let text = format!("could not obtain a client access URL: {error}");
                    Error::new(ErrorKind::Credential, text).with_source(error)
                };
                let fetching = AssertUnwindSafe(async { fetch().await }).catch_unwind();
                let fetched = fetching.await.unwrap_or_else(|panic| Err(panicked(&*panic).into()));
                Address::parse(&fetched.map_err(failed)?)
            }
        }
    }
}

/// Describes a panic of the program's function, which counts as any other error of it.
fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the access function panicked: {}", text.unwrap_or("without a text"))
}

impl From<&str> for Access {
    fn from(url: &str) -> Self {
        Self::url(url)
    }
}

impl From<String> for Access {
    fn from(url: String) -> Self {
        Self::url(url)
    }
}

impl From<Secret> for Access {
    fn from(url: Secret) -> Self {
        Self::url(url)
    }
}

impl From<ClientAccess> for Access {
    fn from(access: ClientAccess) -> Self {
        Self::url(access.url)
    }
}

/// Returns the URL, so that [`Access::from_fn`] can return what [`ServiceClient`](crate::ServiceClient) creates.
impl From<ClientAccess> for Secret {
    fn from(access: ClientAccess) -> Self {
        Self::new(access.url)
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_fixed() { "Access::url(***)" } else { "Access::from_fn(..)" })
    }
}

/// A parsed client access URL.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) endpoint: Endpoint,
    path: String,
    /// The query without the token and without the leading `?`.
    query: String,
    token: Option<Secret>,
}

impl Address {
    fn parse(url: &Secret) -> Result<Self> {
        let invalid = |rule| Error::invalid_input("client access URL", rule, None);
        let uri: Uri = url.expose().trim().parse().map_err(|_| invalid("is not a URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(invalid("must begin with `wss://<host>` or `ws://<host>`"));
        };
        // Schemes are case-insensitive (RFC 3986, section 3.1).
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "wss" | "https" => "https",
            "ws" | "http" => "http",
            _ => return Err(invalid("must have the scheme `wss` or `ws`")),
        };
        if uri.path() == "/" {
            return Err(invalid("must have the path of a hub, `/client/hubs/<hub>`"));
        }
        let endpoint = Endpoint::parse(&format!("{scheme}://{authority}"))?;
        let is_token = |pair: &&str| pair.strip_prefix("access_token=").is_some_and(is_bearer_token);
        let pairs = uri.query().unwrap_or_default();
        let (token, rest): (Vec<_>, Vec<_>) =
            pairs.split('&').filter(|pair| !pair.is_empty()).partition(is_token);
        let token = token.first().and_then(|pair| pair.split_once('=')).map(|(_, token)| Secret::new(token));
        Ok(Self { endpoint, path: uri.path().to_owned(), query: rest.join("&"), token })
    }

    /// Returns the URL for a new connection and the token for its header.
    pub(super) fn new_connection_url(&self) -> (String, Option<&Secret>) {
        (self.with_query(&self.query), self.token.as_ref())
    }

    /// Returns the URL that recovers a connection (authentication, section 6). It carries no access token: none is needed, and
    /// an expired one could get the request rejected.
    pub(super) fn recovery_url(&self, connection: &frame::Connected) -> String {
        let mut query = self.query.clone();
        let token = connection.reconnection_token.as_ref().map_or("", |token| token.0.expose());
        for (name, value) in
            [("awps_connection_id", connection.connection_id.as_str()), ("awps_reconnection_token", token)]
        {
            if !query.is_empty() {
                query.push('&');
            }
            push_pair(&mut query, name, value);
        }
        self.with_query(&query)
    }

    /// Returns the hub as the path names it, which a reverse proxy can change.
    pub(super) fn hub(&self) -> Option<&str> {
        let (_, hub) = self.path.rsplit_once("/hubs/")?;
        Some(hub).filter(|hub| !hub.is_empty() && !hub.contains('/'))
    }

    fn with_query(&self, query: &str) -> String {
        let separator = if query.is_empty() { "" } else { "?" };
        format!("{}{}{separator}{query}", self.endpoint.as_str(), self.path)
    }
}

/// Returns whether a token is valid in a bearer header without decoding (RFC 6750, section 2.1). The service's tokens are.
fn is_bearer_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::frame::Token;

    fn parse(url: &str) -> Result<Address> {
        Address::parse(&Secret::new(url))
    }

    #[test]
    fn the_access_token_is_removed_from_the_url_and_the_rest_of_the_query_is_kept() {
        for (given, url, token) in [
            (
                "wss://a.example/client/hubs/chat?access_token=x.y-z_",
                "https://a.example/client/hubs/chat",
                true,
            ),
            (
                "ws://localhost:80/client/?hub=chat&access_token=x&b=c",
                "http://localhost/client/?hub=chat&b=c",
                true,
            ),
            ("WS://localhost:80/client/?hub=chat", "http://localhost/client/?hub=chat", false),
            ("Wss://a.example/client/hubs/c", "https://a.example/client/hubs/c", false),
            ("HTTPS://a.example/client/hubs/c", "https://a.example/client/hubs/c", false),
            ("https://a.example/client/hubs/c%5B", "https://a.example/client/hubs/c%5B", false),
            ("wss://a.example/c?access_token=a%20b", "https://a.example/c?access_token=a%20b", false),
        ] {
            let address = parse(given).unwrap();
            let (new, header) = address.new_connection_url();
            assert_eq!((new.as_str(), header.is_some()), (url, token), "{given}");
        }
    }

    #[test]
    fn a_recovery_sends_the_id_and_the_reconnection_token_but_no_access_token() {
        let address = parse("wss://a.example/client/hubs/chat?b=c&access_token=planted").unwrap();
        let connection = frame::Connected {
            connection_id: "i/d".to_owned(),
            user_id: None,
            reconnection_token: Some(Token(Secret::new("t=k"))),
        };
        let url =
            "https://a.example/client/hubs/chat?b=c&awps_connection_id=i%2Fd&awps_reconnection_token=t%3Dk";
        assert_eq!(address.recovery_url(&connection), url);
    }

    #[test]
    fn a_malformed_url_is_an_error_that_states_the_rule_and_does_not_repeat_the_url() {
        for (given, rule) in [
            ("", "is not a URL"),
            ("planted", "must begin with"),
            ("ftp://a.example/client/hubs/planted", "the scheme `wss` or `ws`"),
            ("wss://a.example/?access_token=planted", "the path of a hub"),
            ("wss://planted:planted@a.example/client/hubs/c", "credentials"),
        ] {
            let error = parse(given).unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains(rule), "{given}: {error}");
            assert!(!format!("{error:?}").contains("planted"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn an_access_never_shows_its_url_and_reports_why_none_could_be_obtained() {
        assert_eq!(format!("{:?}", Access::url("planted")), "Access::url(***)");
        let access = Access::from_fn(|| async { Err::<String, _>("the server is down") });
        let error = access.address().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credential);
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the server is down");
    }
}
