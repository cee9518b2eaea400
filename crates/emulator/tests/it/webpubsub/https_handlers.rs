//! Event handlers that are called over TLS. An emulator with TLS plays their part: faults write its responses.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use service_emulator::webpubsub::{EventHandlerSettings, SystemEvent};
use service_emulator::{Emulator, Fault};

use super::common::clients::{JSON, KEY, client_claims, jwt, open, rejection};
use super::common::webhook::wait_for_hook;

/// A handler that accepts everything.
async fn handler() -> Emulator {
    let handler = Emulator::builder().tls(true).start().await.unwrap();
    handler.faults().push(Fault::status(200).header("webhook-allowed-origin", "*").times(10));
    handler
}

fn url(handler: &Emulator) -> String {
    format!("{}/{{event}}?code=s3cret", handler.endpoint())
}

fn settings(handler: &Emulator) -> EventHandlerSettings {
    EventHandlerSettings::new(url(handler)).system_events([SystemEvent::Connect])
}

fn requests(handler: &Emulator) -> Vec<String> {
    handler.requests().iter().map(|request| format!("{} {}", request.method, request.target)).collect()
}

const CALLS: [&str; 2] = ["OPTIONS /validate?code=s3cret", "POST /connect?code=s3cret"];

#[tokio::test]
async fn a_handler_is_called_over_tls_if_its_authority_is_trusted() {
    let (emulator, handler) = (Emulator::start().await.unwrap(), handler().await);
    let service = emulator.webpubsub();
    service.event_handler("chat", settings(&handler)).unwrap();
    let token = jwt(KEY, &client_claims(&emulator, json!({})));
    let target = format!("/client/hubs/chat?access_token={token}");
    let (outcome, ()) = tokio::join!(open(&emulator, &target, Some(JSON)), async {
        for (attempt, pause) in [(1, 1), (2, 3), (3, 5)] {
            let note = format!("OPTIONS validate, attempt {attempt} (no TLS connection: ");
            wait_for_hook(&emulator, &note).await;
            emulator.clock().advance(Duration::from_secs(pause));
        }
    });
    assert_eq!(rejection(outcome), 502, "not trusted");
    assert!(handler.requests().is_empty());
    service.trust_event_handlers(handler.ca_certificate().unwrap()).unwrap();
    emulator.clock().advance(Duration::from_secs(1));
    open(&emulator, &target, Some(JSON)).await.unwrap();
    assert_eq!(requests(&handler), CALLS);
}

/// Files that are deleted when this is dropped.
#[cfg(unix)]
struct Files(PathBuf);

#[cfg(unix)]
impl Files {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("service-emulator-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

#[cfg(unix)]
impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_program_trusts_a_file_of_authorities_and_those_of_the_platform() {
    use super::program::connect;
    use crate::program::{program, ready};

    let files = Files::new("https");
    for way in ["setting", "platform"] {
        let handler = handler().await;
        let ca = files.write("ca.pem", handler.ca_certificate().unwrap());
        let setting = if way == "setting" { format!("event_handler_ca = '{ca}'\n") } else { String::new() };
        let config = format!(
            "[webpubsub]\n{setting}[[webpubsub.hubs]]\nname = 'chat'\n[[webpubsub.hubs.event_handlers]]\n\
             url = '{}'\nsystem_events = ['connect']\n",
            url(&handler)
        );
        let config = files.write("emulator.toml", &config);
        let mut command = program(&["--config", &config, "--log", "off"]);
        if way == "platform" {
            // How OpenSSL, and what follows it, is given other certificates than those of the system.
            command.env("SSL_CERT_FILE", &ca);
        }
        let (_child, port) = ready(command).await;
        connect(port, JSON).await;
        assert_eq!(requests(&handler), CALLS, "{way}");
    }
}
