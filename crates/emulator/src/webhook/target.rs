//! The address of a webhook, in the parts that a call needs.

use std::fmt;

use http::Uri;
use http::uri::{PathAndQuery, Scheme};

/// An address to call.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    /// Whether it is called over TLS.
    pub(crate) secure: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of the `Host` header.
    pub(crate) authority: String,
    pub(crate) path_and_query: String,
}

impl Target {
    /// Reads a URL. An error is the rule that it breaks, and contains nothing of the URL.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let url: Uri = url.parse().map_err(|_| "is not a URL")?;
        let secure = url.scheme() == Some(&Scheme::HTTPS);
        let authority = url.authority().filter(|_| secure || url.scheme() == Some(&Scheme::HTTP));
        let authority = authority.ok_or("is not of the form http(s)://host:port/path")?;
        if authority.as_str().contains('@') {
            return Err("contains user information");
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let path_and_query = url.path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        Ok(Self { secure, host, port, authority: authority.as_str().to_owned(), path_and_query })
    }

    /// Omits the query, which may contain a secret.
    pub(crate) fn url_without_query(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.path())
    }

    pub(crate) fn path(&self) -> &str {
        self.path_and_query.split('?').next().unwrap_or_default()
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("authority", &self.authority).finish_non_exhaustive()
    }
}
