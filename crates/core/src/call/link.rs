//! Calls at an absolute link that an answer gave, as lists give the next page. Apart, since a link is text from outside: the
//! credential goes with it only to where it goes anyway.

use http::Uri;
use url::Url;

use super::{Call, Parts};
use crate::Endpoint;
use crate::error::{Delivery, Error, ErrorKind, Result};

impl<T> Call<T> {
    /// The same operation with the same overrides at `link`, whose path and query are taken as they are.
    ///
    /// Behind a reverse proxy, a service names itself as it knows itself: a link that starts with `known_as` goes to the
    /// pipeline's endpoint. Any link that goes elsewhere is an error of the call.
    #[must_use]
    pub fn follow(&self, link: &str, known_as: &Endpoint) -> Self {
        match place(link, self.parts.pipeline.endpoint(), known_as) {
            Ok(place) => self.at(place.path, place.query, None),
            Err(error) => self.at(String::new(), String::new(), Some(error)),
        }
    }

    /// The same call once more, for a list that is read from its start; a bad argument that was remembered goes with it.
    #[must_use]
    pub fn again(&mut self) -> Self {
        let refused = self.parts.refused.take();
        self.at(self.parts.path.clone(), self.parts.query.clone(), refused)
    }

    fn at(&self, path: String, query: String, refused: Option<Error>) -> Self {
        let Parts { pipeline, operation, headers, body, options, .. } = &*self.parts;
        let parts = Parts {
            pipeline: pipeline.clone(),
            operation: operation.clone(),
            path,
            query,
            headers: headers.clone(),
            body: body.clone(),
            options: options.clone(),
            refused,
        };
        Self { parts: Box::new(parts), read: self.read }
    }
}

/// Where a link leads, below the endpoint.
struct Place {
    path: String,
    query: String,
}

fn place(link: &str, endpoint: &Endpoint, known_as: &Endpoint) -> Result<Place> {
    let foreign = || {
        let also = if endpoint == known_as { String::new() } else { format!(" or {known_as}") };
        let text = format!(
            "the service's link to the next page does not start with {endpoint}{also}, so the credential must not follow it"
        );
        Error::new(ErrorKind::Credential, text).with_delivery(Delivery::NotSent).permanent()
    };
    // In the form in which it will be sent, since that is what is signed. The link is not repeated in the error.
    let url = Url::parse(link).map_err(|_| foreign())?;
    let uri: Uri = url.as_str().parse().map_err(|_| foreign())?;
    let base = [endpoint, known_as].into_iter().find(|base| base.owns(&uri) && below(base, url.path()));
    let path = url.path().strip_prefix(base.ok_or_else(foreign)?.prefix()).ok_or_else(foreign)?;
    Ok(Place { path: path.to_owned(), query: url.query().unwrap_or_default().to_owned() })
}

fn below(base: &Endpoint, path: &str) -> bool {
    path.strip_prefix(base.prefix()).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(link: &str, endpoint: &str, known_as: &str) -> Result<String> {
        let endpoint = Endpoint::parse_with_path(endpoint).unwrap();
        let Place { path, query } = place(link, &endpoint, &Endpoint::parse(known_as).unwrap())?;
        Ok(format!("{path}?{query}"))
    }

    const OWN: &str = "https://name.example";

    #[test]
    fn a_link_of_the_own_origin_keeps_its_path_and_query() {
        for (link, kept) in [
            ("https://name.example/a/b?x=1&y=%2F", "/a/b?x=1&y=%2F"),
            ("https://NAME.example:443/a%2Fb?x='", "/a%2Fb?x=%27"),
            ("https://name.example/a#part", "/a?"),
        ] {
            assert_eq!(at(link, OWN, OWN).unwrap(), kept, "{link}");
        }
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_refused_and_not_repeated() {
        for link in [
            "http://name.example/planted",
            "https://name.example:8443/planted",
            "https://evil.example/planted",
            "https://name.example.evil.example/planted",
            "https://name.example@evil.example/planted",
            "https://user:planted@name.example/a",
            "/planted",
            "planted",
            "",
            "ftp://name.example/planted",
        ] {
            let error = at(link, OWN, OWN).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Credential, "{link}");
            assert!(error.to_string().contains("does not start with https://name.example,"), "{error}");
            assert!(!format!("{error:?}").contains("planted"), "{error}");
        }
    }

    #[test]
    fn behind_a_reverse_proxy_both_addresses_lead_through_the_proxy() {
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
