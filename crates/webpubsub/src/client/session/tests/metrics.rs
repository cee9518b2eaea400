//! What a session reports to a meter, in virtual time.

use service_core::MeterHandle;
use service_core::testing::RecordingMeter;

use super::*;

/// Returns a session with the established connection `c1`, and its meter.
fn measured(change: impl FnOnce(&mut Settings)) -> (Rig, RecordingMeter) {
    let meter = RecordingMeter::new();
    let Rig { session, now, ids } = rig(change);
    let measure = Measure::new(MeterHandle::new(Arc::new(meter.clone())));
    measure.hub(|| Some("chat".to_owned()));
    let mut rig = Rig { session: session.with_measure(measure), now, ids };
    rig.connect("c1");
    rig.session.measure_state();
    (rig, meter)
}

fn count(meter: &RecordingMeter, name: &str, outcome: &str) -> usize {
    meter.count(name, &[("webpubsub.hub", "chat"), ("webpubsub.outcome", outcome)])
}

fn connections(meter: &RecordingMeter) -> Vec<f64> {
    let states = ["connected", "recovering", "reconnecting", "closing"];
    let sum = |state| meter.sum("webpubsub.client.connections", &[("webpubsub.connection.state", state)]);
    states.map(sum).to_vec()
}

#[test]
fn sends_are_counted_by_their_outcomes_and_membership_changes_are_not() {
    let (mut rig, meter) = measured(|_| {});
    let _outcomes = (rig.send(), rig.send(), rig.join("g"), rig.fire());
    rig.written();
    rig.session.flushed();
    rig.ack(1);
    rig.reject(2, "Forbidden");
    rig.ack(3);
    let _unknown = rig.send();
    rig.written();
    rig.drop_with(Some(1008));
    let _not_sent = rig.send();
    rig.session.close(rig.now);
    let sent = |outcome| count(&meter, "webpubsub.client.messages.sent", outcome);
    let outcomes = ["acknowledged", "rejected", "written", "unknown", "not_sent"];
    assert_eq!(outcomes.map(sent), [1, 1, 1, 1, 1]);
}

#[test]
fn an_acknowledgment_is_measured_from_the_start_of_its_request_and_a_timeout_counts_too() {
    let (mut rig, meter) = measured(|settings| settings.ack_timeout = secs(8.0));
    let _outcomes = (rig.send(), rig.send(), rig.send());
    rig.written();
    rig.pass(2.0);
    rig.ack(1);
    rig.reject(2, "Forbidden");
    rig.pass(6.0);
    let name = "webpubsub.client.ack.duration";
    assert_eq!(meter.sum(name, &[("error.type", "_OTHER")]), 2.0);
    assert_eq!(meter.sum(name, &[("error.type", "timeout")]), 8.0);
    assert_eq!((meter.count(name, &[]), meter.sum(name, &[("webpubsub.hub", "chat")])), (3, 12.0));
}

#[test]
fn messages_are_counted_as_delivered_replayed_or_dropped() {
    let (mut rig, meter) = measured(|_| {});
    rig.events();
    (1..=1001).for_each(|id| rig.message(id));
    rig.message(1);
    let received = |outcome| count(&meter, "webpubsub.client.messages.received", outcome);
    assert_eq!(["delivered", "replayed", "dropped"].map(received), [1000, 1, 1]);
}

#[test]
fn each_attempt_to_restore_a_connection_is_counted_with_its_outcome() {
    let (mut rig, meter) = measured(|_| {});
    rig.cut_and_recover();
    rig.drop_with(None);
    rig.wait();
    rig.session.failed(unreachable_service(), rig.now);
    rig.session.failed(rejected(404), rig.now);
    rig.wait();
    rig.connect("c2");
    let reconnects = |outcome| count(&meter, "webpubsub.client.reconnects", outcome);
    assert_eq!(["recovered", "failed", "replaced"].map(reconnects), [1, 2, 1]);
}

#[test]
fn a_connection_is_counted_in_exactly_one_state_and_not_after_its_end() {
    let (mut rig, meter) = measured(|_| {});
    assert_eq!(connections(&meter), [1.0, 0.0, 0.0, 0.0]);
    rig.drop_with(None);
    rig.session.measure_state();
    assert_eq!(connections(&meter), [0.0, 1.0, 0.0, 0.0]);
    rig.wait();
    rig.session.failed(rejected(404), rig.now);
    rig.session.measure_state();
    assert_eq!(connections(&meter), [0.0, 0.0, 1.0, 0.0]);
    drop(rig);
    assert_eq!(connections(&meter), [0.0; 4]);
}

#[test]
fn the_statistics_count_sends_and_events() {
    let (mut rig, _) = measured(|settings| settings.max_pending = 2);
    rig.events();
    let _outcomes: Vec<_> = (0..5).map(|_| rig.send()).collect();
    rig.written();
    rig.message(1);
    let counts = rig.session.counts();
    assert_eq!((counts.in_flight, counts.waiting, counts.held), (2, 3, 1));
}
