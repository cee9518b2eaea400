//! Streams against the emulator and a scripted service, and the example `token_stream`.

use std::future::IntoFuture;

use service_emulator::webpubsub::{ClientToken, ConnectionInfo};
use service_emulator::{Emulator, SocketFault, StreamNack};
use tokio::sync::Semaphore;
use webpubsub::client::{
    Access, GroupEvent, Protocol, ReadError, StreamReader, StreamWriter, Streams, UserError,
};
use webpubsub::{BoxError, Error};

use super::*;

#[expect(dead_code, reason = "the test is its own `main`")]
#[path = "../../../examples/token_stream.rs"]
mod example;

#[cfg(feature = "protobuf")]
const PROTOCOLS: [Protocol; 4] =
    [Protocol::JsonReliable, Protocol::Json, Protocol::ProtobufReliable, Protocol::Protobuf];
#[cfg(not(feature = "protobuf"))]
const PROTOCOLS: [Protocol; 2] = [Protocol::JsonReliable, Protocol::Json];

async fn connect_with(emulator: &Emulator, user: &str, protocol: Protocol) -> Client {
    let roles = ["webpubsub.joinLeaveGroup", "webpubsub.sendToGroup.stories"];
    let token = roles.into_iter().fold(ClientToken::new().user(user), ClientToken::role);
    let url = emulator.webpubsub().client_access_url("chat", &token);
    let reconnect = Reconnect::default().initial_backoff(Duration::from_millis(1));
    Client::builder(url).protocol(protocol).reconnect(reconnect).connect().await.unwrap()
}

async fn connect(emulator: &Emulator, user: &str) -> Client {
    connect_with(emulator, user, Protocol::JsonReliable).await
}

/// Returns a publisher and a subscription to the streams of the group that it sends to.
async fn pair(emulator: &Emulator) -> (Client, Streams) {
    let (ann, bob) = (connect(emulator, "ann").await, connect(emulator, "bob").await);
    let streams = bob.group("stories").streams().await.unwrap();
    (ann, streams)
}

/// Reads the texts of all parts, and the error at the end if there is one.
async fn read(mut reader: StreamReader) -> (Vec<String>, Option<ReadError>) {
    let mut texts = Vec::new();
    while let Some(part) = reader.next().await {
        match part {
            Ok(part) => texts.push(part.as_text().unwrap().to_owned()),
            Err(error) => return (texts, Some(error)),
        }
    }
    (texts, None)
}

/// Connects a user for whom each new connection takes a permit, unlike a recovery.
async fn connect_through(emulator: &Emulator, user: &str, gate: &Arc<Semaphore>) -> Client {
    let token = ClientToken::new().user(user).role("webpubsub.joinLeaveGroup");
    let (url, gate) = (emulator.webpubsub().client_access_url("chat", &token), Arc::clone(gate));
    let access = Access::from_fn(move || {
        let (url, gate) = (url.clone(), Arc::clone(&gate));
        async move {
            gate.acquire().await?.forget();
            Ok::<_, BoxError>(url)
        }
    });
    let reconnect = Reconnect::default().initial_backoff(Duration::from_millis(1));
    Client::builder(access).reconnect(reconnect).connect().await.unwrap()
}

fn connections_of(emulator: &Emulator, user: &str) -> Vec<ConnectionInfo> {
    let connections = emulator.webpubsub().connections("chat").into_iter();
    connections.filter(|connection| connection.user_id.as_deref() == Some(user)).collect()
}

/// Lets the other tasks run until the emulator has the state.
async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::task::yield_now().await;
    }
}

fn is_cancelled(error: Option<&ReadError>) -> bool {
    matches!(error, Some(ReadError::Failed(error)) if error.name == "Cancelled")
}

/// Ends the connection of a user for good: its socket is lost, and the service rejects its recovery.
fn lose(emulator: &Emulator, user: &str) {
    let id = &connections_of(emulator, user)[0].connection_id;
    emulator.faults().push_socket(SocketFault::reject_recovery().connection(id));
    assert!(emulator.webpubsub().drop_socket("chat", id));
}

/// Sends parts until the stream fails, which the writer finds out at the latest while its buffer is full.
async fn send_until_it_fails(writer: &mut StreamWriter) -> Error {
    loop {
        if let Err(error) = writer.send("late").await {
            return error;
        }
    }
}

fn numbers(count: u32) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

async fn write(writer: &mut StreamWriter, count: u32) {
    for number in numbers(count) {
        writer.send(number).await.unwrap();
    }
}

#[tokio::test]
async fn a_stream_arrives_in_order_and_ends_in_each_subprotocol() {
    let emulator = Emulator::start().await.unwrap();
    for protocol in PROTOCOLS {
        let ann = connect_with(&emulator, "ann", protocol).await;
        let bob = connect_with(&emulator, "bob", protocol).await;
        let mut streams = bob.group("stories").streams().await.unwrap();
        let mut writer = ann.group("stories").open_stream().await.unwrap();
        let id = writer.id().to_owned();
        write(&mut writer, 100).await;
        writer.finish().await.unwrap();
        let reader = streams.next().await.unwrap();
        assert_eq!((reader.id(), reader.missed_parts()), (id.as_str(), 0));
        assert_eq!(read(reader).await, (numbers(100), None), "{protocol:?}");
    }
}

#[tokio::test]
async fn streams_in_one_group_are_independent_and_messages_arrive_beside_them() {
    let emulator = Emulator::start().await.unwrap();
    let (ann, bob) = (connect(&emulator, "ann").await, connect(&emulator, "bob").await);
    let group = bob.group("stories");
    let (mut streams, mut messages) = (group.streams().await.unwrap(), group.subscribe().await.unwrap());
    let (one, two) = (ann.group("stories").open_stream(), ann.group("stories").open_stream());
    let (mut one, mut two) = (one.stream_id("one").await.unwrap(), two.stream_id("two").await.unwrap());
    one.send("0").await.unwrap();
    two.send("0").await.unwrap();
    ann.group("stories").send("a message").await.unwrap();
    two.abort(UserError::new("no more ideas").code("Empty")).await.unwrap();
    one.send("1").await.unwrap();
    one.finish().await.unwrap();
    let (first, second) = (streams.next().await.unwrap(), streams.next().await.unwrap());
    let (one, two) = if first.id() == "one" { (first, second) } else { (second, first) };
    assert_eq!(read(one).await, (numbers(2), None));
    let (texts, error) = read(two).await;
    let Some(ReadError::Failed(error)) = error else { panic!("{error:?}") };
    assert_eq!((texts, error.name.as_str()), (numbers(1), "UserError"));
    assert_eq!(
        (error.message.as_deref(), error.user_error_code.as_deref()),
        (Some("no more ideas"), Some("Empty"))
    );
    let Some(GroupEvent::Message(message)) = messages.next().await else { panic!("no message") };
    assert_eq!((message.data.as_text(), message.stream), (Some("a message"), None));
}

#[tokio::test]
async fn a_dropped_writer_aborts_its_stream() {
    let emulator = Emulator::start().await.unwrap();
    let (ann, mut streams) = pair(&emulator).await;
    let mut writer = ann.group("stories").open_stream().await.unwrap();
    writer.send("0").await.unwrap();
    drop(writer);
    let (texts, error) = read(streams.next().await.unwrap()).await;
    assert_eq!(texts, numbers(1));
    assert!(matches!(error, Some(ReadError::Failed(error)) if error.name == "UserError"));
}

#[tokio::test]
async fn a_stream_without_permission_is_rejected() {
    let emulator = Emulator::start().await.unwrap();
    let ann = connect(&emulator, "ann").await;
    let error = ann.group("elsewhere").open_stream().await.unwrap_err();
    assert_eq!(error.code(), Some("Forbidden"), "{error}");
    for invalid in [
        ann.group("stories").open_stream().stream_id(""),
        ann.group("stories").open_stream().capacity(0),
        ann.group("stories").open_stream().idle_timeout(Duration::ZERO),
        ann.group("").open_stream(),
    ] {
        assert!(invalid.await.unwrap_err().is_invalid_input());
    }
    assert!(ann.group("stories").streams().capacity(0).await.unwrap_err().is_invalid_input());
}

#[tokio::test]
async fn rejected_parts_and_lost_acknowledgments_lose_and_repeat_nothing() {
    let emulator = Emulator::start().await.unwrap();
    let (ann, mut streams) = pair(&emulator).await;
    for _ in 0..5 {
        emulator.faults().push_socket(SocketFault::nack_stream_data(StreamNack::TransientError).nth(7));
        emulator.faults().push_socket(SocketFault::lose_stream_ack().nth(5));
    }
    let mut writer = ann.group("stories").open_stream().capacity(16).await.unwrap();
    write(&mut writer, 300).await;
    let finishing = tokio::spawn(writer.finish());
    assert_eq!(read(streams.next().await.unwrap()).await, (numbers(300), None));
    finishing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stream_goes_on_after_its_connection_is_cut_and_recovered() {
    let emulator = Emulator::start().await.unwrap();
    let (ann, mut streams) = pair(&emulator).await;
    for nth in 1..=8 {
        let fault = SocketFault::drop_connection().at_received(11 + nth);
        let fault = if nth % 2 == 0 { fault.after_processing() } else { fault };
        emulator.faults().push_socket(fault);
    }
    let mut writer = ann.group("stories").open_stream().await.unwrap();
    write(&mut writer, 200).await;
    let finishing = tokio::spawn(writer.finish());
    assert_eq!(read(streams.next().await.unwrap()).await, (numbers(200), None));
    finishing.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stream_whose_writer_loses_its_connection_for_good_fails_at_both_ends() {
    let emulator = Emulator::start().await.unwrap();
    for protocol in PROTOCOLS {
        let ann = connect_with(&emulator, "ann", protocol).await;
        let bob = connect_with(&emulator, "bob", protocol).await;
        let mut streams = bob.group("stories").streams().await.unwrap();
        let open = |id| ann.group("stories").open_stream().stream_id(id).capacity(8).into_future();
        let (mut sending, empty, mut next) =
            (open("sending").await.unwrap(), open("empty").await.unwrap(), 0);
        write(&mut sending, 3).await;
        let mut reader = streams.next().await.unwrap();
        while next < 3 {
            let part = reader.next().await.unwrap().unwrap();
            assert_eq!(part.as_text(), Some(&*next.to_string()));
            next += 1;
        }
        lose(&emulator, "ann");
        let error = send_until_it_fails(&mut sending).await;
        assert!(error.outcome_unknown(), "{protocol:?}: {error}");
        assert!(sending.finish().await.unwrap_err().outcome_unknown());
        assert!(empty.finish().await.unwrap_err().outcome_unknown());
        assert!(is_cancelled(read(reader).await.1.as_ref()), "{protocol:?}");
        // A reader learns of the stream without parts from its end.
        let reader = streams.next().await.unwrap();
        assert_eq!((reader.id(), reader.missed_parts()), ("empty", 0));
        let (texts, error) = read(reader).await;
        assert!(texts.is_empty() && is_cancelled(error.as_ref()), "{protocol:?}: {error:?}");
        // The new connection starts without streams, so even an id can be used again.
        let mut again = open("sending").await.unwrap();
        write(&mut again, 2).await;
        again.finish().await.unwrap();
        assert_eq!(read(streams.next().await.unwrap()).await, (numbers(2), None));
        ann.close().await;
        bob.close().await;
    }
}

#[tokio::test]
async fn a_reader_that_loses_its_connection_for_good_learns_which_parts_it_missed() {
    let emulator = Emulator::start().await.unwrap();
    let gate = Arc::new(Semaphore::new(1));
    let (ann, bob) = (connect(&emulator, "ann").await, connect_through(&emulator, "bob", &gate).await);
    let mut streams = bob.group("stories").streams().await.unwrap();
    let (mut writers, mut readers) = (Vec::new(), Vec::new());
    for id in ["gap", "whole", "ended"] {
        let mut writer = ann.group("stories").open_stream().stream_id(id).await.unwrap();
        write(&mut writer, 1).await;
        let mut reader = streams.next().await.unwrap();
        assert_eq!(reader.id(), id);
        assert_eq!(reader.next().await.unwrap().unwrap().as_text(), Some("0"));
        writers.push(writer);
        readers.push(reader);
    }
    let [mut gap, mut whole, ended] = <[_; 3]>::try_from(writers).unwrap();
    lose(&emulator, "bob");
    until(|| connections_of(&emulator, "bob").is_empty()).await;
    // What is sent now is lost for bob, and acknowledged for ann.
    gap.send("1").await.unwrap();
    ended.finish().await.unwrap();
    let mut missed = ann.group("stories").open_stream().stream_id("missed").await.unwrap();
    write(&mut missed, 1).await;
    missed.finish().await.unwrap();
    gate.add_permits(1);
    until(|| connections_of(&emulator, "bob").iter().any(|bob| bob.groups == ["stories"])).await;
    gap.send("2").await.unwrap();
    gap.finish().await.unwrap();
    whole.send("1").await.unwrap();
    whole.finish().await.unwrap();
    let [gap, whole, mut ended] = <[_; 3]>::try_from(readers).unwrap();
    assert_eq!(read(gap).await, (vec![], Some(ReadError::Gap { expected: 2, received: 3 })));
    assert_eq!(read(whole).await, (vec!["1".to_owned()], None));
    // The end was lost too. Without an idle timeout, the reader ends with its client.
    assert!(futures_util::poll!(Box::pin(ended.next())).is_pending());
    bob.close().await;
    assert_eq!(read(ended).await, (vec![], Some(ReadError::Left)));
    assert!(streams.next().await.is_none(), "a stream that was missed as a whole has no reader");
}

#[tokio::test]
async fn parts_are_messages_with_their_stream_without_a_subscription_to_streams() {
    let emulator = Emulator::start().await.unwrap();
    let (ann, bob) = (connect(&emulator, "ann").await, connect(&emulator, "bob").await);
    let mut messages = bob.group("stories").subscribe().await.unwrap();
    let mut writer = ann.group("stories").open_stream().stream_id("one").await.unwrap();
    write(&mut writer, 2).await;
    writer.finish().await.unwrap();
    for (sequence_id, text, end_of_stream) in [(1, "0", false), (2, "1", false), (3, "", true)] {
        let Some(GroupEvent::Message(message)) = messages.next().await else { panic!("no message") };
        let part = message.stream.unwrap();
        assert_eq!((part.stream_id.as_str(), part.sequence_id), ("one", sequence_id));
        assert_eq!((message.data.as_text(), part.end_of_stream), (Some(text), end_of_stream));
    }
}

#[tokio::test]
async fn a_full_buffer_holds_the_writer_back_until_parts_are_acknowledged() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let opening = tokio::spawn(client.group("g").open_stream().stream_id("s").capacity(2).into_future());
    assert_eq!(peer.json().await["stream"]["streamId"], "s");
    peer.send(r#"{"type":"streamAck","streamId":"s","expectedSequenceId":1}"#).await;
    let mut writer = opening.await.unwrap().unwrap();
    writer.send("1").await.unwrap();
    writer.send("2").await.unwrap();
    let mut third = Box::pin(writer.send("3"));
    assert!(futures_util::poll!(&mut third).is_pending());
    drop(third);
    assert_eq!(
        (peer.json().await["data"].clone(), peer.json().await["data"].clone()),
        ("1".into(), "2".into())
    );
    peer.send(r#"{"type":"streamAck","streamId":"s","expectedSequenceId":2}"#).await;
    writer.send("4").await.unwrap();
    let part = peer.json().await;
    assert_eq!(
        (&part["data"], &part["streamSequenceId"]),
        (&"4".into(), &3.into()),
        "a cancelled part has no number"
    );
    peer.send(r#"{"type":"streamClosed","streamId":"s","error":{"name":"IdleTimeout"}}"#).await;
    let error = loop {
        match writer.send("5").await {
            Ok(()) => run_until_idle().await,
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Some("IdleTimeout"));
    assert_eq!(writer.finish().await.unwrap_err().code(), Some("IdleTimeout"));
}

#[tokio::test]
async fn a_dropped_request_to_open_a_stream_ends_it_and_ids_are_random() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let opening = tokio::spawn(client.group("g").open_stream().into_future());
        let id = peer.json().await["stream"]["streamId"].clone();
        opening.abort();
        peer.send(&format!(r#"{{"type":"streamAck","streamId":{id},"expectedSequenceId":1}}"#)).await;
        let end = peer.json().await;
        assert_eq!((&end["type"], &end["streamId"]), (&"streamEnd".into(), &id));
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
    assert!(ids.iter().all(|id| id.as_str().unwrap().len() > 32), "{ids:?}");
}

#[tokio::test]
async fn the_example_shows_tokens_as_they_arrive() {
    let emulator = Emulator::start().await.unwrap();
    let (model, alice) = (connect(&emulator, "model").await, connect(&emulator, "alice").await);
    let mut shown = Vec::new();
    example::run(&model, &alice, &["Once ", "upon ", "a ", "time."], &mut shown).await.unwrap();
    assert_eq!(String::from_utf8(shown).unwrap(), "Once upon a time.\n");
}
