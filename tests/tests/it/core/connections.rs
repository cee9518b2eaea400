//! Through whom a client connects, for how long it keeps a connection, where it does not follow, and how long a slow server
//! can hold it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokio::sync::Notify;
use webpubsub::{Delivery, ErrorKind, RawRequest, RetryOptions, ServiceClient};
use workspace_tests::fault_server::{FaultServer, Reserved, Step, http1_response, reached};
use workspace_tests::tls::{Authority, Tls};

use super::builder;

fn get(service: &ServiceClient) -> RawRequest {
    service.request(Method::GET, "/api/hubs/chat", &[])
}

/// A client of a server behind TLS, which may take this long to connect.
fn impatient(server: &FaultServer, authority: &Authority, limit: Duration) -> ServiceClient {
    let retry = RetryOptions::default().max_retries(1).initial_backoff(Duration::ZERO);
    let builder = builder(&server.https()).root_certificate(authority.pem()).retry(retry);
    builder.connect_timeout(limit).build().unwrap()
}

/// A proxy that lets every tunnel end at this server.
fn tunnels(to: SocketAddr) -> FaultServer {
    FaultServer::start([vec![Step::Tunnel(to)]]).unwrap()
}

#[tokio::test]
async fn an_explicit_proxy_tunnels_https_and_sees_neither_request_nor_credential() {
    let authority = Authority::new().unwrap();
    for (tls, protocol) in [(Tls::default(), "h2"), (Tls::default().http1(), "http/1.1")] {
        let config = authority.server(&tls).unwrap();
        let server = FaultServer::start([vec![Step::Tls(config), Step::Serve("done")]]).unwrap();
        let proxy = tunnels(server.address());
        let url = proxy.http().replace("http://", "http://user:word@");
        let service = builder(&server.https()).root_certificate(authority.pem()).proxy(url).build().unwrap();
        for _ in 0..3 {
            assert_eq!(get(&service).await.unwrap(), "done");
        }
        // One tunnel for all of them, with the proxy's own password.
        let asked = proxy.requests();
        assert_eq!((asked.len(), server.requests().len(), server.protocols()), (1, 3, vec![protocol.into()]));
        assert!(asked[0].starts_with(&format!("CONNECT {} HTTP/1.1\r\n", server.address())), "{asked:?}");
        let lower = asked[0].to_lowercase();
        assert!(lower.contains("proxy-authorization: basic dxnlcjp3b3jk"), "{lower}");
        assert!(!lower.contains("\r\nauthorization") && !lower.contains("/api/"), "{lower}");
        assert!(!server.requests().concat().to_lowercase().contains("proxy-authorization"));
    }
}

#[tokio::test]
async fn an_explicit_proxy_takes_plain_requests_whole() {
    let proxy = FaultServer::start([vec![Step::Serve("by proxy")]]).unwrap();
    let service = builder("http://chat.example").allow_insecure_http().proxy(proxy.http()).build().unwrap();
    for _ in 0..3 {
        assert_eq!(get(&service).await.unwrap(), "by proxy");
    }
    let asked = proxy.requests();
    assert_eq!((asked.len(), proxy.connections()), (3, 1));
    assert!(asked[0].starts_with("GET http://chat.example/api/hubs/chat?"), "{asked:?}");
}

#[tokio::test]
async fn a_proxy_that_was_switched_off_again_sees_nothing() {
    let server = FaultServer::start([vec![Step::Serve("direct")]]).unwrap();
    let proxy = FaultServer::start([vec![Step::Serve("by proxy")]]).unwrap();
    let through = || builder(&server.http()).proxy(proxy.http());
    assert_eq!(get(&through().no_proxy().build().unwrap()).await.unwrap(), "direct");
    assert_eq!((proxy.connections(), server.connections()), (0, 1));
    assert_eq!(
        get(&through().build().unwrap()).await.unwrap(),
        "by proxy",
        "loopback has an explicit proxy too"
    );
    assert_eq!((proxy.connections(), server.connections()), (1, 1));
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_not_gone_around() {
    let server = FaultServer::start([vec![Step::Serve("direct")]]).unwrap();
    let unused = Reserved::new().unwrap();
    let proxy = format!("http://{}", unused.address());
    let error = get(&builder(&server.http()).proxy(proxy).build().unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), server.connections()), (ErrorKind::Transport, 4, 0));
}

#[tokio::test]
async fn a_connection_that_is_idle_for_longer_than_the_limit_is_closed_and_not_used_again() {
    let closed = Arc::new(Notify::new());
    let script = vec![
        Step::Request,
        Step::write(http1_response("200 OK", &[], "done")),
        // The client says nothing more until it closes the connection on its own.
        Step::Hang,
        Step::Notify(Arc::clone(&closed)),
    ];
    let server = FaultServer::start([script, vec![Step::Serve("done")]]).unwrap();
    let service = builder(&server.http()).pool_idle_timeout(Duration::from_millis(50)).build().unwrap();
    get(&service).await.unwrap();
    reached(&closed).await.unwrap();
    get(&service).await.unwrap();
    assert_eq!((server.connections(), server.requests().len()), (2, 2));
}

#[tokio::test]
async fn a_connection_is_used_again_within_the_limit_and_never_beyond_it() {
    for (limit, connections) in [(Duration::from_secs(3600), 1), (Duration::from_nanos(1), 5)] {
        let server = FaultServer::start([vec![Step::Serve("done")]]).unwrap();
        let service = builder(&server.http()).pool_idle_timeout(limit).build().unwrap();
        for _ in 0..5 {
            get(&service).await.unwrap();
        }
        assert_eq!((server.connections(), server.requests().len()), (connections, 5), "{limit:?}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed_so_that_no_credential_leaves_its_origin() {
    let thief = FaultServer::start([vec![Step::Serve("caught")]]).unwrap();
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        for target in [thief.http() + "/api/hubs/chat", format!("//{}/x", thief.address())] {
            let redirect = http1_response(status, &[("location", &target)], "");
            let server =
                FaultServer::start([vec![Step::Request, Step::write(redirect), Step::Hang]]).unwrap();
            let service = builder(&server.http()).build().unwrap();
            let error = get(&service).await.unwrap_err();
            assert_eq!(error.status().unwrap().as_str(), &status[..3]);
            assert_eq!((server.requests().len(), error.attempts()), (1, 1));
        }
    }
    assert_eq!(thief.connections(), 0);
}

#[tokio::test]
async fn a_server_that_trickles_its_response_does_not_outlive_the_attempt_timeout() {
    let pause = Duration::from_millis(20);
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
    let endless = "x".repeat(100_000);
    let chunked = "1\r\nx\r\n".repeat(20_000);
    let scripts = [
        vec![Step::Trickle(format!("HTTP/1.1 200 OK\r\nx-long: {endless}\r\n\r\n").into(), pause)],
        vec![Step::write(head), Step::Trickle(endless.clone().into(), pause)],
        vec![
            Step::write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
            Step::Trickle(chunked.into(), pause),
        ],
        // Provisional responses are not responses.
        vec![Step::Trickle("HTTP/1.1 100 Continue\r\n\r\n".repeat(4000).into(), pause)],
    ];
    for script in scripts {
        let script = [vec![Step::Request], script].concat();
        let server = FaultServer::start([script]).unwrap();
        let service = builder(&server.http())
            .retry(RetryOptions::default().max_retries(1).initial_backoff(Duration::ZERO))
            .attempt_timeout(Duration::from_millis(300))
            .build()
            .unwrap();
        // Left alone, each of them would go on for half an hour.
        let error = get(&service).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 2), "{error}");
        assert!(error.outcome_unknown() && server.requests().len() == 2, "{error}");
        assert!(error.elapsed() >= Duration::from_millis(600) && error.elapsed() < Duration::from_secs(60));
    }
}

#[tokio::test]
async fn a_server_that_trickles_does_not_outlive_the_calls_deadline() {
    let pause = Duration::from_millis(20);
    let slow = Step::Trickle("HTTP/1.1 200 OK\r\n".repeat(10_000).into(), pause);
    let server = FaultServer::start([vec![Step::Request, slow]]).unwrap();
    let service = builder(&server.http()).deadline(Duration::from_millis(300)).build().unwrap();
    let error = get(&service).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 1), "{error}");
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_ends_the_attempt_and_nothing_was_sent() {
    let authority = Authority::new().unwrap();
    let (short, long) = (Duration::from_millis(100), Duration::from_secs(3600));
    for (client, call) in [(short, None), (long, Some(short))] {
        let server = FaultServer::start([vec![Step::Hang]]).unwrap();
        let service = impatient(&server, &authority, client);
        let post = service.request(Method::POST, "/api/hubs/chat/:send", &[]);
        let post = if let Some(limit) = call { post.connect_timeout(limit) } else { post };
        let error = post.await.unwrap_err();
        assert_eq!(
            (error.kind(), error.delivery()),
            (ErrorKind::Timeout, Some(Delivery::NotSent)),
            "{error}"
        );
        // It is no use waiting for the rest of the attempt, and a connection that failed loses nothing.
        assert_eq!((error.attempts(), server.connections()), (2, 2), "{error}");
        assert!(error.elapsed() >= 2 * short && error.elapsed() < Duration::from_secs(20), "{error}");
    }
}

#[tokio::test]
async fn a_call_may_take_longer_to_connect_than_its_client_allows() {
    let authority = Authority::new().unwrap();
    let (connected, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let config = authority.server(&Tls::default()).unwrap();
    let slow = vec![
        Step::Notify(Arc::clone(&connected)),
        Step::Await(Arc::clone(&go)),
        Step::Tls(config),
        Step::Serve("done"),
    ];
    let server = FaultServer::start([slow, vec![Step::Hang]]).unwrap();
    let service = impatient(&server, &authority, Duration::from_millis(100));
    let patient = tokio::spawn(get(&service).connect_timeout(Duration::from_secs(3600)).into_future());
    reached(&connected).await.unwrap();
    // Once this one has given up, the other has been waiting for longer than that.
    assert!(get(&service).await.unwrap_err().is_timeout());
    go.notify_one();
    assert_eq!(patient.await.unwrap().unwrap(), "done");
}
