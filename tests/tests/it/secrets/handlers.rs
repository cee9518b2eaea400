//! The webhooks of both services: requests with secrets that are right, wrong, and malformed.

use bytes::Bytes;
use eventgrid_namespaces::push::{EntraKeys, EntraToken, Webhook as PushWebhook};
use eventgrid_namespaces::{BoxError, CloudEvent, Context, Settlement};
use http::Request;
use service_emulator::Emulator;
use service_emulator::eventgrid::{PushSettings, PushToken};
use webpubsub::event_handler::{EventHandler, Handled, Webhook};

use super::{ACCESS_KEY, BODY, CLIENT_TOKEN, HEADER, METADATA, QUERY, STATE, clean};
use crate::logged::Logged;

struct Accepting;

impl EventHandler for Accepting {}

#[test]
fn the_event_handler_of_web_pubsub_shows_no_secret_of_a_request() {
    Logged::during(async |logged| {
        let webhook = Webhook::builder("chat", Accepting).access_key(ACCESS_KEY).build().unwrap();
        let mut statuses = Vec::new();
        for event in ["azure.webpubsub.sys.connect", "azure.webpubsub.user.message"] {
            for (content_type, body) in [
                (
                    "application/json",
                    format!(
                        r#"{{"claims":{{"sub":["{BODY}"]}},"query":{{"access_token":["{CLIENT_TOKEN}"]}}}}"#
                    ),
                ),
                ("application/json", BODY.to_owned()),
                ("text/plain", BODY.to_owned()),
            ] {
                for signature in [format!("sha256={QUERY}"), QUERY.to_owned(), String::new()] {
                    let request = Request::post(format!("/events?code={QUERY}"))
                        .header("webhook-request-origin", "x.webpubsub.azure.com")
                        .header("ce-awpsversion", "1.0")
                        .header("ce-specversion", "1.0")
                        .header("ce-type", event)
                        .header("ce-id", "1")
                        .header("ce-hub", "chat")
                        .header("ce-connectionId", "conn1")
                        .header("ce-eventName", "message")
                        .header("ce-source", "/hubs/chat/client/conn1")
                        .header("ce-time", "2026-01-01T00:00:00Z")
                        .header("ce-signature", signature)
                        .header("ce-connectionState", STATE)
                        .header("x-webpubsub-metadata-note", METADATA)
                        .header("authorization", format!("Bearer {CLIENT_TOKEN}"))
                        .header("cookie", HEADER)
                        .header("content-type", content_type)
                        .body(Bytes::from(body.clone()))
                        .unwrap();
                    let (parts, body) = request.into_parts();
                    let check = webhook.check(&parts.method, &parts.headers);
                    clean("check", &format!("{check:?} {check:#?}"));
                    let handled = webhook.handle(Request::from_parts(parts, body)).await;
                    let Handled::Response(response) = handled else { panic!("{handled:?}") };
                    statuses.push(response.status().as_u16());
                    clean("response", &format!("{:?} {:?}", response.headers(), response.body()));
                }
            }
        }
        assert!(statuses.iter().all(|status| *status == 401), "{statuses:?}");
        let log = logged.text();
        assert!(log.contains("WARN"), "{log}");
        clean("log", &log);
    });
}

#[test]
fn the_push_webhook_of_event_grid_and_the_emulator_show_no_secret_of_a_delivery() {
    const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    Logged::during(async |logged| {
        let emulator = Emulator::start().await.unwrap();
        let keys = EntraKeys::builder(TENANT).authority(emulator.endpoint()).build().unwrap();
        let handler = |event: CloudEvent, _: Context| async move {
            if event.event_type() == "fail" {
                Err(BoxError::from("failed"))
            } else {
                Ok(Settlement::Acknowledge)
            }
        };
        let webhook = PushWebhook::builder(handler)
            .header_secret("x-secret", HEADER)
            .query_secret("code", QUERY)
            .entra_token(EntraToken::new(TENANT, keys).audience("api://hooks"))
            .build()
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(
            async move { axum::serve(listener, axum::Router::new().fallback_service(webhook)).await },
        );
        let (sender, mut steps) = tokio::sync::mpsc::unbounded_channel();
        for (subscription, code, header) in
            [("right", QUERY, HEADER), ("wrong-query", HEADER, HEADER), ("wrong-header", QUERY, QUERY)]
        {
            let sender = sender.clone();
            emulator.eventgrid().observe("orders", subscription, move |seen| {
                let _ = sender.send(format!("{seen:?}"));
            });
            let settings = PushSettings::new(format!("http://{address}/hooks?code={code}"))
                .header("x-secret", header)
                .entra_token(PushToken::new(TENANT, "api://hooks"));
            clean("settings", &format!("{settings:?}"));
            emulator.eventgrid().declare_push("orders", subscription, settings).unwrap();
        }
        let key = eventgrid_namespaces::Credential::access_key(emulator.eventgrid().key());
        let namespace = eventgrid_namespaces::NamespaceClient::new(&emulator.endpoint(), key).unwrap();
        for kind in ["order", "fail"] {
            let event = CloudEvent::builder("/shop", kind).data_text(BODY).build().unwrap();
            namespace.sender("orders").send(event).await.unwrap();
        }
        let grid = emulator.eventgrid();
        let mut seen = String::new();
        while !seen.contains("Acknowledged") {
            seen += &steps.recv().await.unwrap();
            seen.push('\n');
        }
        while grid.dead_letters("orders", "wrong-header").len() < 2 {
            tokio::task::yield_now().await;
        }
        clean("topics", &format!("{:?}", emulator.eventgrid().topics()));
        clean("log", &logged.text());
    });
}
