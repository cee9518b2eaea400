//! Keep-alive, and the ways in which a client ends.

use super::*;

fn kept_alive(settings: &mut Settings) {
    (settings.ping_interval, settings.silence_limit) = (secs(20.0), secs(120.0));
}

#[test]
fn the_service_is_pinged_every_20_seconds() {
    let mut rig = online(kept_alive);
    for _ in 0..10 {
        assert_eq!(rig.wait(), secs(20.0));
        assert_eq!(rig.written(), [r#"{"type":"ping"}"#]);
        rig.text(r#"{"type":"pong"}"#);
    }
}

#[test]
fn after_120_seconds_of_silence_the_connection_is_taken_as_lost_and_recovered() {
    let mut rig = online(kept_alive);
    let since = rig.now;
    while rig.session.step() == Step::Talk {
        rig.wait();
        rig.written();
    }
    assert_eq!(rig.now, since + secs(120.0));
    rig.wait();
    assert_eq!(rig.session.step(), Step::Connect(Attempt::Recovery));
}

#[test]
fn while_nothing_is_read_silence_says_nothing() {
    let mut rig = online(kept_alive);
    (1..=1000).for_each(|id| rig.message(id));
    for _ in 0..100 {
        rig.wait();
    }
    assert_eq!(rig.session.step(), Step::Talk);
}

#[test]
fn a_client_that_is_closed_while_it_pauses_ends_at_once() {
    let mut rig = online(|_| {});
    let written = rig.send();
    rig.written();
    rig.drop_with(None);
    let waiting = rig.send();
    rig.session.close(rig.now);
    assert_eq!(rig.session.step(), Step::Stop);
    assert!(rig.session.verdict().is_none());
    assert!(written.get().unwrap_err().outcome_unknown());
    let error = waiting.get().unwrap_err();
    assert_eq!(
        (error.delivery(), error.to_string().as_str()),
        (Some(Delivery::NotSent), "sendToGroup: the client is closed")
    );
    assert!(rig.send().get().is_err(), "later sends fail at once");
}

#[test]
fn closing_waits_for_acks_and_acknowledges_what_the_program_has() {
    let mut rig = online(|_| {});
    let mut outcome = rig.send();
    rig.message(1);
    rig.events();
    rig.session.close(rig.now);
    rig.session.tick(rig.now);
    assert_eq!(rig.session.step(), Step::Talk);
    assert_eq!(rig.written().len(), 1, "what was handed over before is still sent");
    assert!(rig.send().get().is_err());
    assert!(outcome.is_open());
    rig.ack(1);
    outcome.get().unwrap();
    rig.session.tick(rig.now);
    assert_eq!(rig.session.step(), Step::Finish);
    assert_eq!(rig.sequence_acks(), ["1"]);
    rig.drop_with(Some(1000));
    assert_eq!(rig.session.step(), Step::Stop);
    assert!(rig.session.verdict().is_none());
}

#[test]
fn closing_gives_up_on_acks_and_then_on_the_closing_handshake_after_5_seconds_each() {
    let mut rig = online(|_| {});
    let outcome = rig.send();
    rig.written();
    rig.session.close(rig.now);
    assert_eq!(rig.wait(), secs(5.0));
    assert!(outcome.get().unwrap_err().outcome_unknown());
    assert_eq!((rig.session.step(), rig.wait()), (Step::Finish, secs(5.0)));
    assert_eq!(rig.session.step(), Step::Stop);
}

#[test]
fn a_connection_that_drops_while_it_is_closed_is_not_recovered() {
    let mut rig = online(|_| {});
    let outcome = rig.send();
    rig.written();
    rig.session.close(rig.now);
    rig.drop_with(None);
    assert_eq!(rig.session.step(), Step::Stop);
    assert!(outcome.get().unwrap_err().outcome_unknown());
}

#[test]
fn a_first_connection_that_fails_is_not_tried_again() {
    let mut rig = rig(|_| {});
    rig.session.failed(unreachable_service(), rig.now);
    assert_eq!(rig.session.step(), Step::Stop);
    assert_eq!(rig.session.verdict().unwrap().to_string(), "refused");
}

#[test]
fn an_access_that_cannot_change_and_is_refused_stops_the_client_and_another_is_asked_for_anew() {
    for (fixed, step) in [(true, Step::Stop), (false, Step::Pause)] {
        let mut rig = online(|settings| settings.fixed_access = fixed);
        rig.drop_with(Some(1008));
        rig.wait();
        rig.session.failed(answered(401), rig.now);
        assert_eq!(rig.session.step(), step);
    }
}

#[test]
fn a_client_stops_after_as_many_attempts_as_it_may_make() {
    let mut rig = online(|settings| settings.reconnect = Reconnect::default().max_attempts(3));
    rig.drop_with(Some(1008));
    let waiting = rig.send();
    for _ in 0..3 {
        rig.wait();
        assert_eq!(rig.session.step(), Step::Connect(Attempt::New));
        rig.session.failed(unreachable_service(), rig.now);
    }
    assert_eq!(rig.session.step(), Step::Stop);
    assert_eq!(rig.session.verdict().unwrap().to_string(), "refused");
    assert_eq!(waiting.get().unwrap_err().delivery(), Some(Delivery::NotSent));
}

#[test]
fn who_wants_no_reconnection_still_has_recovery() {
    let mut rig = online(|settings| settings.reconnect = Reconnect::never());
    rig.cut_and_recover();
    rig.drop_with(Some(1008));
    assert_eq!(rig.session.step(), Step::Stop);
    assert_eq!(rig.session.verdict().unwrap().to_string(), "the connection ended: cut");
}

#[test]
fn a_machine_that_slept_for_hours_finds_its_connection_lost_and_makes_a_new_one() {
    let mut rig = online(kept_alive);
    let mut outcome = rig.send();
    assert_eq!(rig.written().len(), 1);
    // No timer fired meanwhile; the socket looks as open as before.
    rig.pass(8.0 * 3600.0);
    assert!(!outcome.is_open(), "a send is not left waiting for an ack that cannot come");
    assert_eq!(rig.wait(), secs(0.5), "one pause from now on, and not from before the sleep");
    assert_eq!(rig.session.step(), Step::Connect(Attempt::Recovery));
    // Where the service has kept the connection after all, it is the old one; otherwise this is what it says.
    rig.drop_with(Some(1008));
    rig.wait();
    rig.connect("c2");
    assert_eq!(rig.events(), ["disconnected c1: cut", "connected c2"]);
}

#[test]
fn a_machine_that_slept_while_it_recovered_makes_a_new_connection_at_once() {
    let mut rig = online(kept_alive);
    rig.drop_with(None);
    rig.pass(8.0 * 3600.0);
    rig.wait();
    rig.connect("c2");
    assert!(rig.events().last().is_some_and(|last| last == "connected c2"));
}

#[test]
fn a_client_that_is_closed_with_more_events_than_it_keeps_reads_on_for_its_acks() {
    let mut rig = online(|_| {});
    let outcome = rig.send();
    rig.written();
    (1..=1000).for_each(|id| rig.message(id));
    assert!(rig.session.is_full());
    rig.session.close(rig.now);
    assert!(!rig.session.is_full());
    rig.message(1001);
    rig.ack(1);
    outcome.get().unwrap();
    assert_eq!(rig.events().len(), 1000, "and keeps no more than before");
}
