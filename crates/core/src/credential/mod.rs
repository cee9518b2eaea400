//! How a request is signed: as the last step of each attempt, so that nothing changes what was signed.

#[cfg(feature = "azure-identity")]
mod azure;
mod measure;
mod token;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Request};

#[cfg(feature = "azure-identity")]
pub use azure::AzureCredential;
pub use token::{AccessToken, BearerToken, TokenCredential, TokenRequest};

use crate::{Error, Result, Secret};

/// Signs requests by a scheme that the service accepts.
///
/// Users pass keys and token credentials, from which a service crate creates an implementation of this trait.
#[async_trait]
pub trait Authorize: fmt::Debug + Send + Sync + 'static {
    /// Signs one attempt, whose URL is final.
    ///
    /// # Errors
    ///
    /// Returns an error if the credential could not be obtained.
    async fn authorize(&self, request: &mut Request<Bytes>) -> Result<()>;

    /// Signs one attempt like [`authorize`](Self::authorize), or returns `None` if the credential has to wait for something.
    ///
    /// It is called first, since it needs no future. The default implementation returns `None`.
    fn authorize_now(&self, _request: &mut Request<Bytes>) -> Option<Result<()>> {
        None
    }

    /// Handles a response with status 401 and returns whether to make one more attempt with a fresh credential.
    ///
    /// `signed` is the `authorization` header of the attempt. The default implementation returns `false`.
    fn unauthorized(&self, _signed: Option<&HeaderValue>) -> bool {
        false
    }
}

/// A credential that sends the same header with every request, such as an API key.
pub struct HeaderKey {
    name: HeaderName,
    value: HeaderValue,
}

impl HeaderKey {
    /// Creates a credential that sends `Authorization: <scheme> <key>`.
    ///
    /// # Errors
    ///
    /// Returns an error if the key is empty, contains a character that headers do not allow, or still has what was around it where
    /// it was copied from (see [`Secret::check_pasted`]). The error does not contain the key.
    pub fn authorization(scheme: &str, key: &Secret) -> Result<Self> {
        if key.expose().trim().is_empty() {
            return Err(Error::invalid_input("key", "must not be empty", None));
        }
        key.check_pasted("key")?;
        Ok(Self { name: AUTHORIZATION, value: sensitive(&format!("{scheme} {}", key.expose().trim()))? })
    }
}

#[async_trait]
impl Authorize for HeaderKey {
    async fn authorize(&self, request: &mut Request<Bytes>) -> Result<()> {
        self.authorize_now(request).unwrap_or(Ok(()))
    }

    fn authorize_now(&self, request: &mut Request<Bytes>) -> Option<Result<()>> {
        request.headers_mut().insert(self.name.clone(), self.value.clone());
        Some(Ok(()))
    }
}

impl fmt::Debug for HeaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Creates a header value that is marked as sensitive, so that `Debug` does not show it.
///
/// # Errors
///
/// Returns an error if the text contains a character that headers do not allow. The error does not contain the text.
pub fn sensitive(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::invalid_input("key", "contains a character that HTTP headers do not allow", None)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_header_key_is_sent_and_never_shown() {
        let key = HeaderKey::authorization("Bearer", &Secret::new(" planted ")).unwrap();
        let mut request = Request::new(Bytes::new());
        key.authorize(&mut request).await.unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer planted");
        request.headers_mut().clear();
        key.authorize_now(&mut request).unwrap().unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer planted");
        assert!(!format!("{request:?} {key:?}").contains("planted"));
    }

    #[test]
    fn an_invalid_key_is_rejected_without_being_repeated() {
        for key in ["", "  ", "planted\r\nx: y", "planted\u{0}"] {
            let error = HeaderKey::authorization("Bearer", &Secret::new(key)).unwrap_err();
            assert!(error.is_invalid_input() && !format!("{error:?}").contains("planted"));
        }
    }
}
