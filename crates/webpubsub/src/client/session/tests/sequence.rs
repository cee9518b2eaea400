//! Sequence ids: what is acknowledged, when, and which messages are dropped as replays.

use super::*;

#[test]
fn messages_are_acknowledged_together_after_a_second_by_the_largest_id() {
    let mut rig = online(|_| {});
    (1..=3).for_each(|id| rig.message(id));
    assert_eq!(rig.events(), ["1", "2", "3"]);
    assert!(rig.sequence_acks().is_empty());
    assert_eq!(rig.wait(), secs(1.0));
    assert_eq!(rig.sequence_acks(), ["3"]);
    assert_eq!(rig.session.deadline(), None);
}

#[test]
fn many_or_large_messages_are_acknowledged_immediately() {
    let mut rig = online(|_| {});
    (1..=64).for_each(|id| rig.message(id));
    rig.events();
    assert_eq!(rig.sequence_acks(), ["64"]);
    let large = format!(
        r#"{{"type":"message","from":"server","dataType":"text","sequenceId":65,"data":"{}"}}"#,
        "x".repeat(4 << 20)
    );
    rig.text(&large);
    rig.events();
    assert_eq!(rig.sequence_acks(), ["65"]);
}

#[test]
fn only_messages_that_the_program_received_are_acknowledged() {
    let mut rig = online(|_| {});
    (1..=3).for_each(|id| rig.message(id));
    assert!(rig.session.take_event(rig.now).is_some());
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), ["1"]);
    rig.pass(100.0);
    assert!(rig.sequence_acks().is_empty());
    assert_eq!(rig.events(), ["2", "3"]);
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), ["3"]);
}

#[test]
fn a_replay_is_dropped_and_acknowledged_again() {
    let mut rig = online(|_| {});
    (1..=3).for_each(|id| rig.message(id));
    assert_eq!(rig.events().len(), 3);
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), ["3"]);
    // That acknowledgment was lost just before the drop.
    rig.cut_and_recover();
    assert_eq!(rig.sequence_acks(), ["3"], "immediately after a recovery");
    (2..=4).for_each(|id| rig.message(id));
    assert_eq!(rig.events(), ["4"]);
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), ["4"]);
    rig.message(4);
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), ["4"]);
    assert!(rig.events().is_empty());
}

#[test]
fn a_replay_of_a_message_that_waits_for_the_program_is_not_acknowledged() {
    let mut rig = online(|_| {});
    rig.message(1);
    rig.cut_and_recover();
    rig.message(1);
    rig.pass(1.0);
    assert!(rig.sequence_acks().is_empty());
    assert_eq!(rig.events(), ["1"]);
}

#[test]
fn a_skipped_frame_with_a_sequence_id_is_acknowledged_after_earlier_messages() {
    let mut rig = online(|_| {});
    rig.message(1);
    rig.text(r#"{"type":"groupStateUpdate","group":"g","items":[],"sequenceId":2}"#);
    rig.text(r#"{"type":"message","from":"group","group":7,"sequenceId":3}"#);
    rig.pass(1.0);
    assert!(rig.sequence_acks().is_empty());
    assert_eq!(rig.events(), ["1"]);
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), ["3"]);
}

#[test]
fn unreadable_frames_are_skipped_and_later_ones_arrive() {
    let mut rig = online(|_| {});
    for text in ["", "{", "[]", r#"{"type":"message"}"#, r#"{"type":"tomorrow"}"#, r#"{"type":"ack"}"#] {
        rig.text(text);
    }
    rig.message(1);
    assert_eq!(rig.events(), ["1"]);
}

#[test]
fn sequence_ids_restart_with_a_new_connection() {
    let mut rig = online(|_| {});
    (1..=5).for_each(|id| rig.message(id));
    rig.replace("c2");
    rig.message(1);
    assert_eq!(rig.events(), ["1", "2", "3", "4", "5", "disconnected c1: cut", "connected c2", "1"]);
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), ["1"], "the old ids are forgotten");
}

#[test]
fn ids_are_exact_up_to_the_largest() {
    let mut rig = online(|_| {});
    rig.message(u64::MAX - 1);
    rig.message(u64::MAX);
    assert_eq!(rig.events().len(), 2);
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), [u64::MAX.to_string()]);
}

#[test]
fn without_events_everything_is_acknowledged() {
    let mut rig = rig(|settings| settings.wants_events = false);
    rig.connect("c1");
    (1..=2000).for_each(|id| rig.message(id));
    assert!(rig.events().is_empty() && !rig.session.inbox.is_full());
    assert_eq!(rig.sequence_acks(), ["2000"]);
}

#[test]
fn without_a_reliable_protocol_nothing_is_numbered() {
    let mut rig = online(|settings| settings.protocol = Protocol::Json);
    rig.message(2);
    rig.message(1);
    assert_eq!(rig.events(), ["2", "1"]);
    rig.pass(2.0);
    assert!(rig.written().is_empty());
}

#[test]
fn an_id_that_was_due_on_the_old_connection_is_not_acknowledged_on_its_replacement() {
    let mut rig = online(|_| {});
    rig.message(50);
    rig.events();
    // Due, but not written, since the socket accepts no data.
    rig.pass(1.0);
    rig.connected("c2", "t1");
    assert!(rig.sequence_acks().is_empty());
}
