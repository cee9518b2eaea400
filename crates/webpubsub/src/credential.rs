//! Who the caller is: an access key, which signs a token for each attempt, or tokens of an identity service.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use serde::Serialize;
use service_core::{Authorize, BearerToken, Clock, Error, Result, Secret, TokenCredential, sensitive};

use crate::jwt::Signer;

/// How long a signed request is good for; .NET's choice. The service tolerates 5 minutes of clock skew besides.
const LIFE: Duration = Duration::from_secs(300);

/// How a [`ServiceClient`](crate::ServiceClient) identifies itself.
pub struct Credential(Kind);

enum Kind {
    AccessKey(Secret),
    Token(Box<dyn TokenCredential>),
}

impl Credential {
    /// An access key of the resource, primary or secondary: the text as the portal shows it.
    pub fn access_key(key: impl Into<Secret>) -> Self {
        Self(Kind::AccessKey(key.into()))
    }

    /// Tokens of Microsoft Entra ID: anything that implements [`TokenCredential`], async closures included.
    pub fn token(credential: impl TokenCredential) -> Self {
        Self(Kind::Token(Box::new(credential)))
    }

    pub(crate) fn authorizer(self, scope: String, clock: Arc<dyn Clock>) -> Result<Arc<dyn Authorize>> {
        Ok(match self.0 {
            Kind::AccessKey(key) => Arc::new(AccessKey { signer: Signer::new(&key)?, clock }),
            Kind::Token(credential) => Arc::new(BearerToken::boxed(credential, vec![scope], clock)),
        })
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

/// Signs a token whose audience is the exact URL of the attempt.
struct AccessKey {
    signer: Signer,
    clock: Arc<dyn Clock>,
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
        let audience = request.uri().to_string();
        let since_epoch = self.clock.now().duration_since(SystemTime::UNIX_EPOCH);
        let iat = since_epoch.map_err(|_| Error::invalid_input("clock", "is before 1970", None))?.as_secs();
        let token = self.signer.sign(&Claims { aud: &audience, iat, exp: iat + LIFE.as_secs() })?;
        request.headers_mut().insert(AUTHORIZATION, sensitive(&format!("Bearer {token}"))?);
        Ok(())
    }
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

    /// The vector of `webpubsub-auth.md`, section 2.
    const VECTOR: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJodHRwOi8vbG9jYWxob3N0OjgwODAvYXBpL2h1YnMvY2hhdC86c2VuZD9hcGktdmVyc2lvbj0yMDI0LTEyLTAxIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAzMDB9.y_6yceUQaX8qsuLwt7SRBfDDkYvykicwjPy1F2VM7KQ";

    #[tokio::test]
    async fn a_signed_request_matches_the_known_token() {
        let clock = ManualClock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let credential =
            Credential::access_key(EMULATOR_KEY).authorizer(String::new(), Arc::new(clock)).unwrap();
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() =
            "http://localhost:8080/api/hubs/chat/:send?api-version=2024-12-01".parse().unwrap();
        credential.authorize(&mut request).await.unwrap();
        assert_eq!(request.headers()[AUTHORIZATION].to_str().unwrap(), format!("Bearer {VECTOR}"));
        assert!(!format!("{request:?} {credential:?}").contains("eyJ"));
    }

    #[test]
    fn an_empty_key_is_refused() {
        let clock = Arc::new(ManualClock::new(SystemTime::UNIX_EPOCH));
        let error = Credential::access_key("").authorizer(String::new(), clock).unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains("access key"));
    }
}
