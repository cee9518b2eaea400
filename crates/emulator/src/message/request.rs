//! A request as every emulated service sees it: read completely, its path split and decoded once.

use bytes::Bytes;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

use super::endpoint::http_scheme;

/// One request that was received.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The raw path and query of the request line.
    pub(crate) target: String,
    /// The `Host` header: the server's name from the client's point of view.
    pub(crate) host: String,
    /// Whether it was received over TLS.
    pub(crate) secure: bool,
    /// Path segments, split at `/` first and percent-decoded afterward, so that `%2F` stays inside its segment.
    pub(crate) segments: Vec<String>,
    /// Decoded query pairs in order, including repeated names.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// Parses method, target, and headers. Returns `None` if a part of the target is not UTF-8 after decoding.
    pub(crate) fn read(method: Method, target: String, headers: HeaderMap, body: Bytes) -> Option<Self> {
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let segments =
            path.strip_prefix('/').unwrap_or(path).split('/').map(decode).collect::<Option<Vec<_>>>()?;
        let query = form_fields(query)?;
        let host =
            headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("").to_owned();
        Some(Self { method, target, host, secure: false, segments, query, headers, body })
    }

    /// Scheme and host from the client's point of view: the prefix of its URLs.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", http_scheme(self.secure), self.host)
    }

    /// The path's segments, for pattern matching.
    pub(crate) fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The first query value with this name.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The last query value with this name in any case, as the service reads the parameters of clients.
    pub(crate) fn last_query(&self, name: &str) -> Option<&str> {
        self.query.iter().rfind(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All query values with this name, in order.
    pub(crate) fn query_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a header, if it is text.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// The fields of a form (`application/x-www-form-urlencoded`). `None` if a part is not UTF-8 after decoding.
pub(crate) fn form_fields(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&').filter(|field| !field.is_empty()).map(pair).collect()
}

fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// In a query, `+` is a space: some clients use form encoding there.
fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    Some((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_slash_stays_inside_its_segment() {
        let target = "/api/hubs/chat/groups/a%2Fb/:send?excluded=a&excluded=b%26c".to_owned();
        let request = Request::read(Method::POST, target, HeaderMap::new(), Bytes::new()).unwrap();
        assert_eq!(request.path(), ["api", "hubs", "chat", "groups", "a/b", ":send"]);
        assert_eq!(request.query_all("excluded").collect::<Vec<_>>(), ["a", "b&c"]);
    }
}
