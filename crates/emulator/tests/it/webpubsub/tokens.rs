//! The tokens that Web PubSub accepts, for REST requests and for clients.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use service_emulator::Emulator;
use service_emulator::webpubsub::{ClientToken, EntraTokens};

use super::common::clients::{JSON, KEY, VERSION, client_claims, jwt, now, open, rejection, rest};
use crate::common::http;

const PATH: &str = "/api/hubs/chat/groups/a%20b";

/// The status of a request to a group that does not exist: 404 once the token is accepted.
async fn status(emulator: &Emulator, token: &str) -> u16 {
    let target = format!("{PATH}?{VERSION}");
    let response =
        http(emulator, "HEAD", &target, &[("Authorization", &format!("Bearer {token}"))], "").await;
    if response.status == 401 {
        assert!(response.header("www-authenticate").unwrap().starts_with("Bearer error=\"invalid_token\""));
    }
    response.status
}

fn claims(emulator: &Emulator) -> Value {
    json!({ "aud": format!("http://{}{PATH}?{VERSION}", emulator.address()), "exp": now(emulator) + 60 })
}

#[tokio::test]
async fn either_key_signs_and_no_other() {
    let emulator = Emulator::start().await.unwrap();
    let claims = claims(&emulator);
    assert_eq!(status(&emulator, &jwt(KEY, &claims)).await, 404);
    assert_eq!(status(&emulator, &jwt(&emulator.webpubsub().secondary_access_key(), &claims)).await, 404);
    assert_eq!(status(&emulator, &jwt(&KEY.to_lowercase(), &claims)).await, 401);
}

#[tokio::test]
async fn the_audience_is_the_url_with_the_query_or_without() {
    let emulator = Emulator::start().await.unwrap();
    let host = emulator.address();
    for (audience, accepted) in [
        (json!(format!("http://{host}{PATH}?{VERSION}")), true),
        (json!(format!("http://{host}{PATH}")), true),
        (json!(format!("HTTP://{host}{}", PATH.to_uppercase())), true),
        (json!(format!("http://{host}/api/hubs/chat/groups/a b")), true),
        (json!(["http://elsewhere", format!("http://{host}{PATH}")]), true),
        (json!(format!("http://{host}{PATH}?api-version=2024-01-01")), false),
        (json!(format!("http://{host}{PATH}/")), false),
        (json!(format!("http://{host}")), false),
        (json!(format!("http://localhost{PATH}")), false),
        (json!(format!("https://{host}{PATH}")), false),
        (json!([]), false),
        (json!(null), false),
    ] {
        let token = jwt(KEY, &json!({ "aud": audience, "exp": now(&emulator) + 60 }));
        assert_eq!(status(&emulator, &token).await, if accepted { 404 } else { 401 }, "{audience}");
    }
}

#[tokio::test]
async fn a_token_lives_five_minutes_longer_than_it_says() {
    let emulator = Emulator::start().await.unwrap();
    let mut claims = claims(&emulator);
    for (exp, accepted) in [(-290, true), (-310, false), (0, true)] {
        claims["exp"] = (now(&emulator) as i64 + exp).into();
        assert_eq!(status(&emulator, &jwt(KEY, &claims)).await, if accepted { 404 } else { 401 }, "{exp}");
    }
    let token = jwt(KEY, &claims);
    emulator.clock().advance(Duration::from_secs(301));
    assert_eq!(status(&emulator, &token).await, 401, "time was moved");
}

#[tokio::test]
async fn an_entra_token_is_taken_by_rest_for_an_hour_and_opens_no_websocket() {
    let emulator = Emulator::start().await.unwrap();
    let token = emulator.webpubsub().entra_token();
    assert_eq!(status(&emulator, &token).await, 404);
    let target = format!("/api/hubs/other/:generateToken?{VERSION}");
    let header = format!("Bearer {token}");
    assert_eq!(http(&emulator, "POST", &target, &[("Authorization", &header)], "").await.status, 200);
    assert_eq!(
        rejection(open(&emulator, &format!("/client/hubs/chat?access_token={token}"), None).await),
        401
    );
    emulator.clock().advance(Duration::from_secs(3600 + 301));
    assert_eq!(status(&emulator, &token).await, 401);
}

#[tokio::test]
async fn any_jwt_for_the_service_within_its_time_is_an_entra_token_unless_the_setting_is_strict() {
    let emulator = Emulator::start().await.unwrap();
    let service = emulator.webpubsub();
    let now = now(&emulator);
    let audience = "https://webpubsub.azure.com";
    let signed = |claims: &Value| jwt("a key of Entra ID", claims);
    for (claims, accepted) in [
        (json!({ "aud": audience, "exp": now + 60, "roles": [1], "role": 7 }), true),
        (json!({ "aud": [format!("{audience}/")], "exp": now - 290, "nbf": now + 290 }), true),
        (json!({ "aud": audience, "exp": now - 310 }), false),
        (json!({ "aud": audience, "exp": now + 600, "nbf": now + 310 }), false),
        (json!({ "aud": audience }), false),
        (json!({ "aud": "https://eventgrid.azure.net", "exp": now + 60 }), false),
    ] {
        let token = signed(&claims);
        assert_eq!(status(&emulator, &token).await, if accepted { 404 } else { 401 }, "{claims}");
        let target = format!("/client/hubs/chat?access_token={token}");
        assert_eq!(rejection(open(&emulator, &target, None).await), 401, "no client's token");
    }
    let claims = json!({ "aud": audience, "exp": now + 60 });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims));
    assert_eq!(status(&emulator, &unsigned).await, 401, "unsigned");
    service.set_entra_tokens(EntraTokens::Strict);
    assert_eq!(status(&emulator, &signed(&claims)).await, 401, "strict");
    assert_eq!(status(&emulator, &jwt(KEY, &claims)).await, 401, "an access key is not Entra ID");
    assert_eq!(status(&emulator, &service.entra_token()).await, 404);
}

#[tokio::test]
async fn the_entra_token_in_the_environment_outlives_every_run_of_the_program() {
    let emulator = Emulator::start().await.unwrap();
    let environment = emulator.environment();
    let token = environment.iter().find(|(name, _)| *name == "WEBPUBSUB_ENTRA_TOKEN").unwrap();
    emulator.clock().advance(Duration::from_secs(300 * 24 * 3600));
    for tokens in [EntraTokens::Unvalidated, EntraTokens::Strict] {
        emulator.webpubsub().set_entra_tokens(tokens);
        assert_eq!(status(&emulator, &token.1).await, 404);
    }
}

#[tokio::test]
async fn a_client_without_a_token_may_enter_a_hub_that_allows_anonymous_clients() {
    let emulator = Emulator::start().await.unwrap();
    let service = emulator.webpubsub();
    service.allow_anonymous("Chat", true).unwrap();
    open(&emulator, "/client/hubs/chat", Some(JSON)).await.unwrap();
    let connection = &service.connections("chat")[0];
    assert_eq!((connection.user_id.as_deref(), connection.groups.as_slice()), (None, &[][..]));
    assert_eq!(rejection(open(&emulator, "/client/hubs/other", None).await), 401);
    let forged = "/client/hubs/chat?access_token=x";
    assert_eq!(rejection(open(&emulator, forged, None).await), 401, "a token must be valid");
    service.allow_anonymous("chat", false).unwrap();
    assert_eq!(rejection(open(&emulator, "/client/hubs/chat", None).await), 401);
    assert!(service.allow_anonymous("1chat", true).is_err());
}

#[tokio::test]
async fn a_token_is_not_valid_long_before_its_time() {
    let emulator = Emulator::start().await.unwrap();
    let mut claims = claims(&emulator);
    claims["nbf"] = (now(&emulator) + 290).into();
    assert_eq!(status(&emulator, &jwt(KEY, &claims)).await, 404);
    claims["nbf"] = (now(&emulator) + 310).into();
    assert_eq!(status(&emulator, &jwt(KEY, &claims)).await, 401);
}

#[tokio::test]
async fn a_token_without_exp_or_signature_is_rejected() {
    let emulator = Emulator::start().await.unwrap();
    let mut claims = claims(&emulator);
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(&claims));
    assert_eq!(status(&emulator, &unsigned).await, 401);
    let signed = jwt(KEY, &claims);
    assert_eq!(status(&emulator, &signed[..signed.rfind('.').unwrap() + 1]).await, 401);
    assert_eq!(status(&emulator, "garbage").await, 401);
    claims.as_object_mut().unwrap().remove("exp");
    assert_eq!(status(&emulator, &jwt(KEY, &claims)).await, 401);
    let target = format!("{PATH}?{VERSION}");
    assert_eq!(http(&emulator, "HEAD", &target, &[], "").await.status, 401);
    let basic = format!("Basic {signed}");
    assert_eq!(http(&emulator, "HEAD", &target, &[("Authorization", &basic)], "").await.status, 401);
}

#[tokio::test]
async fn a_401_response_has_no_body() {
    let emulator = Emulator::start().await.unwrap();
    let response = http(&emulator, "POST", &format!("/api/hubs/chat/:send?{VERSION}"), &[], "x").await;
    assert_eq!(
        (response.status, response.header("content-length"), response.body.as_str()),
        (401, Some("0"), "")
    );
}

#[tokio::test]
async fn a_clients_audience_may_have_any_of_the_four_schemes_but_no_other_host_or_hub() {
    let emulator = Emulator::start().await.unwrap();
    let host = emulator.address();
    for (audience, accepted) in [
        (format!("http://{host}/client/hubs/chat"), true),
        (format!("https://{host}/client/hubs/chat"), true),
        (format!("ws://{host}/client/hubs/CHAT"), true),
        (format!("wss://{host}/client/hubs/chat"), true),
        (format!("ftp://{host}/client/hubs/chat"), false),
        (format!("http://{host}client/hubs/chat"), false),
        (format!("http://{host}/client/hubs/other"), false),
        (format!("http://{host}/client/hubs/chat/"), false),
        ("http://localhost/client/hubs/chat".to_owned(), false),
    ] {
        let token = jwt(KEY, &client_claims(&emulator, json!({ "aud": audience })));
        let outcome = open(&emulator, &format!("/client/hubs/chat?access_token={token}"), None).await;
        if accepted {
            outcome.unwrap();
        } else {
            assert_eq!(rejection(outcome), 401, "{audience}");
        }
    }
}

#[tokio::test]
async fn a_client_without_a_valid_token_is_rejected() {
    let emulator = Emulator::start().await.unwrap();
    let expired = jwt(KEY, &client_claims(&emulator, json!({ "exp": now(&emulator) - 301 })));
    let forged = jwt("another key", &client_claims(&emulator, json!({})));
    for query in [String::new(), format!("?access_token={expired}"), format!("?access_token={forged}")] {
        assert_eq!(
            rejection(open(&emulator, &format!("/client/hubs/chat{query}"), None).await),
            401,
            "{query}"
        );
    }
    assert!(emulator.webpubsub().connections("chat").is_empty());
}

#[tokio::test]
async fn a_client_may_name_its_hub_in_the_query_and_its_token_in_a_header() {
    let emulator = Emulator::start().await.unwrap();
    let token = jwt(KEY, &client_claims(&emulator, json!({ "sub": "ann" })));
    open(&emulator, &format!("/client/?hub=chat&access_token={token}"), None).await.unwrap();
    let bearer = format!("Bearer {token}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let text = crate::common::request_text(&emulator, "GET", "/client/hubs/chat", &headers, "");
    let text = text.replace("Connection: close", "Connection: keep-alive, Upgrade");
    let mut stream = tokio::net::TcpStream::connect(emulator.address()).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, text.as_bytes()).await.unwrap();
    let mut response = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut response).await.unwrap();
    assert_eq!(&response, b"HTTP/1.1 101");
    emulator.webpubsub().wait_for_connections("chat", 1).await;
    assert_eq!(emulator.webpubsub().connections("chat")[0].user_id.as_deref(), Some("ann"));
}

#[tokio::test]
async fn a_url_from_the_handle_connects_with_what_its_token_says() {
    let emulator = Emulator::start().await.unwrap();
    let service = emulator.webpubsub();
    let token = ClientToken::new().user("ann").role("webpubsub.sendToGroup").group("g1").group("g 2");
    let url = service.client_access_url("Ch[a]t", &token);
    let target = url.strip_prefix(&format!("ws://{}", emulator.address())).unwrap();
    let _socket = open(&emulator, target, Some(JSON)).await.unwrap();
    let connection = &service.connections("ch[a]t")[0];
    assert_eq!(
        (connection.user_id.as_deref(), &connection.groups),
        (Some("ann"), &vec!["g 2".to_owned(), "g1".to_owned()])
    );
    assert_eq!(connection.subprotocol.as_deref(), Some(JSON));
}

#[tokio::test]
async fn a_generated_token_connects_for_as_long_as_requested() {
    let emulator = Emulator::start().await.unwrap();
    let path = ":generateToken?userId=ann&role=webpubsub.sendToGroup&group=a%26b&group=c&minutesToExpire=10";
    let response = rest(&emulator, "POST", path).await;
    assert_eq!(
        (response.status, response.header("content-type")),
        (200, Some("application/json; charset=utf-8"))
    );
    assert_eq!(
        (response.header("transfer-encoding"), response.header("content-length")),
        (Some("chunked"), None),
        "as observed, for this operation alone"
    );
    let target = format!("/client/hubs/chat?access_token={}", response.json()["token"].as_str().unwrap());
    let _socket = open(&emulator, &target, None).await.unwrap();
    let connection = &emulator.webpubsub().connections("chat")[0];
    assert_eq!((connection.user_id.as_deref(), connection.groups.join(" ").as_str()), (Some("ann"), "a&b c"));
    emulator.clock().advance(Duration::from_secs(15 * 60 + 1));
    assert_eq!(rejection(open(&emulator, &target, None).await), 401);
}

#[tokio::test]
async fn a_generated_token_is_for_the_requested_client_type_in_any_case() {
    let emulator = Emulator::start().await.unwrap();
    for (query, path) in [
        ("", "client/hubs"),
        ("?clientType=default", "client/hubs"),
        ("?clientType=MQTT&minutesToExpire=1", "clients/mqtt/hubs"),
        ("?clientType=mqtt&minutesToExpire=2147483647", "clients/mqtt/hubs"),
    ] {
        let response = rest(&emulator, "POST", &format!(":generateToken{query}")).await;
        let body = response.json();
        let payload = body["token"].as_str().unwrap().split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        assert_eq!(claims["aud"], format!("http://{}/{path}/chat", emulator.address()), "{query}");
    }
}

#[tokio::test]
async fn no_token_is_generated_for_parameters_that_break_a_rule() {
    let emulator = Emulator::start().await.unwrap();
    for query in [
        "minutesToExpire=0",
        "minutesToExpire=-1",
        "minutesToExpire=2147483648",
        "minutesToExpire=x",
        "group=",
        "group=%20",
        "clientType=socketio",
    ] {
        let response = rest(&emulator, "POST", &format!(":generateToken?{query}")).await;
        assert_eq!((response.status, &response.json()["code"]), (400, &json!("Error.BadRequest")), "{query}");
        assert_eq!(response.header("content-type"), Some("application/json; charset=utf-8"), "{query}");
    }
}

#[tokio::test]
async fn tokens_for_the_advertised_url_are_accepted() {
    let emulator = Emulator::builder().advertise("https://emulator.test").start().await.unwrap();
    let claims = json!({ "aud": format!("https://emulator.test{PATH}"), "exp": now(&emulator) + 60 });
    assert_eq!(status(&emulator, &jwt(KEY, &claims)).await, 404);
    let url = emulator.webpubsub().client_access_url("chat", &ClientToken::new());
    let target = url.strip_prefix("wss://emulator.test").unwrap();
    open(&emulator, target, None).await.unwrap();
}
