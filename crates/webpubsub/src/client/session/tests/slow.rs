//! A program that does not receive its events: it can still send, and it loses no message without a report.

use super::*;

fn plain() -> Rig {
    online(|settings| settings.protocol = Protocol::Json)
}

#[test]
fn acks_pongs_and_closes_are_received_although_the_buffer_is_full() {
    for mut rig in [online(|_| {}), plain()] {
        (1..=5000).for_each(|id| rig.message(id));
        for id in 1..=100 {
            let outcome = rig.send();
            assert_eq!(rig.written().len(), 1);
            rig.ack(id);
            outcome.get().unwrap();
        }
        rig.drop_with(Some(1008));
        assert_eq!(rig.session.state(), State::Reconnecting);
    }
}

#[test]
fn dropped_messages_are_received_again_once_the_program_catches_up() {
    let mut rig = online(|_| {});
    (1..=1400).for_each(|id| rig.message(id));
    let mut received: Vec<_> = (0..499).map(|_| shown(&rig.session.take_event(rig.now).unwrap())).collect();
    rig.session.tick(rig.now);
    rig.message(1401);
    assert_eq!(rig.session.action(), Action::Exchange, "not before there is room for many");
    received.extend(rig.session.take_event(rig.now).map(|event| shown(&event)));
    rig.session.tick(rig.now);
    // At once: this requires the attempt.
    rig.recover();
    let acknowledged: u64 = rig.sequence_acks()[0].parse().unwrap();
    assert_eq!(acknowledged, 500);
    (acknowledged + 1..=1401).for_each(|id| rig.message(id));
    received.extend(rig.events());
    let expected: Vec<_> = (1..=1401).map(|id| id.to_string()).collect();
    assert!(received == expected, "{} messages", received.len());
}

#[test]
fn a_loss_is_reported_when_the_connection_of_a_slow_program_cannot_be_recovered() {
    let mut rig = online(|_| {});
    (1..=1500).for_each(|id| rig.message(id));
    let outcome = rig.send();
    rig.written();
    rig.drop_with(Some(1008));
    let error = outcome.get().unwrap_err().to_string();
    assert!(error.contains("the program does not receive its events"), "{error}");
    let events = rig.events();
    assert_eq!((events.len(), events[999].as_str()), (1001, "1000"));
    assert_eq!(events[1000], "disconnected c1: cut; the program did not receive its events in time");
}

#[test]
fn without_a_reliable_protocol_an_event_counts_the_dropped_messages() {
    let mut rig = plain();
    (1..=1500).for_each(|id| rig.message(id));
    rig.session.take_event(rig.now);
    rig.session.take_event(rig.now);
    rig.message(1501);
    rig.message(1502);
    let events = rig.events();
    assert_eq!(events[997..], ["1000", "dropped 500", "1501", "dropped 1"].map(str::to_owned)[..]);
    rig.message(1503);
    assert_eq!(rig.events(), ["1503"]);
}

#[test]
fn a_program_that_never_receives_events_stays_connected_in_bounded_memory() {
    for mut rig in [online(|_| {}), plain()] {
        for round in 0..500 {
            (1..=1100).for_each(|id| rig.message(id));
            let outcome = rig.send();
            rig.written();
            rig.ack(round + 1);
            outcome.get().unwrap();
            rig.drop_with(Some(1001));
            rig.wait();
            if rig.session.action() == Action::Connect(Attempt::Recovery) {
                rig.recover();
                rig.drop_with(Some(1008));
                rig.wait();
            }
            rig.connect(&format!("c{}", round + 2));
        }
        let events = rig.all_events();
        assert!((1000..1010).contains(&events.len()), "{:?}", &events[1000..]);
        let changes: Vec<_> = events.iter().filter(|event| event.contains("connected")).collect();
        assert!(changes[0].starts_with("disconnected c1: ") && changes[1] == "connected c501", "{changes:?}");
        assert_eq!(changes.len(), 2);
    }
}

#[test]
fn a_timeout_names_the_program_that_does_not_receive_its_events() {
    let mut rig = online(|_| {});
    (1..=1500).for_each(|id| rig.message(id));
    let outcome = rig.send();
    rig.written();
    rig.pass(60.0);
    let error = outcome.get().unwrap_err().to_string();
    assert!(error.contains("within 60s; the program does not receive its events"), "{error}");
    rig.events();
    let outcome = rig.send();
    rig.pass(60.0);
    let error = outcome.get().unwrap_err().to_string();
    assert!(!error.contains("events"), "{error}");
}
