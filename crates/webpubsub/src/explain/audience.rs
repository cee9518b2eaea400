//! Compares the audience of a token with the URL that it is for, part by part (sections 2 and 4 of the notes on
//! authentication).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{AudiencePart, Finding, shown};
use crate::ServiceClient;

/// Holds the parts of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    scheme: String,
    host: String,
    path: String,
    query: Option<String>,
}

impl Parts {
    fn of(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let rest = rest.split('#').next().unwrap_or(rest);
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let decoded = percent_decode_str(path).decode_utf8_lossy().to_lowercase();
        Some(Self {
            scheme: scheme.to_ascii_lowercase(),
            host: host.to_ascii_lowercase(),
            path: decoded,
            query: query.map(str::to_owned),
        })
    }

    /// Moves the hub into the path. A client may name its hub in the query (`/client/?hub=chat`), but the audience has it
    /// in the path.
    fn with_hub_in_path(mut self) -> Self {
        let hub = self.query.as_deref().filter(|_| matches!(&*self.path, "/client" | "/client/"));
        let hub = hub.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("hub=")));
        if let Some(hub) = hub {
            let hub = percent_decode_str(hub).decode_utf8_lossy().to_lowercase();
            self.path = format!("/client/hubs/{hub}");
        }
        self
    }

    fn is_for_client(&self) -> bool {
        self.path.starts_with("/client/") || self.path.starts_with("/clients/")
    }

    /// Returns the path before the hub, the hub, and the path after it.
    fn around_hub(&self) -> Option<(&str, &str, &str)> {
        let start = self.path.find("/hubs/")? + "/hubs/".len();
        let (before, rest) = self.path.split_at(start);
        let end = rest.find('/').unwrap_or(rest.len());
        Some((before, &rest[..end], &rest[end..]))
    }

    fn scheme_over_http(&self) -> &str {
        match self.scheme.as_str() {
            "wss" => "https",
            "ws" => "http",
            other => other,
        }
    }

    fn host_with_default_port_left_out(&self) -> &str {
        let port = if self.scheme_over_http() == "https" { ":443" } else { ":80" };
        self.host.strip_suffix(port).unwrap_or(&self.host)
    }
}

/// Returns the URL as the service sees it: behind a reverse proxy, requests are sent to another address.
fn as_the_service_sees<'a>(service: &ServiceClient, url: &'a str) -> Cow<'a, str> {
    let (sent_to, known_as) = (service.pipeline().endpoint(), service.known_endpoint());
    match url.strip_prefix(&sent_to.to_string()).filter(|rest| rest.starts_with('/')) {
        Some(rest) if sent_to != known_as => Cow::Owned(format!("{known_as}{rest}")),
        _ => Cow::Borrowed(url),
    }
}

/// Returns the findings of the audience that fits best.
pub(super) fn compare(service: &ServiceClient, audiences: &[String], url: Option<&str>) -> Vec<Finding> {
    let all = audiences.iter().map(|audience| compare_one(service, audience, url));
    all.min_by_key(Vec::len).unwrap_or_default()
}

fn compare_one(service: &ServiceClient, audience: &str, url: Option<&str>) -> Vec<Finding> {
    let Some(found) = Parts::of(audience) else {
        let expected = "the URL that the token is for".to_owned();
        return vec![Finding::Audience { part: AudiencePart::Scheme, expected, found: shown(audience) }];
    };
    let target =
        url.and_then(|url| Parts::of(&as_the_service_sees(service, url))).map(Parts::with_hub_in_path);
    let expected = target.clone().unwrap_or_else(|| expected(service, &found));
    let mut findings = Vec::new();
    let mut differ = |part, expected: &str, found: &str| {
        let (expected, found) = (shown(expected), shown(found));
        findings.push(Finding::Audience { part, expected, found });
    };
    // For clients, http, https, ws, and wss are equivalent.
    let any_scheme = expected.is_for_client() && ["http", "https"].contains(&found.scheme_over_http());
    if !any_scheme && found.scheme != expected.scheme_over_http() {
        differ(AudiencePart::Scheme, expected.scheme_over_http(), &found.scheme);
    }
    let (wanted, given) =
        (expected.host_with_default_port_left_out(), found.host_with_default_port_left_out());
    if wanted != given {
        differ(AudiencePart::Host, wanted, given);
    }
    if expected.path != found.path {
        match (expected.around_hub(), found.around_hub()) {
            (Some((before, wanted, behind)), Some((same_before, given, same_behind)))
                if (before, behind) == (same_before, same_behind) =>
            {
                differ(AudiencePart::Hub, wanted, given);
            }
            _ => differ(AudiencePart::Path, &expected.path, &found.path),
        }
    }
    let wanted = if expected.is_for_client() { None } else { expected.query.as_deref() };
    // The service also accepts an audience without the query. The expected query is known only from the URL.
    let compared = expected.is_for_client() || target.is_some();
    if compared && found.query.is_some() && found.query.as_deref() != wanted {
        differ(AudiencePart::Query, &names(wanted), &names(found.query.as_deref()));
    }
    findings
}

/// Returns the URL that a token with this audience is for, according to the settings of the client.
fn expected(service: &ServiceClient, found: &Parts) -> Parts {
    let endpoint = service.known_endpoint();
    let hub = service.hub_name().to_lowercase();
    let below_hub = |before: &str, behind: &str| format!("{before}{hub}{behind}");
    let path = match found.around_hub() {
        Some((before @ "/api/hubs/", _, behind)) => below_hub(before, behind),
        Some((before @ ("/clients/mqtt/hubs/" | "/clients/socketio/hubs/"), ..)) => below_hub(before, ""),
        _ if found.path == "/api/health" => found.path.clone(),
        _ => below_hub("/client/hubs/", ""),
    };
    Parts {
        scheme: if endpoint.is_https() { "https" } else { "http" }.to_owned(),
        host: endpoint.authority().to_owned(),
        path,
        query: None,
    }
}

/// Returns the names of the query parameters. Values may be secrets.
fn names(query: Option<&str>) -> String {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let names: Vec<_> = pairs.map(|pair| pair.split('=').next().unwrap_or(pair)).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
