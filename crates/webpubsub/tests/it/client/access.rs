//! Access and handshakes: first connections, recoveries and new connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use webpubsub::client::{Access, Event, Protocol};
use webpubsub::{Client, ErrorKind};

use super::peer::connected;
use super::*;

#[tokio::test]
async fn a_client_sends_its_token_in_a_header_and_is_connected_once_the_service_confirms() {
    let bed = TestBed::new();
    let connecting = tokio::spawn(bed.builder().app_id("chatter").connect());
    let handshake = bed.network.handshake().await;
    assert_eq!(handshake.request.uri(), "https://name.example/client/hubs/chat");
    assert_eq!(handshake.header("authorization"), Some("Bearer planted.token"));
    assert!(handshake.request.headers()["authorization"].is_sensitive());
    assert_eq!(handshake.header("sec-websocket-protocol"), Some("json.reliable.webpubsub.azure.v1"));
    assert!(handshake.header("user-agent").unwrap().starts_with("chatter webpubsub/"));
    let mut peer = handshake.accept();
    run_until_idle().await;
    assert!(!connecting.is_finished(), "101 is not enough");
    peer.send(&connected("c1")).await;
    let client = connecting.await.unwrap().unwrap();
    let Some(Event::Connected(first)) = client.events().next().await else { panic!("no `Connected`") };
    assert_eq!((first.connection_id.as_str(), first.user_id.as_deref()), ("c1", Some("u")));
}

#[tokio::test]
async fn a_new_connection_fetches_a_new_url_and_a_recovery_fetches_none_and_sends_no_access_token() {
    let bed = TestBed::new();
    let fetched = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&fetched);
    let access = Access::from_fn(move || {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        async move {
            Ok::<_, std::io::Error>(format!("wss://name.example/client/hubs/chat?access_token=t{number}"))
        }
    });
    let (client, peer) = bed.connect(bed.configure(Client::builder(access))).await;
    drop(peer);
    bed.pass(Duration::from_secs(1)).await;
    let handshake = bed.network.handshake().await;
    let query = handshake.request.uri().query().unwrap();
    assert_eq!(query, "awps_connection_id=c1&awps_reconnection_token=planted-c1");
    assert_eq!((handshake.header("authorization"), fetched.load(Ordering::Relaxed)), (None, 1));
    handshake.accept().close(1008).await;
    bed.pass(Duration::from_secs(1)).await;
    let handshake = bed.network.handshake().await;
    assert_eq!((handshake.header("authorization"), fetched.load(Ordering::Relaxed)), (Some("Bearer t1"), 2));
    drop(client);
}

#[tokio::test]
async fn a_rejected_handshake_is_an_error_with_the_services_code_and_no_secret() {
    let bed = TestBed::new();
    let connecting = tokio::spawn(bed.builder().connect());
    bed.network.handshake().await.reject(401);
    let error = connecting.await.unwrap().unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.code()), (401, Some("Odd")));
    assert!(error.to_string().starts_with("connect: 401 Unauthorized, Odd"), "{error}");
    assert!(!format!("{error} {error:?}").contains("planted"), "{error:?}");
    run_until_idle().await;
    assert!(bed.network.try_handshake().await.is_none(), "one attempt");
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0, "no task is left");
}

#[tokio::test]
async fn a_protocol_other_than_the_requested_one_is_an_error() {
    for (key, protocol, text) in [
        (None, "json.webpubsub.azure.v1", "did not select the subprotocol json.reliable"),
        (Some("other"), "json.reliable.webpubsub.azure.v1", "invalid `sec-websocket-accept`"),
    ] {
        let bed = TestBed::new();
        let connecting = tokio::spawn(bed.builder().connect());
        let handshake = bed.network.handshake().await;
        let right = handshake.header("sec-websocket-key").unwrap().as_bytes();
        let right = tokio_tungstenite::tungstenite::handshake::derive_accept_key(right);
        let _peer = handshake.respond_with(key.unwrap_or(&right), protocol);
        let error = connecting.await.unwrap().unwrap_err();
        assert!(error.kind() == ErrorKind::Decode && error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn a_handshake_and_an_access_that_hang_time_out() {
    let bed = TestBed::new();
    let access = Access::from_fn(std::future::pending::<std::io::Result<String>>);
    for builder in [bed.builder(), bed.configure(Client::builder(access))] {
        let connecting = tokio::spawn(builder.attempt_timeout(Duration::from_secs(7)).connect());
        run_until_idle().await;
        let _handshake = bed.network.try_handshake().await;
        bed.pass(Duration::from_secs(7)).await;
        assert!(connecting.await.unwrap().unwrap_err().is_timeout());
    }
}

#[tokio::test]
async fn invalid_settings_and_plain_text_to_a_remote_host_are_rejected_before_anything_is_sent() {
    let bed = TestBed::new();
    let second = Duration::from_secs(1);
    for (builder, rule) in [
        (bed.builder().event_capacity(0), "event capacity must be at least 1"),
        (bed.builder().max_pending(1001), "pending sends must be 1 to 1000, got \"1001\""),
        (bed.builder().ack_timeout(Duration::ZERO), "ack timeout must be longer"),
        (bed.builder().keep_alive(second, second), "idle timeout must be longer than the ping interval"),
        (bed.configure(Client::builder("ws://name.example/client/hubs/chat")), "must use `https`"),
        (bed.configure(Client::builder("planted")), "client access URL must begin with"),
    ] {
        let error = builder.connect().await.unwrap_err();
        assert!(error.is_invalid_input() && error.to_string().contains(rule), "{error}");
        assert!(!format!("{error:?}").contains("planted"));
    }
    assert!(bed.network.try_handshake().await.is_none());
}

#[tokio::test]
async fn without_a_reliable_protocol_a_drop_means_a_new_connection() {
    let bed = TestBed::new();
    let (client, peer) = bed.connect(bed.builder().protocol(Protocol::Json)).await;
    drop(peer);
    bed.pass(Duration::from_secs(1)).await;
    let handshake = bed.network.handshake().await;
    assert_eq!(handshake.request.uri().query(), None);
    drop(client);
}
