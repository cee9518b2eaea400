//! Credentials written for `azure_core`, such as those of `azure_identity`, as ours. Apart, since only the feature
//! `azure-identity` brings the crate that they are written for.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::TokenCredential as AzureTokenCredential;

use super::{AccessToken, TokenCredential};
use crate::error::BoxError;

/// Any credential of `azure_core` as a [`TokenCredential`].
///
/// The credentials of `azure_identity` are made behind an [`Arc`], which this takes as it is:
/// `AzureCredential::new(ManagedIdentityCredential::new(None)?)`.
#[derive(Clone)]
pub struct AzureCredential(Arc<dyn AzureTokenCredential>);

impl AzureCredential {
    /// Wraps the credential.
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
    async fn token(&self, scopes: Vec<String>) -> Result<AccessToken, BoxError> {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        let token = self.0.get_token(&scopes, None).await?;
        let expires_on = token.expires_on.into();
        Ok(AccessToken { token: token.token.secret().into(), expires_on })
    }
}

impl fmt::Debug for AzureCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What another crate's credential would show of itself is not known.
        f.debug_struct("AzureCredential").finish_non_exhaustive()
    }
}
