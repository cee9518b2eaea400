//! The adapter for credentials of `azure_core`, such as those of `azure_identity`. It is separate because only the feature
//! `azure-identity` adds that dependency.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::TokenCredential as AzureTokenCredential;

use super::{AccessToken, TokenCredential, TokenRequest};
use crate::error::BoxError;

/// An adapter that turns any credential of `azure_core` into a [`TokenCredential`].
///
/// The constructors of `azure_identity` return an [`Arc`], which can be passed directly:
/// `AzureCredential::new(ManagedIdentityCredential::new(None)?)`. `azure_core` only takes the scopes of a
/// [`TokenRequest`](crate::TokenRequest); its credentials choose the tenant themselves.
#[derive(Clone)]
pub struct AzureCredential(Arc<dyn AzureTokenCredential>);

impl AzureCredential {
    /// Creates an adapter for `credential`.
    #[must_use]
    pub fn new(credential: Arc<dyn AzureTokenCredential>) -> Self {
        Self(credential)
    }
}

impl From<Arc<dyn AzureTokenCredential>> for AzureCredential {
    fn from(credential: Arc<dyn AzureTokenCredential>) -> Self {
        Self(credential)
    }
}

#[async_trait]
impl TokenCredential for AzureCredential {
    async fn token(&self, request: TokenRequest) -> Result<AccessToken, BoxError> {
        let scopes: Vec<&str> = request.scopes.iter().map(String::as_str).collect();
        let token = self.0.get_token(&scopes, None).await?;
        Ok(AccessToken::new(token.token.secret(), token.expires_on.into()))
    }
}

impl fmt::Debug for AzureCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is unknown what another crate's credential prints.
        f.debug_struct("AzureCredential").finish_non_exhaustive()
    }
}
