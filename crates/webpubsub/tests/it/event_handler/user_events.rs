//! User events: the data types in both directions.

use http::StatusCode;
use serde_json::json;
use webpubsub::event_handler::{ConnectionState, Data, HandlerError, UserEventResponse};

use super::support::*;

/// Returns the data that a handler receives for a body of this content type, from a client of this subprotocol.
async fn received(content_type: &str, subprotocol: &str, body: &'static [u8]) -> Result<Data, u16> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let handler = TestHandler::on_event(move |_, event| {
        sender.send(event.into_data()).unwrap();
        Ok(UserEventResponse::none())
    });
    let builder = event("azure.webpubsub.user.x").header("ce-subprotocol", subprotocol);
    let response = respond(&handler.webhook(), with_body(builder, content_type, body)).await;
    receiver.try_recv().map_err(|_| response.status().as_u16())
}

#[tokio::test]
async fn the_content_type_determines_the_data_type() {
    let (json, protobuf) = ("json.webpubsub.azure.v1", "protobuf.reliable.webpubsub.azure.v1");
    let text = |text: &str| Ok(Data::Text(text.to_owned()));
    for (content_type, subprotocol, body, expected) in [
        ("text/plain; charset=utf-8", json, "é".as_bytes(), text("é")),
        ("TEXT/PLAIN", "", b"", text("")),
        ("text/plain", json, b"\xff", Err(400)),
        (JSON, json, b"0", Ok(Data::Json("0".into()))),
        (JSON, json, b" null ", Ok(Data::Json(" null ".into()))),
        (JSON, json, b"{", Err(400)),
        (JSON, protobuf, b"{}", Ok(Data::Json("{}".into()))),
        (JSON, protobuf, b"\x0a\x00", Ok(Data::Protobuf(b"\x0a\x00"[..].into()))),
        (JSON, "Protobuf.WebPubSub.Azure.v1", b"\x0a\x00", Ok(Data::Protobuf(b"\x0a\x00"[..].into()))),
        (JSON, "", b"\x0a\x00", Ok(Data::Binary(b"\x0a\x00"[..].into()))),
        (JSON, "mqtt", b"\x0a\x00", Ok(Data::Binary(b"\x0a\x00"[..].into()))),
        (JSON, "custom", b"", Ok(Data::Binary(b""[..].into()))),
        (JSON, "json.reliable.webpubsub.azure.v1", b"{", Err(400)),
        (JSON, json, b"\xef\xbb\xbf[1]", Ok(Data::Json("[1]".into()))),
        (JSON, json, b"\xef\xbb\xbf", Err(400)),
        ("text/plain", json, b"\xef\xbb\xbfx", text("\u{feff}x")),
        ("application/x-protobuf", protobuf, b"\x0a\x00", Ok(Data::Protobuf(b"\x0a\x00"[..].into()))),
        ("application/octet-stream", json, b"\xff\x00", Ok(Data::Binary(b"\xff\x00"[..].into()))),
        ("image/png", "mqtt", b"\x89", Ok(Data::Binary(b"\x89"[..].into()))),
        ("", "", b"\x89", Ok(Data::Binary(b"\x89"[..].into()))),
    ] {
        assert_eq!(received(content_type, subprotocol, body).await, expected, "{content_type} {subprotocol}");
    }
}

#[tokio::test]
async fn a_handler_reads_name_and_data() {
    let handler = TestHandler::on_event(|context, event| {
        assert_eq!((event.name(), context.subprotocol()), ("chat.said", Some("json.webpubsub.azure.v1")));
        assert_eq!(event.content_type(), Some(JSON));
        assert_eq!(event.json::<Vec<u8>>()?, [1, 2]);
        assert!(event.json::<String>().is_err() && event.text().is_none());
        assert_eq!(event.mqtt_user_properties().count(), 0);
        Ok(UserEventResponse::none())
    });
    let builder = event("azure.webpubsub.user.said").header("mqtt-a", "b");
    let mut request = with_body(builder.header("ce-subprotocol", "json.webpubsub.azure.v1"), JSON, "[1,2]");
    request.headers_mut().insert("ce-eventName", "chat.said".parse().unwrap());
    assert_eq!(parts(&respond(&handler.webhook(), request).await), (204, ""));
}

#[tokio::test]
async fn without_its_header_the_name_is_that_of_the_type() {
    let (handler, seen) = TestHandler::recording();
    let mut request = with_body(event("azure.webpubsub.user.a.b"), "text/plain", "");
    request.headers_mut().remove("ce-eventName");
    respond(&handler.webhook(), request).await;
    assert_eq!(seen.take(), ["a.b"]);
}

#[tokio::test]
async fn a_response_is_sent_with_the_content_type_of_its_data() {
    type Case = (fn() -> UserEventResponse, (u16, &'static str), Option<&'static str>);
    let cases: [Case; 6] = [
        (UserEventResponse::none, (204, ""), None),
        (|| UserEventResponse::text("hé"), (200, "hé"), Some("text/plain; charset=utf-8")),
        (|| UserEventResponse::text(""), (204, ""), None),
        (|| UserEventResponse::json(&json!({"a": null})).unwrap(), (200, r#"{"a":null}"#), Some(JSON)),
        (|| UserEventResponse::binary("\u{1}"), (200, "\u{1}"), Some("application/octet-stream")),
        (|| UserEventResponse::binary(""), (204, ""), None),
    ];
    for (act, expected, content_type) in cases {
        let handler = TestHandler::on_event(move |_, _| Ok(act().state(ConnectionState::raw("s")?)));
        let request = with_body(event("azure.webpubsub.user.x"), "text/plain", "");
        let response = respond(&handler.webhook(), request).await;
        assert_eq!(parts(&response), expected);
        assert_eq!(response.headers().get("content-type").map(|it| it.to_str().unwrap()), content_type);
        assert_eq!(response.headers()["ce-connectionState"], "s");
    }
}

#[tokio::test]
async fn a_handlers_error_has_its_status_and_no_details() {
    type Case = (fn() -> HandlerError, (u16, &'static str));
    let cases: [Case; 3] = [
        (|| HandlerError::new(StatusCode::PAYMENT_REQUIRED, "pay"), (402, "pay")),
        (|| HandlerError::internal("planted"), (500, "Internal Server Error")),
        (|| HandlerError::new(StatusCode::OK, "planted"), (500, "Internal Server Error")),
    ];
    for (act, expected) in cases {
        let handler = TestHandler::on_event(move |_, _| Err(act()));
        let request = with_body(event("azure.webpubsub.user.x"), "text/plain", "");
        assert_eq!(parts(&respond(&handler.webhook(), request).await), expected);
    }
}

#[tokio::test]
async fn a_non_ascii_user_id_is_returned_as_received() {
    for id in ["d%C3%A4ve", "däve"] {
        let handler = TestHandler::on_event(move |context, _| {
            assert_eq!(context.user_id(), Some(id));
            Ok(UserEventResponse::text("seen"))
        });
        let mut request = with_body(event("azure.webpubsub.user.x"), "text/plain", "");
        request.headers_mut().insert("ce-userId", http::HeaderValue::from_bytes(id.as_bytes()).unwrap());
        assert_eq!(parts(&respond(&handler.webhook(), request).await), (200, "seen"));
    }
}

#[tokio::test]
async fn an_anonymous_connection_has_no_user() {
    let handler = TestHandler::on_event(|context, _| {
        assert_eq!(context.user_id(), None);
        Ok(UserEventResponse::text("seen"))
    });
    let mut request = with_body(event("azure.webpubsub.user.x"), "text/plain", "");
    request.headers_mut().remove("ce-userId");
    assert_eq!(parts(&respond(&handler.webhook(), request).await), (200, "seen"));
}

#[tokio::test]
async fn an_event_without_a_name_is_rejected() {
    let mut request = with_body(event("azure.webpubsub.user."), "text/plain", "x");
    request.headers_mut().remove("ce-eventName");
    let response = respond(&TestHandler::accepting().webhook(), request).await;
    let rule = "the user event has no name, neither in ce-eventName nor in ce-type";
    assert_eq!(parts(&response), (400, rule));
}
