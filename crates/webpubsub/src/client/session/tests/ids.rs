//! Close codes and ids at the ends of their ranges.

use super::*;

#[test]
fn after_every_close_code_a_send_is_completed_by_a_recovery_or_reported_as_unknown() {
    for code in 0..=5000 {
        let mut rig = online(|_| {});
        let mut outcome = rig.send();
        let sent = rig.written();
        rig.message(1);
        rig.drop_with(Some(code));
        assert_eq!(rig.events()[0], "1", "{code}");
        let ended = outcome.0.try_recv().ok();
        let is_ended = ended.is_some();
        assert!(ended.is_none_or(|outcome| outcome.unwrap_err().outcome_unknown()), "{code}");
        rig.wait();
        if code == 1008 {
            assert!(is_ended);
            rig.connect("c2");
            continue;
        }
        rig.recover();
        rig.message(1);
        rig.message(2);
        assert_eq!(rig.events(), ["2"], "{code}");
        if !is_ended {
            assert!(rig.written().contains(&sent[0]), "{code}");
            rig.ack(1);
            outcome.get().unwrap();
        }
    }
}

#[test]
fn an_ack_completes_only_the_send_with_exactly_its_id() {
    for id in [1, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, u64::MAX - 1] {
        let mut rig = online(|_| {});
        rig.ids.store(id, Ordering::Relaxed);
        let mut outcome = rig.send();
        assert!(rig.written()[0].contains(&format!(r#""ackId":{id},"#)));
        let unknown = [0, 2, 1 << 53, id - 1, id + 1, u64::MAX];
        for other in unknown.into_iter().filter(|other| *other != id) {
            rig.ack(other);
            rig.reject(other, "Forbidden");
            rig.reject(other, "Duplicate");
            assert!(outcome.is_open(), "{id}: {other}");
        }
        rig.ack(id);
        outcome.get().unwrap();
        // Once more, which has no effect.
        rig.ack(id);
        rig.reject(id, "Forbidden");
        let (mut next, _) = (rig.send(), rig.written());
        assert!(next.is_open());
    }
}

#[test]
fn sequence_ids_at_the_ends_of_their_range_are_delivered_once_and_acknowledged_exactly() {
    let mut rig = online(|_| {});
    for id in [0, 1, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, u64::MAX - 1, u64::MAX] {
        rig.message(id);
        // A replay.
        rig.message(id);
        assert_eq!(rig.events(), [id.to_string()]);
        rig.pass(1.0);
        assert_eq!(rig.sequence_acks(), [id.to_string()]);
    }
    // The ids restart with a new connection.
    rig.replace("c2");
    rig.message(0);
    assert!(rig.events().contains(&"0".to_owned()));
}

#[test]
fn frames_with_ids_out_of_range_are_skipped() {
    let mut rig = online(|_| {});
    let mut outcome = rig.send();
    rig.written();
    for id in ["-1", "18446744073709551616", "1.0", "1e0", "\"1\"", "null", "[]", "01"] {
        rig.text(&format!(r#"{{"type":"ack","ackId":{id},"success":true}}"#));
        assert!(outcome.is_open(), "{id}");
    }
    rig.ack(1);
    outcome.get().unwrap();
}
