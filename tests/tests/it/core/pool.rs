//! How many connections a client opens, who waits for them, and which ones take no new calls.

use std::sync::Arc;
use std::time::Duration;

use eventgrid_namespaces::NamespaceClient;
use http::Method;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use webpubsub::{
    Credential, Delivery, ErrorKind, RawRequest, RetryOptions, ServiceClient, ServiceClientBuilder,
};
use workspace_tests::fault_server::{FaultServer, Step, http1_response, reached};
use workspace_tests::tls::{Authority, Tls};

fn builder(endpoint: &str) -> ServiceClientBuilder {
    ServiceClient::builder(endpoint, "chat", Credential::access_key("planted-key"))
        .retry(RetryOptions::none())
}

fn get(service: &ServiceClient) -> RawRequest {
    service.request(Method::GET, "/api/hubs/chat", &[])
}

/// Makes this many calls at the same time, and returns how many failed.
async fn failures(service: &ServiceClient, calls: usize) -> usize {
    let mut running = JoinSet::new();
    for _ in 0..calls {
        running.spawn(get(service).into_future());
    }
    running.join_all().await.iter().filter(|outcome| outcome.is_err()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_calls_share_one_handshake_if_it_results_in_http2() {
    let authority = Authority::new().unwrap();
    let config = authority.server(&Tls::default()).unwrap();
    let server = FaultServer::start([vec![Step::Tls(config), Step::Serve("done")]]).unwrap();
    let service = builder(&server.https()).root_certificate(authority.pem()).build().unwrap();
    assert_eq!(failures(&service, 300).await, 0);
    assert!(server.connections() <= 4, "{} handshakes", server.connections());
    assert_eq!(server.requests().len(), 300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_bounded_and_calls_wait_for_their_turn() {
    for tls in [false, true] {
        let authority = Authority::new().unwrap();
        let config = authority.server(&Tls::default().http1()).unwrap();
        let script =
            if tls { vec![Step::Tls(config), Step::Serve("done")] } else { vec![Step::Serve("done")] };
        let server = FaultServer::start([script]).unwrap();
        let endpoint = if tls { server.https() } else { server.http() };
        let client = builder(&endpoint).root_certificate(authority.pem()).pool_max_connections(10);
        assert_eq!(failures(&client.build().unwrap(), 500).await, 0);
        assert_eq!(server.requests().len(), 500);
        // None of them closes, so no more were ever open.
        assert!(server.connections() <= 10, "{} connections", server.connections());
    }
}

#[tokio::test]
async fn a_settle_call_is_sent_at_once_while_long_polls_occupy_all_connections() {
    let settled = http1_response(
        "200 OK",
        &[("content-type", "application/json")],
        r#"{"succeededLockTokens":["t"],"failedLockTokens":[]}"#,
    );
    let arrived = Arc::new(Notify::new());
    let poll = vec![Step::Request, Step::Notify(Arc::clone(&arrived)), Step::Hang];
    let server =
        FaultServer::start([poll.clone(), poll, vec![Step::Request, Step::write(settled), Step::Hang]])
            .unwrap();
    let key = eventgrid_namespaces::Credential::access_key("planted-key");
    let namespace = NamespaceClient::builder(&server.http(), key).pool_max_connections(2).build().unwrap();
    let receiver = namespace.receiver("orders", "billing");
    let polls: Vec<_> = (0..2).map(|_| tokio::spawn(receiver.receive().into_future())).collect();
    for _ in &polls {
        reached(&arrived).await.unwrap();
    }
    assert_eq!(receiver.acknowledge(["t"]).await.unwrap().succeeded, ["t"]);
    polls.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_silent_http2_connection_is_replaced_after_two_timeouts() {
    let authority = Authority::new().unwrap();
    let config = || authority.server(&Tls::default()).unwrap();
    let silent = vec![Step::Tls(config()), Step::Request, Step::Hang];
    let server = FaultServer::start([silent, vec![Step::Tls(config()), Step::Serve("done")]]).unwrap();
    let service = builder(&server.https())
        .root_certificate(authority.pem())
        .attempt_timeout(Duration::from_millis(150))
        .build()
        .unwrap();
    let mut timeouts = 0;
    for _ in 0..20 {
        // Generous on a loaded machine: only a silent connection ever takes this long.
        let limit = if timeouts < 2 { Duration::from_millis(150) } else { Duration::from_secs(20) };
        match get(&service).attempt_timeout(limit).await {
            Ok(_) => {}
            Err(error) => {
                assert_eq!((error.kind(), error.delivery()), (ErrorKind::Timeout, Some(Delivery::Unknown)));
                timeouts += 1;
            }
        }
    }
    assert!(
        timeouts <= 2 && server.connections() == 2,
        "{timeouts} timeouts, {} connections",
        server.connections()
    );
}

#[tokio::test]
async fn a_long_poll_that_times_out_never_replaces_a_connection() {
    let authority = Authority::new().unwrap();
    let script = vec![
        Step::Tls(authority.server(&Tls::default()).unwrap()),
        Step::Request,
        Step::Request,
        Step::Request,
        Step::Serve(""),
    ];
    let server = FaultServer::start([script]).unwrap();
    let key = eventgrid_namespaces::Credential::access_key("planted-key");
    let namespace = NamespaceClient::builder(&server.https(), key)
        .root_certificate(authority.pem())
        .retry(RetryOptions::none())
        .build()
        .unwrap();
    let receiver = namespace.receiver("orders", "billing");
    for _ in 0..3 {
        let error = receiver.receive().attempt_timeout(Duration::from_millis(50)).await.unwrap_err();
        assert!(error.is_timeout(), "{error}");
    }
    receiver.request(Method::GET, "/topics", &[]).await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_handshake_that_never_ends_sent_nothing() {
    let server = FaultServer::start([vec![Step::Hang]]).unwrap();
    let service = builder(&server.https()).deadline(Duration::from_millis(100)).build().unwrap();
    let error = get(&service).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Timeout, Some(Delivery::NotSent)), "{error}");
}

#[tokio::test]
async fn the_status_of_an_error_counts_although_its_body_stalls() {
    let head = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 7\r\ncontent-length: 100\r\n\r\n{\"error\":";
    let server = FaultServer::start([vec![Step::Request, Step::write(head), Step::Hang]]).unwrap();
    let error = get(&builder(&server.http()).build().unwrap()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry_after()),
        (ErrorKind::Throttled, Some(Duration::from_secs(7))),
        "{error}"
    );
    assert_eq!(error.body(), "{\"error\":");
}

#[tokio::test]
async fn errors_name_the_host_and_the_root_cause() {
    let refused = workspace_tests::fault_server::Reserved::new().unwrap();
    let plain =
        FaultServer::start([vec![Step::Bytes, Step::write("HTTP/1.1 400 Bad Request\r\n\r\n")]]).unwrap();
    let proxy = |status: &str| {
        FaultServer::start([vec![Step::Request, Step::write(http1_response(status, &[], ""))]]).unwrap()
    };
    let (locked, closed) = (proxy("407 Proxy Authentication Required"), proxy("403 Forbidden"));
    let through = |proxy: &FaultServer| builder("https://chat.example").proxy(proxy.http());
    for (service, expected) in [
        (
            builder(&format!("http://{}", refused.address())),
            format!("could not connect to {}: connection refused", refused.address()),
        ),
        (
            builder(&plain.https()),
            format!("could not connect to {}: the server does not speak TLS", plain.address()),
        ),
        (
            builder("https://chat.example").proxy(format!("http://{}", refused.address())),
            format!("could not connect to the proxy at {}: connection refused", refused.address()),
        ),
        (
            through(&locked),
            format!("through the proxy at {}: 407, the proxy requires authentication", locked.address()),
        ),
        (
            through(&closed),
            format!(
                "403 Forbidden, could not connect to chat.example:443: the proxy at {} rejected the CONNECT request",
                closed.address()
            ),
        ),
    ] {
        let error =
            get(&service.retry(RetryOptions::default().initial_backoff(Duration::ZERO)).build().unwrap())
                .await
                .unwrap_err();
        let line = error.to_string();
        assert!(line.contains(&expected), "{line}");
        assert_eq!(error.delivery(), Some(Delivery::NotSent), "{line}");
    }
    assert_eq!(
        (locked.connections(), closed.connections()),
        (1, 2),
        "a proxy that rejects the client is asked once, and once more for a status other than 407"
    );
}
