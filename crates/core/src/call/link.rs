//! The links from page to page of a list. They are separate because a link is untrusted text: the credential is only sent to
//! the client's own endpoint, and a list must end.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use http::Uri;
use url::Url;

use super::target::Target;
use super::{Call, Parts};
use crate::Endpoint;
use crate::error::{Delivery, Error, ErrorKind, Result};

/// Follows the links of one list from page to page.
#[derive(Debug)]
pub struct PageLinks {
    known_as: Endpoint,
    /// The hashes of the requested pages, since a list may have many pages, and a server may send long links.
    visited: HashSet<u64>,
    hasher: RandomState,
}

impl PageLinks {
    /// Creates the state of a list that has not been requested.
    ///
    /// A service behind a reverse proxy uses its own address in links. A link that starts with `known_as` is therefore sent to
    /// the pipeline's endpoint.
    #[must_use]
    pub fn new(known_as: Endpoint) -> Self {
        Self { known_as, visited: HashSet::new(), hasher: RandomState::new() }
    }

    /// Creates a call for the page that `link` leads to, with the operation and the overrides of `page`, which contained it.
    ///
    /// A relative link is resolved against the page. The link's path and query are used verbatim. A link to another origin and
    /// a link to a page that was requested before are reported as an error when the call is sent.
    #[must_use]
    pub fn follow<T>(&mut self, page: &Call<T>, link: &str) -> Call<T> {
        let Parts { pipeline, target, .. } = &*page.parts;
        let here = Location { path: target.path().to_owned(), query: target.query().to_owned() };
        let next = resolve(link, &here, pipeline.endpoint(), &self.known_as);
        self.visit(&here);
        match next {
            Ok(next) if self.visit(&next) => page.at(&next.path, &next.query, None),
            Ok(_) => page.at("", "", Some(repeated())),
            Err(error) => page.at("", "", Some(error)),
        }
    }

    /// Returns whether the page was not visited before.
    fn visit(&mut self, page: &Location) -> bool {
        self.visited.insert(self.hasher.hash_one((&page.path, &page.query)))
    }
}

fn repeated() -> Error {
    let text = "could not follow the link in the response: it leads to a page of the list that was already read, so the list \
                would not end";
    Error::new(ErrorKind::Decode, text).with_delivery(Delivery::NotSent).permanent()
}

impl<T> Call<T> {
    /// Creates a copy of the call, for reading a list from its start. An invalid argument moves to the copy.
    #[must_use]
    pub fn again(&mut self) -> Self {
        let invalid = self.parts.invalid.take();
        self.at(self.parts.target.path(), self.parts.target.query(), invalid)
    }

    fn at(&self, path: &str, query: &str, invalid: Option<Error>) -> Self {
        let Parts { pipeline, operation, request, options, .. } = &*self.parts;
        let parts = Parts {
            pipeline: pipeline.clone(),
            operation: operation.clone(),
            target: Target::with_query(pipeline.endpoint(), path, query),
            request: request.clone(),
            options: options.clone(),
            invalid,
            on_trace_context: None,
        };
        Self { parts: Box::new(parts), read: self.read }
    }
}

/// The part of a URL below the endpoint.
struct Location {
    path: String,
    query: String,
}

fn resolve(link: &str, page: &Location, endpoint: &Endpoint, known_as: &Endpoint) -> Result<Location> {
    // A relative link means the address that the service has for itself, unless it knows the reverse proxy's path.
    let target = [endpoint, known_as].into_iter().find_map(|base| {
        let page = Url::parse(&format!("{base}{}?{}", page.path, page.query)).ok()?;
        // Parsed, since the form that is sent is the one that is signed.
        below_either(&page.join(link).ok()?, endpoint, known_as)
    });
    target.ok_or_else(|| {
        let also = if endpoint == known_as { String::new() } else { format!(" or {known_as}") };
        // The error does not repeat the link.
        let text = format!(
            "could not follow the link in the response: it does not start with {endpoint}{also}, and the credential is only sent there"
        );
        Error::new(ErrorKind::Credential, text).with_delivery(Delivery::NotSent).permanent()
    })
}

fn below_either(url: &Url, endpoint: &Endpoint, known_as: &Endpoint) -> Option<Location> {
    let uri: Uri = url.as_str().parse().ok()?;
    let base = [endpoint, known_as].into_iter().find(|base| base.owns(&uri) && below(base, url.path()))?;
    let path = url.path().strip_prefix(base.prefix())?;
    Some(Location { path: path.to_owned(), query: url.query().unwrap_or_default().to_owned() })
}

fn below(base: &Endpoint, path: &str) -> bool {
    path.strip_prefix(base.prefix()).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(link: &str, endpoint: &str, known_as: &str) -> Result<String> {
        let endpoint = Endpoint::parse_with_path(endpoint).unwrap();
        let page = Location { path: "/api/rooms/blue/members".to_owned(), query: "size=2".to_owned() };
        let Location { path, query } = resolve(link, &page, &endpoint, &Endpoint::parse(known_as).unwrap())?;
        Ok(format!("{path}?{query}"))
    }

    const OWN: &str = "https://name.example";

    #[test]
    fn a_link_to_the_clients_origin_keeps_its_path_and_query() {
        for (link, kept) in [
            ("https://name.example/a/b?x=1&y=%2F", "/a/b?x=1&y=%2F"),
            ("https://NAME.example:443/a%2Fb?x='", "/a%2Fb?x=%27"),
            ("https://name.example/a#part", "/a?"),
        ] {
            assert_eq!(at(link, OWN, OWN).unwrap(), kept, "{link}");
        }
    }

    #[test]
    fn a_relative_link_is_resolved_against_its_page() {
        for (link, kept) in [
            ("/api/rooms/blue/members?token=a%2Fb", "/api/rooms/blue/members?token=a%2Fb"),
            ("?token=b", "/api/rooms/blue/members?token=b"),
            ("members?token=b", "/api/rooms/blue/members?token=b"),
            ("../red/members", "/api/rooms/red/members?"),
            ("//name.example/a", "/a?"),
        ] {
            assert_eq!(at(link, OWN, OWN).unwrap(), kept, "{link}");
            // The service does not know the path of the reverse proxy.
            assert_eq!(at(link, "https://gw.example/web", OWN).unwrap(), kept, "{link}");
        }
        assert_eq!(at("/web/api/x", "https://gw.example/web", OWN).unwrap(), "/api/x?");
    }

    #[test]
    fn a_link_to_another_origin_is_rejected_and_not_repeated() {
        for link in [
            "http://name.example/planted",
            "https://name.example:8443/planted",
            "https://evil.example/planted",
            "https://name.example.evil.example/planted",
            "https://name.example@evil.example/planted",
            "https://user:planted@name.example/a",
            "//evil.example/planted",
            "\\\\evil.example/planted",
            "ftp://name.example/planted",
        ] {
            let error = at(link, OWN, OWN).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Credential, "{link}");
            assert!(error.to_string().contains("does not start with https://name.example,"), "{error}");
            assert!(!format!("{error:?}").contains("planted"), "{error}");
        }
    }

    #[test]
    fn behind_a_reverse_proxy_links_with_either_address_are_sent_to_the_proxy() {
        let proxy = "https://gw.example/web/pubsub";
        for link in ["https://name.example/api/x?y=1", "https://gw.example/web/pubsub/api/x?y=1"] {
            assert_eq!(at(link, proxy, OWN).unwrap(), "/api/x?y=1", "{link}");
        }
        for link in [
            "https://gw.example/api/x",
            "https://gw.example/web/pubsubs/x",
            "https://evil.example/web/pubsub/x",
        ] {
            let error = at(link, proxy, OWN).unwrap_err().to_string();
            assert!(error.contains("https://gw.example/web/pubsub or https://name.example,"), "{error}");
        }
    }
}
