//! Credentials: an access key, which signs a token for each attempt, or tokens of an identity service.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Uri};
use serde::Serialize;
use service_core::{
    Authorize, BearerToken, ClientOptions, Clock, Delivery, Endpoint, Error, ErrorKind, Result, Secret,
    TokenCredential, TokenRequest, sensitive, url_text,
};

use crate::jwt::Signer;

/// The lifetime of the token of a request, as in the .NET library. The service also tolerates 5 minutes of clock skew.
const REQUEST_TOKEN_LIFETIME: Duration = Duration::from_secs(300);

/// Specifies how a [`ServiceClient`](crate::ServiceClient) authenticates.
///
/// `Debug` does not show secrets.
///
/// # Examples
///
/// ```
/// use webpubsub::{AccessToken, BoxError, Credential, TokenRequest};
/// # async fn fetch_token() -> Result<AccessToken, BoxError> { Err("offline".into()) }
///
/// let by_key = Credential::access_key("the access key");
/// let by_token = Credential::token(async |_request: TokenRequest| fetch_token().await);
/// ```
#[derive(Clone)]
pub struct Credential(Kind);

#[derive(Clone)]
enum Kind {
    AccessKey(Secret),
    Token(Arc<dyn TokenCredential>),
}

impl Credential {
    /// Creates a credential that signs each request with an access key of the resource, primary or secondary. `key` is the
    /// text that the portal shows.
    pub fn access_key(key: impl Into<Secret>) -> Self {
        Self(Kind::AccessKey(key.into()))
    }

    /// Creates a credential that uses tokens of Microsoft Entra ID. It accepts anything that implements
    /// [`TokenCredential`], including async closures. Tokens are cached and renewed before they expire.
    pub fn token(credential: impl TokenCredential) -> Self {
        Self(Kind::Token(Arc::new(credential)))
    }

    /// Validates an access key.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.0 {
            Kind::AccessKey(key) => Signer::new(key).map(drop),
            Kind::Token(_) => Ok(()),
        }
    }

    /// Returns what authenticates requests and, for an access key, what signs the tokens of clients.
    pub(crate) fn authorizer(
        self,
        addresses: &Addresses,
        scope: String,
        options: &ClientOptions,
    ) -> Result<Signed> {
        Ok(match self.0 {
            Kind::AccessKey(key) => {
                let signer = Signer::new(&key)?;
                let own_key = OwnKey { signer: signer.clone(), key };
                let (clock, audience) = (options.clock(), Audience::new(addresses));
                let authorizer = AccessKey { signer, clock, audience, last: Mutex::default() };
                (Arc::new(authorizer), Some(own_key))
            }
            Kind::Token(credential) => (
                Arc::new(BearerToken::for_client(
                    credential,
                    TokenRequest::new([scope]),
                    options,
                    &crate::metrics::CALLS,
                )),
                None,
            ),
        })
    }
}

pub(crate) type Signed = (Arc<dyn Authorize>, Option<OwnKey>);

/// Holds the access key of the client.
pub(crate) struct OwnKey {
    pub(crate) signer: Signer,
    /// The key itself, which explanations of a 401 need.
    pub(crate) key: Secret,
}

/// Holds the address of the service and the address that requests are sent to instead.
pub(crate) struct Addresses {
    pub(crate) endpoint: Endpoint,
    pub(crate) reverse_proxy: Option<Endpoint>,
}

/// Maps a URL to the one that the service sees: behind a reverse proxy, the address of the proxy is replaced.
#[derive(Default)]
struct Audience(Option<(String, String)>);

impl Audience {
    fn new(addresses: &Addresses) -> Self {
        Self(
            addresses.reverse_proxy.as_ref().map(|proxy| (proxy.to_string(), addresses.endpoint.to_string())),
        )
    }

    fn of(&self, uri: &Uri) -> Result<String> {
        let text = url_text(uri);
        let Some((proxy, endpoint)) = &self.0 else { return Ok(text) };
        match text.strip_prefix(proxy.as_str()).filter(|rest| rest.starts_with('/')) {
            Some(rest) => Ok(format!("{endpoint}{rest}")),
            // Only a policy of the caller can have changed the URL like this.
            None => {
                let text = format!("the URL of the request is not below the reverse proxy {proxy}");
                Err(Error::new(ErrorKind::Credential, text).with_delivery(Delivery::NotSent).permanent())
            }
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::AccessKey(_) => "Credential::access_key(***)",
            Kind::Token(_) => "Credential::token(..)",
        })
    }
}

/// Signs each attempt with a token whose audience is the exact URL of the attempt.
struct AccessKey {
    signer: Signer,
    audience: Audience,
    clock: Arc<dyn Clock>,
    /// The last token. Another one for the same URL in the same second would be the same text.
    last: Mutex<Option<LastToken>>,
}

struct LastToken {
    audience: String,
    iat: u64,
    header: HeaderValue,
}

impl AccessKey {
    fn header(&self, uri: &Uri) -> Result<HeaderValue> {
        let (audience, iat) = (self.audience.of(uri)?, seconds(self.clock.now())?);
        if let Some(last) = self.last().as_ref().filter(|last| last.iat == iat && last.audience == audience) {
            return Ok(last.header.clone());
        }
        let mut header = "Bearer ".to_owned();
        self.signer.push(
            &mut header,
            &Claims { aud: &audience, iat, exp: iat + REQUEST_TOKEN_LIFETIME.as_secs() },
        )?;
        let header = sensitive(&header)?;
        *self.last() = Some(LastToken { audience, iat, header: header.clone() });
        Ok(header)
    }

    fn last(&self) -> MutexGuard<'_, Option<LastToken>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iat: u64,
    exp: u64,
}

#[async_trait]
impl Authorize for AccessKey {
    async fn authorize(&self, request: &mut Request<Bytes>) -> Result<()> {
        self.authorize_now(request).unwrap_or(Ok(()))
    }

    fn authorize_now(&self, request: &mut Request<Bytes>) -> Option<Result<()>> {
        Some(self.header(request.uri()).map(|header| {
            request.headers_mut().insert(AUTHORIZATION, header);
        }))
    }
}

/// Returns the seconds since 1970, the unit of time in tokens.
pub(crate) fn seconds(time: SystemTime) -> Result<u64> {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH);
    Ok(since_epoch.map_err(|_| Error::invalid_input("clock", "is before 1970", None))?.as_secs())
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use service_core::testing::ManualClock;

    use super::*;

    const EMULATOR_KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH";

    /// The test vector of `webpubsub-auth.md`, section 2.
    const VECTOR: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJodHRwOi8vbG9jYWxob3N0OjgwODAvYXBpL2h1YnMvY2hhdC86c2VuZD9hcGktdmVyc2lvbj0yMDI0LTEyLTAxIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAzMDB9.y_6yceUQaX8qsuLwt7SRBfDDkYvykicwjPy1F2VM7KQ";

    async fn signed(addresses: &Addresses, url: &str) -> Result<Request<Bytes>> {
        let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let key = Credential::access_key(EMULATOR_KEY);
        let mut options = ClientOptions::default();
        options.set_clock(Arc::new(clock));
        let (credential, _) = key.authorizer(addresses, String::new(), &options).unwrap();
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = url.parse().unwrap();
        credential.authorize(&mut request).await?;
        assert!(!format!("{request:?} {credential:?}").contains("eyJ"));
        Ok(request)
    }

    fn addresses(reverse_proxy: Option<&str>) -> Addresses {
        let reverse_proxy = reverse_proxy.map(|url| Endpoint::parse_with_path(url).unwrap());
        Addresses { endpoint: Endpoint::parse("http://localhost:8080").unwrap(), reverse_proxy }
    }

    #[tokio::test]
    async fn a_signed_request_matches_the_known_token() {
        for (proxy, url) in [
            (None, "http://localhost:8080/api/hubs/chat/:send?api-version=2024-12-01"),
            (
                Some("https://gw.example/a/b/"),
                "https://gw.example/a/b/api/hubs/chat/:send?api-version=2024-12-01",
            ),
            (Some("https://gw.example"), "https://gw.example/api/hubs/chat/:send?api-version=2024-12-01"),
        ] {
            let request = signed(&addresses(proxy), url).await.unwrap();
            assert_eq!(request.headers()[AUTHORIZATION].to_str().unwrap(), format!("Bearer {VECTOR}"));
        }
    }

    #[tokio::test]
    async fn a_token_is_signed_again_for_another_url_and_in_the_next_second() {
        let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let mut options = ClientOptions::default();
        options.set_clock(Arc::new(clock.clone()));
        let key = Credential::access_key(EMULATOR_KEY);
        let (credential, _) = key.authorizer(&addresses(None), String::new(), &options).unwrap();
        let claims = async |url: &str| {
            let mut request = Request::new(Bytes::new());
            *request.uri_mut() = url.parse().unwrap();
            credential.authorize(&mut request).await.unwrap();
            let header = &request.headers()[AUTHORIZATION];
            assert!(header.is_sensitive());
            let token = header.to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned();
            assert!(Signer::new(&Secret::new(EMULATOR_KEY)).unwrap().signed(&token));
            let claims: serde_json::Value = crate::jwt::part(&token, crate::jwt::Part::Claims).unwrap();
            (claims["aud"].as_str().unwrap().to_owned(), claims["iat"].as_u64().unwrap())
        };
        let (first, other) = ("http://localhost:8080/a?b=1", "http://localhost:8080/a?b=2");
        for (url, seconds, iat) in [
            (first, 0, 1_700_000_000),
            (first, 0, 1_700_000_000),
            (other, 0, 1_700_000_000),
            (first, 0, 1_700_000_000),
            (first, 1, 1_700_000_001),
        ] {
            clock.advance(Duration::from_secs(seconds));
            assert_eq!(claims(url).await, (url.to_owned(), iat));
        }
    }

    #[tokio::test]
    async fn a_request_that_a_policy_moved_away_from_the_proxy_is_not_signed() {
        for url in ["https://gw.example/api/x", "https://gw.example/a/bc/x", "https://gw.example/a/b"] {
            let error = signed(&addresses(Some("https://gw.example/a/b")), url).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Credential, "{url}");
        }
    }

    #[test]
    fn an_invalid_access_key_is_rejected_with_its_rule_and_not_repeated() {
        for (key, rule) in [
            ("", "empty"),
            (" ", "empty"),
            (" planted", "white space"),
            ("planted\n", "white space"),
            ("Endpoint=https://x.example;AccessKey=planted", "`from_connection_string`"),
        ] {
            let error = Signer::new(&Secret::new(key)).err().unwrap();
            assert!(error.is_invalid_input() && error.to_string().contains(rule), "{key:?}: {error}");
            assert!(!format!("{error:?}").contains("planted"), "{error}");
        }
    }
}
