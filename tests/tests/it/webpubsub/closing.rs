//! What closing does to real WebSocket connections, and what the client signs, over real sockets.

use std::future::IntoFuture;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use service_emulator::webpubsub::ClientToken;
use service_emulator::{Emulator, Fault, Received};
use webpubsub::{Credential, Delivery, ErrorKind, RetryOptions, ServiceClient, StopReason};
use workspace_tests::socket::Client;

use super::hall::{HUB, Hall};

async fn start() -> (Emulator, ServiceClient) {
    let emulator = Emulator::start().await.unwrap();
    let service =
        ServiceClient::from_connection_string(&emulator.webpubsub().connection_string(), "chat").unwrap();
    (emulator, service)
}

async fn join(emulator: &Emulator, hub: &str, user: &str, group: &str) -> Client {
    let token = ClientToken::new().user(user).group(group);
    Client::connect(&emulator.webpubsub().client_access_url(hub, &token)).await.unwrap()
}

fn connected(emulator: &Emulator, hub: &str) -> Vec<String> {
    emulator.webpubsub().connections(hub).into_iter().map(|connection| connection.connection_id).collect()
}

#[tokio::test]
async fn closing_a_group_closes_its_members_except_the_excluded_ones() {
    let (emulator, service) = start().await;
    let mut alice = join(&emulator, "chat", "alice", "lobby").await;
    let mut bob = join(&emulator, "chat", "bob", "lobby").await;
    let mut other_group = join(&emulator, "chat", "carol", "kitchen").await;
    let mut other_hub = join(&emulator, "other", "dave", "lobby").await;
    service
        .group("lobby")
        .close_connections()
        .excluded([&bob.connection_id])
        .reason("closing time")
        .await
        .unwrap();
    let ending = alice.ending(0).await.unwrap();
    assert_eq!((ending.message.as_deref(), ending.reason.as_str()), (Some("closing time"), "closing time"));
    for survivor in [&mut bob, &mut other_group, &mut other_hub] {
        survivor.ping().await.unwrap();
    }
    assert!(!connected(&emulator, "chat").contains(&alice.connection_id));
}

#[tokio::test]
async fn closing_a_connection_closes_that_one_and_a_second_close_is_success_too() {
    let (emulator, service) = start().await;
    let mut first = join(&emulator, "chat", "alice", "lobby").await;
    let mut second = join(&emulator, "chat", "alice", "lobby").await;
    service.connection(&first.connection_id).close().reason("bye").await.unwrap();
    assert_eq!(first.ending(0).await.unwrap().message.as_deref(), Some("bye"));
    second.ping().await.unwrap();
    let again = service.connection(&first.connection_id).close().with_response().await.unwrap();
    assert_eq!(again.status().as_u16(), 204);
    assert_eq!(connected(&emulator, "chat"), [second.connection_id]);
}

#[tokio::test]
async fn closing_a_user_reaches_simple_clients_by_the_close_frame() {
    let (emulator, service) = start().await;
    let mut kept = join(&emulator, "chat", "dave", "lobby").await;
    let url = emulator.webpubsub().client_access_url("chat", &ClientToken::new().user("dave"));
    let mut simple = Client::connect_simple(&url).await.unwrap();
    let mut other = join(&emulator, "chat", "erin", "lobby").await;
    emulator.webpubsub().wait_for_connections("chat", 3).await;
    service
        .user("dave")
        .close_connections()
        .excluded([&kept.connection_id])
        .reason("日本語 reason")
        .await
        .unwrap();
    let ending = simple.ending(0).await.unwrap();
    assert_eq!((ending.code, ending.reason.as_str(), ending.message), (Some(1000), "日本語 reason", None));
    kept.ping().await.unwrap();
    other.ping().await.unwrap();
}

#[tokio::test]
async fn closing_all_connections_spares_the_excluded_and_other_hubs() {
    let mut hall = Hall::open().await;
    let survivors = [hall.bob.connection_id.clone()];
    hall.service.hub("other").close_all_connections().await.unwrap();
    hall.service.close_all_connections().excluded(&survivors).reason("maintenance").await.unwrap();
    for client in [&mut hall.ann, &mut hall.ann2, &mut hall.anonymous] {
        assert_eq!(client.ending(0).await.unwrap().message.as_deref(), Some("maintenance"));
    }
    hall.bob.ping().await.unwrap();
    let left = hall.emulator.webpubsub().connections(HUB);
    assert_eq!(left.iter().map(|connection| &connection.connection_id).collect::<Vec<_>>(), [&survivors[0]]);
}

#[tokio::test]
async fn hostile_names_reach_exactly_what_they_name() {
    let (emulator, service) = start().await;
    for name in
        ["a/b", "a?b#c", "100%", "it's", "a b", "../x", "日本語", "🚀", "%2e%2e", "a\\b", "+", "a&b=c"]
    {
        let mut named = join(&emulator, "chat", name, name).await;
        let mut bystander = join(&emulator, "chat", "bystander", "b").await;
        service.group(name).close_connections().await.unwrap();
        named.ending(0).await.unwrap();
        let mut named = join(&emulator, "chat", name, "g").await;
        service.user(name).close_connections().reason(name).await.unwrap();
        assert_eq!(named.ending(0).await.unwrap().message.as_deref(), Some(name));
        bystander.ping().await.unwrap();
    }
}

/// What a request was signed for.
fn audience(request: &Received) -> String {
    let header = request.headers["authorization"].to_str().unwrap();
    let payload = URL_SAFE_NO_PAD.decode(header.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&payload).unwrap()["aud"].as_str().unwrap().to_owned()
}

/// Names of every kind of character, hostile ones more often.
fn name(random: &mut fastrand::Rng) -> String {
    const HOSTILE: [char; 20] = [
        '/', '?', '#', '%', '\'', '"', ' ', '.', ':', '+', '&', '=', '\\', '@', '~', '!', '\t', 'é', '日',
        '😀',
    ];
    let length = random.usize(1..40);
    (0..length)
        .map(|_| if random.bool() { random.choice(HOSTILE).unwrap() } else { random.char('\u{1}'..) })
        .collect()
}

#[tokio::test]
async fn the_signed_audience_is_the_target_that_the_socket_received_for_1000_names() {
    let (emulator, service) = start().await;
    let mut random = fastrand::Rng::with_seed(20_261_122);
    for round in 0..1_000 {
        let (name, reason) = (format!("n{}", name(&mut random)), name(&mut random));
        match round % 3 {
            0 => service.group(&name).close_connections().excluded([&reason]).reason(&reason).await.unwrap(),
            1 => service.user(&name).close_connections().excluded([&reason, &name]).await.unwrap(),
            _ => service.connection(&name).close().reason(&reason).await.unwrap(),
        }
        let requests = emulator.requests();
        let request = requests.last().unwrap();
        assert_eq!(
            audience(request),
            format!("http://{}{}", request.host, request.target),
            "{name:?} {reason:?}"
        );
    }
    assert_eq!(emulator.requests().len(), 1_000, "one request each: none was rejected and retried");
}

#[tokio::test]
async fn a_wrong_key_is_one_readable_error() {
    let emulator = Emulator::start().await.unwrap();
    let service =
        ServiceClient::new(&emulator.endpoint(), "chat", Credential::access_key("planted-wrong-key"))
            .unwrap();
    let error = service.group("g").close_connections().await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.attempts()), (401, 1));
    let shown = format!("{error} {error:#?}");
    assert!(error.to_string().starts_with("WebPubSub_CloseGroupConnections: 401 Unauthorized"), "{error}");
    assert!(shown.contains(error.request_id().unwrap()) && !shown.contains("planted"), "{shown}");
}

#[tokio::test]
async fn an_unknown_api_version_is_the_services_error() {
    let emulator = Emulator::start().await.unwrap();
    let builder =
        ServiceClient::builder_from_connection_string(&emulator.webpubsub().connection_string(), "chat");
    let error = builder.api_version("1999-01-01").build().unwrap().connection("c").close().await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.code()), (400, Some("Error.BadRequest")));
}

#[tokio::test]
async fn a_call_to_a_server_that_accepts_and_never_responds_ends_at_the_deadline() {
    let (emulator, service) = start().await;
    emulator.faults().push(Fault::hang().times(9));
    let error =
        service.group("g").close_connections().deadline(Duration::from_millis(200)).await.unwrap_err();
    assert_eq!((error.kind(), error.stop_reason()), (ErrorKind::Timeout, Some(StopReason::Deadline)));
    assert!(error.outcome_unknown() && error.elapsed() >= Duration::from_millis(200), "{error}");
}

#[tokio::test]
async fn a_dead_server_is_an_error_that_says_nothing_was_sent() {
    let (emulator, service) = start().await;
    emulator.shutdown().await;
    let error = service.group("g").close_connections().retry(RetryOptions::none()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Transport, Some(Delivery::NotSent)));
    let text = format!("{error} {error:?}");
    assert!(text.contains("could not connect to ") && !text.contains("://"), "{text}");
}

#[tokio::test]
async fn a_close_whose_response_was_lost_is_retried_and_succeeds() {
    let (emulator, service) = start().await;
    let mut alice = join(&emulator, "chat", "alice", "lobby").await;
    emulator.faults().push(Fault::reset().after_processing());
    let retry = RetryOptions::default().initial_backoff(Duration::ZERO);
    let response =
        service.group("lobby").close_connections().reason("bye").retry(retry).with_response().await.unwrap();
    assert_eq!(response.attempts(), 2);
    assert_eq!(alice.ending(0).await.unwrap().message.as_deref(), Some("bye"));
}

#[tokio::test]
async fn dropping_a_call_cancels_it() {
    let (emulator, service) = start().await;
    emulator.faults().push(Fault::status(503).header("retry-after", "30").times(9));
    let call = tokio::spawn(service.group("g").close_connections().into_future());
    while emulator.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    service.connection("c").close().retry(RetryOptions::none()).await.unwrap_err();
    assert_eq!(emulator.requests().len(), 2, "the cancelled call sent no second request");
}
