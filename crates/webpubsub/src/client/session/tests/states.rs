//! States of groups: what a new connection restores, and which frames reach the views of the program.

use super::*;
use crate::client::entries::Entries;
use crate::client::frame::preview;
use crate::client::group_state::{Buffer, GroupStateEvent};

fn entries(value: &str) -> Entries {
    Entries([("k".to_owned(), value.to_owned())].into())
}

impl Rig {
    fn set_state(&mut self, group: &str, value: Option<&str>) -> (u64, Outcome) {
        let (id, state) = (self.ids.fetch_add(1, Ordering::Relaxed), value.map(entries));
        let own = OwnState { group: group.to_owned(), state: state.clone() };
        let frame = preview::Upstream::SetGroupState { group, ack_id: Some(id), state: state.as_ref() };
        let effect = Effect::SetState(Box::new(own));
        (id, self.submit("setGroupState", Some(id), effect, &Upstream::Preview(frame)))
    }

    fn follow(&mut self, group: &str) -> (u64, Outcome, Arc<Buffer>) {
        let (id, buffer) = (self.ids.fetch_add(1, Ordering::Relaxed), Arc::new(Buffer::default()));
        let effect = Effect::FollowStates(group.to_owned(), Arc::clone(&buffer));
        let frame = preview::Upstream::SubscribeGroupState { group, ack_id: Some(id) };
        (id, self.submit("subscribeGroupState", Some(id), effect, &Upstream::Preview(frame)), buffer)
    }

    /// Sets a state, with its ack.
    fn has_state(&mut self, group: &str, value: Option<&str>) {
        let (id, outcome) = self.set_state(group, value);
        self.written();
        self.ack(id);
        outcome.get().unwrap();
    }

    /// Returns a view whose request was acknowledged.
    fn follows(&mut self, group: &str) -> Arc<Buffer> {
        let (id, outcome, buffer) = self.follow(group);
        self.written();
        self.ack(id);
        outcome.get().unwrap();
        buffer
    }

    fn joined(&mut self, group: &str) {
        let outcome = self.join(group);
        self.written();
        self.ack(self.ids.load(Ordering::Relaxed) - 1);
        outcome.get().unwrap();
    }

    fn states_frame(&mut self, kind: &str, group: &str, connection: &str, time: i64, sequence_id: u64) {
        let item = format!(r#"{{"connectionId":"{connection}","state":{{"k":"v"}},"updatedAt":{time}}}"#);
        let rest = format!(r#""group":"{group}","items":[{item}],"sequenceId":{sequence_id}}}"#);
        self.text(&format!(r#"{{"type":"groupState{kind}",{rest}"#));
    }

    /// Writes all pending frames, acknowledges them, and returns their types and groups.
    fn restored(&mut self) -> Vec<String> {
        let frames: Vec<serde_json::Value> =
            self.written().iter().map(|frame| serde_json::from_str(frame).unwrap()).collect();
        for frame in &frames {
            self.ack(frame["ackId"].as_u64().unwrap());
        }
        let text = |frame: &serde_json::Value, name: &str| frame[name].as_str().unwrap().to_owned();
        frames.iter().map(|frame| format!("{} {}", text(frame, "type"), text(frame, "group"))).collect()
    }
}

/// Receives the events of a view; the last one is `end` if the view has ended.
fn received(buffer: &Buffer) -> Vec<String> {
    let ids = |event| match event {
        Some(GroupStateEvent::Snapshot(snapshot)) => {
            let ids: Vec<_> = snapshot.members.into_iter().map(|member| member.connection_id).collect();
            format!("all: {}", ids.join(" "))
        }
        Some(GroupStateEvent::Set(member)) => member.connection_id,
        Some(GroupStateEvent::Cleared(gone)) => format!("{} gone", gone.connection_id),
        Some(GroupStateEvent::Disconnected(gone)) => format!("disconnected {}", gone.connection_id),
        Some(GroupStateEvent::NotRestored(failed)) => format!("not restored: {}", failed.reason),
        None => "end".to_owned(),
    };
    buffer.received().into_iter().map(ids).collect()
}

#[test]
fn a_new_connection_joins_the_groups_then_sets_the_states_then_follows() {
    let mut rig = online(|_| {});
    rig.joined("g");
    let view = rig.follows("g");
    rig.has_state("g", Some("1"));
    rig.has_state("g", Some("2"));
    rig.has_state("h", Some("1"));
    rig.has_state("h", None);
    let waiting = rig.set_state("g", Some("3"));
    rig.drop_with(Some(1008));
    rig.wait();
    rig.connect("c2");
    let frames = rig.written();
    assert_eq!(frames.len(), 4, "{frames:?}");
    assert!(frames[0].contains("joinGroup"), "{frames:?}");
    assert!(frames[1].contains("setGroupState") && frames[1].contains(r#""k":"2""#), "{frames:?}");
    assert!(frames[2].contains("subscribeGroupState"), "{frames:?}");
    assert!(frames[3].contains(r#""k":"3""#), "a request that waited follows: {frames:?}");
    assert_eq!(received(&view), ["disconnected c1"]);
    drop(waiting);
}

#[test]
fn a_recovered_connection_restores_nothing() {
    let mut rig = online(|_| {});
    rig.joined("g");
    let view = rig.follows("g");
    rig.has_state("g", Some("1"));
    rig.cut_and_recover();
    assert!(rig.restored().is_empty() && received(&view).is_empty());
}

#[test]
fn a_state_that_was_left_cleared_or_rejected_is_not_restored() {
    for change in ["leave", "leave in flight", "clear", "reject", "no rejoin"] {
        let mut rig = online(|settings| settings.rejoin = change != "no rejoin");
        rig.joined("g");
        let view = rig.follows("g");
        if change == "reject" {
            let (id, outcome) = rig.set_state("g", Some("1"));
            rig.written();
            rig.reject(id, "Forbidden");
            assert_eq!(outcome.get().unwrap_err().code(), Some("Forbidden"));
        } else {
            rig.has_state("g", Some("1"));
        }
        match change {
            "leave" | "leave in flight" => {
                let _outcome = rig.leave("g");
                rig.written();
                if change == "leave" {
                    rig.ack(rig.ids.load(Ordering::Relaxed) - 1);
                }
            }
            "clear" => rig.has_state("g", None),
            _ => {}
        }
        rig.replace("c2");
        let expected = match change {
            "clear" | "reject" => vec!["joinGroup g", "subscribeGroupState g"],
            _ => vec![],
        };
        assert_eq!(rig.restored(), expected, "{change}");
        let ends = received(&view).last() == Some(&"end".to_owned());
        assert_eq!(ends, expected.is_empty(), "{change}");
    }
}

#[test]
fn a_state_whose_outcome_is_unknown_is_not_restored_but_the_one_before_it() {
    let mut rig = online(|_| {});
    rig.has_state("g", Some("1"));
    let (_, outcome) = rig.set_state("g", Some("2"));
    rig.written();
    rig.replace("c2");
    assert!(outcome.get().unwrap_err().outcome_unknown());
    let frames = rig.written();
    assert!(frames.len() == 1 && frames[0].contains(r#""k":"1""#), "{frames:?}");
}

#[test]
fn what_cannot_be_restored_is_reported_and_not_tried_on_the_next_connection() {
    let mut rig = online(|_| {});
    let view = rig.follows("g");
    rig.has_state("g", Some("1"));
    rig.replace("c2");
    let first = rig.ids.load(Ordering::Relaxed) - 2;
    rig.written();
    rig.reject(first, "Forbidden");
    rig.reject(first + 1, "Forbidden");
    let events = rig.events();
    assert!(events.last().unwrap().starts_with("no state in g: setGroupState: Forbidden"), "{events:?}");
    let received = received(&view);
    assert_eq!((received[0].as_str(), received[2].as_str()), ("disconnected c1", "end"));
    assert!(received[1].starts_with("not restored: subscribeGroupState: Forbidden"), "{received:?}");
    rig.replace("c3");
    assert!(rig.restored().is_empty());
}

#[test]
fn states_reach_all_views_of_their_group_once() {
    let mut rig = online(|_| {});
    let (first, second, other) = (rig.follows("g"), rig.follows("g"), rig.follows("h"));
    rig.states_frame("Snapshot", "g", "c1", 1, 1);
    rig.states_frame("Update", "g", "c2", 2, 2);
    rig.states_frame("Update", "g", "c2", 2, 2);
    for view in [&first, &second] {
        assert_eq!(received(view), ["all: c1 c2"]);
    }
    assert!(received(&other).is_empty());
    rig.states_frame("Update", "g", "c3", 2, 3);
    assert_eq!(received(&first), ["c3"]);
    rig.pass(1.0);
    assert_eq!(rig.sequence_acks(), ["3"]);
    assert!(rig.events().is_empty());
}

#[test]
fn a_view_that_the_program_dropped_is_unsubscribed_with_the_next_update() {
    let mut rig = online(|_| {});
    let view = rig.follows("g");
    rig.states_frame("Snapshot", "g", "c1", 1, 1);
    drop(view);
    rig.states_frame("Update", "g", "c1", 2, 2);
    let frames = rig.written();
    assert_eq!(frames, [r#"{"type":"unsubscribeGroupState","group":"g"}"#]);
    rig.replace("c2");
    assert!(rig.restored().is_empty());
}

#[test]
fn a_view_whose_caller_is_gone_before_the_ack_is_not_followed() {
    let mut rig = online(|_| {});
    let (id, outcome, view) = rig.follow("g");
    rig.written();
    drop((outcome, view));
    rig.ack(id);
    rig.states_frame("Snapshot", "g", "c1", 1, 1);
    assert_eq!(rig.written().len(), 1, "it is unsubscribed");
    rig.replace("c2");
    assert!(rig.restored().is_empty());
}

#[test]
fn views_end_when_the_client_stops_or_leaves() {
    for stops in [true, false] {
        let mut rig = online(|_| {});
        rig.joined("g");
        let view = rig.follows("g");
        if stops {
            drop(rig);
        } else {
            let _outcome = rig.leave("g");
            rig.written();
            rig.ack(rig.ids.load(Ordering::Relaxed) - 1);
        }
        assert_eq!(received(&view), ["end"]);
    }
}

#[test]
fn a_request_that_is_rejected_ends_no_other_view() {
    let mut rig = online(|_| {});
    let view = rig.follows("g");
    let (id, outcome, rejected) = rig.follow("g");
    rig.written();
    rig.reject(id, "Forbidden");
    assert_eq!(outcome.get().unwrap_err().code(), Some("Forbidden"));
    rig.states_frame("Snapshot", "g", "c1", 1, 1);
    assert_eq!((received(&view), received(&rejected)), (vec!["all: c1".to_owned()], vec![]));
}

#[test]
fn a_view_whose_request_is_in_flight_has_no_states_of_the_connection_before() {
    let mut rig = online(|settings| settings.resend = true);
    let _first = rig.follows("g");
    let (_, outcome, view) = rig.follow("g");
    rig.written();
    rig.states_frame("Snapshot", "g", "gone1", 1, 1);
    rig.states_frame("Update", "g", "gone2", 2, 2);
    rig.replace("c2");
    rig.restored();
    outcome.get().unwrap();
    assert!(received(&view).is_empty());
    rig.states_frame("Snapshot", "g", "c2", 3, 1);
    assert_eq!(received(&view), ["all: c2"]);
}
