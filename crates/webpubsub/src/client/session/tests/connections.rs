//! Drops, recoveries and new connections.

use super::*;

#[test]
fn a_dropped_connection_is_recovered_after_a_delay_and_is_not_connected_again() {
    let mut rig = online(|_| {});
    rig.drop_with(Some(1006));
    assert_eq!((rig.session.action(), rig.wait()), (Action::Wait, secs(1.25)));
    assert_eq!(rig.session.action(), Action::Connect(Attempt::Recovery));
    assert_eq!(rig.session.connection().unwrap().connection_id, "c1");
    rig.session.opened(Attempt::Recovery, rig.now);
    rig.connected("c1", "t2");
    assert!(rig.events().is_empty(), "`Connected` is not emitted twice");
    let token = rig.session.connection().unwrap().reconnection_token.as_ref().unwrap();
    assert_eq!(token.0.expose(), "t2", "the next recovery uses the new token");
}

#[test]
fn failed_recoveries_are_retried_with_growing_delays_for_30_seconds() {
    for error in [unreachable_service, || rejected(502), || rejected(429)] {
        let mut rig = online(|_| {});
        rig.drop_with(None);
        let (lost_at, mut delays) = (rig.now, Vec::new());
        while rig.events().is_empty() {
            delays.push(rig.wait().as_secs_f64());
            if rig.session.action() == Action::Connect(Attempt::Recovery) {
                rig.session.failed(error(), rig.now);
            }
        }
        assert_eq!(delays[..6], [1.25, 1.25, 2.5, 5.0, 5.0, 5.0]);
        assert_eq!(rig.now, lost_at + secs(30.0));
        rig.wait();
        assert_eq!(rig.session.action(), Action::Connect(Attempt::New));
    }
}

#[test]
fn attempts_that_hang_take_5_seconds_each_and_do_not_outlast_the_window() {
    let mut rig = online(|settings| settings.reconnect = Reconnect::default().initial_backoff(secs(0.5)));
    rig.drop_with(None);
    let (lost_at, mut attempts) = (rig.now, Vec::new());
    while rig.session.connection().is_some() {
        let wait = rig.wait().as_secs_f64();
        if rig.session.action() != Action::Connect(Attempt::Recovery) {
            attempts.push(wait);
        }
    }
    assert_eq!(attempts, [5.0, 5.0, 5.0, 5.0, 2.0]);
    assert_eq!(rig.now, lost_at + secs(30.0));
    assert_eq!(rig.events(), ["disconnected c1: the connection could not be recovered in time"]);
}

#[test]
fn code_1008_ends_recovery_at_the_drop_and_at_the_attempt_itself() {
    let mut rig = online(|_| {});
    rig.drop_with(Some(1008));
    assert_eq!(rig.events(), ["disconnected c1: cut"]);
    rig.wait();
    rig.connect("c2");
    rig.events();
    rig.cut_and_recover();
    rig.drop_with(Some(1008));
    assert_eq!(rig.events(), ["disconnected c2: cut"]);
    rig.wait();
    assert_eq!(rig.session.action(), Action::Connect(Attempt::New));
}

#[test]
fn a_recovery_that_is_rejected_is_not_retried() {
    for status in [400, 401, 403, 404, 410] {
        let mut rig = online(|settings| settings.fixed_access = true);
        rig.drop_with(None);
        rig.wait();
        rig.session.failed(rejected(status), rig.now);
        assert_eq!(rig.events().len(), 1, "{status}: disconnected");
        rig.wait();
        assert_eq!(rig.session.action(), Action::Connect(Attempt::New), "{status}");
    }
}

#[test]
fn connections_closed_right_after_each_recovery_are_retried_with_growing_delays_until_the_window_ends() {
    let mut rig = online(|_| {});
    let (lost_at, mut delays) = (rig.now, Vec::new());
    loop {
        rig.drop_with(Some(1001));
        if !rig.events().is_empty() {
            break;
        }
        delays.push(rig.wait().as_secs_f64());
        if rig.session.action() != Action::Connect(Attempt::Recovery) {
            break;
        }
        rig.session.opened(Attempt::Recovery, rig.now);
        rig.connected("c1", "t2");
    }
    assert_eq!(delays[..5], [1.25, 1.25, 2.5, 5.0, 5.0]);
    assert!(rig.now <= lost_at + secs(30.0));
}

#[test]
fn the_backoff_resets_after_a_message_or_after_5_seconds_of_connection() {
    let mut rig = online(|_| {});
    for round in 0..20 {
        rig.cut_and_recover();
        rig.message(round + 1);
    }
    rig.drop_with(None);
    assert_eq!(rig.wait(), secs(1.25));
    rig.recover();
    (0..2).for_each(|_| rig.cut_and_recover());
    rig.pass(3600.0);
    rig.drop_with(None);
    assert_eq!(rig.wait(), secs(1.25));
    assert_eq!(rig.session.action(), Action::Connect(Attempt::Recovery), "the window starts again");
}

#[test]
fn new_connections_that_end_immediately_are_retried_with_growing_delays() {
    let mut rig = online(|settings| settings.protocol = Protocol::Json);
    let mut delays = Vec::new();
    for round in 0..8 {
        rig.drop_with(None);
        delays.push(rig.wait().as_secs_f64());
        rig.connect(&format!("c{round}"));
    }
    assert_eq!(delays, [1.25, 1.25, 2.5, 5.0, 10.0, 20.0, 30.0, 30.0]);
}

#[test]
fn a_retry_after_value_of_the_service_is_respected() {
    let mut rig = online(|settings| settings.protocol = Protocol::Json);
    rig.drop_with(None);
    rig.wait();
    rig.session.lifecycle.schedule_reconnect(Some(secs(77.0)), rig.now);
    assert_eq!(rig.wait(), secs(77.0 + 1.25), "random, since it can be the same time for many clients");
}

#[test]
fn a_replaced_connection_is_reported_as_a_new_one() {
    let mut rig = online(|_| {});
    let outcome = rig.send();
    rig.written();
    rig.cut_and_recover();
    rig.connected("c2", "t1");
    assert!(outcome.get().unwrap_err().outcome_unknown());
    let reason = "the service replaced the connection with a new one";
    assert_eq!(rig.events(), [format!("disconnected c1: {reason}"), "connected c2".to_owned()]);
    assert_eq!(rig.session.action(), Action::Exchange);
}

#[test]
fn a_reason_that_the_service_states_before_it_closes_is_reported() {
    let mut rig = online(|settings| settings.protocol = Protocol::Json);
    rig.text(r#"{"type":"system","event":"disconnected","message":"closing time"}"#);
    rig.drop_with(Some(1000));
    assert_eq!(rig.events(), ["disconnected c1: closing time"]);
}

#[test]
fn a_reason_that_the_service_stated_is_reported_even_after_a_recovery_attempt() {
    let mut rig = online(|_| {});
    rig.text(r#"{"type":"system","event":"disconnected","message":"closing time"}"#);
    rig.cut_and_recover();
    rig.drop_with(Some(1008));
    assert_eq!(rig.events(), ["disconnected c1: closing time"]);
    rig.wait();
    rig.connect("c2");
    rig.drop_with(Some(1008));
    assert_eq!(
        rig.events(),
        ["connected c2", "disconnected c2: cut"],
        "the reason applies to one connection only"
    );
}

#[test]
fn groups_are_rejoined_in_their_order_before_waiting_requests() {
    let mut rig = online(|_| {});
    for (id, group) in [(1, "b"), (2, "a"), (3, "rejected"), (4, "left"), (5, "b")] {
        drop(rig.join(group));
        let outcome = rig.join(group);
        rig.written();
        match group {
            "rejected" => rig.reject(id * 2, "Forbidden"),
            _ => rig.ack(id * 2),
        }
        let _ = outcome.get();
    }
    let _left = rig.leave("left");
    rig.written();
    let _unknown = rig.join("unknown");
    rig.written();
    rig.drop_with(Some(1008));
    let _waiting = rig.send();
    rig.wait();
    rig.connect("c2");
    let written = rig.written();
    assert_eq!(written.len(), 3, "{written:?}");
    assert!(written[0].starts_with(r#"{"type":"joinGroup","group":"b","ackId":"#));
    assert!(written[1].starts_with(r#"{"type":"joinGroup","group":"a","ackId":"#));
    assert!(written[2].starts_with(r#"{"type":"sendToGroup""#));
}

#[test]
fn a_group_that_cannot_be_rejoined_is_reported_and_forgotten() {
    let mut rig = online(|_| {});
    let outcome = rig.join("g");
    rig.written();
    rig.ack(1);
    outcome.get().unwrap();
    rig.replace("c2");
    assert_eq!(rig.written().len(), 1);
    rig.reject(2, "Forbidden");
    assert_eq!(
        rig.events(),
        ["disconnected c1: cut", "connected c2", "not rejoined g: joinGroup: Forbidden: test rejection"]
    );
    rig.replace("c3");
    assert!(rig.written().is_empty());
}

#[test]
fn groups_are_not_rejoined_if_that_is_off() {
    let mut rig = online(|settings| settings.rejoin = false);
    let _outcome = rig.join("g");
    rig.written();
    rig.ack(1);
    rig.replace("c2");
    assert!(rig.written().is_empty());
}

#[test]
fn a_connected_frame_that_does_not_arrive_in_time_fails_the_attempt() {
    let mut rig = online(|settings| settings.protocol = Protocol::Json);
    rig.drop_with(None);
    rig.wait();
    rig.session.opened(Attempt::New, rig.now);
    assert_eq!(rig.wait(), secs(30.0));
    assert_eq!(rig.session.action(), Action::Wait);
}

#[test]
fn a_group_whose_join_was_repeated_after_a_timeout_is_rejoined() {
    let mut rig = online(|_| {});
    let first = rig.join("g");
    rig.written();
    rig.pass(60.0);
    assert!(first.get().unwrap_err().is_timeout());
    let second = rig.join("g");
    rig.written();
    rig.ack(2);
    second.get().unwrap();
    rig.replace("c2");
    assert_eq!(rig.written().len(), 1);
}

#[test]
fn of_two_joins_of_a_group_in_flight_together_one_success_is_enough() {
    for rejected in [1, 2] {
        let mut rig = online(|_| {});
        let _outcomes = (rig.join("g"), rig.join("g"));
        rig.written();
        for id in [1, 2] {
            if id == rejected { rig.reject(id, "InternalServerError") } else { rig.ack(id) }
        }
        rig.replace("c2");
        assert_eq!(rig.written().len(), 1, "{rejected}");
    }
}

#[test]
fn a_group_that_was_left_after_its_join_was_written_is_not_rejoined() {
    let mut rig = online(|_| {});
    let _outcomes = (rig.join("g"), rig.leave("g"));
    rig.written();
    rig.ack(1);
    rig.ack(2);
    rig.replace("c2");
    assert!(rig.written().is_empty());
}

#[test]
fn a_group_that_is_left_during_a_reconnection_stays_left_although_the_next_drop_is_recovered() {
    let mut rig = online(|_| {});
    let joined = rig.join("g");
    rig.written();
    rig.ack(1);
    joined.get().unwrap();
    rig.drop_with(Some(1008));
    let _left = rig.leave("g");
    rig.wait();
    rig.connect("c2");
    let written = rig.written();
    assert!(written[0].contains("joinGroup") && written[1].contains("leaveGroup"), "{written:?}");
    rig.cut_and_recover();
    assert_eq!(rig.written(), written, "in the same order");
}

#[test]
fn a_leave_that_is_rejected_does_not_change_the_membership() {
    let mut rig = online(|_| {});
    let _outcomes = (rig.join("in"), rig.leave("in"), rig.leave("out"));
    rig.written();
    rig.ack(1);
    rig.reject(2, "InternalServerError");
    rig.reject(3, "InternalServerError");
    rig.replace("c2");
    let written = rig.written();
    assert!(written.len() == 1 && written[0].contains(r#""group":"in""#), "{written:?}");
}

#[test]
fn a_reason_that_the_service_states_before_it_connects_fails_the_attempt_and_does_not_apply_to_later_connections()
 {
    let mut rig = rig(|settings| settings.protocol = Protocol::Json);
    let disconnected = r#"{"type":"system","event":"disconnected","message":"too many"}"#;
    rig.session.opened(Attempt::New, rig.now);
    rig.text(disconnected);
    rig.drop_with(Some(1000));
    assert_eq!(rig.session.take_error().unwrap().to_string(), "the connection ended: too many");

    let mut rig = online(|settings| settings.protocol = Protocol::Json);
    rig.drop_with(None);
    rig.wait();
    rig.session.opened(Attempt::New, rig.now);
    rig.text(disconnected);
    rig.drop_with(Some(1000));
    rig.wait();
    rig.connect("c2");
    rig.drop_with(None);
    assert_eq!(rig.events(), ["disconnected c1: cut", "connected c2", "disconnected c2: cut"]);
}
