//! Who the caller is: an access key of the namespace, or tokens of an identity service.

use std::fmt;
use std::sync::Arc;

use service_core::{Authorize, BearerToken, Clock, HeaderKey, Result, Secret, TokenCredential};

/// How a [`Receiver`](crate::Receiver) identifies itself.
pub struct Credential(Kind);

enum Kind {
    Key(Secret),
    Token(Box<dyn TokenCredential>),
}

impl Credential {
    /// An access key of the namespace: the text as the portal shows it.
    pub fn access_key(key: impl Into<Secret>) -> Self {
        Self(Kind::Key(key.into()))
    }

    /// Tokens of Microsoft Entra ID: anything that implements [`TokenCredential`], async closures included.
    pub fn token(credential: impl TokenCredential) -> Self {
        Self(Kind::Token(Box::new(credential)))
    }

    pub(crate) fn authorizer(self, scope: String, clock: Arc<dyn Clock>) -> Result<Arc<dyn Authorize>> {
        Ok(match self.0 {
            Kind::Key(key) => Arc::new(HeaderKey::authorization("SharedAccessKey", &key)?),
            Kind::Token(credential) => Arc::new(BearerToken::boxed(credential, vec![scope], clock)),
        })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Key(_) => "Credential::access_key(***)",
            Kind::Token(_) => "Credential::token(..)",
        })
    }
}
