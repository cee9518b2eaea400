//! Keep-alive, and the ways in which a client stops.

use super::*;

fn kept_alive(settings: &mut Settings) {
    (settings.ping_interval, settings.idle_timeout) = (secs(20.0), secs(120.0));
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
fn a_connection_without_data_for_120_seconds_counts_as_lost_and_is_recovered() {
    let mut rig = online(kept_alive);
    let since = rig.now;
    while rig.session.action() == Action::Exchange {
        rig.wait();
        rig.written();
    }
    assert_eq!(rig.now, since + secs(120.0));
    rig.wait();
    assert_eq!(rig.session.action(), Action::Connect(Attempt::Recovery));
}

#[test]
fn a_client_that_is_closed_while_it_waits_to_reconnect_stops_immediately() {
    let mut rig = online(|_| {});
    let written = rig.send();
    rig.written();
    rig.drop_with(None);
    let waiting = rig.send();
    rig.session.close(rig.now);
    assert_eq!(rig.session.action(), Action::Stop);
    assert!(rig.session.take_error().is_none());
    assert!(written.get().unwrap_err().outcome_unknown());
    let error = waiting.get().unwrap_err();
    assert_eq!(
        (error.delivery(), error.to_string().as_str()),
        (Some(Delivery::NotSent), "sendToGroup: the client is closed")
    );
    assert!(rig.send().get().is_err(), "later sends fail immediately");
}

#[test]
fn closing_waits_for_acks_and_acknowledges_what_the_program_has_received() {
    let mut rig = online(|_| {});
    let mut outcome = rig.send();
    rig.message(1);
    rig.events();
    rig.session.close(rig.now);
    rig.session.tick(rig.now);
    assert_eq!(rig.session.action(), Action::Exchange);
    assert_eq!(rig.written().len(), 1, "requests queued before are still sent");
    assert!(rig.send().get().is_err());
    assert!(outcome.is_open());
    rig.ack(1);
    outcome.get().unwrap();
    rig.session.tick(rig.now);
    assert_eq!(rig.session.action(), Action::Close);
    assert_eq!(rig.sequence_acks(), ["1"]);
    rig.drop_with(Some(1000));
    assert_eq!(rig.session.action(), Action::Stop);
    assert!(rig.session.take_error().is_none());
}

#[test]
fn closing_waits_for_acks_and_then_for_the_closing_handshake_for_5_seconds_each() {
    let mut rig = online(|_| {});
    let outcome = rig.send();
    rig.written();
    rig.session.close(rig.now);
    assert_eq!(rig.wait(), secs(5.0));
    assert!(outcome.get().unwrap_err().outcome_unknown());
    assert_eq!((rig.session.action(), rig.wait()), (Action::Close, secs(5.0)));
    assert_eq!(rig.session.action(), Action::Stop);
}

#[test]
fn a_connection_that_drops_during_a_close_is_not_recovered() {
    let mut rig = online(|_| {});
    let outcome = rig.send();
    rig.written();
    rig.session.close(rig.now);
    rig.drop_with(None);
    assert_eq!(rig.session.action(), Action::Stop);
    assert!(outcome.get().unwrap_err().outcome_unknown());
}

#[test]
fn a_first_connection_that_fails_is_not_retried() {
    let mut rig = rig(|_| {});
    rig.session.failed(unreachable_service(), rig.now);
    assert_eq!(rig.session.action(), Action::Stop);
    assert_eq!(rig.session.take_error().unwrap().to_string(), "connection refused");
}

#[test]
fn a_rejected_fixed_access_stops_the_client_and_another_access_is_called_again() {
    for (fixed, action) in [(true, Action::Stop), (false, Action::Wait)] {
        let mut rig = online(|settings| settings.fixed_access = fixed);
        rig.drop_with(Some(1008));
        rig.wait();
        rig.session.failed(rejected(401), rig.now);
        assert_eq!(rig.session.action(), action);
    }
}

#[test]
fn a_client_stops_after_the_maximum_number_of_attempts() {
    let mut rig = online(|settings| settings.reconnect = Reconnect::default().max_attempts(3));
    rig.drop_with(Some(1008));
    let waiting = rig.send();
    for _ in 0..3 {
        rig.wait();
        assert_eq!(rig.session.action(), Action::Connect(Attempt::New));
        rig.session.failed(unreachable_service(), rig.now);
    }
    assert_eq!(rig.session.action(), Action::Stop);
    assert_eq!(rig.session.take_error().unwrap().to_string(), "connection refused");
    assert_eq!(waiting.get().unwrap_err().delivery(), Some(Delivery::NotSent));
}

#[test]
fn a_client_that_never_reconnects_still_recovers_its_connection() {
    let mut rig = online(|settings| settings.reconnect = Reconnect::never());
    rig.cut_and_recover();
    rig.drop_with(Some(1008));
    assert_eq!(rig.session.action(), Action::Stop);
    assert_eq!(rig.session.take_error().unwrap().to_string(), "the connection ended: cut");
}

#[test]
fn a_machine_that_slept_for_hours_finds_its_connection_lost_and_makes_a_new_one() {
    let mut rig = online(kept_alive);
    let mut outcome = rig.send();
    assert_eq!(rig.written().len(), 1);
    // No timer fired meanwhile; the socket looks as open as before.
    rig.pass(8.0 * 3600.0);
    assert!(!outcome.is_open(), "a send does not wait for an ack that cannot arrive");
    assert_eq!(rig.wait(), secs(1.25), "one delay from now on, not from before the sleep");
    assert_eq!(rig.session.action(), Action::Connect(Attempt::Recovery));
    // The recovery succeeds if the service has kept the connection. Otherwise it closes with this code.
    rig.drop_with(Some(1008));
    rig.wait();
    rig.connect("c2");
    assert_eq!(rig.events(), ["disconnected c1: cut", "connected c2"]);
}

#[test]
fn a_machine_that_slept_during_a_recovery_makes_a_new_connection_immediately() {
    let mut rig = online(kept_alive);
    rig.drop_with(None);
    rig.pass(8.0 * 3600.0);
    rig.wait();
    rig.connect("c2");
    assert!(rig.events().last().is_some_and(|last| last == "connected c2"));
}

#[test]
fn a_client_that_is_closed_with_a_full_buffer_keeps_reading_its_acks() {
    let mut rig = online(|_| {});
    let outcome = rig.send();
    rig.written();
    (1..=1000).for_each(|id| rig.message(id));
    assert!(rig.session.inbox.is_full());
    rig.session.close(rig.now);
    rig.message(1001);
    rig.ack(1);
    outcome.get().unwrap();
    assert_eq!(rig.events().len(), 1000, "and buffers no more than before");
}
