//! Shared access signatures on the wire, and their expiry.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use eventgrid_namespaces::{Credential, ErrorKind, NamespaceClient, Receiver, Result, SasToken};
use service_core::testing::{ManualClock, ScriptedTransport};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn receiver(credential: Credential) -> Result<(ScriptedTransport, ManualClock, Receiver)> {
    let (transport, clock) = (ScriptedTransport::new(), ManualClock::new(SystemTime::UNIX_EPOCH));
    transport.status(200).status(200);
    let builder = NamespaceClient::builder("https://x.example", credential);
    let namespace = builder.transport(Arc::new(transport.clone())).clock(Arc::new(clock.clone())).build()?;
    Ok((transport, clock, namespace.receiver("orders", "billing")))
}

async fn call(receiver: &Receiver) -> Result<()> {
    receiver.request(http::Method::POST, "/topics/{}:any", &["orders"]).await.map(drop)
}

#[tokio::test]
async fn a_signed_token_is_sent_until_it_has_expired() {
    let expires_at = SystemTime::UNIX_EPOCH + Duration::from_secs(3600);
    let token = SasToken::sign(KEY, "https://x.example/topics/orders", expires_at).unwrap();
    let expected = format!("SharedAccessSignature {}", token.expose());
    let (transport, clock, receiver) = receiver(Credential::sas_token(token)).unwrap();
    clock.advance(Duration::from_secs(3599));
    call(&receiver).await.unwrap();
    assert_eq!(transport.sent()[0].headers()["authorization"], expected);
    assert!(transport.sent()[0].headers()["authorization"].is_sensitive());
    clock.advance(Duration::from_secs(1));
    let error = call(&receiver).await.unwrap_err();
    assert_eq!((error.kind(), transport.sent().len(), error.attempts()), (ErrorKind::Credential, 1, 1));
    assert!(error.to_string().contains("the SAS token has expired"), "{error}");
}

#[tokio::test]
async fn a_token_whose_expiry_cannot_be_read_is_left_to_the_service() {
    let (transport, clock, receiver) = receiver(Credential::sas_token("r=x&e=someday&s=planted")).unwrap();
    clock.advance(Duration::from_secs(1 << 40));
    call(&receiver).await.unwrap();
    assert_eq!(
        transport.sent()[0].headers()["authorization"],
        "SharedAccessSignature r=x&e=someday&s=planted"
    );
}

#[test]
fn what_is_not_a_token_is_rejected_without_being_repeated() {
    for text in ["", KEY, "r=x&s=planted", "r=x&e=y&s=planted\u{0}"] {
        let error = receiver(Credential::sas_token(text)).unwrap_err();
        assert!(error.is_invalid_input(), "{error}");
        let shown = format!("{error:?} {:?}", Credential::sas_token(text));
        assert!(!shown.contains("planted") && !shown.contains(KEY), "{shown}");
    }
}
