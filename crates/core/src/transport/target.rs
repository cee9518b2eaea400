//! The URL of a request in the form that reqwest wants. Apart, since nearly all requests go to one origin, whose part of the
//! URL need not be parsed anew each time: that is most of a parser's work.

use http::Uri;
use url::Url;

use crate::Endpoint;

/// Where requests usually go.
#[derive(Debug)]
pub(super) struct Target {
    origin: Url,
    scheme: &'static str,
    authority: String,
}

impl Target {
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, url::ParseError> {
        Ok(Self {
            origin: Url::parse(endpoint.as_str())?,
            scheme: if endpoint.is_https() { "https" } else { "http" },
            authority: endpoint.authority().to_owned(),
        })
    }

    /// What a parser makes of the whole text.
    pub(super) fn url(&self, uri: &Uri) -> Result<Url, url::ParseError> {
        match self.below_origin(uri) {
            Some(url) => Ok(url),
            None => Url::parse(&text(uri)),
        }
    }

    /// `None` where the parser has more to say than which origin it is.
    fn below_origin(&self, uri: &Uri) -> Option<Url> {
        let is_origin = uri.scheme_str() == Some(self.scheme)
            && uri.authority().is_some_and(|authority| authority.as_str() == self.authority);
        if !is_origin {
            return None;
        }
        let mut url = self.origin.clone();
        url.set_path(uri.path());
        url.set_query(uri.query());
        (url.path() == uri.path() && url.query() == uri.query()).then_some(url)
    }
}

/// The URL as a text, `scheme://authority/path?query`, the way it goes over the wire: what a token's audience has to be.
#[must_use]
pub fn text(uri: &Uri) -> String {
    let mut text = String::with_capacity(256);
    if let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) {
        text.extend([scheme, "://", authority.as_str()]);
    }
    text.push_str(uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str));
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
    fn a_url_is_what_a_parser_makes_of_it_wherever_it_goes() {
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

    proptest! {
        #[test]
        fn no_path_or_query_comes_out_otherwise_than_from_a_parser(rest in "[!-~]{0,40}") {
            let text = format!("https://name.example:8443/{rest}");
            if let Ok(uri) = text.parse::<Uri>() {
                let whole = super::text(&uri);
                prop_assert_eq!(target().url(&uri), Url::parse(&whole));
            }
        }
    }
}
