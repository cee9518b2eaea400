//! How a request is signed: last of all, once per attempt, so that nothing changes what was signed.

#[cfg(feature = "azure-identity")]
mod azure;
mod token;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Request};

#[cfg(feature = "azure-identity")]
pub use azure::AzureCredential;
pub use token::{AccessToken, BearerToken, TokenCredential};

use crate::{Error, Result, Secret};

/// A scheme by which a service knows its caller. Users give keys and token credentials; service crates turn them into this.
#[async_trait]
pub trait Authorize: fmt::Debug + Send + Sync + 'static {
    /// Signs one attempt; its URL is final.
    async fn authorize(&self, request: &mut Request<Bytes>) -> Result<()>;

    /// The service answered 401 to `signed`, this scheme's header of the attempt. Whether one more attempt may fare better.
    fn unauthorized(&self, _signed: Option<&HeaderValue>) -> bool {
        false
    }
}

/// A header that is the same for every request: a shared key, an API key.
pub struct HeaderKey {
    name: HeaderName,
    value: HeaderValue,
}

impl HeaderKey {
    /// `Authorization: <scheme> <key>`.
    ///
    /// # Errors
    ///
    /// A key that is empty or holds characters that no header may have; the key is not repeated.
    pub fn authorization(scheme: &str, key: &Secret) -> Result<Self> {
        if key.expose().trim().is_empty() {
            return Err(Error::invalid_input("key", "must not be empty", None));
        }
        Ok(Self { name: AUTHORIZATION, value: sensitive(&format!("{scheme} {}", key.expose().trim()))? })
    }
}

#[async_trait]
impl Authorize for HeaderKey {
    async fn authorize(&self, request: &mut Request<Bytes>) -> Result<()> {
        request.headers_mut().insert(self.name.clone(), self.value.clone());
        Ok(())
    }
}

impl fmt::Debug for HeaderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A header value that `Debug` does not show.
///
/// # Errors
///
/// Text that no header may have; it is not repeated.
pub fn sensitive(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::invalid_input("key", "holds a character that no HTTP header may have", None))?;
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
        assert!(!format!("{request:?} {key:?}").contains("planted"));
    }

    #[test]
    fn a_key_that_fits_no_header_is_refused_without_being_repeated() {
        for key in ["", "  ", "planted\r\nx: y", "planted\u{0}"] {
            let error = HeaderKey::authorization("Bearer", &Secret::new(key)).unwrap_err();
            assert!(error.is_invalid_input() && !format!("{error:?}").contains("planted"));
        }
    }
}
