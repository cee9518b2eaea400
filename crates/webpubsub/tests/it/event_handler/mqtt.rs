//! Events of MQTT clients.

use http::StatusCode;
use http::request::Builder;
use serde_json::{Value, json};
use webpubsub::event_handler::{ConnectResponse, HandlerError, UserEventResponse};

use super::support::*;

fn mqtt(event_type: &str) -> Builder {
    let builder = event(event_type).header("ce-subprotocol", "mqtt");
    builder.header("ce-physicalConnectionId", "p1").header("ce-sessionId", "s1")
}

fn packet(version: u8) -> String {
    let properties = r#"[{"name":"a","value":"b"}]"#;
    format!(
        r#"{{"mqtt":{{"protocolVersion":{version},"cleanStart":true,"username":"u","password":"cGxhbnRlZA==","userProperties":{properties}}}}}"#
    )
}

#[tokio::test]
async fn a_connect_contains_its_packet_and_user_properties_are_sent_back() {
    let handler = TestHandler::on_connect(|context, request| {
        let session = context.mqtt().unwrap();
        assert_eq!(
            (session.physical_connection_id.as_str(), session.session_id.as_deref()),
            ("p1", Some("s1"))
        );
        let packet = request.mqtt.unwrap();
        assert!(!format!("{packet:?}").contains("cGxh"), "{packet:?}");
        assert_eq!((packet.protocol_version, packet.clean_start), (5, true));
        assert_eq!(packet.username.as_deref(), Some("u"));
        assert_eq!(packet.password.unwrap().expose(), "cGxhbnRlZA==");
        assert_eq!((packet.user_properties[0].name.as_str(), packet.user_properties.len()), ("a", 1));
        Ok(ConnectResponse::accept().mqtt_user_property("c", "d"))
    });
    let request = with_body(mqtt("azure.webpubsub.sys.connect"), JSON, packet(5));
    let response = respond(&handler.webhook(), request).await;
    assert_eq!(parts(&response), (200, r#"{"mqtt":{"userProperties":[{"name":"c","value":"d"}]}}"#));
}

#[tokio::test]
async fn a_rejection_has_the_code_of_the_clients_version() {
    type Case = (u8, fn() -> HandlerError, u16, Value);
    let cases: [Case; 5] = [
        (5, || HandlerError::unauthorized("who?"), 401, json!({"code": 0x87, "reason": "who?"})),
        (4, || HandlerError::unauthorized("who?"), 401, json!({"code": 5, "reason": "who?"})),
        (4, || HandlerError::bad_request("x"), 400, json!({"code": 4, "reason": "x"})),
        (
            5,
            || HandlerError::internal("planted"),
            500,
            json!({"code": 0x80, "reason": "Internal Server Error"}),
        ),
        (
            5,
            || HandlerError::new(StatusCode::FORBIDDEN, "banned").mqtt_code(138),
            403,
            json!({"code": 138, "reason": "banned"}),
        ),
    ];
    for (version, act, status, mqtt_body) in cases {
        let handler = TestHandler::on_connect(move |_, _| Err(act()));
        let request = with_body(mqtt("azure.webpubsub.sys.connect"), JSON, packet(version));
        let response = respond(&handler.webhook(), request).await;
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!((response.status().as_u16(), body), (status, json!({"mqtt": mqtt_body})));
    }
}

#[tokio::test]
async fn a_plain_connection_gets_no_code() {
    let handler = TestHandler::on_connect(|_, _| Err(HandlerError::unauthorized("who?").mqtt_code(138)));
    assert_eq!(parts(&respond(&handler.webhook(), connect("{}")).await), (401, "who?"));
}

#[tokio::test]
async fn user_properties_of_a_publish_are_headers_in_both_directions() {
    let handler = TestHandler::on_event(|context, event| {
        assert!(context.mqtt().is_some());
        assert_eq!(event.mqtt_user_properties().collect::<Vec<_>>(), [("a", "b")]);
        Ok(UserEventResponse::text("done").mqtt_user_property("c", "d"))
    });
    let request = with_body(mqtt("azure.webpubsub.user.x").header("mqtt-a", "b"), "text/plain", "");
    let response = respond(&handler.webhook(), request).await;
    assert_eq!(parts(&response), (200, "done"));
    assert_eq!(response.headers()["mqtt-c"], "d");

    for (name, value) in [("a b", "x"), ("a", "x\ny")] {
        let handler =
            TestHandler::on_event(move |_, _| Ok(UserEventResponse::none().mqtt_user_property(name, value)));
        let request = with_body(mqtt("azure.webpubsub.user.x"), "text/plain", "");
        assert_eq!(respond(&handler.webhook(), request).await.status(), 500);
    }
}

#[tokio::test]
async fn the_end_of_a_session_is_reported_with_or_without_a_packet() {
    for packet in ["null", r#"{"code":4,"userProperties":null}"#] {
        let body =
            format!(r#"{{"reason":"r","mqtt":{{"initiatedByClient":true,"disconnectPacket":{packet}}}}}"#);
        let (handler, seen) = TestHandler::recording();
        let request = with_body(mqtt("azure.webpubsub.sys.disconnected"), JSON, body.clone());
        assert_eq!(parts(&respond(&handler.webhook(), request).await), (204, ""));
        assert_eq!(seen.take(), ["disconnected: r"]);
        let event: webpubsub::event_handler::Disconnected = serde_json::from_str(&body).unwrap();
        let mqtt = event.mqtt.unwrap();
        assert_eq!(
            (mqtt.initiated_by_client, mqtt.disconnect_packet.map(|it| it.code)),
            (true, (packet != "null").then_some(4))
        );
    }
}

#[tokio::test]
async fn every_member_of_a_packet_may_be_null() {
    let handler = TestHandler::on_connect(|_, request| {
        let packet = request.mqtt.unwrap();
        assert_eq!((packet.protocol_version, packet.user_properties[0].name.as_str()), (0, "a"));
        Ok(ConnectResponse::accept())
    });
    let body = r#"{"mqtt":{"protocolVersion":null,"cleanStart":null,"username":null,"password":null,
        "userProperties":[{"name":"a","value":null}]}}"#;
    let response =
        respond(&handler.webhook(), with_body(mqtt("azure.webpubsub.sys.connect"), JSON, body)).await;
    assert_eq!(parts(&response), (204, ""));
    let (handler, seen) = TestHandler::recording();
    let body = r#"{"reason":null,"mqtt":{"initiatedByClient":null,"disconnectPacket":{"code":null,"userProperties":null}}}"#;
    let response =
        respond(&handler.webhook(), with_body(mqtt("azure.webpubsub.sys.disconnected"), JSON, body)).await;
    assert_eq!((parts(&response), seen.take()), ((204, ""), vec!["disconnected: ".to_owned()]));
}
