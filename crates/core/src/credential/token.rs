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
use crate::{Clock, Error, Result, Secret};

/// A token is renewed this long before it ends, or at half of a shorter life.
const REFRESH_AHEAD: Duration = Duration::from_secs(300);
/// A failed renewal is not tried again for this long while the old token works.
const QUIET: Duration = Duration::from_secs(30);

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
    fetch: Option<watch::Receiver<Option<Fetched>>>,
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

impl BearerToken {
    /// A cache over `credential` for `scopes`.
    pub fn new(credential: impl TokenCredential, scopes: Vec<String>, clock: Arc<dyn Clock>) -> Self {
        let state = Mutex::new(State::default());
        Self(Arc::new(Cache { credential: Box::new(credential), scopes, clock, state }))
    }

    async fn header(&self) -> Result<HeaderValue> {
        let mut fetch = match self.cached_or_fetching() {
            Ok(header) => return Ok(header),
            Err(fetch) => fetch,
        };
        let fetched = match fetch.wait_for(Option::is_some).await {
            Ok(fetched) => fetched.clone(),
            Err(_) => None,
        };
        match fetched {
            Some(Ok(current)) => Ok(current.header),
            Some(Err(cause)) => Err(no_token().with_source(Shared(cause))),
            None => Err(no_token().with_source("the task that fetched it was ended")),
        }
    }

    /// The cached header while it works (a renewal may start behind it), else the fetch to wait for.
    fn cached_or_fetching(&self) -> Result<HeaderValue, watch::Receiver<Option<Fetched>>> {
        let now = self.0.clock.now();
        let mut state = self.0.lock();
        // A fetch clears itself when it ends; one that is there without a sender was ended with its runtime.
        if state.fetch.as_ref().is_some_and(|fetch| fetch.has_changed().is_err()) {
            state.fetch = None;
        }
        let Some(current) = state.current.clone().filter(|current| now < current.expires_on) else {
            return Err(state.fetch.get_or_insert_with(|| self.fetch()).clone());
        };
        let quiet = self.0.clock.elapsed() < state.quiet_until;
        if now >= current.refresh_on && !quiet && state.fetch.is_none() {
            state.fetch = Some(self.fetch());
        }
        Ok(current.header)
    }

    /// Fetches in a task of its own, so that a caller who gives up does not end it for the others.
    fn fetch(&self) -> watch::Receiver<Option<Fetched>> {
        let (sender, receiver) = watch::channel(None);
        let cache = Arc::clone(&self.0);
        tokio::spawn(async move {
            let token = cache.credential.token(cache.scopes.clone()).await;
            let fetched = token.and_then(|token| cache.accept(&token)).map_err(Arc::new);
            let mut state = cache.lock();
            state.fetch = None;
            match &fetched {
                Ok(current) => state.current = Some(current.clone()),
                Err(_) => state.quiet_until = cache.clock.elapsed() + QUIET,
            }
            drop(state);
            sender.send_replace(Some(fetched));
        });
        receiver
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
    fn refused(&self, signed: Option<&HeaderValue>) -> bool {
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
