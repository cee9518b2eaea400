//! Bearer tokens from an identity service. They are cached so that no call waits for a refresh while the old token is valid,
//! and so that a failing identity service does not receive one request per caller.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use tokio::sync::watch;

use super::measure::TokenMeter;
use super::{Authorize, sensitive};
use crate::error::{BoxError, Delivery, ErrorKind, root_cause};
use crate::{Clock, Error, Result, Secret, clock};

/// How long before its expiry a token is refreshed; a token with a shorter lifetime is refreshed halfway.
const REFRESH_AHEAD: Duration = Duration::from_secs(300);
/// How long no token is requested after a failed request, whether or not the old token is still valid.
const COOLDOWN: Duration = Duration::from_secs(30);
/// The timeout of a token request, so that a half-open connection to the identity service does not block later calls.
const FETCH_TIMEOUT: Duration = Duration::from_secs(120);

/// Contains an access token and its expiry time.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token's text, which does not include `Bearer`.
    pub token: Secret,
    /// The time at which the service stops accepting the token.
    pub expires_on: SystemTime,
}

impl AccessToken {
    /// Creates a token that expires at the given time.
    pub fn new(token: impl Into<Secret>, expires_on: SystemTime) -> Self {
        Self { token: token.into(), expires_on }
    }
}

/// Describes the access token that a client needs.
///
/// # Examples
///
/// ```
/// use service_core::TokenRequest;
///
/// let request = TokenRequest::new(["https://rooms.example/.default"]);
/// assert_eq!(request.scopes, ["https://rooms.example/.default"]);
/// assert_eq!((request.claims, request.tenant), (None, None));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenRequest {
    /// The scopes that the token must be valid for.
    pub scopes: Vec<String>,
    /// The additional claims that the token must contain, as JSON, or `None` if any token will do.
    pub claims: Option<String>,
    /// The tenant that must issue the token, or `None` for the credential's own.
    pub tenant: Option<String>,
}

impl TokenRequest {
    /// Creates a request for a token that is valid for the given scopes.
    pub fn new<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Self {
        Self { scopes: scopes.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// Requests access tokens from an identity service.
///
/// Async closures implement this trait, and so does an [`Arc`] of any implementation, so that several clients can share a
/// credential. Credentials of other libraries need an adapter.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use service_core::{AccessToken, TokenCredential, TokenRequest};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), service_core::BoxError> {
/// let credential = async |request: TokenRequest| {
///     // A real credential sends the scopes to an identity service.
///     let expires_on = SystemTime::now() + Duration::from_secs(3600);
///     Ok::<_, std::io::Error>(AccessToken::new(format!("token for {}", request.scopes.join(" ")), expires_on))
/// };
///
/// let token = credential.token(TokenRequest::new(["https://rooms.example/.default"])).await?;
/// assert_eq!(token.token.expose(), "token for https://rooms.example/.default");
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait TokenCredential: Send + Sync + 'static {
    /// Requests a fresh token. The caller caches it.
    ///
    /// # Errors
    ///
    /// Returns any error if no token can be obtained. The call fails with
    /// [`ErrorKind::Credential`](crate::ErrorKind::Credential), and this error is its source.
    async fn token(&self, request: TokenRequest) -> Result<AccessToken, BoxError>;
}

#[async_trait]
impl<F, Fut, E> TokenCredential for F
where
    F: Fn(TokenRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<AccessToken, E>> + Send,
    E: Into<BoxError>,
{
    async fn token(&self, request: TokenRequest) -> Result<AccessToken, BoxError> {
        let fetched = self(request).await;
        fetched.map_err(Into::into)
    }
}

#[async_trait]
impl<T: TokenCredential + ?Sized> TokenCredential for Arc<T> {
    async fn token(&self, request: TokenRequest) -> Result<AccessToken, BoxError> {
        (**self).token(request).await
    }
}

/// A credential that sends `Authorization: Bearer` with a cached token.
///
/// A token is refreshed in the background five minutes before it expires, or halfway through a lifetime of less than ten
/// minutes. A failed token request is not repeated for 30 seconds: meanwhile, calls use the old token while it is valid, and
/// afterwards fail with the error of that request. After a response with status 401, the token is replaced once and the request
/// is sent once more. Clones share the cache.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::time::{Duration, SystemTime};
///
/// use service_core::{AccessToken, BearerToken, SystemClock, TokenRequest};
///
/// let fetch = async |_request: TokenRequest| {
///     let expires_on = SystemTime::now() + Duration::from_secs(3600);
///     Ok::<_, std::io::Error>(AccessToken::new("from an identity service", expires_on))
/// };
/// let request = TokenRequest::new(["https://rooms.example/.default"]);
/// let credential = BearerToken::new(fetch, request, Arc::new(SystemClock::new()));
/// ```
#[derive(Clone)]
pub struct BearerToken(Arc<Cache>);

struct Cache {
    credential: Box<dyn TokenCredential>,
    request: TokenRequest,
    clock: Arc<dyn Clock>,
    meter: Option<TokenMeter>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    fetch: Option<Fetching>,
    failed: Option<Failed>,
}

/// A failed token request.
struct Failed {
    /// No token is requested before this value of `Clock::elapsed`.
    until: Duration,
    cause: Arc<BoxError>,
}

/// What a call finds in the cache.
enum Found {
    Header(HeaderValue),
    Fetching(Fetching),
    /// There is no usable token, and the last request has failed too recently to be repeated.
    Failed(Arc<BoxError>),
}

#[derive(Clone)]
struct Current {
    header: HeaderValue,
    refresh_on: SystemTime,
    expires_on: SystemTime,
}

type Fetched = Result<Current, Arc<BoxError>>;
type Fetching = watch::Receiver<Option<Fetched>>;

impl BearerToken {
    /// Creates a cache for the tokens that `credential` returns for `request`.
    pub fn new(credential: impl TokenCredential, request: TokenRequest, clock: Arc<dyn Clock>) -> Self {
        Self::with_meter(credential, request, clock, None)
    }

    pub(super) fn with_meter(
        credential: impl TokenCredential,
        request: TokenRequest,
        clock: Arc<dyn Clock>,
        meter: Option<TokenMeter>,
    ) -> Self {
        let (credential, state) = (Box::new(credential), Mutex::new(State::default()));
        Self(Arc::new(Cache { credential, request, clock, meter, state }))
    }

    async fn header(&self) -> Result<HeaderValue> {
        // A fetch ends with the runtime of the call that started it; this call then starts another.
        for _ in 0..2 {
            let mut fetch = match self.cached_or_fetching() {
                Found::Header(header) => return Ok(header),
                Found::Failed(cause) => return Err(failed(cause)),
                Found::Fetching(fetch) => fetch,
            };
            let fetched = fetch.wait_for(Option::is_some).await.ok().and_then(|fetched| fetched.clone());
            match fetched {
                Some(Ok(current)) => return Ok(current.header),
                Some(Err(cause)) => return Err(failed(cause)),
                None => {}
            }
        }
        Err(token_error("the task that requested it was aborted"))
    }

    /// Returns the cached header while it is valid (a refresh may start in the background), otherwise the fetch to wait for.
    fn cached_or_fetching(&self) -> Found {
        let (found, started) = self.look_up();
        // Runs in a separate task, so that a dropped call does not abort it for the others. It is spawned outside the lock,
        // since a runtime that is shutting down drops the task at once, and a fetch that ends takes the lock.
        if let Some(fetch) = started {
            tokio::spawn(fetch.run());
        }
        found
    }

    fn look_up(&self) -> (Found, Option<Fetch>) {
        let (now, elapsed) = (self.0.clock.now(), self.0.clock.elapsed());
        let mut state = self.0.lock();
        let cooling = state.failed.as_ref().filter(|failed| elapsed < failed.until);
        let cooling = cooling.map(|failed| Arc::clone(&failed.cause));
        let Some(current) = state.current.clone().filter(|current| now < current.expires_on) else {
            if let Some(fetching) = &state.fetch {
                return (Found::Fetching(fetching.clone()), None);
            }
            if let Some(cause) = cooling {
                return (Found::Failed(cause), None);
            }
            let (fetch, fetching) = self.fetch();
            state.fetch = Some(fetching.clone());
            return (Found::Fetching(fetching), Some(fetch));
        };
        let mut started = None;
        if now >= current.refresh_on && cooling.is_none() && state.fetch.is_none() {
            let (fetch, fetching) = self.fetch();
            (state.fetch, started) = (Some(fetching), Some(fetch));
        }
        (Found::Header(current.header), started)
    }

    fn fetch(&self) -> (Fetch, Fetching) {
        let (sender, fetching) = watch::channel(None);
        (Fetch { cache: Arc::clone(&self.0), sender, ended: false }, fetching)
    }
}

/// A token request in progress. When it ends, it is removed from the cache and the waiting calls are notified.
struct Fetch {
    cache: Arc<Cache>,
    sender: watch::Sender<Option<Fetched>>,
    ended: bool,
}

impl Fetch {
    async fn run(mut self) {
        let cache = Arc::clone(&self.cache);
        let started = cache.meter.as_ref().map(|_| cache.clock.elapsed());
        let token = cache.credential.token(cache.request.clone());
        let token = clock::timeout(&*cache.clock, FETCH_TIMEOUT, token).await;
        let timed_out = token.is_none();
        let token = token.unwrap_or_else(|| {
            Err(format!("the credential returned no token within {FETCH_TIMEOUT:?}").into())
        });
        let fetched = token.and_then(|token| cache.accept(&token));
        if let (Some(meter), Some(started)) = (&cache.meter, started) {
            meter.record(cache.clock.elapsed().saturating_sub(started), timed_out, fetched.is_err());
        }
        self.end(fetched);
    }

    fn end(&mut self, fetched: Result<Current, BoxError>) {
        self.ended = true;
        let fetched = fetched.map_err(Arc::new);
        let mut state = self.cache.lock();
        state.fetch = None;
        match &fetched {
            Ok(current) => (state.current, state.failed) = (Some(current.clone()), None),
            Err(cause) => {
                let until = self.cache.clock.elapsed().saturating_add(COOLDOWN);
                state.failed = Some(Failed { until, cause: Arc::clone(cause) });
            }
        }
        drop(state);
        self.sender.send_replace(Some(fetched));
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        if std::thread::panicking() {
            self.end(Err("the credential panicked".into()));
        } else {
            // The runtime shut down. This is not a failure of the identity service, so the next call may request a token.
            self.cache.lock().fetch = None;
        }
    }
}

impl Cache {
    fn accept(&self, token: &AccessToken) -> Result<Current, BoxError> {
        let left = token.expires_on.duration_since(self.clock.now()).unwrap_or_default();
        if left.is_zero() {
            return Err("the credential returned a token that has already expired".into());
        }
        let refresh_on = token.expires_on - REFRESH_AHEAD.min(left / 2);
        let header = sensitive(&format!("Bearer {}", token.token.expose()))?;
        Ok(Current { header, refresh_on, expires_on: token.expires_on })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Authorize for BearerToken {
    async fn authorize(&self, request: &mut Request<Bytes>) -> Result<()> {
        let header = self.header().await?;
        request.headers_mut().insert(AUTHORIZATION, header);
        Ok(())
    }

    fn authorize_now(&self, request: &mut Request<Bytes>) -> Option<Result<()>> {
        let Found::Header(header) = self.cached_or_fetching() else { return None };
        request.headers_mut().insert(AUTHORIZATION, header);
        Some(Ok(()))
    }

    /// Removes the rejected token if it is still the cached one. Later calls find the token that replaced it.
    fn unauthorized(&self, signed: Option<&HeaderValue>) -> bool {
        let mut state = self.0.lock();
        if state.current.as_ref().map(|current| &current.header) == signed {
            state.current = None;
        }
        true
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken").field("request", &self.0.request).finish_non_exhaustive()
    }
}

fn failed(cause: Arc<BoxError>) -> Error {
    token_error(&root_cause(&**cause)).with_source(Shared(cause))
}

fn token_error(cause: &str) -> Error {
    Error::new(ErrorKind::Credential, format!("could not obtain an access token: {cause}"))
        .with_delivery(Delivery::NotSent)
        .permanent()
}

/// The cause that all calls share that waited for the same fetch.
#[derive(Debug)]
struct Shared(Arc<BoxError>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
