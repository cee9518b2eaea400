//! When a recovered or new connection counts as good, how long attempts take, and what the program sees of it.

use super::*;

/// Loses the connection and lets `respond` handle each attempt until `seconds` have passed. Returns the number of attempts.
fn attempts(rig: &mut Rig, seconds: f64, mut respond: impl FnMut(&mut Rig, Attempt)) -> usize {
    let (until, mut attempts) = (rig.now + secs(seconds), 0);
    rig.drop_with(Some(1001));
    while rig.session.deadline().is_some_and(|at| at < until) {
        rig.wait();
        if let Action::Connect(attempt) = rig.session.action() {
            attempts += 1;
            respond(rig, attempt);
        }
    }
    attempts
}

/// Returns a session with the shortest delays that jitter allows, in a group.
fn hasty(change: impl FnOnce(&mut Settings)) -> Rig {
    let mut rig = rig(change);
    rig.session.lifecycle = Lifecycle::new(&rig.session.settings, Box::new(|_| Duration::ZERO), rig.now);
    rig.connect("c1");
    let _outcome = rig.join("g");
    rig.written();
    rig.ack(1);
    rig.events();
    rig
}

/// Acknowledges the rejoins.
fn rejoined(rig: &mut Rig) {
    for frame in rig.written() {
        if let Some((_, id)) = frame.split_once("\"ackId\":") {
            rig.ack(id.trim_end_matches('}').parse().unwrap());
        }
    }
}

#[test]
fn a_client_that_is_disconnected_after_each_connect_makes_at_most_12_handshakes_in_a_minute() {
    for (rejects_recoveries, closes_with) in [(false, 1001), (true, 1001), (false, 1008), (false, 1000)] {
        let mut rig = hasty(|_| {});
        let mut number = 1;
        let handshakes = attempts(&mut rig, 60.0, |rig, attempt| {
            if attempt == Attempt::New {
                number += 1;
                rig.connect(&format!("c{number}"));
            } else if rejects_recoveries {
                return rig.session.failed(rejected(404), rig.now);
            } else {
                rig.session.opened(attempt, rig.now);
                rig.connected(&format!("c{number}"), "t");
            }
            rejoined(rig);
            rig.text(r#"{"type":"pong"}"#);
            rig.drop_with(Some(closes_with));
        });
        println!("{handshakes} handshakes in a minute with {rejects_recoveries} and {closes_with}");
        assert!((4..=12).contains(&handshakes), "{handshakes} with {rejects_recoveries} and {closes_with}");
    }
}

#[test]
fn the_backoff_is_reset_by_a_message_or_an_ack_of_the_program_but_not_by_a_rejoin_or_a_pong() {
    for (resets, delay) in [("rejoin", 0.625), ("pong", 0.625), ("message", 0.0), ("ack", 0.0)] {
        let mut rig = hasty(|settings| settings.protocol = Protocol::Json);
        let outcomes = (rig.join("g"), rig.send());
        rig.written();
        rig.drop_with(None);
        rig.wait();
        rig.connect("c2");
        let waiting = rig.send();
        rig.written();
        match resets {
            "rejoin" => rig.ack(4),
            "ack" => rig.ack(5),
            "pong" => rig.text(r#"{"type":"pong"}"#),
            _ => rig.message(1),
        }
        rig.drop_with(None);
        assert_eq!(rig.wait(), secs(delay), "{resets}");
        drop((outcomes, waiting));
    }
}

#[test]
fn a_recovery_that_stays_silent_is_tried_again_and_given_up_within_30_seconds() {
    let mut rig = online(|_| {});
    rig.drop_with(None);
    let (lost_at, mut opened) = (rig.now, 0);
    while rig.session.connection().is_some() {
        rig.wait();
        if rig.session.action() == Action::Connect(Attempt::Recovery) {
            opened += 1;
            rig.session.opened(Attempt::Recovery, rig.now);
            assert!(rig.written().is_empty());
            assert_eq!(rig.wait(), secs(1.0));
            let probe = rig.session.next_frame(rig.now);
            assert!(probe.is_some_and(|frame| frame.is_ping()), "the service has to respond");
        }
    }
    assert_eq!(opened, 4);
    assert_eq!(rig.now, lost_at + secs(30.0));
    let events = rig.all_events();
    assert_eq!(events.len(), 2, "{events:?}");
    assert_eq!(events[0], "recovering c1: cut");
    assert!(events[1].starts_with("disconnected c1: "), "{events:?}");
    assert_eq!(rig.wait(), secs(1.25), "a new connection may work");
    assert_eq!(rig.session.action(), Action::Connect(Attempt::New));
}

#[test]
fn a_retry_after_value_of_a_recovery_also_delays_the_new_connection() {
    let mut rig = online(|_| {});
    rig.drop_with(None);
    rig.wait();
    rig.session.lifecycle.hold_off(Some(secs(120.0)), rig.now);
    rig.session.failed(rejected(429), rig.now);
    assert_eq!(rig.events().len(), 1, "no recovery is possible within the window");
    assert_eq!(rig.wait(), secs(120.0 + 1.25));
    assert_eq!(rig.session.action(), Action::Connect(Attempt::New));
}

#[test]
fn after_a_rejected_recovery_the_first_new_connection_follows_at_once() {
    for closes in [true, false] {
        let mut rig = online(|_| {});
        rig.drop_with(None);
        rig.wait();
        if closes {
            rig.session.opened(Attempt::Recovery, rig.now);
            rig.drop_with(Some(1008));
        } else {
            rig.session.failed(rejected(404), rig.now);
        }
        assert_eq!(rig.wait(), Duration::ZERO);
        assert_eq!(rig.session.action(), Action::Connect(Attempt::New));
        rig.session.failed(unreachable_service(), rig.now);
        assert!(rig.wait() > Duration::ZERO, "the second one does not");
    }
}

#[test]
fn a_fetched_url_that_is_invalid_is_fetched_again_and_a_fixed_one_is_final() {
    for (fixed, action) in [(true, Action::Stop), (false, Action::Wait)] {
        let mut rig = online(|settings| settings.fixed_access = fixed);
        rig.drop_with(Some(1008));
        rig.wait();
        rig.session.failed(Error::invalid_input("client access URL", "is not a URL", None), rig.now);
        assert_eq!(rig.session.action(), action);
    }
}

#[test]
fn a_drop_and_its_recovery_are_events_and_states() {
    let mut rig = online(|_| {});
    assert_eq!(rig.session.state(), State::Connected);
    rig.drop_with(Some(1001));
    assert_eq!(
        (rig.all_events(), rig.session.state()),
        (vec!["recovering c1: cut".into()], State::Recovering)
    );
    rig.wait();
    rig.session.failed(unreachable_service(), rig.now);
    rig.wait();
    rig.session.opened(Attempt::Recovery, rig.now);
    assert_eq!((rig.all_events(), rig.session.state()), (vec![], State::Recovering), "nothing was received");
    rig.message(1);
    assert_eq!(rig.session.state(), State::Connected);
    assert_eq!(rig.all_events(), ["recovered c1", "1"]);
    rig.drop_with(Some(1008));
    assert_eq!(
        (rig.all_events(), rig.session.state()),
        (vec!["disconnected c1: cut".into()], State::Reconnecting)
    );
    rig.wait();
    rig.connect("c2");
    assert_eq!((rig.all_events(), rig.session.state()), (vec!["connected c2".into()], State::Connected));
    rig.session.close(rig.now);
    assert_eq!(rig.session.state(), State::Closing);
}

#[test]
fn a_replaced_connection_is_not_reported_as_recovered() {
    let mut rig = online(|_| {});
    rig.drop_with(None);
    rig.wait();
    rig.session.opened(Attempt::Recovery, rig.now);
    rig.connected("c2", "t");
    let reason = "the service replaced the connection with a new one";
    let events =
        ["recovering c1: cut".to_owned(), format!("disconnected c1: {reason}"), "connected c2".to_owned()];
    assert_eq!(rig.all_events(), events);
}
