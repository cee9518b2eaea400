//! The signing keys of tokens: the trait that supplies them, and the source that reads those of a tenant.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request};
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use service_core::{Authorize, ClientOptions, Dialect, Endpoint, Pipeline, RawRequest};
use tokio::sync::Mutex;

use crate::{BoxError, Error, Result};

const AUTHORITY: &str = "https://login.microsoftonline.com";
/// The minimum time between two reads, so that forged tokens cannot cause more.
const COOLDOWN: Duration = Duration::from_secs(60);
/// Keys are read again after this time, so that withdrawn ones are not trusted indefinitely.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

static DIALECT: Dialect = Dialect::new(
    concat!("eventgrid-namespaces/", env!("CARGO_PKG_VERSION")),
    service_core::call_span!("azure.service.request.id"),
    "azure.service.request.id",
);

/// Supplies the keys with which tokens are verified.
///
/// # Examples
///
/// ```
/// use async_trait::async_trait;
/// use eventgrid_namespaces::BoxError;
/// use eventgrid_namespaces::push::{KeySource, VerificationKey};
///
/// #[derive(Debug)]
/// struct OneKey(VerificationKey);
///
/// #[async_trait]
/// impl KeySource for OneKey {
///     async fn key(&self, id: &str) -> Result<Option<VerificationKey>, BoxError> {
///         Ok((id == "key-1").then(|| self.0.clone()))
///     }
/// }
/// ```
#[async_trait]
pub trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// Returns the key with this ID (`kid`), or `None` if it certainly does not exist.
    ///
    /// `None` means that the token is forged: the response is 401, and Event Grid gives the events up.
    ///
    /// # Errors
    ///
    /// Returns an error if the key is not available now. The response is 503, and Event Grid retries.
    async fn key(&self, id: &str) -> Result<Option<VerificationKey>, BoxError>;
}

/// A public RSA key, with which the signature of a token is verified.
#[derive(Clone)]
pub struct VerificationKey(Arc<DecodingKey>);

impl VerificationKey {
    /// Creates a key from the members `n` and `e` of a JSON Web Key.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if one is not base64url text.
    pub fn rsa(n: &str, e: &str) -> Result<Self> {
        let invalid =
            |_| Error::invalid_input("RSA key", "must have base64url text as modulus and exponent", None);
        Ok(Self(Arc::new(DecodingKey::from_rsa_components(n, e).map_err(invalid)?)))
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.0
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerificationKey")
    }
}

/// Provides the signing keys of a Microsoft Entra ID tenant.
///
/// They are read when the first token arrives, when a token names an unknown key (at most once a minute), and after a day. While
/// they cannot be read, known keys remain valid.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use eventgrid_namespaces::push::EntraKeys;
///
/// # fn main() -> eventgrid_namespaces::Result<()> {
/// let keys = EntraKeys::builder("72f988bf-86f1-41af-91ab-2d7cd011db47").deadline(Duration::from_secs(5)).build()?;
/// # let _ = keys;
/// # Ok(()) }
/// ```
pub struct EntraKeys {
    tenant: String,
    pipeline: Pipeline,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    keys: HashMap<String, VerificationKey>,
    read_at: Option<Duration>,
    tried_at: Option<Duration>,
}

impl EntraKeys {
    /// Creates a source of the keys of a tenant in the public cloud, with default settings. Sends nothing.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`EntraKeysBuilder::build`].
    pub fn new(tenant: impl Into<String>) -> Result<Self> {
        Self::builder(tenant).build()
    }

    /// Creates a builder that configures a source of the keys of a tenant.
    pub fn builder(tenant: impl Into<String>) -> EntraKeysBuilder {
        let mut options = ClientOptions::default();
        // The service waits for 30 s for the response of the webhook.
        options.set_deadline(Duration::from_secs(10));
        EntraKeysBuilder { tenant: tenant.into(), authority: AUTHORITY.to_owned(), options }
    }

    async fn read(&self) -> Result<HashMap<String, VerificationKey>> {
        let path = "/{}/discovery/v2.0/keys";
        let json = RawRequest::new(&self.pipeline, Method::GET, path, &[&self.tenant]).await?;
        let set: KeySet = serde_json::from_slice(&json)
            .map_err(|_| Error::invalid_input("key set", "must be a JSON Web Key Set", None))?;
        let rsa = set.keys.into_iter().filter(|key| key.kty == "RSA" && key.r#use.as_deref() != Some("enc"));
        let keys = rsa.filter_map(|key| {
            let verification = VerificationKey::rsa(key.n.as_deref()?, key.e.as_deref()?).ok()?;
            Some((key.kid?, verification))
        });
        let keys: HashMap<_, _> = keys.collect();
        if keys.is_empty() {
            // It proves no token invalid, whose events would be lost.
            return Err(Error::invalid_input("key set", "must contain an RSA key", None));
        }
        Ok(keys)
    }
}

#[async_trait]
impl KeySource for EntraKeys {
    async fn key(&self, id: &str) -> Result<Option<VerificationKey>, BoxError> {
        // Held while the keys are read, so that requests that arrive together cause one read.
        let mut cache = self.cache.lock().await;
        let now = self.pipeline.clock().elapsed();
        let since = |at: Option<Duration>| at.map(|at| now.saturating_sub(at));
        let known = cache.keys.get(id).cloned();
        let fresh = since(cache.read_at).is_some_and(|age| age < MAX_AGE);
        if known.is_some() && fresh {
            return Ok(known);
        }
        if since(cache.tried_at).is_some_and(|age| age < COOLDOWN) {
            let unknown = "the key is unknown, and the keys were read less than a minute ago";
            return known.map(Some).ok_or_else(|| unknown.into());
        }
        cache.tried_at = Some(now);
        match self.read().await {
            Ok(keys) => {
                cache.keys = keys;
                cache.read_at = Some(now);
                Ok(cache.keys.get(id).cloned())
            }
            Err(error) => {
                tracing::warn!(%error, "could not read the signing keys");
                known.map(Some).ok_or_else(|| error.into())
            }
        }
    }
}

impl fmt::Debug for EntraKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntraKeys").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// A builder that configures [`EntraKeys`]. Is returned by [`EntraKeys::builder`].
#[must_use = "does nothing until built"]
#[derive(Debug)]
pub struct EntraKeysBuilder {
    tenant: String,
    authority: String,
    options: ClientOptions,
}

impl EntraKeysBuilder {
    /// Sets the host that issues tokens, for other clouds. Default: `https://login.microsoftonline.com`.
    pub fn authority(mut self, url: impl Into<String>) -> Self {
        self.authority = url.into();
        self
    }

    /// Validates the settings and creates the key source. Sends nothing.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the tenant is empty, if the authority is not a URL,
    /// or if a setting is invalid.
    pub fn build(self) -> Result<EntraKeys> {
        if self.tenant.is_empty() {
            return Err(Error::invalid_input("tenant", "must not be empty", None));
        }
        let endpoint = Endpoint::parse(&self.authority)?;
        let pipeline = self.options.build(&DIALECT, endpoint, Arc::new(Anonymous))?;
        Ok(EntraKeys { tenant: self.tenant, pipeline, cache: Mutex::default() })
    }
}

service_core::client_setters!(EntraKeysBuilder);

/// Keys are public.
#[derive(Debug)]
struct Anonymous;

#[async_trait]
impl Authorize for Anonymous {
    async fn authorize(&self, _: &mut Request<Bytes>) -> Result<()> {
        Ok(())
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    kty: String,
    r#use: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
}
