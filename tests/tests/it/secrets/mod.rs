//! A secret of each kind, planted in every place that takes one, and searched for wherever a program or a failure leaves a
//! trace. The table in the README of this package shows which test covers which kind and which place.

mod calls;
mod emulator;
mod examples;
mod handlers;
mod shown;
mod sockets;

use std::error::Error as _;
use std::sync::OnceLock;

use webpubsub::Error;
use workspace_tests::secrets::Secrets;

const ACCESS_KEY: &str = "planted-web-pubsub-key";
const SHARED_KEY: &str = "planted-event-grid-key";
const BASE64_KEY: &str = "cGxhbnRlZC1rZXktaW4tYmFzZTY0LXBsYW50ZWQ=";
const SIGNATURE: &str = "planted/signature+of-a-shared-access-signature=";
const TOKEN: &str = "planted-bearer-token";
const API_KEY: &str = "planted-hulft-key";
const PASSWORD: &str = "planted \"password\" of a cönnection&<>";
const QUERY: &str = "planted-in-the-query";
const HEADER: &str = "planted-in-a-header";
const SEGMENT: &str = "planted-in-the-path";
const BODY: &str = "planted-in-the-body";
const PROXY: &str = "planted-proxy-password";
const METADATA: &str = "planted-metadata-value";
const STATE: &str = "planted-connection-state";
const CONTROL: &str = "planted-control-token";
/// A token of a client, with a head, claims, and a signature.
const CLIENT_TOKEN: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkLXVzZXIifQ.cGxhbnRlZC1zaWduYXR1cmUtb2YtYS1jbGllbnQ";

/// Returns all planted secrets.
fn secrets() -> &'static Secrets {
    static SECRETS: OnceLock<Secrets> = OnceLock::new();
    SECRETS.get_or_init(|| {
        let mut secrets = Secrets::default();
        for (kind, secret) in [
            ("access key of Web PubSub", ACCESS_KEY),
            ("access key of Event Grid", SHARED_KEY),
            ("key in base64", BASE64_KEY),
            ("shared access signature", SIGNATURE),
            ("token", TOKEN),
            ("API key of HULFT", API_KEY),
            ("password of a connection", PASSWORD),
            ("query", QUERY),
            ("header", HEADER),
            ("path", SEGMENT),
            ("body", BODY),
            ("password of the proxy", PROXY),
            ("metadata", METADATA),
            ("connection state", STATE),
            ("control token", CONTROL),
        ] {
            secrets.plant(kind, secret);
        }
        secrets.plant_token("token of a client", CLIENT_TOKEN);
        secrets
    })
}

/// Fails if a text contains a planted secret, or the begin of any signed token.
#[track_caller]
fn clean(place: &str, text: &str) {
    secrets().assert_absent(place, text);
    let tokens: Vec<_> = text.lines().filter(|line| line.contains("eyJ")).take(5).collect();
    assert!(tokens.is_empty(), "{place} shows a signed token: {tokens:#?}");
}

/// Returns everything that a user can see of an error.
fn everything(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{:?}\n{:?}", error.message(), error.code());
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(&format!("\n{source}\n{source:?}\n{source:#?}"));
        next = source.source();
    }
    text
}
