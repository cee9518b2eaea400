//! WebSocket clients of the program: their memory, and what they see when it is stopped.
#![cfg(unix)]

use std::net::{Ipv4Addr, SocketAddr};

use futures_util::StreamExt as _;
use serde_json::json;
use service_emulator::Emulator;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::common::clients::{JSON, KEY, RELIABLE, Socket, jwt, now, open_at, rejection};
use crate::program::{running, send};

/// An open WebSocket that has received its first frame.
pub(crate) async fn connect(port: u16, protocol: &str) -> Socket {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let clock = Emulator::start().await.unwrap();
    let audience = format!("http://{address}/client/hubs/chat");
    let token = jwt(KEY, &json!({ "aud": audience, "exp": now(&clock) + 60 }));
    let target = format!("/client/hubs/chat?access_token={token}");
    let mut socket = open_at(address, &target, Some(protocol)).await.unwrap();
    assert!(matches!(socket.next().await, Some(Ok(Message::Text(_)))));
    socket
}

/// A long poll that the program has begun to process: another request that was sent later has its response.
#[cfg(feature = "eventgrid")]
async fn poll(port: u16) -> TcpStream {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut poll = TcpStream::connect(address).await.unwrap();
    let key = Emulator::start().await.unwrap().eventgrid().key();
    let target = "/topics/orders/eventsubscriptions/billing:receive?api-version=2024-06-01&maxWaitTime=60";
    let head =
        format!("POST {target} HTTP/1.1\r\nHost: {address}\r\nAuthorization: SharedAccessKey {key}\r\n");
    poll.write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes()).await.unwrap();
    let mut page = String::new();
    // The subscription exists once the poll has begun.
    while !page.contains("billing") {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET / HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\n");
        let request = head + "Connection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        page.clear();
        stream.read_to_string(&mut page).await.unwrap();
    }
    poll
}

#[tokio::test]
async fn a_signal_closes_websockets_with_1001_ends_long_polls_and_the_program_exits_with_0() {
    for signal in ["INT", "TERM"] {
        let (mut child, port) = running(&["--log", "off"]).await;
        let mut sockets = [connect(port, JSON).await, connect(port, RELIABLE).await];
        #[cfg(feature = "eventgrid")]
        let mut poll = poll(port).await;
        send(signal, &child).await;
        for socket in &mut sockets {
            let Some(Ok(Message::Text(frame))) = socket.next().await else { panic!("no frame") };
            assert!(frame.contains("disconnected"), "{frame}");
            let Some(Ok(Message::Close(Some(close)))) = socket.next().await else { panic!("no close") };
            assert_eq!(u16::from(close.code), 1001, "{signal}");
            assert!(socket.next().await.is_none());
        }
        #[cfg(feature = "eventgrid")]
        {
            let mut response = String::new();
            poll.read_to_string(&mut response).await.unwrap();
            assert!(
                response.starts_with("HTTP/1.1 200 ") && response.ends_with(r#"{"value":[]}"#),
                "{response}"
            );
        }
        assert_eq!(child.wait().await.unwrap().code(), Some(0), "{signal}");
    }
}

/// The resident memory of a process in KiB.
#[cfg(target_os = "linux")]
pub(crate) fn resident(child: &tokio::process::Child) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id().unwrap())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_idle_connection_takes_less_than_24_kib() {
    const COUNT: usize = 400;
    let (child, port) = running(&["--log", "off"]).await;
    let mut open = Vec::new();
    for _ in 0..50 {
        open.push(connect(port, RELIABLE).await);
    }
    // The requests that the emulator remembers are not part of a connection.
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let mut response = [0; 4096];
    for _ in 0..1_000 {
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nx-padding: 0123456789\r\n\r\n").await.unwrap();
        assert!(stream.read(&mut response).await.unwrap() > 0);
    }
    let before = resident(&child);
    for _ in 0..COUNT {
        open.push(connect(port, RELIABLE).await);
    }
    let each = resident(&child).saturating_sub(before) / COUNT;
    println!("{each} KiB per connection");
    assert!(each < 24, "{each} KiB");
    drop(open);
}

#[cfg(unix)]
#[tokio::test]
async fn a_hangup_reloads_the_file_while_clients_stay_connected() {
    let file = std::env::temp_dir().join(format!("service-emulator-{}-hangup.toml", std::process::id()));
    std::fs::write(&file, "[[webpubsub.hubs]]\nname = 'chat'\nallow_anonymous = true\n").unwrap();
    let (mut child, port) = running(&["--config", file.to_str().unwrap(), "--log", "off"]).await;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut errors =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stderr.take().unwrap()));
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut socket = open_at(address, "/client/hubs/chat", Some(JSON)).await.unwrap();
        socket.next().await.unwrap().unwrap();
        clients.push(socket);
    }
    // Invalid once, then valid: closed to anonymous clients.
    for (text, line) in [("x", "did not reload"), ("[[webpubsub.hubs]]\nname = 'chat'\n", "reloaded")] {
        std::fs::write(&file, text).unwrap();
        send("HUP", &child).await;
        let printed = errors.next_line().await.unwrap().unwrap();
        assert!(printed.starts_with(&format!("service-emulator: {line} {}", file.display())), "{printed}");
        for socket in &mut clients {
            let ping = Message::text(r#"{"type":"ping"}"#);
            futures_util::SinkExt::send(socket, ping).await.unwrap();
            let pong = socket.next().await.unwrap().unwrap();
            assert_eq!(pong, Message::text(r#"{"type":"pong"}"#));
        }
    }
    assert_eq!(rejection(open_at(address, "/client/hubs/chat", Some(JSON)).await), 401);
    std::fs::remove_file(&file).unwrap();
}
