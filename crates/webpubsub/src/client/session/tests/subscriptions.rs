//! Subscriptions to groups, and ack ids of the program's own.

use super::*;
use crate::client::event::GroupEvent;
use crate::client::receipt::OWN_ACK_IDS;
use crate::client::subscription::Buffer;

fn buffer(capacity: usize) -> Arc<Buffer> {
    Arc::new(Buffer::new(capacity))
}

impl Rig {
    /// Submits the subscription, without an ack.
    fn subscribe(&mut self, group: &str, buffer: &Arc<Buffer>) -> (u64, Outcome) {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let effect = Effect::Subscribe(group.into(), Arc::clone(buffer));
        let frame = Upstream::JoinGroup { group, ack_id: Some(id) };
        (id, self.submit("joinGroup", Some(id), effect, &frame))
    }

    fn subscribed(&mut self, group: &str, capacity: usize) -> Arc<Buffer> {
        let buffer = buffer(capacity);
        let (id, outcome) = self.subscribe(group, &buffer);
        self.written();
        self.ack(id);
        outcome.get().unwrap();
        buffer
    }

    fn group_message(&mut self, group: &str, sequence_id: u64) {
        let rest = format!(r#""dataType":"text","data":"{sequence_id}","sequenceId":{sequence_id}}}"#);
        self.text(&format!(r#"{{"type":"message","from":"group","group":"{group}",{rest}"#));
    }

    fn own(&mut self, id: u64) -> Outcome {
        let data = Data::from("x");
        let frame = Upstream::Event { name: "e", ack_id: Some(id), data: &data, metadata: None };
        self.submit("event", Some(id), Effect::None, &frame)
    }

    fn left(&mut self, group: &str) {
        let outcome = self.leave(group);
        self.written();
        self.ack(self.ids.load(Ordering::Relaxed) - 1);
        outcome.get().unwrap();
    }

    /// Acknowledges the rejoins of a new connection.
    fn ack_rejoins(&mut self) {
        for frame in self.written() {
            let (_, id) = frame.split_once("\"ackId\":").unwrap();
            self.ack(id.trim_end_matches('}').parse().unwrap());
        }
    }
}

/// Receives the events in a buffer; the last one is `end` if the subscription has ended.
fn received(buffer: &Buffer) -> Vec<String> {
    buffer.received().into_iter().map(|event| event.map_or("end".to_owned(), |event| shown(&event))).collect()
}

fn shown(event: &GroupEvent) -> String {
    match event {
        GroupEvent::Message(message) => message.data.as_text().unwrap().to_owned(),
        GroupEvent::Dropped(dropped) => format!("dropped {}", dropped.messages),
        GroupEvent::Disconnected(gone) => format!("disconnected {}: {}", gone.connection_id, gone.reason),
        GroupEvent::Rejoined(back) => format!("rejoined {}", back.connection_id),
        GroupEvent::NotRejoined(failed) => format!("not rejoined: {}", failed.reason),
    }
}

#[test]
fn messages_of_a_group_go_to_each_of_its_subscriptions_and_others_to_the_program() {
    let mut rig = online(|_| {});
    let (first, second) = (rig.subscribed("a", 10), rig.subscribed("a", 10));
    let other = rig.subscribed("b", 10);
    rig.group_message("a", 1);
    rig.group_message("b", 2);
    rig.group_message("c", 3);
    rig.message(4);
    assert_eq!(
        (received(&first), received(&second), received(&other)),
        (vec!["1".to_owned()], vec!["1".to_owned()], vec!["2".to_owned()])
    );
    assert_eq!(rig.events(), ["c: 3", "4"]);
    drop((first, second));
    rig.group_message("a", 5);
    assert_eq!(rig.events(), ["a: 5"], "a dropped subscription does not leave");
}

#[test]
fn messages_that_arrive_before_the_join_is_acknowledged_are_received_or_returned_to_the_program() {
    for succeeds in [true, false] {
        let mut rig = online(|_| {});
        let buffer = buffer(10);
        let (id, outcome) = rig.subscribe("g", &buffer);
        rig.written();
        rig.group_message("g", 1);
        if succeeds {
            rig.ack(id);
        } else {
            rig.reject(id, "Forbidden");
        }
        assert_eq!(outcome.get().is_ok(), succeeds);
        let expected = if succeeds { (vec!["1"], vec![]) } else { (vec!["end"], vec!["g: 1"]) };
        assert_eq!(
            (received(&buffer), rig.events()),
            (
                expected.0.into_iter().map(str::to_owned).collect(),
                expected.1.into_iter().map(str::to_owned).collect()
            )
        );
    }
}

#[test]
fn a_subscription_whose_caller_is_gone_takes_no_messages_from_the_program() {
    let mut rig = online(|_| {});
    let (id, outcome) = rig.subscribe("g", &buffer(10));
    rig.written();
    drop(outcome);
    rig.group_message("g", 1);
    rig.ack(id);
    rig.group_message("g", 2);
    assert_eq!(rig.events(), ["g: 1", "g: 2"]);
}

#[test]
fn a_subscription_that_is_not_read_blocks_neither_acks_nor_others_and_counts_what_it_loses() {
    for protocol in [Protocol::JsonReliable, Protocol::Json] {
        let mut rig = online(|settings| settings.protocol = protocol);
        let (slow, fast) = (rig.subscribed("slow", 100), rig.subscribed("fast", 100));
        for id in 1..=5000 {
            rig.group_message(if id % 2 == 0 { "fast" } else { "slow" }, id);
            if id % 2 == 0 {
                assert_eq!(received(&fast), [id.to_string()]);
            }
        }
        if protocol.is_reliable() {
            assert_eq!(rig.sequence_acks(), ["5000"]);
        }
        let outcome = rig.send();
        rig.written();
        rig.ack(rig.ids.load(Ordering::Relaxed) - 1);
        outcome.get().unwrap();
        let events = received(&slow);
        assert_eq!((events.len(), events[99].as_str(), events[100].as_str()), (101, "199", "dropped 2400"));
        rig.group_message("slow", 5001);
        assert_eq!(received(&slow), ["5001"]);
        assert!(rig.events().is_empty());
    }
}

#[test]
fn changes_of_the_connection_do_not_pile_up_in_a_subscription_that_is_not_read() {
    let mut rig = online(|_| {});
    let buffer = rig.subscribed("g", 10);
    (1..=20).for_each(|id| rig.group_message("g", id));
    for number in 2..500 {
        rig.replace(&format!("c{number}"));
        rig.ack_rejoins();
        rig.group_message("g", 1);
    }
    let events = received(&buffer);
    assert!(events.len() < 16, "{events:?}");
    assert_eq!(events[9..12], ["10", "dropped 508", "disconnected c1: cut"].map(str::to_owned), "{events:?}");
}

#[test]
fn replays_after_a_recovery_are_received_once() {
    let mut rig = online(|_| {});
    let buffer = rig.subscribed("g", 10);
    (1..=3).for_each(|id| rig.group_message("g", id));
    rig.cut_and_recover();
    (1..=4).for_each(|id| rig.group_message("g", id));
    assert_eq!(received(&buffer), ["1", "2", "3", "4"]);
}

#[test]
fn a_subscription_receives_messages_while_the_program_does_not_receive_its_events_and_none_twice() {
    let mut rig = online(|_| {});
    let buffer = rig.subscribed("g", 5000);
    (1..=1500).for_each(|id| rig.message(id));
    (1501..=1600).for_each(|id| rig.group_message("g", id));
    assert_eq!(received(&buffer).len(), 100, "the other messages are missing, but not these");
    let first: Vec<_> = (0..1000).map(|_| super::shown(&rig.session.take_event(rig.now).unwrap())).collect();
    rig.session.tick(rig.now);
    rig.recover();
    assert_eq!(rig.sequence_acks(), ["1000"]);
    (1001..=1500).for_each(|id| rig.message(id));
    (1501..=1601).for_each(|id| rig.group_message("g", id));
    let rest = rig.events();
    assert_eq!((first.len(), rest.len(), rest[0].as_str()), (1000, 500, "1001"));
    assert_eq!(received(&buffer), ["1601"]);
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), ["1601"]);
}

#[test]
fn events_without_a_message_that_are_not_received_delay_no_acknowledgment() {
    let mut rig = online(|_| {});
    let buffer = rig.subscribed("g", 10_000);
    for id in 1..=2000 {
        rig.cut_and_recover();
        rig.group_message("g", id);
        rig.pass(1.0);
        assert_eq!(rig.sequence_acks().last(), Some(&id.to_string()));
    }
    assert_eq!(received(&buffer).len(), 2000);
    let events = rig.all_events();
    assert!(events.len() <= 1001, "{} events", events.len());
    rig.message(2001);
    rig.group_message("g", 2002);
    rig.pass(1.0);
    assert!(rig.sequence_acks().is_empty(), "a message does");
    assert_eq!(rig.events(), ["2001"]);
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), ["2002"]);
}

#[test]
fn a_group_that_is_subscribed_while_messages_are_missing_gets_those_that_are_sent_again() {
    let mut rig = online(|_| {});
    let a = rig.subscribed("a", 10);
    (1..=1000).for_each(|id| rig.message(id));
    rig.group_message("b", 1001);
    rig.group_message("a", 1002);
    let b = rig.subscribed("b", 10);
    rig.events();
    rig.session.tick(rig.now);
    rig.recover();
    rig.group_message("b", 1001);
    rig.group_message("a", 1002);
    assert_eq!((received(&a), received(&b)), (vec!["1002".to_owned()], vec!["1001".to_owned()]));
}

#[test]
fn a_subscription_reports_a_new_connection_and_goes_on_after_the_rejoin() {
    let mut rig = online(|_| {});
    let buffer = rig.subscribed("g", 10);
    rig.group_message("g", 1);
    rig.cut_and_recover();
    rig.group_message("g", 2);
    rig.replace("c2");
    rig.ack_rejoins();
    rig.group_message("g", 1);
    assert_eq!(received(&buffer), ["1", "2", "disconnected c1: cut", "rejoined c2", "1"]);
}

#[test]
fn a_subscription_ends_with_its_membership() {
    // (how it ends, the last events)
    let mut rig = online(|_| {});
    let buffer = rig.subscribed("g", 10);
    rig.group_message("g", 1);
    rig.left("g");
    assert_eq!(received(&buffer), ["1", "end"], "left");

    let mut rig = online(|_| {});
    let buffer = rig.subscribed("g", 10);
    rig.replace("c2");
    assert_eq!(rig.written().len(), 1);
    rig.reject(2, "Forbidden");
    let not_rejoined = "not rejoined: joinGroup: Forbidden: test rejection";
    assert_eq!(received(&buffer), ["disconnected c1: cut", not_rejoined, "end"]);
    assert_eq!(rig.events().len(), 3, "disconnected, connected, not rejoined");

    let mut rig = online(|settings| settings.rejoin = false);
    let buffer = rig.subscribed("g", 10);
    rig.drop_with(Some(1008));
    assert_eq!(received(&buffer), ["disconnected c1: cut", "end"], "the client does not rejoin");

    let mut rig = online(|_| {});
    let buffer = rig.subscribed("g", 10);
    let _leave = rig.leave("g");
    rig.written();
    rig.drop_with(Some(1008));
    assert_eq!(received(&buffer), ["disconnected c1: cut", "end"], "a leave without an ack");

    let mut rig = online(|_| {});
    let buffer = rig.subscribed("g", 10);
    drop(rig.session);
    assert_eq!(received(&buffer), ["end"], "the client stops");
}

#[test]
fn a_leave_ends_earlier_subscriptions_and_not_one_that_follows_it() {
    let mut rig = online(|_| {});
    let (before, after) = (rig.subscribed("g", 10), buffer(10));
    let leave = rig.leave("g");
    let (id, subscribed) = rig.subscribe("g", &after);
    rig.written();
    rig.ack(id - 1);
    rig.ack(id);
    leave.get().unwrap();
    subscribed.get().unwrap();
    rig.group_message("g", 1);
    assert_eq!((received(&before), received(&after)), (vec!["end".to_owned()], vec!["1".to_owned()]));
}

#[test]
fn a_send_that_the_service_had_processed_before_succeeds_as_a_duplicate() {
    let mut rig = online(|_| {});
    let own = *OWN_ACK_IDS.start();
    let first = rig.own(own);
    assert!(rig.written()[0].contains(&format!("\"ackId\":{own}")));
    rig.ack(own);
    assert!(!first.duplicate().unwrap());
    let again = rig.own(own);
    rig.written();
    rig.reject(own, "Duplicate");
    assert!(again.duplicate().unwrap());
}

#[test]
fn an_ack_id_that_is_in_flight_is_an_error_before_anything_is_sent() {
    let mut rig = online(|_| {});
    let first = rig.own(u64::MAX);
    for written in [false, true] {
        let error = rig.own(u64::MAX).get().unwrap_err();
        assert!(error.is_invalid_input() && !error.outcome_unknown(), "{error}");
        let text = format!("event: ack id must not be that of another send in flight, got \"{}\"", u64::MAX);
        assert_eq!(error.to_string(), text);
        assert_eq!(rig.written().len(), usize::from(!written), "only the first one");
    }
    rig.ack(u64::MAX);
    first.get().unwrap();
    let mut again = rig.own(u64::MAX);
    assert!(again.is_open());
    rig.written();
    rig.pass(60.0);
    assert!(again.get().unwrap_err().is_timeout());
    assert!(rig.own(u64::MAX).is_open(), "free after the deadline");
}

#[test]
fn an_ack_id_is_free_again_if_its_send_was_cancelled_before_it_was_written() {
    let mut rig = online(|_| {});
    drop(rig.own(u64::MAX));
    let mut again = rig.own(u64::MAX);
    assert!(again.is_open());
    assert_eq!(rig.written().len(), 1);
    drop(again);
    assert!(rig.own(u64::MAX).get().unwrap_err().is_invalid_input(), "it was written");
}

#[test]
fn an_own_ack_id_is_kept_across_a_recovery() {
    let mut rig = online(|_| {});
    let outcome = rig.own(u64::MAX);
    let frames = rig.written();
    rig.cut_and_recover();
    assert_eq!(rig.written(), frames);
    rig.reject(u64::MAX, "Duplicate");
    assert!(outcome.duplicate().unwrap(), "it cannot be distinguished from an earlier send");
}
