//! Calls of an absolute link in a response, such as a list's link to its next page. They are separate because a link is
//! untrusted text: the credential is only sent to the client's own endpoint.

use http::Uri;
use url::Url;

use super::{Call, Parts};
use crate::Endpoint;
use crate::error::{Delivery, Error, ErrorKind, Result};

impl<T> Call<T> {
    /// Creates a call of the same operation with the same overrides for a link, whose path and query are used verbatim.
    ///
    /// A service behind a reverse proxy uses its own address in links. A link that starts with `known_as` is therefore sent to
    /// the pipeline's endpoint. A link to any other origin is reported as an error when the call is sent.
    #[must_use]
    pub fn follow(&self, link: &str, known_as: &Endpoint) -> Self {
        match resolve(link, self.parts.pipeline.endpoint(), known_as) {
            Ok(target) => self.at(target.path, target.query, None),
            Err(error) => self.at(String::new(), String::new(), Some(error)),
        }
    }

    /// Creates a copy of the call, for reading a list from its start. An invalid argument moves to the copy.
    #[must_use]
    pub fn again(&mut self) -> Self {
        let invalid = self.parts.invalid.take();
        self.at(self.parts.path.clone(), self.parts.query.clone(), invalid)
    }

    fn at(&self, path: String, query: String, invalid: Option<Error>) -> Self {
        let Parts { pipeline, operation, headers, body, options, .. } = &*self.parts;
        let parts = Parts {
            pipeline: pipeline.clone(),
            operation: operation.clone(),
            path,
            query,
            headers: headers.clone(),
            body: body.clone(),
            options: options.clone(),
            invalid,
        };
        Self { parts: Box::new(parts), read: self.read }
    }
}

/// The part of a link below the endpoint.
struct Target {
    path: String,
    query: String,
}

fn resolve(link: &str, endpoint: &Endpoint, known_as: &Endpoint) -> Result<Target> {
    let foreign = || {
        let also = if endpoint == known_as { String::new() } else { format!(" or {known_as}") };
        let text = format!(
            "could not follow the link in the response: it does not start with {endpoint}{also}, and the credential is only sent there"
        );
        Error::new(ErrorKind::Credential, text).with_delivery(Delivery::NotSent).permanent()
    };
    // Parsed, since the form that is sent is the one that is signed. The error does not repeat the link.
    let url = Url::parse(link).map_err(|_| foreign())?;
    let uri: Uri = url.as_str().parse().map_err(|_| foreign())?;
    let base = [endpoint, known_as].into_iter().find(|base| base.owns(&uri) && below(base, url.path()));
    let path = url.path().strip_prefix(base.ok_or_else(foreign)?.prefix()).ok_or_else(foreign)?;
    Ok(Target { path: path.to_owned(), query: url.query().unwrap_or_default().to_owned() })
}

fn below(base: &Endpoint, path: &str) -> bool {
    path.strip_prefix(base.prefix()).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(link: &str, endpoint: &str, known_as: &str) -> Result<String> {
        let endpoint = Endpoint::parse_with_path(endpoint).unwrap();
        let Target { path, query } = resolve(link, &endpoint, &Endpoint::parse(known_as).unwrap())?;
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
    fn a_link_to_another_origin_is_rejected_and_not_repeated() {
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
