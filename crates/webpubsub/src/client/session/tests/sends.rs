//! Sends: each keeps one ack id and gets one outcome.

use super::*;

const SENT: &str =
    r#"{"type":"sendToGroup","group":"g","ackId":1,"noEcho":true,"dataType":"text","data":"x"}"#;

#[test]
fn an_unacknowledged_send_is_retransmitted_unchanged_after_a_recovery() {
    let mut rig = online(|_| {});
    let mut outcome = rig.send();
    assert_eq!(rig.written(), [SENT]);
    for _ in 0..3 {
        rig.cut_and_recover();
        assert!(outcome.is_open());
        assert_eq!(rig.written(), [SENT], "the same ack id, and `noEcho` as well");
    }
    rig.ack(1);
    outcome.get().unwrap();
    rig.cut_and_recover();
    assert!(rig.written().is_empty());
}

#[test]
fn sends_are_retransmitted_in_their_order_and_before_later_ones() {
    let mut rig = online(|_| {});
    let outcomes: Vec<_> = (0..3).map(|_| rig.send()).collect();
    let frames = rig.written();
    rig.ack(2);
    rig.drop_with(None);
    let _later = rig.send();
    rig.wait();
    rig.session.opened(Attempt::Recovery, rig.now);
    let retransmitted = rig.written();
    assert_eq!(retransmitted[..2], [frames[0].clone(), frames[2].clone()]);
    assert!(retransmitted[2].contains(r#""ackId":4"#) && retransmitted.len() == 3);
    drop(outcomes);
}

#[test]
fn a_duplicate_was_processed_before_and_counts_as_success() {
    let mut rig = online(|_| {});
    let outcome = rig.send();
    rig.written();
    rig.cut_and_recover();
    rig.written();
    rig.reject(1, "Duplicate");
    outcome.get().unwrap();
}

#[test]
fn an_ack_that_arrives_before_the_flush_completes_its_request() {
    let mut rig = online(|_| {});
    let outcome = rig.send();
    assert!(rig.session.next_frame(rig.now).is_some());
    rig.ack(1);
    outcome.get().unwrap();
}

#[test]
fn a_rejected_send_fails_with_its_code_and_is_not_retried() {
    let mut rig = online(|_| {});
    let outcome = rig.send();
    rig.written();
    rig.reject(1, "Forbidden");
    let error = outcome.get().unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, Some("Forbidden")));
    assert_eq!(error.to_string(), "sendToGroup: Forbidden: test rejection");
    assert!(!error.outcome_unknown());
    rig.cut_and_recover();
    assert!(rig.written().is_empty());
}

#[test]
fn a_send_outlives_a_recovery_that_takes_nearly_all_of_its_window() {
    let mut rig = online(|_| {});
    let mut outcome = rig.send();
    rig.written();
    rig.drop_with(None);
    let lost_at = rig.now;
    while rig.now < lost_at + secs(20.0) {
        rig.wait();
        rig.session.failed(unreachable_service(), rig.now);
    }
    rig.wait();
    rig.session.opened(Attempt::Recovery, rig.now);
    assert!(outcome.is_open());
    assert_eq!(rig.written(), [SENT]);
}

#[test]
fn after_the_ack_timeout_the_outcome_is_unknown_if_it_was_written_and_known_if_not() {
    let mut rig = online(|_| {});
    let written = rig.send();
    rig.written();
    rig.drop_with(None);
    let waiting = rig.send();
    rig.now += secs(60.0);
    rig.session.tick(rig.now);
    let error = written.get().unwrap_err();
    assert!(error.is_timeout() && error.outcome_unknown(), "{error}");
    let error = waiting.get().unwrap_err();
    assert!(error.is_timeout() && error.delivery() == Some(Delivery::NotSent), "{error}");
    assert_eq!(error.to_string(), "sendToGroup: no connection became available within 60s");
}

#[test]
fn an_ack_without_a_pending_request_is_ignored() {
    let mut rig = online(|settings| settings.ack_timeout = secs(1.0));
    let outcome = rig.send();
    rig.written();
    rig.pass(1.0);
    assert!(outcome.get().unwrap_err().is_timeout());
    rig.ack(1);
    rig.ack(99);
    assert_eq!(rig.session.action(), Action::Exchange);
}

#[test]
fn after_an_unrecoverable_loss_written_sends_are_unknown_and_the_others_are_sent_on_the_next_connection() {
    let mut rig = online(|_| {});
    let written = rig.send();
    rig.written();
    let mut waiting = rig.send();
    rig.replace("c2");
    assert!(written.get().unwrap_err().outcome_unknown());
    assert!(waiting.is_open());
    assert_eq!(rig.written(), [SENT.replace(":1,", ":2,")]);
    rig.ack(2);
    waiting.get().unwrap();
}

#[test]
fn with_resend_a_send_is_retried_on_a_new_connection_under_the_same_id() {
    let mut rig = online(|settings| settings.resend = true);
    let mut outcome = rig.send();
    rig.written();
    let later = rig.send();
    rig.replace("c2");
    assert!(outcome.is_open());
    assert_eq!(rig.written(), [SENT.to_owned(), SENT.replace(":1,", ":2,")]);
    rig.ack(1);
    outcome.get().unwrap();
    drop(later);
}

#[test]
fn without_an_ack_id_a_send_completes_when_flushed_and_is_unknown_if_the_connection_ends_before() {
    let mut rig = online(|_| {});
    let mut left = rig.fire();
    assert_eq!(rig.written(), [r#"{"type":"event","event":"e","dataType":"text","data":"x"}"#]);
    assert!(left.is_open());
    rig.session.flushed();
    left.get().unwrap();
    let stuck = rig.fire();
    rig.written();
    rig.drop_with(None);
    let error = stuck.get().unwrap_err();
    assert!(error.outcome_unknown(), "{error}");
    let mut waiting = rig.fire();
    rig.wait();
    rig.session.opened(Attempt::Recovery, rig.now);
    assert!(waiting.is_open(), "it waits for the connection");
    assert_eq!(rig.written().len(), 1);
}

#[test]
fn an_abandoned_send_is_not_written_but_is_retransmitted_once_it_was() {
    let mut rig = online(|_| {});
    drop(rig.send());
    assert!(rig.written().is_empty());
    let outcome = rig.send();
    assert_eq!(rig.written().len(), 1);
    drop(outcome);
    rig.cut_and_recover();
    assert_eq!(rig.written().len(), 1);
}

#[test]
fn rejoins_do_not_delay_the_ack_timeout_of_waiting_requests() {
    let mut rig = online(|_| {});
    let _joined = rig.join("g");
    rig.written();
    rig.ack(1);
    rig.drop_with(Some(1008));
    let waiting = rig.send();
    rig.pass(30.0);
    rig.connect("c2");
    // The new socket accepts no data.
    assert_eq!(rig.wait(), secs(30.0));
    assert!(waiting.get().unwrap_err().is_timeout());
}

#[test]
fn a_send_that_waits_for_a_slot_has_the_same_deadline_as_those_in_flight() {
    let mut rig = online(|settings| (settings.ack_timeout, settings.max_pending) = (secs(1.0), 2));
    let outcomes: Vec<_> = (0..10).map(|_| rig.send()).collect();
    assert_eq!(rig.written().len(), 2);
    assert_eq!(rig.wait(), secs(1.0));
    let errors: Vec<_> = outcomes.into_iter().map(|outcome| outcome.get().unwrap_err()).collect();
    assert!(errors.iter().all(Error::is_timeout));
    assert_eq!(errors.iter().filter(|error| error.outcome_unknown()).count(), 2);
    assert_eq!(errors[9].to_string(), "sendToGroup: not sent within 1s: 2 sends are in flight");
}

#[test]
fn a_deadline_of_one_send_ends_it_before_earlier_ones_that_have_more_time() {
    for writes in [true, false] {
        let mut rig = online(|_| {});
        let mut long = rig.send();
        let timeout = std::mem::replace(&mut rig.session.settings.ack_timeout, secs(1.0));
        let short = rig.send();
        rig.session.settings.ack_timeout = timeout;
        let mut later = rig.send();
        if writes {
            rig.written();
        }
        assert_eq!(rig.wait(), secs(1.0));
        let error = short.get().unwrap_err();
        assert!(error.is_timeout() && error.outcome_unknown() == writes, "{error}");
        assert!(long.is_open() && later.is_open());
        assert_eq!(rig.wait(), secs(59.0));
        assert!(long.get().unwrap_err().is_timeout() && later.get().unwrap_err().is_timeout());
        assert_eq!(rig.session.deadline(), None);
    }
}

#[test]
fn a_frame_that_is_written_but_never_flushed_times_out_too() {
    let mut rig = online(|_| {});
    let outcome = rig.fire();
    rig.written();
    assert_eq!(rig.wait(), secs(60.0));
    let error = outcome.get().unwrap_err();
    assert!(error.is_timeout() && error.outcome_unknown(), "{error}");
    rig.session.flushed();
}

#[test]
fn abandoned_sends_do_not_stay_in_the_queue_while_there_is_no_connection() {
    let mut rig = online(|_| {});
    rig.drop_with(Some(1008));
    let kept: Vec<_> = (0..10).map(|_| rig.send()).collect();
    (0..100_000).for_each(|_| drop(rig.send()));
    assert!(rig.session.outbox.len() < 200, "{}", rig.session.outbox.len());
    rig.wait();
    rig.connect("c2");
    assert_eq!(rig.written().len(), kept.len());
}

#[test]
fn an_ack_frees_the_slot_of_its_send() {
    let mut rig = online(|settings| settings.max_pending = 1);
    let outcomes = [rig.send(), rig.fire(), rig.send()];
    assert_eq!(rig.written().len(), 1);
    rig.ack(1);
    assert_eq!(rig.written().len(), 1);
    rig.session.flushed();
    assert_eq!(rig.written(), [SENT.replace(":1,", ":2,")]);
    drop(outcomes);
}
