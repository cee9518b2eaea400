//! The URL of a request in the form that reqwest expects. It is separate because nearly all requests go to one origin, and
//! many in a row to one URL, so that only the parts that differ are parsed.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};
use url::Url;

use crate::{Endpoint, Error, Result};

/// The origin that requests usually go to.
pub(super) struct Target {
    origin: Url,
    scheme: &'static str,
    authority: String,
    /// The value of the `host` header, as hyper would write it for each request.
    host: HeaderValue,
    /// The last URL below the origin, since receivers and busy senders use the same one repeatedly.
    last: Mutex<Option<(PathAndQuery, Url)>>,
}

impl Target {
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self> {
        let invalid = || Error::invalid_input("endpoint", "is not a URL", None);
        Ok(Self {
            origin: Url::parse(endpoint.as_str()).map_err(|error| invalid().with_source(error))?,
            host: HeaderValue::from_str(endpoint.authority())
                .map_err(|error| invalid().with_source(error))?,
            scheme: if endpoint.is_https() { "https" } else { "http" },
            authority: endpoint.authority().to_owned(),
            last: Mutex::new(None),
        })
    }

    /// Returns the same as parsing the whole text.
    pub(super) fn url(&self, uri: &Uri) -> std::result::Result<Url, url::ParseError> {
        match self.below_origin(uri) {
            Some(url) => Ok(url),
            None => Url::parse(&text(uri)),
        }
    }

    /// Returns the value of the `host` header for a URL of the origin.
    pub(super) fn host(&self, uri: &Uri) -> Option<&HeaderValue> {
        self.is_origin(uri).then_some(&self.host)
    }

    fn is_origin(&self, uri: &Uri) -> bool {
        uri.scheme_str() == Some(self.scheme)
            && uri.authority().is_some_and(|authority| authority.as_str() == self.authority)
    }

    /// Returns `None` if the URL has another origin or a parser would rewrite it.
    fn below_origin(&self, uri: &Uri) -> Option<Url> {
        let rest = uri.path_and_query().filter(|_| self.is_origin(uri))?;
        if let Some((_, url)) = self.last().as_ref().filter(|(known, _)| known.as_str() == rest.as_str()) {
            return Some(url.clone());
        }
        let mut url = self.origin.clone();
        url.set_path(rest.path());
        url.set_query(rest.query());
        if url.path() != rest.path() || url.query() != rest.query() {
            return None;
        }
        *self.last() = Some((rest.clone(), url.clone()));
        Some(url)
    }

    fn last(&self) -> MutexGuard<'_, Option<(PathAndQuery, Url)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The last URL's query may contain a secret.
        f.debug_struct("Target").field("origin", &self.origin.as_str()).finish_non_exhaustive()
    }
}

/// Returns a URL in the form that is sent, `scheme://authority/path?query`, which is also the audience of a token.
#[must_use]
pub fn text(uri: &Uri) -> String {
    let mut text = String::with_capacity(256);
    if let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) {
        text.extend([scheme, "://", authority.as_str()]);
    }
    text.push_str(uri.path_and_query().map_or("/", PathAndQuery::as_str));
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn target() -> Target {
        Target::new(&Endpoint::parse("https://name.example:8443").unwrap()).unwrap()
    }

    #[test]
    fn a_url_is_the_same_as_a_parsers_for_every_origin() {
        for text in [
            "https://name.example:8443/api/hubs/a%2Fb/:send?api-version=1&x=%27",
            "https://name.example:8443/",
            "https://name.example:8443/a?",
            "https://name.example:8443/a/../b/./c?d",
            "https://name.example:8443/it's?it's",
            "https://name.example:8443/a//b\\c",
            "https://NAME.example:8443/a",
            "https://name.example:443/a",
            "http://name.example:8443/a",
            "http://[::1]:80/a?b",
        ] {
            let uri: Uri = text.parse().unwrap();
            assert_eq!(target().url(&uri), Url::parse(text), "{text}");
        }
        let own: Uri = "https://name.example:8443/api/:send?x=%2F".parse().unwrap();
        assert!(target().below_origin(&own).is_some(), "this one needs no parser");
    }

    #[test]
    fn the_last_url_is_returned_only_for_itself() {
        let target = target();
        for text in ["a?b=1", "a?b=1", "a?b=2", "a", "a/", "a?b=1", "a?", "A?b=1"] {
            let text = format!("https://name.example:8443/{text}");
            assert_eq!(target.url(&text.parse().unwrap()), Url::parse(&text), "{text}");
        }
        let elsewhere = "https://other.example/a?b=1";
        assert_eq!(target.url(&elsewhere.parse().unwrap()), Url::parse(elsewhere));
    }

    #[test]
    fn a_secret_in_the_last_url_is_not_shown() {
        let target = target();
        target.url(&"https://name.example:8443/a?sig=planted".parse().unwrap()).unwrap();
        assert!(!format!("{target:?} {target:#?}").contains("planted"));
    }

    proptest! {
        #[test]
        fn no_path_or_query_differs_from_a_parsers(rest in "[!-~]{0,40}") {
            let text = format!("https://name.example:8443/{rest}");
            if let Ok(uri) = text.parse::<Uri>() {
                let whole = super::text(&uri);
                prop_assert_eq!(target().url(&uri), Url::parse(&whole));
            }
        }
    }
}
