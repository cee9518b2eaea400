//! Bearer tokens from an identity service, kept so that no call waits for a refresh while the old token still works, and
//! so that a failing identity service is not asked once per caller.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use tokio::sync::watch;

use super::{Authorize, sensitive};
use crate::error::{BoxError, Delivery, ErrorKind};
use crate::{Clock, Error, Result, Secret, clock};

/// A token is renewed this long before it ends, or at half of a shorter life.
const REFRESH_AHEAD: Duration = Duration::from_secs(300);
/// A failed renewal is not tried again for this long while the old token works.
const QUIET: Duration = Duration::from_secs(30);
/// A fetch is given up after this long, so that a half-open connection to the identity service does not hold every later call.
const FETCH_LIMIT: Duration = Duration::from_secs(120);

/// A token and when it ends.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The token's text, without `Bearer`.
    pub token: Secret,
    /// When the service stops accepting it.
    pub expires_on: SystemTime,
}

/// A source of tokens: an identity library, a managed identity, a test.
///
/// Async closures are credentials too:
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use service_core::{AccessToken, TokenCredential};
///
/// fn takes(_: impl TokenCredential) {}
/// takes(async |scopes: Vec<String>| {
///     let expires_on = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
///     Ok::<_, std::io::Error>(AccessToken { token: scopes.join(" ").into(), expires_on })
/// });
/// ```
#[async_trait]
pub trait TokenCredential: Send + Sync + 'static {
    /// Fetches a fresh token for these scopes; the caller caches it.
    async fn token(&self, scopes: Vec<String>) -> Result<AccessToken, BoxError>;
}

#[async_trait]
impl<F, Fut, E> TokenCredential for F
where
    F: Fn(Vec<String>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<AccessToken, E>> + Send,
    E: Into<BoxError>,
{
    async fn token(&self, scopes: Vec<String>) -> Result<AccessToken, BoxError> {
        let fetched = self(scopes).await;
        fetched.map_err(Into::into)
    }
}

/// `Authorization: Bearer`, with a cached token for fixed scopes.
#[derive(Clone)]
pub struct BearerToken(Arc<Cache>);

struct Cache {
    credential: Box<dyn TokenCredential>,
    scopes: Vec<String>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    fetch: Option<Fetching>,
    /// No renewal of a working token before this moment of `Clock::elapsed`.
    quiet_until: Duration,
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
    /// A cache over `credential` for `scopes`.
    pub fn new(credential: impl TokenCredential, scopes: Vec<String>, clock: Arc<dyn Clock>) -> Self {
        Self::boxed(Box::new(credential), scopes, clock)
    }

    /// The same over a credential whose type is not known any more.
    pub fn boxed(credential: Box<dyn TokenCredential>, scopes: Vec<String>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Cache { credential, scopes, clock, state: Mutex::new(State::default()) }))
    }

    async fn header(&self) -> Result<HeaderValue> {
        // A fetch may end with the runtime of the call that began it; this call then begins its own.
        for _ in 0..2 {
            let mut fetch = match self.cached_or_fetching() {
                Ok(header) => return Ok(header),
                Err(fetch) => fetch,
            };
            let fetched = fetch.wait_for(Option::is_some).await.ok().and_then(|fetched| fetched.clone());
            match fetched {
                Some(Ok(current)) => return Ok(current.header),
                Some(Err(cause)) => return Err(no_token().with_source(Shared(cause))),
                None => {}
            }
        }
        Err(no_token().with_source("the task that fetched it was ended"))
    }

    /// The cached header while it works (a renewal may start behind it), else the fetch to wait for.
    fn cached_or_fetching(&self) -> Result<HeaderValue, Fetching> {
        let (found, begun) = self.look();
        // In a task of its own, so that a caller who gives up does not end it for the others; begun outside the lock, since
        // a runtime that is shutting down drops the task at once, and a fetch that ends takes the lock.
        if let Some(fetch) = begun {
            tokio::spawn(fetch.run());
        }
        found
    }

    fn look(&self) -> (Result<HeaderValue, Fetching>, Option<Fetch>) {
        let now = self.0.clock.now();
        let mut state = self.0.lock();
        let Some(current) = state.current.clone().filter(|current| now < current.expires_on) else {
            if let Some(fetching) = &state.fetch {
                return (Err(fetching.clone()), None);
            }
            let (fetch, fetching) = self.fetch();
            state.fetch = Some(fetching.clone());
            return (Err(fetching), Some(fetch));
        };
        let quiet = self.0.clock.elapsed() < state.quiet_until;
        let mut begun = None;
        if now >= current.refresh_on && !quiet && state.fetch.is_none() {
            let (fetch, fetching) = self.fetch();
            (state.fetch, begun) = (Some(fetching), Some(fetch));
        }
        (Ok(current.header), begun)
    }

    fn fetch(&self) -> (Fetch, Fetching) {
        let (sender, fetching) = watch::channel(None);
        (Fetch { cache: Arc::clone(&self.0), sender, ended: false }, fetching)
    }
}

/// A fetch under way. However it ends, the cache forgets it and the calls that wait for it hear of it.
struct Fetch {
    cache: Arc<Cache>,
    sender: watch::Sender<Option<Fetched>>,
    ended: bool,
}

impl Fetch {
    async fn run(mut self) {
        let cache = Arc::clone(&self.cache);
        let token = cache.credential.token(cache.scopes.clone());
        let token = clock::timeout(&*cache.clock, FETCH_LIMIT, token).await;
        let token = token.unwrap_or_else(|| Err(format!("no token came within {FETCH_LIMIT:?}").into()));
        self.end(token.and_then(|token| cache.accept(&token)));
    }

    fn end(&mut self, fetched: Result<Current, BoxError>) {
        self.ended = true;
        let fetched = fetched.map_err(Arc::new);
        let mut state = self.cache.lock();
        state.fetch = None;
        match &fetched {
            Ok(current) => state.current = Some(current.clone()),
            Err(_) => state.quiet_until = self.cache.clock.elapsed().saturating_add(QUIET),
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
            // The runtime went away: no fault of the identity service, so the next call may ask at once.
            self.cache.lock().fetch = None;
        }
    }
}

impl Cache {
    fn accept(&self, token: &AccessToken) -> Result<Current, BoxError> {
        let left = token.expires_on.duration_since(self.clock.now()).unwrap_or_default();
        if left.is_zero() {
            return Err("the credential gave a token that has already expired".into());
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

    /// Drops the token if it is still the cached one; whoever comes later finds the fresh one that the first made us fetch.
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
        f.debug_struct("BearerToken").field("scopes", &self.0.scopes).finish_non_exhaustive()
    }
}

fn no_token() -> Error {
    Error::new(ErrorKind::Credential, "no access token could be had")
        .with_delivery(Delivery::NotSent)
        .permanent()
}

/// One cause for all who waited for the same fetch.
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
