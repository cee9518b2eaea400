//! The request log as server-sent events.

use serde_json::{Value, json};
use service_emulator::Emulator;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;

use crate::common::{http, request_text};

struct Events(Lines<BufReader<TcpStream>>);

impl Events {
    /// Opens the stream and waits until it has begun.
    async fn open(emulator: &Emulator, query: &str) -> Self {
        let mut stream = TcpStream::connect(emulator.address()).await.unwrap();
        let request = request_text(emulator, "GET", &format!("/_emulator/events{query}"), &[], "");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut events = Self(BufReader::new(stream).lines());
        while events.line().await.unwrap() != ": connected" {}
        events
    }

    async fn line(&mut self) -> Option<String> {
        self.0.next_line().await.unwrap()
    }

    /// The id and the data of the next event.
    async fn next(&mut self) -> (u64, Value) {
        let mut id = 0;
        loop {
            let line = self.line().await.unwrap();
            if let Some(number) = line.strip_prefix("id: ") {
                id = number.parse().unwrap();
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return (id, serde_json::from_str(data).unwrap());
            }
        }
    }
}

#[tokio::test]
async fn each_request_is_an_event_and_a_reader_can_continue_where_it_stopped() {
    let emulator = Emulator::start().await.unwrap();
    http(&emulator, "GET", "/api/health", &[], "").await;
    let mut events = Events::open(&emulator, "").await;
    http(&emulator, "GET", "/api/v2/agent/status?token=s3cret", &[], "").await;
    let (id, event) = events.next().await;
    let shown = ["service", "verb", "outcome", "target"].map(|name| event[name].clone());
    let expected = ["hulft", "GET", "401", "/api/v2/agent/status?token=***"].map(|text| json!(text));
    assert_eq!((id, shown), (2, expected));
    let mut all = Events::open(&emulator, "?after=0").await;
    let (first, second) = (all.next().await, all.next().await);
    assert_eq!((first.0, second), (1, (2, event)));
    assert_eq!(first.1["target"], "/api/health");
}

#[tokio::test]
async fn the_stream_ends_when_the_emulator_stops() {
    let emulator = Emulator::start().await.unwrap();
    let mut events = Events::open(&emulator, "").await;
    emulator.shutdown().await;
    // The end of the chunked body, and then of the connection.
    while events.line().await.is_some() {}
}
