//! The common server: faults, hostile clients, bounds, the request log, starting and stopping.

use std::time::Duration;

use service_emulator::{Emulator, Fault, Service};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::common::{exchange, head, http, request_text};

/// Served by the server alone, whatever services are included.
async fn alive(emulator: &Emulator) -> bool {
    http(emulator, "GET", "/nothing", &[], "").await.status == 404
}

async fn outcome(emulator: &Emulator) -> Result<String, std::io::ErrorKind> {
    let text = request_text(emulator, "GET", "/nothing", &[], "");
    exchange(emulator, text.as_bytes()).await.map_err(|error| error.kind())
}

#[tokio::test]
async fn a_scripted_status_is_returned_once_with_its_headers_and_body() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().push(Fault::status(503).header("retry-after", "1").body("busy"));
    let response = http(&emulator, "GET", "/nothing", &[], "").await;
    assert_eq!(
        (response.status, response.header("retry-after"), response.body.as_str()),
        (503, Some("1"), "busy")
    );
    assert!(alive(&emulator).await);
}

#[tokio::test]
async fn a_reset_ends_the_connection_without_a_response() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().push(Fault::reset());
    emulator.faults().push(Fault::reset().after_processing());
    for _ in 0..2 {
        assert_eq!(outcome(&emulator).await, Err(std::io::ErrorKind::ConnectionReset));
    }
    assert!(alive(&emulator).await);
}

#[tokio::test]
async fn a_cut_body_is_shorter_than_its_head_says() {
    let emulator = Emulator::start().await.unwrap();
    let whole = http(&emulator, "GET", "/nothing", &[], "").await.body;
    emulator.faults().push(Fault::cut_body());
    let text = outcome(&emulator).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    assert!(head.contains(&format!("content-length: {}", whole.len())), "{head}");
    assert_eq!(body, &whole[..whole.len() / 2]);
    assert!(alive(&emulator).await);
}

#[tokio::test]
async fn a_body_that_http_forbids_is_cut_by_a_reset() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().push(Fault::cut_body().method("head"));
    let text = request_text(&emulator, "HEAD", "/nothing", &[], "");
    assert!(exchange(&emulator, text.as_bytes()).await.is_err());
}

#[tokio::test]
async fn a_delay_passes_on_the_emulators_clock() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().push(Fault::delay(Duration::from_secs(3600)));
    let mut request = Box::pin(outcome(&emulator));
    while emulator.faults().pending() > 0 {
        tokio::select! {
            response = &mut request => panic!("completed early: {response:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    emulator.clock().advance(Duration::from_secs(3600));
    assert!(request.await.unwrap().starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn a_hanging_request_ends_when_its_client_goes() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().push(Fault::hang());
    let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
    stream.write_all(request_text(&emulator, "GET", "/nothing", &[], "").as_bytes()).await.unwrap();
    while emulator.faults().pending() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(alive(&emulator).await, "others are served meanwhile");
    assert!(stream.try_read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    // Half of a close is enough: the server notices and closes its own half.
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_fault_for_another_service_waits() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().push(Fault::status(500).service(Service::Hulft));
    assert!(alive(&emulator).await);
    assert_eq!(http(&emulator, "GET", "/api/v2/agent/status", &[], "").await.status, 500);
}

#[tokio::test]
async fn random_faults_strike_some_requests_until_they_are_cleared() {
    let emulator = Emulator::start().await.unwrap();
    emulator.faults().randomly(0.5, Fault::status(500), 7);
    let mut statuses = Vec::new();
    for _ in 0..32 {
        statuses.push(http(&emulator, "GET", "/nothing", &[], "").await.status);
    }
    assert!(statuses.contains(&500) && statuses.contains(&404), "{statuses:?}");
    emulator.faults().clear();
    for _ in 0..32 {
        assert!(alive(&emulator).await);
    }
}

#[tokio::test]
async fn requests_are_kept_as_received() {
    let emulator = Emulator::start().await.unwrap();
    let target = "/nothing/a%2Fb'%7e//c?x=%20+&x=1";
    http(&emulator, "POST", target, &[("Authorization", "Bearer secret"), ("X-Name", "value")], "body").await;
    let requests = emulator.requests();
    let request = &requests[0];
    assert_eq!((request.method.as_str(), request.target.as_str(), requests.len()), ("POST", target, 1));
    assert_eq!(request.host, emulator.address().to_string());
    assert_eq!(request.headers["authorization"], "Bearer secret");
    assert_eq!(request.headers["x-name"], "value");
    assert_eq!(request.body, "body");
}

#[tokio::test]
async fn garbage_and_half_requests_leave_the_server_alive() {
    let emulator = Emulator::start().await.unwrap();
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1_000_000));
    let many: String = (0..1_000).map(|number| format!("h{number}: x\r\n")).collect();
    let garbage: [&[u8]; 8] = [
        b"",
        b"\0\xff\xfe\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: banana\r\n\r\n",
        long.as_bytes(),
        &[b"GET / HTTP/1.1\r\n", many.as_bytes(), b"\r\n"].concat(),
    ];
    for bytes in garbage {
        let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        assert!(!response.starts_with(b"HTTP/1.1 2"), "{response:?}");
    }
    for half in
        ["GE", "GET / HTTP/1.1\r\nHost: x", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"]
    {
        let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
        stream.write_all(half.as_bytes()).await.unwrap();
        stream.set_zero_linger().unwrap();
    }
    assert!(alive(&emulator).await);
}

#[tokio::test]
async fn a_body_beyond_the_bound_is_rejected() {
    let emulator = Emulator::start().await.unwrap();
    let text = format!("POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", 1_u64 << 40);
    let head = head(&emulator, &[text.as_bytes(), &vec![b'x'; 1_600_001]].concat()).await;
    assert_eq!(head.status, 413);
    assert!(emulator.requests().is_empty());
    assert!(alive(&emulator).await);
}

/// A connection that has had one response and stays open, or `None` if the server closes it after the response.
async fn keep_open(emulator: &Emulator) -> Option<TcpStream> {
    let request = request_text(emulator, "GET", "/health", &[], "").replace("Connection: close\r\n", "");
    let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    if head.to_ascii_lowercase().contains("connection: close") { None } else { Some(stream) }
}

#[tokio::test]
async fn beyond_the_maximum_of_connections_requests_are_served_but_websockets_are_rejected() {
    let emulator = Emulator::builder().max_connections(2).start().await.unwrap();
    let mut open = vec![keep_open(&emulator).await.unwrap(), keep_open(&emulator).await.unwrap()];
    for _ in 0..100 {
        assert!(keep_open(&emulator).await.is_none(), "a reserved connection serves one request");
        assert_eq!(http(&emulator, "GET", "/api/health", &[], "").await.status, 200);
    }
    let handshake =
        [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "eA==")];
    let rejected = http(&emulator, "GET", "/client/hubs/chat", &handshake, "").await;
    assert_eq!(rejected.status, 503);
    assert!(rejected.body.contains("the maximum of 2 connections is reached"), "{}", rejected.body);
    open.pop();
    while http(&emulator, "GET", "/client/hubs/chat", &handshake, "").await.status == 503 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stream_is_not_served_on_a_reserved_connection() {
    let emulator = Emulator::builder().max_connections(1).start().await.unwrap();
    let stream = |path| request_text(&emulator, "GET", path, &[], "");
    let full = keep_open(&emulator).await.unwrap();
    for path in ["/_emulator/events", "/_page/live"] {
        // More often than there are reserved connections.
        for _ in 0..70 {
            let rejected = exchange(&emulator, stream(path).as_bytes()).await.unwrap();
            assert!(rejected.starts_with("HTTP/1.1 503"), "{rejected}");
            assert!(rejected.contains("the maximum of 1 connections is reached"), "{rejected}");
        }
    }
    for path in ["/", "/_emulator/state", "/health"] {
        assert_eq!(http(&emulator, "GET", path, &[], "").await.status, 200, "{path}");
    }
    drop(full);
    while head(&emulator, stream("/_page/live").as_bytes()).await.status == 503 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn when_the_reserved_connections_are_used_up_further_ones_get_503() {
    let emulator = Emulator::builder().max_connections(1).start().await.unwrap();
    let _full = keep_open(&emulator).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..64 {
        held.push(TcpStream::connect(emulator.address()).await.unwrap());
    }
    let rejected = http(&emulator, "GET", "/health", &[], "").await;
    assert_eq!(rejected.status, 503);
    held.clear();
    while http(&emulator, "GET", "/health", &[], "").await.status == 503 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_health_probe_of_the_emulator_needs_no_service() {
    let emulator = Emulator::start().await.unwrap();
    for (method, status) in [("GET", 200), ("HEAD", 200), ("POST", 404)] {
        assert_eq!(http(&emulator, method, "/health", &[], "").await.status, status, "{method}");
    }
}

#[tokio::test]
async fn many_emulators_start_and_stop() {
    for _ in 0..50 {
        let emulator = Emulator::start().await.unwrap();
        assert!(alive(&emulator).await);
        emulator.shutdown().await;
        emulator.shutdown().await;
        assert!(TcpStream::connect(emulator.address()).await.is_err());
    }
}

#[tokio::test]
async fn dropping_the_last_handle_ends_server_and_connections() {
    let emulator = Emulator::start().await.unwrap();
    let (address, other) = (emulator.address(), emulator.clone());
    let mut stream = TcpStream::connect(address).await.unwrap();
    drop(emulator);
    assert!(alive(&other).await, "a clone is left");
    drop(other);
    assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)));
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_port_in_use_is_an_error() {
    let emulator = Emulator::start().await.unwrap();
    let error = Emulator::builder().port(emulator.address().port()).start().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn the_host_may_be_a_name() {
    let emulator = Emulator::builder().host("localhost").start().await.unwrap();
    assert!(emulator.address().ip().is_loopback());
    assert!(alive(&emulator).await);
    let error = Emulator::builder().host("none.invalid").start().await.unwrap_err();
    assert!(error.to_string().starts_with("could not listen on none.invalid:0: "), "{error}");
}

#[tokio::test]
async fn the_advertised_url_is_what_clients_are_given() {
    let emulator = Emulator::builder().advertise("http://emulator.test:8080/").start().await.unwrap();
    assert_eq!(emulator.endpoint(), "http://emulator.test:8080");
    let environment = emulator.environment();
    let values: Vec<_> = environment.iter().filter(|(_, value)| value.contains("http://")).collect();
    assert!(
        !values.is_empty() && values.iter().all(|(_, value)| value.contains("http://emulator.test:8080"))
    );
    let allowing =
        environment.iter().filter(|(name, value)| name.ends_with("_ALLOW_INSECURE_HTTP") && value == "1");
    assert_eq!(
        allowing.count(),
        environment
            .iter()
            .filter(|(name, _)| name.ends_with("_CONNECTION_STRING") || name.ends_with("_ENDPOINT"))
            .count()
    );
    let error = Emulator::builder().advertise("emulator").start().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    let all = Emulator::builder().host("0.0.0.0").start().await.unwrap();
    assert_eq!(all.endpoint(), format!("http://127.0.0.1:{}", all.address().port()));
}

#[tokio::test]
async fn the_environment_names_what_is_built_in() {
    let emulator = Emulator::start().await.unwrap();
    let names: Vec<_> = emulator.environment().into_iter().map(|(name, _)| name).collect();
    let expected = [
        (cfg!(feature = "webpubsub"), "WEBPUBSUB_CONNECTION_STRING"),
        (cfg!(feature = "webpubsub"), "WEBPUBSUB_ENTRA_TOKEN"),
        (cfg!(feature = "eventgrid"), "EVENTGRID_NAMESPACES_ENDPOINT"),
        (cfg!(feature = "eventgrid"), "EVENTGRID_NAMESPACES_KEY"),
        (cfg!(feature = "hulft"), "HULFT_WEBCONNECT_ENDPOINT"),
        (cfg!(feature = "hulft"), "HULFT_WEBCONNECT_API_KEY"),
    ];
    assert_eq!(
        names,
        expected.into_iter().filter(|(built, _)| *built).map(|(_, name)| name).collect::<Vec<_>>()
    );
}
