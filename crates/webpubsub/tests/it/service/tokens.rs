//! Client access: tokens that are signed locally, and tokens that the service creates.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Response;
use serde_json::json;
use webpubsub::{
    AccessToken, ClientAccess, ClientProtocol, CreateClientAccess, Credential, ErrorKind, Role,
    ServiceClient, TokenRequest,
};

use super::{KEY, now, scripted, scripted_by, targets};

/// The known token of the specification's section 4.
const VECTOR: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhdWQiOiJodHRwOi8vbG9jYWxob3N0OjgwODAvY2xpZW50L2h1YnMvY2hhdCIsInN1YiI6InVzZXIxIiwicm9sZSI6WyJ3ZWJwdWJzdWIuc2VuZFRvR3JvdXAuZzEiXSwid2VicHVic3ViLmdyb3VwIjpbImcxIl0sImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwfQ.4NcJfT0mhF8-H1gbrWvtGEwK17k9kmLyeko-Nn4ocbc";
/// A response of the service whose token contains `{"exp":1700000600}`.
pub(crate) const RESPONSE: &str = r#"{"token":"eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDA2MDB9.planted"}"#;

pub(crate) async fn granted(_request: TokenRequest) -> Result<AccessToken, Infallible> {
    Ok(AccessToken::new("planted", now() + Duration::from_secs(3600)))
}

fn local(endpoint: &str, hub: &str) -> ServiceClient {
    let (_, clock, _) = scripted();
    let builder = ServiceClient::builder(endpoint, hub, Credential::access_key(KEY));
    builder.clock(std::sync::Arc::new(clock)).build().unwrap()
}

fn claims(token: &str) -> serde_json::Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_signed_locally_is_the_known_one_and_nothing_is_sent() {
    let (script, _, builder) = scripted();
    let access = builder.build().unwrap().client_access().user("user1");
    let access = access.roles([Role::send_to_group("g1")]).groups(["g1"]).await.unwrap();
    assert_eq!(access.token.expose(), VECTOR);
    assert_eq!(access.url, format!("ws://localhost:8080/client/hubs/chat?access_token={VECTOR}"));
    assert_eq!(access.address(), "ws://localhost:8080/client/hubs/chat");
    assert_eq!(access.expires_at, Some(now() + Duration::from_secs(3600)));
    assert!(!format!("{access:?} {access:#?}").contains("eyJ"));
    assert!(script.sent().is_empty());
}

#[tokio::test]
async fn audience_and_address_follow_the_protocol_of_the_client() {
    let hub = "a`,.[]";
    for (protocol, path) in [
        (ClientProtocol::Default, "/client/hubs/"),
        (ClientProtocol::Mqtt, "/clients/mqtt/hubs/"),
        (ClientProtocol::SocketIo, "/clients/socketio/hubs/"),
    ] {
        let access = local("https://Name.example", hub).client_access().protocol(protocol).await.unwrap();
        assert_eq!(access.address(), format!("wss://name.example{path}a%60%2C.%5B%5D"));
        let claims = claims(access.token.expose());
        assert_eq!(claims["aud"], format!("https://name.example{path}{hub}"));
        let names: Vec<_> = claims.as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["aud", "exp", "iat"], "what was not asked for is not claimed");
    }
}

#[tokio::test]
async fn the_service_creates_the_token_for_a_token_credential() {
    let (script, _, builder) = scripted_by(Credential::token(granted));
    let service = builder.build().unwrap();
    script.respond(Response::new(RESPONSE)).respond(Response::new(RESPONSE));
    let access = service.client_access().lifetime(Duration::from_secs(600)).await.unwrap();
    assert_eq!(access.expires_at, Some(now() + Duration::from_secs(600)), "the token's own `exp`");
    assert_eq!(
        access.url,
        "ws://localhost:8080/client/hubs/chat?access_token=eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDA2MDB9.planted"
    );
    let access = service.client_access().protocol(ClientProtocol::SocketIo).await.unwrap();
    assert_eq!(access.address(), "ws://localhost:8080/clients/socketio/hubs/chat");
    let asked = "http://localhost:8080/api/hubs/chat/:generateToken?api-version=2024-12-01&minutesToExpire=";
    assert_eq!(targets(&script), [format!("{asked}10"), format!("{asked}60")]);
}

/// Returns what a client gets for a token that the service created.
async fn created(token: &str) -> webpubsub::Result<ClientAccess> {
    let (script, _, builder) = scripted_by(Credential::token(granted));
    script.respond(Response::new(json!({"token": token}).to_string()));
    builder.build().unwrap().client_access().await
}

#[tokio::test]
async fn a_token_of_the_service_whose_expiry_time_is_unknown_is_still_usable() {
    let with = |claims: &str| format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims));
    let tokens = ["opaque", "a.b.c", "a.b.c.d"].map(str::to_owned).into_iter();
    let claims = [
        "{}",
        "[]",
        r#"{"exp":null}"#,
        r#"{"exp":"1"}"#,
        r#"{"exp":-1}"#,
        r#"{"exp":1e300}"#,
        r#"{"exp":18446744073709551615}"#,
    ];
    for token in tokens.chain(claims.map(with)) {
        let access = created(&token).await.unwrap();
        assert_eq!((access.token.expose(), access.expires_at), (token.as_str(), None), "{token}");
        assert_eq!(access.url, format!("ws://localhost:8080/client/hubs/chat?access_token={token}"));
    }
    for (exp, seconds) in
        [("4000000000.0", 4_000_000_000), ("4e9", 4_000_000_000), ("1700000600.75", 1_700_000_600)]
    {
        let access = created(&with(&format!("\u{feff}{{\"exp\":{exp}}}"))).await.unwrap();
        assert_eq!(access.expires_at, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), "{exp}");
    }
}

#[tokio::test]
async fn a_response_without_a_token_is_a_decode_error_of_the_operation() {
    let error = created("").await.unwrap_err();
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Decode, 200));
    assert_eq!((error.operation(), error.attempts()), (Some("WebPubSub_GenerateClientToken"), 1));
    assert!(error.to_string().contains("the token in the response is empty"), "{error}");
}

#[tokio::test]
async fn invalid_grants_are_rejected_by_both_kinds_of_clients_before_anything_is_sent() {
    type Change = fn(CreateClientAccess) -> CreateClientAccess;
    let bad: [(Change, &str); 11] = [
        (|access| access.user(""), "userId must not be empty"),
        (|access| access.user(".."), "userId must not be a dot segment"),
        (|access| access.groups(["g", " "]), "group must not be empty"),
        (|access| access.groups(["."]), "group must not be a dot segment"),
        (|access| access.groups(["g".repeat(1025)]), "at most 1024"),
        (|access| access.roles([Role::send_to_groups("******")]), "at most 5 `*`"),
        (|access| access.roles([Role::raw("")]), "role must not be empty"),
        (|access| access.lifetime(Duration::ZERO), "lifetime must be between 1 second"),
        (|access| access.lifetime(Duration::from_millis(999)), "lifetime must be between 1 second"),
        (|access| access.lifetime(Duration::from_secs(2_147_483_647 * 60 + 1)), "2147483647 minutes"),
        (|access| access.lifetime(Duration::MAX), "2147483647 minutes"),
    ];
    for credential in [Credential::access_key(KEY), Credential::token(granted)] {
        let (script, _, builder) = scripted_by(credential);
        let service = builder.build().unwrap();
        for (change, rule) in &bad {
            let error = change(service.client_access()).await.unwrap_err();
            assert!(error.is_invalid_input() && error.to_string().contains(rule), "{rule}: {error}");
        }
        let error = service.hub("..").client_access().await.unwrap_err();
        assert!(error.is_invalid_input() && script.sent().is_empty());
    }
}

#[tokio::test]
async fn lifetimes_hold_at_their_edges() {
    let most = Duration::from_secs(2_147_483_647 * 60);
    for lifetime in [Duration::from_secs(1), most] {
        let access = local("https://x.example", "chat").client_access().lifetime(lifetime).await.unwrap();
        assert_eq!(access.expires_at, Some(now() + lifetime));
    }
    let (script, _, builder) = scripted_by(Credential::token(granted));
    let service = builder.build().unwrap();
    for lifetime in [Duration::from_secs(1), Duration::from_secs(61), Duration::from_millis(60_001)] {
        let error = service.client_access().lifetime(lifetime).await.unwrap_err();
        assert!(error.to_string().contains("lifetime must be whole minutes"), "{error}");
    }
    script.respond(Response::new(RESPONSE)).respond(Response::new(RESPONSE));
    for lifetime in [Duration::from_secs(60), most] {
        service.client_access().lifetime(lifetime).await.unwrap();
    }
    assert!(targets(&script)[1].ends_with("&minutesToExpire=2147483647"));
}
