//! The streams that the program receives: parts arrive in order, and what goes wrong with one stream concerns no other.

use std::task::{Context, Poll, Waker};

use super::*;
use crate::client::event::StreamError;
use crate::client::streams::{Accepting, NewStream, ReadError};

#[derive(Clone, Copy)]
struct Parts {
    number: u64,
    rest: &'static str,
    data: &'static str,
}

fn part(number: u64) -> Parts {
    Parts { number, rest: "", data: "x" }
}

fn end(number: u64) -> Parts {
    Parts { number, rest: r#","endOfStream":true"#, data: "" }
}

impl Rig {
    /// Subscribes to the streams of a group.
    fn streams(&mut self, group: &str, accepting: Accepting) -> Arc<Accepting> {
        let (id, outcome, accepting) = self.subscribe_streams(group, accepting);
        self.ack(id);
        outcome.get().unwrap();
        accepting
    }

    /// Writes the join of a subscription to streams.
    fn subscribe_streams(&mut self, group: &str, accepting: Accepting) -> (u64, Outcome, Arc<Accepting>) {
        let accepting = Arc::new(accepting);
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let effect = Effect::ReceiveStreams(group.to_owned(), Arc::clone(&accepting));
        let join = Upstream::JoinGroup { group, ack_id: Some(id) };
        let outcome = self.submit("joinGroup", Some(id), effect, &join);
        self.written();
        (id, outcome, accepting)
    }

    fn part(&mut self, id: &str, sequence_id: u64, part: Parts) {
        let Parts { number, rest, data } = part;
        self.text(&format!(
            r#"{{"type":"message","from":"group","group":"g","fromUserId":"ann","sequenceId":{sequence_id},"dataType":"text","data":"{data}","stream":{{"streamId":"{id}","streamSequenceId":{number}{rest}}}}}"#
        ));
    }
}

fn all() -> Accepting {
    Accepting::new(false, Some(secs(300.0)), 100)
}

fn next(accepting: &Accepting) -> Option<NewStream> {
    match accepting.poll_next(&Context::from_waker(Waker::noop())) {
        Poll::Ready(new) => new,
        Poll::Pending => None,
    }
}

fn is_over(accepting: &Accepting) -> bool {
    matches!(accepting.poll_next(&Context::from_waker(Waker::noop())), Poll::Ready(None))
}

/// Reads all that has arrived: the text of parts, and the end.
fn read(stream: &NewStream) -> Vec<std::result::Result<String, Option<ReadError>>> {
    let mut read = Vec::new();
    loop {
        match stream.buffer.poll_next(&Context::from_waker(Waker::noop())) {
            Poll::Pending => return read,
            Poll::Ready(Some(Ok(part))) => read.push(Ok(part.as_text().unwrap().to_owned())),
            Poll::Ready(Some(Err(error))) => read.push(Err(Some(error))),
            Poll::Ready(None) => {
                read.push(Err(None));
                return read;
            }
        }
    }
}

fn x() -> std::result::Result<String, Option<ReadError>> {
    Ok("x".to_owned())
}

#[test]
fn each_stream_has_its_own_reader_and_its_parts_arrive_in_order() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", all());
    rig.part("a", 1, Parts { data: "1", ..part(1) });
    rig.part("b", 2, Parts { data: "2", ..part(1) });
    rig.part("a", 3, Parts { data: "3", ..part(2) });
    rig.part("b", 4, end(2));
    rig.part("a", 5, Parts { data: "4", ..end(3) });
    let (a, b) = (next(&streams).unwrap(), next(&streams).unwrap());
    assert_eq!((a.id.as_str(), a.from_user_id.as_deref(), a.missed_parts), ("a", Some("ann"), 0));
    assert_eq!(
        read(&a),
        [Ok("1".into()), Ok("3".into()), Ok("4".into()), Err(None)],
        "the end can have content"
    );
    assert_eq!(read(&b), [Ok("2".into()), Err(None)]);
    assert!(next(&streams).is_none() && rig.events().is_empty());
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), ["5"]);
}

#[test]
fn an_empty_stream_has_a_reader_without_parts() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", all());
    rig.part("a", 1, end(1));
    assert_eq!(read(&next(&streams).unwrap()), [Err(None)]);
}

#[test]
fn the_error_of_the_sender_or_the_service_ends_its_stream_only() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", all());
    rig.part("a", 1, part(1));
    rig.part("b", 2, part(1));
    let rest =
        r#","endOfStream":true,"error":{"name":"UserError","message":"overloaded","userErrorCode":"E1"}"#;
    rig.part("a", 3, Parts { rest, ..end(2) });
    let (a, b) = (next(&streams).unwrap(), next(&streams).unwrap());
    let error = ReadError::Failed(StreamError {
        name: "UserError".to_owned(),
        message: Some("overloaded".to_owned()),
        user_error_code: Some("E1".to_owned()),
    });
    assert_eq!(error.to_string(), "the stream failed: UserError (E1): overloaded");
    assert_eq!(read(&a), [x(), Err(Some(error)), Err(None)]);
    assert_eq!(read(&b), [x()]);
}

#[test]
fn gaps_and_duplicates_end_their_stream_only_and_its_further_parts_are_discarded() {
    for (number, error) in [
        (4, ReadError::Gap { expected: 3, received: 4 }),
        (2, ReadError::Duplicate { expected: 3, received: 2 }),
    ] {
        let mut rig = online(|_| {});
        let streams = rig.streams("g", all());
        (1..=2).for_each(|id| rig.part("a", id, part(id)));
        rig.part("b", 3, part(1));
        rig.part("a", 4, part(number));
        rig.part("a", 5, part(number + 1));
        let (a, b) = (next(&streams).unwrap(), next(&streams).unwrap());
        assert_eq!(read(&a), [x(), x(), Err(Some(error)), Err(None)]);
        rig.part("b", 6, part(2));
        assert_eq!(read(&b), [x(), x()]);
        assert!(next(&streams).is_none());
        rig.part("a", 7, end(number + 2));
        rig.part("a", 8, part(1));
        assert_eq!(next(&streams).unwrap().missed_parts, 0, "the id is free after the end");
    }
}

#[test]
fn an_end_after_a_gap_is_no_clean_end() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", all());
    rig.part("a", 1, part(1));
    rig.part("a", 2, end(3));
    let gap = ReadError::Gap { expected: 2, received: 3 };
    assert_eq!(read(&next(&streams).unwrap()), [x(), Err(Some(gap)), Err(None)]);
}

#[test]
fn a_stream_that_began_earlier_is_returned_with_what_it_misses_or_ignored_on_request() {
    let mut rig = online(|_| {});
    let (every, whole) = (rig.streams("g", all()), rig.streams("g", Accepting::new(true, None, 100)));
    rig.part("a", 1, part(5));
    rig.part("b", 2, part(1));
    rig.part("a", 3, end(6));
    rig.part("c", 4, end(9));
    let late = next(&every).unwrap();
    assert_eq!((late.id.as_str(), late.missed_parts), ("a", 4));
    assert_eq!(read(&late), [x(), Err(None)]);
    assert_eq!(next(&whole).unwrap().id, "b");
    assert!(next(&whole).is_none());
    assert_eq!(next(&every).unwrap().id, "b");
    assert!(next(&every).is_none(), "a late end has nothing to read");
}

#[test]
fn an_idle_stream_ends_and_a_later_part_has_a_new_reader() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", Accepting::new(false, Some(secs(10.0)), 100));
    rig.part("a", 1, part(1));
    rig.pass(6.0);
    rig.part("b", 2, part(1));
    rig.pass(4.0);
    let (a, b) = (next(&streams).unwrap(), next(&streams).unwrap());
    assert_eq!(read(&a), [x(), Err(Some(ReadError::Idle { after: secs(10.0) })), Err(None)]);
    assert_eq!(read(&b), [x()]);
    rig.part("a", 3, part(2));
    assert_eq!(next(&streams).unwrap().missed_parts, 1);
    rig.pass(10.0);
    assert_eq!(read(&b), [Err(Some(ReadError::Idle { after: secs(10.0) })), Err(None)]);
}

#[test]
fn a_slow_reader_loses_its_stream_and_costs_neither_acknowledgments_nor_others() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", Accepting::new(false, None, 3));
    rig.part("b", 1, part(1));
    (1..=2000).for_each(|id| rig.part("a", id + 1, part(id)));
    rig.part("b", 2002, part(2));
    let (b, a) = (next(&streams).unwrap(), next(&streams).unwrap());
    assert_eq!(read(&a), [x(), x(), x(), Err(Some(ReadError::TooSlow { buffered: 3 })), Err(None)]);
    assert_eq!(read(&b), [x(), x()]);
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), ["2002"]);
}

#[test]
fn streams_that_the_program_does_not_take_are_bounded() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", all());
    (1..=1500).for_each(|id| rig.part(&format!("s{id}"), id, part(1)));
    assert_eq!(std::iter::from_fn(|| next(&streams)).count(), 1000);
}

#[test]
fn parts_are_messages_without_a_subscription_to_streams_and_messages_are_never_streams() {
    let mut rig = online(|_| {});
    let _joined = rig.join("g");
    rig.written();
    rig.ack(1);
    rig.part("a", 1, part(1));
    let Some(Event::GroupMessage(message)) = rig.session.take_event(rig.now) else { panic!("no message") };
    let stream = message.stream.unwrap();
    assert_eq!((stream.stream_id.as_str(), stream.sequence_id, stream.end_of_stream), ("a", 1, false));
    let streams = rig.streams("g", all());
    rig.text(r#"{"type":"message","from":"group","group":"g","dataType":"text","data":"hi","sequenceId":2}"#);
    rig.part("a", 3, part(2));
    assert_eq!(rig.events(), ["g: hi"]);
    let reader = next(&streams).unwrap();
    drop(reader);
    drop(streams);
    rig.part("a", 4, part(3));
    assert_eq!(rig.events(), ["g: x"]);
}

#[test]
fn a_subscription_ends_with_its_membership_and_so_do_its_readers() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", all());
    rig.part("a", 1, part(1));
    let leave = rig.leave("g");
    rig.written();
    rig.ack(2);
    leave.get().unwrap();
    let a = next(&streams).unwrap();
    assert_eq!(read(&a), [x(), Err(Some(ReadError::Left)), Err(None)]);
    assert!(is_over(&streams));
    let mut rig = online(|_| {});
    let streams = rig.streams("g", all());
    rig.part("a", 1, part(1));
    drop(rig);
    assert_eq!(read(&next(&streams).unwrap()), [x(), Err(Some(ReadError::Left)), Err(None)]);
    assert!(is_over(&streams));
}

#[test]
fn replays_after_a_recovery_are_received_once() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", all());
    (1..=2).for_each(|id| rig.part("a", id, part(id)));
    rig.cut_and_recover();
    (1..=3).for_each(|id| rig.part("a", id, part(id)));
    assert_eq!(read(&next(&streams).unwrap()), [x(), x(), x()]);
}

#[test]
fn after_a_new_connection_a_stream_goes_on_or_has_a_gap() {
    for (number, last) in [(3, x()), (4, Err(Some(ReadError::Gap { expected: 3, received: 4 })))] {
        let mut rig = online(|_| {});
        let streams = rig.streams("g", all());
        (1..=2).for_each(|id| rig.part("a", id, part(id)));
        rig.replace("c2");
        rig.written();
        rig.ack(2);
        rig.part("a", 1, part(number));
        assert_eq!(read(&next(&streams).unwrap())[..3], [x(), x(), last]);
    }
}

#[test]
fn a_group_that_cannot_be_rejoined_ends_its_readers() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", all());
    rig.part("a", 1, part(1));
    rig.replace("c2");
    rig.written();
    rig.reject(2, "Forbidden");
    assert_eq!(read(&next(&streams).unwrap()), [x(), Err(Some(ReadError::Left)), Err(None)]);
    assert!(is_over(&streams));
}

#[test]
fn streams_are_received_while_the_program_does_not_receive_its_events_and_no_part_twice() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", Accepting::new(false, None, 5000));
    (1..=1000).for_each(|id| rig.message(id));
    (1..=10).for_each(|id| rig.part("a", 1000 + id, part(id)));
    let a = next(&streams).unwrap();
    assert_eq!(read(&a).len(), 10);
    rig.cut_and_recover();
    (1..=12).for_each(|id| rig.part("a", 1000 + id, part(id)));
    assert_eq!(read(&a), [x(), x()]);
}

#[test]
fn a_stream_that_starts_again_on_a_new_connection_has_a_new_reader() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", all());
    (1..=2).for_each(|id| rig.part("a", id, part(id)));
    rig.replace("c2");
    rig.written();
    rig.ack(2);
    (1..=2).for_each(|id| rig.part("a", id, part(id)));
    rig.part("a", 3, end(3));
    let duplicate = Err(Some(ReadError::Duplicate { expected: 3, received: 1 }));
    assert_eq!(read(&next(&streams).unwrap()), [x(), x(), duplicate, Err(None)]);
    assert_eq!(read(&next(&streams).unwrap()), [x(), x(), Err(None)]);
}

#[test]
fn a_stream_that_goes_on_after_a_new_connection_does_not_start_again_later() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", all());
    (1..=2).for_each(|id| rig.part("a", id, part(id)));
    rig.replace("c2");
    rig.written();
    rig.ack(2);
    rig.part("a", 1, part(3));
    rig.part("a", 2, part(1));
    let duplicate = Err(Some(ReadError::Duplicate { expected: 4, received: 1 }));
    assert_eq!(read(&next(&streams).unwrap()), [x(), x(), x(), duplicate, Err(None)]);
    assert!(next(&streams).is_none());
}

#[test]
fn a_stream_without_a_reader_is_forgotten_after_a_whole_connection_without_its_parts() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", Accepting::new(false, None, 100));
    rig.part("a", 1, part(1));
    rig.part("b", 2, part(1));
    drop((next(&streams).unwrap(), next(&streams).unwrap()));
    rig.replace("c2");
    rig.written();
    rig.ack(2);
    rig.part("a", 1, part(2));
    rig.replace("c3");
    rig.written();
    rig.ack(3);
    rig.part("a", 1, part(3));
    rig.part("b", 2, part(2));
    let new = next(&streams).unwrap();
    assert_eq!((new.id.as_str(), new.missed_parts), ("b", 1));
    assert!(next(&streams).is_none(), "the other one was heard of");
}

#[test]
fn parts_that_arrive_again_before_the_ack_of_the_join_wait_for_it() {
    for is_accepted in [true, false] {
        let mut rig = online(|_| {});
        let (id, outcome, streams) = rig.subscribe_streams("g", Accepting::new(false, Some(secs(9.0)), 100));
        rig.cut_and_recover();
        rig.part("a", 1, part(1));
        assert!(rig.events().is_empty() && next(&streams).is_none());
        match is_accepted {
            true => rig.ack(id),
            false => rig.reject(id, "Forbidden"),
        }
        assert_eq!(outcome.get().is_ok(), is_accepted);
        rig.part("a", 2, part(2));
        rig.pass(9.0);
        match is_accepted {
            true => {
                let idle = Err(Some(ReadError::Idle { after: secs(9.0) }));
                assert_eq!(read(&next(&streams).unwrap()), [x(), x(), idle, Err(None)]);
                assert!(rig.events().is_empty());
            }
            false => assert_eq!(rig.events(), ["g: x", "g: x"], "nothing is lost"),
        }
        rig.pass(1.0);
        assert_eq!(rig.sequence_acks().last().map(String::as_str), Some("2"));
    }
}

#[test]
fn a_part_that_another_subscription_received_is_no_message_after_a_failed_join() {
    let mut rig = online(|_| {});
    let first = rig.streams("g", all());
    let (id, outcome, second) = rig.subscribe_streams("g", all());
    rig.part("a", 1, part(1));
    rig.reject(id, "Forbidden");
    assert!(outcome.get().is_err() && next(&second).is_none());
    assert_eq!(read(&next(&first).unwrap()), [x()]);
    assert!(rig.events().is_empty());
}

#[test]
fn parts_that_arrive_before_the_ack_of_the_join_are_bounded() {
    let mut rig = online(|_| {});
    let (_id, _outcome, streams) = rig.subscribe_streams("g", all());
    (1..=1001).for_each(|id| rig.part("a", id, part(id)));
    assert_eq!(rig.events(), ["g: x"], "the last one is a message");
    assert!(next(&streams).is_none());
}

#[test]
fn a_part_can_have_the_largest_number() {
    let mut rig = online(|_| {});
    let streams = rig.streams("g", all());
    rig.part("a", 1, part(u64::MAX));
    assert_eq!(read(&next(&streams).unwrap()), [x()]);
}
