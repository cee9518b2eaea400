//! The emulator over TLS: clients reach it over https and wss once they trust its authority, and not before.

use eventgrid_namespaces::{CloudEvent, Credential, NamespaceClient};
use hulft_webconnect::SiteClient;
use service_emulator::{Emulator, Fault};
use webpubsub::client::Event;
use webpubsub::{Client, ErrorKind, Role, ServiceClient};

async fn start() -> (Emulator, String) {
    let emulator = Emulator::builder().tls(true).start().await.unwrap();
    let authority = emulator.ca_certificate().unwrap().to_owned();
    (emulator, authority)
}

fn service(emulator: &Emulator, authority: &str) -> ServiceClient {
    let string = emulator.webpubsub().connection_string();
    assert!(string.starts_with("Endpoint=https://127.0.0.1:"), "{string}");
    let builder = ServiceClient::builder_from_connection_string(&string, "chat");
    builder.root_certificate(authority.to_owned()).build().unwrap()
}

#[tokio::test]
async fn messages_travel_over_https_and_wss() {
    let (emulator, authority) = start().await;
    let service = service(&emulator, &authority);
    let roles = [Role::join_leave_group("room")];
    let access = service.client_access().user("ann").roles(roles).await.unwrap();
    assert!(access.url.starts_with("wss://127.0.0.1:"));
    let client = Client::builder(access.url).root_certificate(authority.clone()).connect().await.unwrap();
    let mut events = client.events();
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    client.join_group("room").await.unwrap();
    service.group("room").send("over TLS").await.unwrap();
    let Some(Event::GroupMessage(message)) = events.next().await else { panic!("no message") };
    assert_eq!(message.data.as_text(), Some("over TLS"));
    assert!(
        service
            .connection(emulator.webpubsub().connections("chat")[0].connection_id.as_str())
            .exists()
            .await
            .unwrap()
    );
    client.close().await;
}

#[tokio::test]
async fn the_other_services_are_reached_over_https() {
    let (emulator, authority) = start().await;
    emulator.eventgrid().declare("orders", "billing");
    let key = Credential::access_key(emulator.eventgrid().key());
    let namespace = NamespaceClient::builder(&emulator.endpoint(), key);
    let namespace = namespace.root_certificate(authority.clone()).build().unwrap();
    namespace.sender("orders").send(CloudEvent::new("/tests", "order.created", "x").unwrap()).await.unwrap();
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1);
    assert_eq!(namespace.receiver("orders", "billing").receive().await.unwrap().len(), 1);
    let site = SiteClient::builder(emulator.hulft().api_key()).endpoint(emulator.endpoint());
    let site = site.root_certificate(authority).build().unwrap();
    assert_eq!(site.agents().list().page().await.unwrap().total_size, 0);
}

#[tokio::test]
async fn the_authority_of_another_start_is_not_trusted() {
    let (emulator, _) = start().await;
    let (_other, other) = start().await;
    let error = service(&emulator, &other).close_all_connections().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains("certificate was rejected"), "{error}");
    assert!(emulator.requests().is_empty());
}

#[tokio::test]
async fn faults_reset_and_cut_connections_over_tls_too() {
    let (emulator, authority) = start().await;
    let service = service(&emulator, &authority);
    // A send is not idempotent, so that neither is retried.
    for fault in [Fault::reset(), Fault::cut_body()] {
        emulator.faults().push(fault);
        let error = service.send_to_all("x").await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 1), "{error}");
    }
    assert_eq!(emulator.faults().pending(), 0);
}

#[tokio::test]
async fn the_authority_is_written_to_the_file_asked_for_and_its_name_is_told() {
    let path = std::env::temp_dir().join(format!("emulator-tls-{}.pem", std::process::id()));
    let emulator = Emulator::builder().tls(true).tls_ca_file(&path).start().await.unwrap();
    let written = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(Some(written.as_str()), emulator.ca_certificate());
    assert!(!written.contains("PRIVATE"));
    let variable = emulator.environment().into_iter().find(|(name, _)| *name == "SERVICE_EMULATOR_CA");
    assert_eq!(variable, Some(("SERVICE_EMULATOR_CA", path.display().to_string())));
    let plain = Emulator::builder().tls_ca_file(&path).start().await.unwrap();
    assert!(!path.exists() && plain.ca_file().is_none() && plain.ca_certificate().is_none());
}
