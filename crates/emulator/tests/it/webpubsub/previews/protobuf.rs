//! The same features in the protobuf subprotocols, with the test vectors of the specification (previews, section 6.4).

use futures_util::StreamExt as _;
use serde_json::json;
use service_emulator::Emulator;
use tokio_tungstenite::tungstenite::Message;

use super::{member, start};
use crate::webpubsub::common::clients::{Client, Socket};
use crate::webpubsub::common::protobuf::{PROTOBUF, RELIABLE, connect, field, hex, number, receive, write};

async fn connected(emulator: &Emulator, protocol: &str) -> Socket {
    let mut socket = connect(emulator, member("u"), protocol, "").await;
    receive(&mut socket).await;
    socket
}

async fn assert_closed(emulator: &Emulator, frame: Vec<u8>) {
    let mut socket = connected(emulator, PROTOBUF).await;
    write(&mut socket, frame.clone()).await;
    match socket.next().await.unwrap().unwrap() {
        Message::Close(Some(close)) => assert_eq!(u16::from(close.code), 1007, "{frame:?}"),
        other => panic!("{frame:?}: {other:?}"),
    }
}

#[tokio::test]
async fn invocations_have_the_frames_of_the_specification() {
    let (emulator, mut webhook) = start().await;
    for protocol in [PROTOBUF, RELIABLE] {
        let mut socket = connected(&emulator, protocol).await;
        let invoke = hex("52110a0373756d1201311a0722055b312c325d");
        write(&mut socket, invoke.clone()).await;
        let call = webhook.call().await;
        assert_eq!((call.header("ce-eventname"), call.json()), (Some("sum"), json!([1, 2])));
        call.respond(200, "Content-Type: application/json\r\n", "3");
        assert_eq!(receive(&mut socket).await, hex("2a0a0a013110011a03220133"));
        write(&mut socket, invoke.clone()).await;
        webhook.call().await.respond(200, "x-webpubsub-metadata-k: v\r\n", "");
        let metadata = field(5, &[&field(1, &[b"k"]), &field(2, &[b"v"])]);
        assert_eq!(receive(&mut socket).await, field(5, &[&field(1, &[b"1"]), &number(2, 1), &metadata]));
        write(&mut socket, invoke.clone()).await;
        webhook.call().await.respond(400, "", "");
        let error = field(4, &[&field(1, &[b"InternalServerError"]), &field(2, &[b"Internal server error"])]);
        assert_eq!(receive(&mut socket).await, field(5, &[&field(1, &[b"1"]), &error]));
        write(&mut socket, invoke).await;
        let call = webhook.call().await;
        write(&mut socket, hex("5a030a0131")).await;
        write(&mut socket, field(9, &[])).await;
        assert_eq!(receive(&mut socket).await, field(4, &[]), "no response after the cancellation");
        drop(call);
    }
    let stream = field(5, &[&field(1, &[b"s"])]);
    assert_closed(&emulator, field(10, &[&field(1, &[b"sum"]), &field(2, &[b"1"]), &stream])).await;
    assert_closed(&emulator, field(5, &[&field(1, &[b"sum"]), &field(2, &[&field(1, &[b""])]), &stream]))
        .await;
    assert_closed(&emulator, field(11, &[])).await;
}

#[tokio::test]
async fn streams_have_the_frames_of_the_specification() {
    let emulator = Emulator::start().await.unwrap();
    for protocol in [PROTOBUF, RELIABLE] {
        let mut publisher = connected(&emulator, protocol).await;
        let mut subscriber = connected(&emulator, PROTOBUF).await;
        let mut json_subscriber = Client::json(&emulator, member("b")).await;
        let start = hex("0a0e0a016720013a070a017310e0d403");
        write(&mut publisher, start.clone()).await;
        assert_eq!(receive(&mut publisher).await, hex("32050a01731001"));
        write(&mut publisher, hex("6a0a0a017310011a030a0161")).await;
        assert_eq!(receive(&mut publisher).await, hex("32050a01731002"));
        let message = |data: &[u8], stream: Vec<u8>| {
            field(2, &[&field(1, &[b"group"]), &field(2, &[b"g"]), &field(3, &[data]), &stream])
        };
        let fragment = field(6, &[&field(1, &[b"s"]), &number(2, 1)]);
        assert_eq!(receive(&mut subscriber).await, message(&field(1, &[b"a"]), fragment));
        assert_eq!(
            json_subscriber.frame().await["stream"],
            json!({ "streamId": "s", "streamSequenceId": 1 })
        );
        write(&mut publisher, hex("6a0a0a017310031a030a0161")).await;
        let nack = receive(&mut publisher).await;
        // The message of the nack is the emulator's own.
        let text = field(3, &[b"Expected the fragment 2."]);
        let expected = [&field(1, &[b"s"])[..], &field(2, &[b"InvalidSequenceId"]), &text, &number(4, 2)];
        assert_eq!(nack, field(7, &expected));
        write(&mut publisher, hex("6a030a0173")).await;
        write(&mut publisher, hex("720c0a017312070a016d12024531")).await;
        assert_eq!(receive(&mut publisher).await, hex("42030a0173"), "no response to the keep-alive before");
        let error = [field(1, &[b"UserError"]), field(2, &[b"m"]), field(3, &[b"E1"])].concat();
        let end = field(6, &[&field(1, &[b"s"]), &number(2, 2), &number(3, 1), &field(4, &[&error])]);
        assert_eq!(receive(&mut subscriber).await, message(&field(1, &[b""]), end));
        json_subscriber.frame().await;
        write(&mut publisher, start.clone()).await;
        receive(&mut publisher).await;
        write(&mut publisher, hex("72030a0173")).await;
        assert_eq!(receive(&mut publisher).await, hex("42030a0173"));
        let end = field(6, &[&field(1, &[b"s"]), &number(2, 1), &number(3, 1)]);
        assert_eq!(receive(&mut subscriber).await, message(&field(1, &[b""]), end));
        write(&mut publisher, hex("72030a0173")).await;
        let error = field(2, &[&field(1, &[b"StreamNotFound"]), &field(2, &[b"The stream does not exist."])]);
        assert_eq!(receive(&mut publisher).await, field(8, &[&field(1, &[b"s"]), &error]));
    }
    assert_closed(&emulator, field(1, &[&field(1, &[b"g"]), &field(7, &[])])).await;
    assert_closed(&emulator, field(13, &[])).await;
    assert_closed(&emulator, field(14, &[])).await;
}

#[tokio::test]
async fn the_end_of_a_stream_is_numbered_on_a_reliable_protocol() {
    let emulator = Emulator::start().await.unwrap();
    let mut publisher = connected(&emulator, PROTOBUF).await;
    let mut subscriber = connected(&emulator, RELIABLE).await;
    write(&mut publisher, hex("0a0e0a016720013a070a017310e0d403")).await;
    write(&mut publisher, hex("72030a0173")).await;
    receive(&mut publisher).await;
    receive(&mut publisher).await;
    let terminal = hex("12190a0567726f75701201671a020a00200132070a017310011801");
    assert_eq!(receive(&mut subscriber).await, terminal);
}

#[tokio::test]
async fn group_states_have_the_frames_of_the_specification() {
    for (protocol, reliable) in [(PROTOBUF, false), (RELIABLE, true)] {
        let emulator = Emulator::start().await.unwrap();
        let mut socket = connected(&emulator, protocol).await;
        let id = emulator.webpubsub().connections("chat")[0].connection_id.clone();
        let sequence = |id: u64| if reliable { number(3, id) } else { Vec::new() };
        let item = |state: Vec<u8>, frame: &[u8]| {
            // The time is the service's: it is taken over from the frame.
            let start = frame.windows(3).rposition(|part| part[0] == 0x20 && part[1] & 128 != 0).unwrap();
            let length = frame[start + 1..].iter().position(|byte| byte & 128 == 0).unwrap() + 2;
            let time = frame[start..start + length].to_vec();
            field(2, &[&field(1, &[id.as_bytes()]), &field(2, &[b"u"]), &state, &time])
        };
        write(&mut socket, hex("8201050a01671002")).await;
        assert_eq!(receive(&mut socket).await, field(1, &[&number(1, 2), &number(2, 1)]));
        assert_eq!(receive(&mut socket).await, field(10, &[&field(1, &[b"g"]), &sequence(1)]));
        let entry = field(1, &[&field(1, &[b"k"]), &field(2, &[b"v"])]);
        for (number_, frame, state) in [
            (1, "7a0f0a016710011a080a060a016b120176", field(3, &[&entry])),
            (3, "7a070a016710031a00", field(3, &[])),
            (4, "7a050a01671004", Vec::new()),
        ] {
            write(&mut socket, hex(frame)).await;
            let update = receive(&mut socket).await;
            let sequence = sequence(if number_ == 1 { 2 } else { number_ });
            assert_eq!(update, field(9, &[&field(1, &[b"g"]), &item(state, &update), &sequence]));
            assert_eq!(receive(&mut socket).await, field(1, &[&number(1, number_), &number(2, 1)]));
        }
        write(&mut socket, [&[0x8a, 0x01][..], &hex("050a01671005")].concat()).await;
        assert_eq!(receive(&mut socket).await, field(1, &[&number(1, 5), &number(2, 1)]));
    }
}

#[tokio::test]
async fn metadata_crosses_between_the_protocols_and_an_empty_map_is_none() {
    let (emulator, mut webhook) = start().await;
    let mut socket = connected(&emulator, PROTOBUF).await;
    let mut json_client = Client::json(&emulator, member("b")).await;
    let entry = |field_: u8| field(field_, &[&field(1, &[b"Trace"]), &field(2, &[b"1"])]);
    let text = field(3, &[&field(1, &[b"a"])]);
    write(&mut socket, field(1, &[&field(1, &[b"g"]), &text, &entry(6)])).await;
    let message = field(2, &[&field(1, &[b"group"]), &field(2, &[b"g"]), &text, &entry(5)]);
    assert_eq!(receive(&mut socket).await, message);
    assert_eq!(json_client.frame().await["metadata"], json!({ "Trace": "1" }));
    json_client.send_json(json!({
        "type": "sendToGroup", "group": "g", "metadata": { "Trace": "1" }, "dataType": "text", "data": "a",
    }))
    .await;
    assert_eq!(receive(&mut socket).await, message);
    write(&mut socket, hex("2a160a016512030a01611801220a0a057472616365120131")).await;
    let call = webhook.call().await;
    assert_eq!(call.header("x-webpubsub-metadata-trace"), Some("1"));
    call.accept();
    assert_eq!(receive(&mut socket).await, field(1, &[&number(1, 1), &number(2, 1)]));
    assert_closed(&emulator, field(1, &[&field(1, &[b"g"])])).await;
    let bad = field(6, &[&field(1, &[b"a b"]), &field(2, &[b"1"])]);
    assert_closed(&emulator, field(1, &[&field(1, &[b"g"]), &text, &bad])).await;
}
