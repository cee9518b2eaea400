//! `connect`: what the handler receives, and what the service receives in response.

use http::StatusCode;
use serde_json::json;
use webpubsub::Role;
use webpubsub::event_handler::{ConnectRequest, ConnectResponse, ConnectionState, HandlerError, Result};

use super::support::*;

const WHOLE: &str = r#"{
    "claims": {"role": ["webpubsub.sendToGroup", "b"], "sub": ["dave"], "http://schemas.example/name": ["D"]},
    "query": {"access_token": ["planted"], "a": [], "b": "lone", "c": null},
    "headers": {"Host": ["h.example"], "Cookie": ["planted"]},
    "subprotocols": ["json.webpubsub.azure.v1", "custom"],
    "clientCertificates": [{"thumbprint": "AB", "content": "-----BEGIN CERTIFICATE-----"}],
    "newMember": 1
}"#;

#[tokio::test]
async fn a_handler_receives_the_whole_handshake() {
    let handler = TestHandler::on_connect(|context, request| {
        assert_eq!(
            (context.hub(), context.connection_id(), context.user_id()),
            ("Chat", "conn1", Some("dave"))
        );
        assert_eq!((context.event_id(), context.time()), (Some("7"), Some("2024-01-01T00:00:00Z")));
        assert_eq!((context.subprotocol(), context.event_type()), (None, "azure.webpubsub.sys.connect"));
        assert!(context.state().is_none() && context.mqtt().is_none());
        assert_eq!(context.headers()["ce-source"], "/hubs/chat/client/conn1");
        assert_eq!(request.claims.get("role"), ["webpubsub.sendToGroup", "b"]);
        assert_eq!(request.claims.first("http://schemas.example/name"), Some("D"));
        assert_eq!((request.query.get("b"), request.query.first("a")), (&["lone".to_owned()][..], None));
        assert_eq!(request.query.iter().count(), 4);
        assert_eq!((request.header("HOST"), request.header("nothing")), (Some("h.example"), None));
        assert_eq!(request.subprotocols, ["json.webpubsub.azure.v1", "custom"]);
        assert_eq!(request.client_certificates[0].thumbprint, "AB");
        assert!(request.client_certificates[0].content.starts_with("-----BEGIN"));
        Ok(ConnectResponse::accept().user_id("seen"))
    });
    let response = respond(&handler.webhook(), connect(WHOLE)).await;
    assert_eq!(parts(&response), (200, r#"{"userId":"seen"}"#));
    assert_eq!(response.headers()["content-type"], JSON);
}

#[tokio::test]
async fn every_member_of_the_handshake_may_be_missing_or_null() {
    for body in
        ["{}", r#"{"claims":null,"query":null,"headers":null,"subprotocols":null,"clientCertificates":null}"#]
    {
        let handler = TestHandler::on_connect(|_, request| {
            assert!(request.subprotocols.is_empty() && request.claims.first("sub").is_none());
            Ok(ConnectResponse::accept())
        });
        assert_eq!(parts(&respond(&handler.webhook(), connect(body)).await), (204, ""));
    }
}

#[tokio::test]
async fn values_that_are_not_strings_are_skipped() {
    let body = r#"{
        "claims": {"iat": [1], "exp": 2, "sub": ["dave", null, 3, {"a": []}], "cnf": {"x": ["y"]}, "name": "D"},
        "query": {"a": [true, "b"]},
        "headers": {"Host": [["h.example"]]}
    }"#;
    let handler = TestHandler::on_connect(|_, request| {
        let claims: Vec<_> = request.claims.iter().map(|(name, values)| (name, values.join("+"))).collect();
        let expected = [("cnf", ""), ("exp", ""), ("iat", ""), ("name", "D"), ("sub", "dave")];
        assert_eq!(claims, expected.map(|(name, value)| (name, value.to_owned())));
        assert_eq!((request.query.get("a"), request.header("host")), (&["b".to_owned()][..], None));
        Ok(ConnectResponse::accept())
    });
    assert_eq!(parts(&respond(&handler.webhook(), connect(body)).await), (204, ""));
}

#[tokio::test]
async fn a_byte_order_mark_before_the_json_is_skipped() {
    let handler = TestHandler::on_connect(|_, request| {
        assert_eq!(request.claims.first("sub"), Some("dave"));
        Ok(ConnectResponse::accept())
    });
    let request = connect("\u{feff}{\"claims\":{\"sub\":[\"dave\"]}}");
    assert_eq!(parts(&respond(&handler.webhook(), request).await), (204, ""));
}

async fn decided(act: fn() -> Result<ConnectResponse>) -> (u16, String) {
    let handler = TestHandler::on_connect(move |_, _| act());
    let response = respond(&handler.webhook(), connect(WHOLE)).await;
    (response.status().as_u16(), body(&response).to_owned())
}

#[tokio::test]
async fn what_is_granted_is_sent_and_nothing_else() {
    let whole = decided(|| {
        let accepted =
            ConnectResponse::accept().user_id("u").groups(["g1", "g2"]).roles([Role::send_to_any_group()]);
        Ok(accepted.subprotocol("custom"))
    });
    let (status, body) = whole.await;
    let expected = json!({"userId": "u", "groups": ["g1", "g2"], "roles": ["webpubsub.sendToGroup"],
        "subprotocol": "custom"});
    assert_eq!((status, serde_json::from_str::<serde_json::Value>(&body).unwrap()), (200, expected));
    assert_eq!(
        decided(|| Ok(ConnectResponse::accept().roles([]))).await,
        (200, r#"{"roles":[]}"#.to_owned())
    );
}

#[tokio::test]
async fn an_invalid_response_rejects_the_connection_without_details() {
    for act in [
        || Ok(ConnectResponse::accept().subprotocol("not-offered")),
        || Ok(ConnectResponse::accept().user_id("")),
        || Ok(ConnectResponse::accept().groups([" "])),
        || Ok(ConnectResponse::accept().roles([Role::send_to_groups("******")])),
    ] as [fn() -> Result<ConnectResponse>; 4]
    {
        assert_eq!(decided(act).await, (500, "Internal Server Error".to_owned()));
    }
}

#[tokio::test]
async fn a_rejection_has_the_handlers_status_and_text() {
    let rejected = |status: u16, text: &str| (status, text.to_owned());
    assert_eq!(decided(|| Err(HandlerError::unauthorized("sign in"))).await, rejected(401, "sign in"));
    assert_eq!(decided(|| Err(HandlerError::bad_request("no room"))).await, rejected(400, "no room"));
    let banned = || Err(HandlerError::new(StatusCode::FORBIDDEN, "banned"));
    assert_eq!(decided(banned).await, rejected(403, "banned"));
}

#[tokio::test]
async fn an_error_of_the_handler_is_a_500_without_details() {
    let failed = decided(|| {
        let number: u8 = "planted".parse()?;
        Ok(ConnectResponse::accept().user_id(number.to_string()))
    });
    assert_eq!(failed.await, (500, "Internal Server Error".to_owned()));
}

#[tokio::test]
async fn a_state_is_sent_and_received_again() {
    let handler = TestHandler::on_connect(|_, _| {
        Ok(ConnectResponse::accept().state(ConnectionState::json(&json!({"a": 1}))?))
    });
    let accepted = respond(&handler.webhook(), connect("{}")).await;
    assert_eq!(parts(&accepted), (204, ""));
    assert_eq!(accepted.headers()["ce-connectionState"], "eyJhIjoxfQ==");

    let handler = TestHandler::on_event(|context, _| {
        let state = context.state().unwrap();
        assert_eq!((state.as_str(), state.decode::<serde_json::Value>()?), ("eyJhIjoxfQ==", json!({"a": 1})));
        assert!(state.decode::<Vec<u8>>().is_err());
        Ok(Default::default())
    });
    let next = event("azure.webpubsub.user.x").header("ce-connectionState", "eyJhIjoxfQ==");
    assert_eq!(respond(&handler.webhook(), with_body(next, "text/plain", "")).await.status(), 204);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_a_bad_request_and_is_not_repeated() {
    for bad in ["", "planted", "[1]", r#"{"claims":"planted"}"#, r#"{"subprotocols":["planted",1]}"#, "{}{}"]
    {
        let (handler, seen) = TestHandler::recording();
        let response = respond(&handler.webhook(), connect(bad)).await;
        let (status, text) = parts(&response);
        assert!(
            status == 400 && text.starts_with("the body is not ") && !text.contains("planted"),
            "{bad}: {text}"
        );
        assert!(seen.take().is_empty(), "{bad}");
    }
}

#[tokio::test]
async fn a_system_event_with_another_content_type_is_a_bad_request() {
    for bad in ["text/plain", "application/jsonx", ""] {
        let request = with_body(event("azure.webpubsub.sys.connect"), bad, "{}");
        let response = respond(&TestHandler::accepting().webhook(), request).await;
        assert!(parts(&response).0 == 400 && body(&response).contains("application/json"), "{bad}");
    }
    let request = with_body(event("azure.webpubsub.sys.connect"), "Application/JSON", "{}");
    assert_eq!(respond(&TestHandler::accepting().webhook(), request).await.status(), 204);
}

#[test]
fn debug_shows_names_and_no_values() {
    let request: ConnectRequest = serde_json::from_str(WHOLE).unwrap();
    let shown = format!("{request:?} {request:#?}");
    assert!(shown.contains("access_token") && shown.contains("Cookie"), "{shown}");
    assert!(!shown.contains("planted") && !shown.contains("dave"), "{shown}");
}
