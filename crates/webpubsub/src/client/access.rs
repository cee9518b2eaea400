//! Where a client connects to: the client access URL, fixed or asked for, and what becomes of it. The access token leaves
//! the URL for a header, so that no log of URLs holds it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use http::Uri;
use service_core::{BoxError, Endpoint, Error, ErrorKind, Result, Secret, push_pair};

use super::frame;
use crate::ClientAccess;

type Asked = Pin<Box<dyn Future<Output = Result<Secret, BoxError>> + Send>>;

/// How a [`Client`](crate::Client) gets its client access URL, `wss://<host>/client/hubs/<hub>?access_token=...`.
pub struct Access(Kind);

enum Kind {
    Url(Secret),
    Ask(Box<dyn Fn() -> Asked + Send + Sync>),
}

impl Access {
    /// One URL for all connections. Once its token has run out, no new connection can be made, and the client stops when it
    /// needs one; recovering a connection needs no token.
    pub fn url(url: impl Into<Secret>) -> Self {
        Self(Kind::Url(url.into()))
    }

    /// Asks for a URL before each new connection, and never for a recovery.
    ///
    /// ```
    /// use webpubsub::client::Access;
    ///
    /// let access = Access::from_fn(|| async { fetch_from_my_server("/negotiate").await });
    /// # async fn fetch_from_my_server(_: &str) -> std::io::Result<String> { Ok(String::new()) }
    /// ```
    pub fn from_fn<F, A, U, E>(ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<U, E>> + Send + 'static,
        U: Into<Secret>,
        E: Into<BoxError>,
    {
        Self(Kind::Ask(Box::new(move || {
            let asked = ask();
            Box::pin(async move { asked.await.map(Into::into).map_err(Into::into) })
        })))
    }

    pub(super) fn is_fixed(&self) -> bool {
        matches!(self.0, Kind::Url(_))
    }

    pub(super) async fn address(&self) -> Result<Address> {
        match &self.0 {
            Kind::Url(url) => Address::parse(url),
            Kind::Ask(ask) => {
                let failed = |error: BoxError| {
                    Error::new(ErrorKind::Credential, "no client access URL could be had").with_source(error)
                };
                Address::parse(&ask().await.map_err(failed)?)
            }
        }
    }
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

/// The URL, so that what [`ServiceClient`](crate::ServiceClient) makes is an answer for [`Access::from_fn`].
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

/// A client access URL in its parts.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) endpoint: Endpoint,
    path: String,
    /// Without the token, and without its `?`.
    query: String,
    token: Option<Secret>,
}

impl Address {
    fn parse(url: &Secret) -> Result<Self> {
        let refuse = |rule| Error::invalid_input("client access URL", rule, None);
        let uri: Uri = url.expose().trim().parse().map_err(|_| refuse("is not a URL"))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refuse("must begin with `wss://<host>` or `ws://<host>`"));
        };
        let scheme = match scheme {
            "wss" | "https" => "https",
            "ws" | "http" => "http",
            _ => return Err(refuse("must have the scheme `wss` or `ws`")),
        };
        if uri.path() == "/" {
            return Err(refuse("must have the path of a hub, `/client/hubs/<hub>`"));
        }
        let endpoint = Endpoint::parse(&format!("{scheme}://{authority}"))?;
        let is_token = |pair: &&str| pair.strip_prefix("access_token=").is_some_and(fits_a_header);
        let pairs = uri.query().unwrap_or_default();
        let (token, rest): (Vec<_>, Vec<_>) =
            pairs.split('&').filter(|pair| !pair.is_empty()).partition(is_token);
        let token = token.first().and_then(|pair| pair.split_once('=')).map(|(_, token)| Secret::new(token));
        Ok(Self { endpoint, path: uri.path().to_owned(), query: rest.join("&"), token })
    }

    /// The URL of a new connection, and the token that goes into a header.
    pub(super) fn of_new(&self) -> (String, Option<&Secret>) {
        (self.with_query(&self.query), self.token.as_ref())
    }

    /// The URL that recovers a connection (authentication, section 6): it needs no access token, and an old one in it would
    /// only be one more thing to be refused.
    pub(super) fn of_recovery(&self, connection: &frame::Connected) -> String {
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

    fn with_query(&self, query: &str) -> String {
        let separator = if query.is_empty() { "" } else { "?" };
        format!("{}{}{separator}{query}", self.endpoint.as_str(), self.path)
    }
}

/// Whether a token needs no decoding to be what a bearer header takes (RFC 6750, section 2.1). The service's tokens are such.
fn fits_a_header(token: &str) -> bool {
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
    fn the_access_token_leaves_the_url_and_the_rest_of_the_query_stays() {
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
            ("https://a.example/client/hubs/c%5B", "https://a.example/client/hubs/c%5B", false),
            ("wss://a.example/c?access_token=a%20b", "https://a.example/c?access_token=a%20b", false),
        ] {
            let address = parse(given).unwrap();
            let (new, header) = address.of_new();
            assert_eq!((new.as_str(), header.is_some()), (url, token), "{given}");
        }
    }

    #[test]
    fn a_recovery_shows_id_and_reconnection_token_and_no_access_token() {
        let address = parse("wss://a.example/client/hubs/chat?b=c&access_token=planted").unwrap();
        let connection = frame::Connected {
            connection_id: "i/d".to_owned(),
            user_id: None,
            reconnection_token: Some(Token(Secret::new("t=k"))),
        };
        let url =
            "https://a.example/client/hubs/chat?b=c&awps_connection_id=i%2Fd&awps_reconnection_token=t%3Dk";
        assert_eq!(address.of_recovery(&connection), url);
    }

    #[test]
    fn a_malformed_url_is_refused_with_its_rule_and_not_repeated() {
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
    async fn an_access_never_shows_its_url_and_tells_why_none_could_be_had() {
        assert_eq!(format!("{:?}", Access::url("planted")), "Access::url(***)");
        let access = Access::from_fn(|| async { Err::<String, _>("the server is down") });
        let error = access.address().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credential);
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the server is down");
    }
}
