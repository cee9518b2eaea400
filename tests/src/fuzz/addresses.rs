//! Connection strings, endpoints, and client access URLs: what is accepted is stable, and errors contain no secret.

use std::fmt::Debug;
use std::sync::Arc;

use service_core::{ConnectionString, Endpoint};
use webpubsub::testing::ScriptedTransport;
use webpubsub::{Client, Error, ServiceClient};

use super::{block_on, text};

const SECRET: &str = "planted5ecret";

/// A text that is used as each of them.
pub(super) fn addresses(data: &[u8]) {
    let Some(text) = text(data) else { return };
    connection_string(text);
    connection_string(&format!("Endpoint=https://name.example;AccessKey={SECRET}{text}"));
    connection_string(&format!("{text};AccessKey={SECRET}"));
    for (parse, path) in [(Endpoint::parse as fn(&str) -> _, false), (Endpoint::parse_with_path, true)] {
        let Ok(endpoint) = parse(text) else { continue };
        let shown = endpoint.to_string();
        assert_eq!(parse(&shown).unwrap(), endpoint, "{shown} is another endpoint");
        assert!(path || endpoint.prefix().is_empty());
        assert!(!endpoint.host().is_empty() && endpoint.authority().starts_with(endpoint.host()));
        let (host, port) = endpoint.server();
        assert!(!host.is_empty() && port > 0, "{shown}");
        assert!(endpoint.owns(&format!("{}/a?b", endpoint.as_str()).parse().unwrap()), "{shown}");
        assert_eq!(endpoint.is_https(), endpoint.as_str().starts_with("https://"));
    }
    access_url(text);
}

fn connection_string(text: &str) {
    let planted = text.contains(SECRET);
    match ConnectionString::parse(text) {
        Ok(parsed) => {
            without_secret(planted, &parsed);
            for name in ["Endpoint", "AccessKey", "Version"] {
                if let Some(value) = parsed.get(name) {
                    assert!(text.contains(value.expose()) && value.expose().trim() == value.expose());
                }
            }
        }
        Err(error) => without_secret_in_error(planted, &error),
    }
    match ServiceClient::from_connection_string(text, "chat") {
        Ok(service) => without_secret(planted, &service),
        Err(error) => without_secret_in_error(planted, &error),
    }
}

/// A URL without a network: the handshake fails at the latest in the transport.
fn access_url(text: &str) {
    let transport = Arc::new(ScriptedTransport::new());
    let builder = Client::builder(format!("{text}access_token={SECRET}")).transport(transport);
    let shown = format!("{builder:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    let error = block_on(builder.connect()).map(drop).expect_err("nothing responds");
    without_secret_in_error(true, &error);
}

fn without_secret(planted: bool, value: &impl Debug) {
    let shown = format!("{value:?} {value:#?}");
    assert!(!planted || !shown.contains(SECRET), "{shown}");
}

fn without_secret_in_error(planted: bool, error: &Error) {
    let shown = error.to_string();
    assert!(!planted || !shown.contains(SECRET), "{shown}");
    without_secret(planted, error);
}
