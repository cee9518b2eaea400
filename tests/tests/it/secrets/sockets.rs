//! The WebSocket client against the emulator: its tokens, the contents of messages, and its log at TRACE level.

use std::time::Duration;

use service_emulator::{Emulator, SocketFault};
use webpubsub::client::{Access, Event, Protocol, Reconnect};
use webpubsub::{Client, Message, Metadata, Role, ServiceClient};
use workspace_tests::secrets::Secrets;

use super::{BODY, CLIENT_TOKEN, METADATA, clean, everything};
use crate::logged::Logged;

#[test]
fn a_client_that_is_cut_off_and_recovers_shows_neither_its_tokens_nor_its_messages() {
    Logged::during(async |logged| {
        let emulator = Emulator::start().await.unwrap();
        let text = emulator.webpubsub().connection_string();
        let service = ServiceClient::from_connection_string(&text, "chat").unwrap();
        let mut shown = String::new();
        for protocol in [Protocol::JsonReliable, Protocol::ProtobufReliable] {
            let maker = service.clone();
            let access = Access::from_fn(move || {
                let access = maker
                    .client_access()
                    .roles([Role::join_leave_group("lobby"), Role::send_to_group("lobby")]);
                async move { access.await }
            });
            let client = Client::builder(access).protocol(protocol).connect().await.unwrap();
            let mut events = client.events();
            client.join_group("lobby").await.unwrap();
            let metadata = || Metadata::from([("note", METADATA)]);
            emulator.faults().push_socket(SocketFault::drop_connection());
            service.group("lobby").send(Message::text(BODY)).metadata(metadata()).await.unwrap();
            client.send_to_group("lobby", BODY).metadata(metadata()).await.unwrap();
            let mut messages = 0;
            while messages < 2 {
                let event = events.next().await.unwrap();
                messages += usize::from(matches!(event, Event::GroupMessage(_)));
                shown += &format!("{event:?}\n{event:#?}\n");
            }
            shown += &format!("{client:?} {:?}", client.stats());
            client.close().await;
            shown += &format!("{client:?}\n");
        }
        assert!(shown.contains("Recovered"), "{shown}");
        clean("events", &shown);
        let mut secrets = Secrets::default();
        secrets.plant("access key", &emulator.webpubsub().access_key());
        let mut recoveries = 0;
        for request in emulator.requests() {
            for (name, value) in
                [("awps_reconnection_token", "reconnection token"), ("access_token", "token")]
            {
                let found =
                    request.target.split(['?', '&']).find_map(|pair| pair.strip_prefix(&format!("{name}=")));
                if let Some(token) = found {
                    recoveries += usize::from(value == "reconnection token");
                    secrets.plant(value, token);
                }
            }
            if let Some(value) = request.headers.get("authorization") {
                secrets.plant_token("token", value.to_str().unwrap());
            }
        }
        assert_eq!(recoveries, 2);
        let log = logged.text();
        assert!(log.contains("webpubsub::client") && log.contains("service_core"), "{log}");
        clean("log", &log);
        secrets.assert_absent("log", &log);
        secrets.assert_absent("events", &shown);
    });
}

#[test]
fn a_client_that_is_rejected_shows_no_token() {
    Logged::during(async |logged| {
        let emulator = Emulator::start().await.unwrap();
        let address = emulator.address();
        let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let nowhere = dead.local_addr().unwrap();
        drop(dead);
        for url in [
            format!("ws://{address}/client/hubs/chat?access_token={CLIENT_TOKEN}"),
            format!("ws://{address}/elsewhere?access_token={CLIENT_TOKEN}"),
            format!("ws://{nowhere}/client/hubs/chat?access_token={CLIENT_TOKEN}"),
            format!("wss://{address}/client/hubs/chat?access_token={CLIENT_TOKEN}"),
            format!("ftp://{address}/client/hubs/chat?access_token={CLIENT_TOKEN}"),
            format!(
                "ws://{address}/client/hubs/chat?access_token={CLIENT_TOKEN}&access_token={CLIENT_TOKEN}"
            ),
            format!("ws://user:{CLIENT_TOKEN}@{address}/client/hubs/chat"),
            CLIENT_TOKEN.to_owned(),
        ] {
            let builder = Client::builder(url.as_str()).reconnect(Reconnect::never());
            let error = builder.attempt_timeout(Duration::from_secs(5)).connect().await.unwrap_err();
            clean("error", &everything(&error));
        }
        let failing = Access::from_fn(|| async { Err::<String, _>(std::io::Error::other("no URL")) });
        let error = Client::builder(failing).reconnect(Reconnect::never()).connect().await.unwrap_err();
        clean("error", &everything(&error));
        clean("log", &logged.text());
    });
}
