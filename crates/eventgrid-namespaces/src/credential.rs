//! Credentials: an access key of the namespace, a signature created with one, or tokens of an identity service.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use service_core::{
    Authorize, BearerToken, ClientOptions, Clock, HeaderKey, Result, Secret, SystemClock, TokenCredential,
    TokenRequest,
};

use crate::sas;
use crate::{Delivery, Error, ErrorKind};

/// A credential with which a [`NamespaceClient`](crate::NamespaceClient), a [`Sender`](crate::Sender) or a
/// [`Receiver`](crate::Receiver) authenticates.
///
/// A credential is sent only to the client's own origin. Clones of a token credential share that credential, but each client has
/// its own cache of tokens.
///
/// # Examples
///
/// ```
/// use eventgrid_namespaces::{AccessToken, Credential, Error, TokenCredential};
///
/// let by_key = Credential::access_key("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
/// let by_signature = Credential::sas_token("r=https%3A%2F%2Fname.example&e=2030-01-01T00%3A00%3A00&s=c2ln");
/// # assert_eq!(format!("{by_key:?}"), "Credential::access_key(***)");
/// # assert_eq!(format!("{by_signature:?}"), "Credential::sas_token(***)");
///
/// fn by_token(credential: impl TokenCredential) -> Credential {
///     Credential::token(credential)
/// }
/// ```
#[derive(Clone)]
pub struct Credential(Kind);

#[derive(Clone)]
enum Kind {
    Key(Secret),
    Sas(Secret),
    Token(Arc<dyn TokenCredential>),
}

impl Credential {
    /// Creates a credential from an access key of the namespace, as the portal shows it.
    pub fn access_key(key: impl Into<Secret>) -> Self {
        Self(Kind::Key(key.into()))
    }

    /// Creates a credential from a shared access signature.
    ///
    /// Accepts a [`SasToken`](crate::SasToken) or the text of one that was created elsewhere,
    /// `r=<resource>&e=<expiry>&s=<signature>`.
    ///
    /// Once the signature has expired, calls fail without sending a request. If the expiry has an unknown format, requests are
    /// sent and the service decides.
    pub fn sas_token(token: impl Into<Secret>) -> Self {
        Self(Kind::Sas(token.into()))
    }

    /// Creates a credential that uses tokens of Microsoft Entra ID.
    ///
    /// Accepts any implementation of [`TokenCredential`], including async closures.
    pub fn token(credential: impl TokenCredential) -> Self {
        Self(Kind::Token(Arc::new(credential)))
    }

    /// Validates a key or a signature.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.0 {
            Kind::Key(key) => HeaderKey::authorization("SharedAccessKey", key).map(drop),
            Kind::Sas(token) => Signature::new(token, Arc::new(SystemClock::new())).map(drop),
            Kind::Token(_) => Ok(()),
        }
    }

    pub(crate) fn authorizer(self, scope: String, options: &ClientOptions) -> Result<Arc<dyn Authorize>> {
        Ok(match self.0 {
            Kind::Key(key) => Arc::new(HeaderKey::authorization("SharedAccessKey", &key)?),
            Kind::Sas(token) => Arc::new(Signature::new(&token, options.clock())?),
            Kind::Token(credential) => Arc::new(BearerToken::for_client(
                credential,
                TokenRequest::new([scope]),
                options,
                &crate::metrics::CALLS,
            )),
        })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Key(_) => "Credential::access_key(***)",
            Kind::Sas(_) => "Credential::sas_token(***)",
            Kind::Token(_) => "Credential::token(..)",
        })
    }
}

/// A shared access signature that is not sent once it has expired.
#[derive(Debug)]
struct Signature {
    header: HeaderKey,
    expires_at: Option<SystemTime>,
    clock: Arc<dyn Clock>,
}

impl Signature {
    fn new(token: &Secret, clock: Arc<dyn Clock>) -> Result<Self> {
        token.check_pasted("SAS token")?;
        let text = token.expose().trim();
        let has = |name: &str| text.split('&').any(|pair| pair.starts_with(name));
        // Passing an access key here is a common mistake, and the key must not be sent as a signature.
        if !(has("r=") && has("e=") && has("s=")) {
            let rule = "must have the form `r=<resource>&e=<expiry>&s=<signature>`";
            return Err(Error::invalid_input("SAS token", rule, None));
        }
        let header = HeaderKey::authorization("SharedAccessSignature", token)?;
        Ok(Self { header, expires_at: sas::expiry(text), clock })
    }
}

#[async_trait]
impl Authorize for Signature {
    async fn authorize(&self, request: &mut Request<Bytes>) -> Result<()> {
        self.authorize_now(request).unwrap_or(Ok(()))
    }

    fn authorize_now(&self, request: &mut Request<Bytes>) -> Option<Result<()>> {
        if self.expires_at.is_some_and(|expires_at| expires_at <= self.clock.now()) {
            let text = "the SAS token has expired: create a client with a new token";
            let error = Error::new(ErrorKind::Credential, text).with_delivery(Delivery::NotSent);
            return Some(Err(error.permanent()));
        }
        self.header.authorize_now(request)
    }
}
