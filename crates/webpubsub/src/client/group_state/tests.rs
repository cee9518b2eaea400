//! Tests of a view in virtual time: how the records of the service are merged, and what the program receives. Times are numbers
//! of seconds; the service's are numbers of milliseconds.

use super::*;
use crate::client::entries::Entries;
use crate::client::group_state::view::MAX_SNAPSHOT;

#[derive(Default)]
struct Rig {
    buffer: Buffer,
    now: Duration,
}

/// Returns a record, which sets `k` to this value or clears the state.
fn record(id: &str, value: Option<&str>, updated_at: i64) -> GroupStateItem {
    let state = value.map(|value| Entries([("k".to_owned(), value.to_owned())].into()));
    GroupStateItem { connection_id: id.to_owned(), user_id: Some(format!("user {id}")), state, updated_at }
}

fn set(id: &str, value: &str, updated_at: i64) -> GroupStateItem {
    record(id, Some(value), updated_at)
}

fn cleared(id: &str, updated_at: i64) -> GroupStateItem {
    record(id, None, updated_at)
}

fn named(count: usize) -> Vec<GroupStateItem> {
    (0..count).map(|number| set(&format!("c{number:03}"), "v", 1)).collect()
}

fn one(member: &MemberState) -> String {
    let value = member.state.get("k").map_or("", String::as_str);
    format!("{}={value}", member.connection_id)
}

fn shown(event: Option<GroupStateEvent>) -> String {
    match event {
        Some(GroupStateEvent::Snapshot(snapshot)) => {
            let members: Vec<_> = snapshot.members.iter().map(one).collect();
            let more = if snapshot.is_complete { "" } else { " and more" };
            format!("all: {}{more}", members.join(" "))
        }
        Some(GroupStateEvent::Set(member)) => one(&member),
        Some(GroupStateEvent::Cleared(gone)) => {
            let time =
                gone.cleared_at.map(|at| at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis());
            format!("{} gone at {time:?}", gone.connection_id)
        }
        Some(GroupStateEvent::Disconnected(gone)) => format!("disconnected {}", gone.connection_id),
        Some(GroupStateEvent::NotRestored(failed)) => format!("not restored: {}", failed.reason),
        None => "end".to_owned(),
    }
}

impl Rig {
    /// Returns a view that has received a snapshot with these records.
    fn with(items: &[GroupStateItem]) -> Self {
        let rig = Self::default();
        rig.snapshot(items);
        rig.events();
        rig
    }

    fn snapshot(&self, items: &[GroupStateItem]) {
        self.buffer.snapshot(items, self.now);
    }

    fn update(&self, item: GroupStateItem) {
        self.buffer.update(&[item], self.now);
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn events(&self) -> Vec<String> {
        self.buffer.received().into_iter().map(shown).collect()
    }

    fn current(&self) -> Vec<String> {
        self.buffer.members().iter().map(one).collect()
    }
}

#[test]
fn a_view_starts_with_a_snapshot_and_goes_on_with_changes() {
    let rig = Rig::default();
    assert!(rig.events().is_empty() && !rig.buffer.is_complete());
    rig.snapshot(&[set("b", "1", 2), set("a", "1", 1)]);
    assert_eq!(rig.events(), ["all: a=1 b=1"]);
    rig.update(set("c", "1", 3));
    rig.update(cleared("a", 4));
    rig.update(set("b", "2", 5));
    assert_eq!(rig.current(), ["b=2", "c=1"]);
    assert_eq!(rig.events(), ["c=1", "a gone at Some(4)", "b=2"]);
    assert!(rig.buffer.is_complete());
}

#[test]
fn a_member_has_its_ids_its_state_and_the_time_of_the_service() {
    let rig = Rig::with(&[set("c", "v", 1_700_000_000_000), set("old", "v", -1)]);
    let members = rig.buffer.members();
    assert_eq!((members[0].connection_id.as_str(), members[0].user_id.as_deref()), ("c", Some("user c")));
    assert_eq!(members[0].updated_at, SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    assert_eq!(members[1].updated_at, SystemTime::UNIX_EPOCH - Duration::from_millis(1));
    let debug = format!("{:?}", members[0]);
    assert!(debug.contains(r#"keys: ["k"]"#) && !debug.contains("\"v\""), "{debug}");
    for extreme in [i64::MIN, i64::MAX] {
        let _any = time(extreme);
    }
}

#[test]
fn a_record_wins_only_with_a_larger_time() {
    let rig = Rig::with(&[set("a", "1", 5)]);
    for stale in [set("a", "2", 5), set("a", "2", 4), cleared("a", 5), cleared("a", 1)] {
        rig.update(stale);
        assert_eq!((rig.current(), rig.events()), (vec!["a=1".to_owned()], vec![]));
    }
    rig.snapshot(&[set("a", "2", 5)]);
    assert_eq!(rig.current(), ["a=1"]);
    rig.update(set("a", "2", 6));
    assert_eq!(rig.events(), ["a=2"]);
}

#[test]
fn the_program_receives_only_the_last_of_several_changes_of_a_state() {
    let rig = Rig::with(&[set("a", "1", 1)]);
    for time in 2..1000 {
        rig.update(set("a", &time.to_string(), time));
    }
    rig.update(set("b", "1", 1));
    rig.update(cleared("b", 2));
    rig.update(set("c", "1", 1));
    assert_eq!(rig.events(), ["a=999", "c=1"]);
    rig.update(cleared("c", 2));
    rig.update(set("c", "2", 3));
    assert_eq!(rig.events(), ["c=2"]);
}

#[test]
fn states_that_appear_and_disappear_are_not_kept_for_a_program_that_receives_nothing() {
    let mut rig = Rig::with(&[set("a", "1", 1)]);
    for number in 0..1000 {
        rig.update(set(&format!("c{number}"), "1", 2));
        rig.update(cleared(&format!("c{number}"), 3));
    }
    assert_eq!(rig.buffer.waiting(), 0);
    rig.pass(1);
    rig.update(cleared("a", 2));
    rig.update(set("b", "1", 2));
    assert_eq!(rig.buffer.waiting(), 2);
    assert_eq!(rig.events(), ["a gone at Some(2)", "b=1"]);
}

#[test]
fn a_clear_hides_older_records_for_five_minutes() {
    let mut rig = Rig::with(&[set("a", "1", 1)]);
    rig.update(cleared("a", 5));
    assert_eq!(rig.events(), ["a gone at Some(5)"]);
    rig.pass(299);
    rig.snapshot(&[set("a", "1", 4)]);
    assert!(rig.current().is_empty() && rig.events().is_empty());
    rig.pass(1);
    rig.update(set("b", "1", 1));
    rig.snapshot(&[set("a", "1", 4), set("b", "1", 1)]);
    assert_eq!(rig.current(), ["a=1", "b=1"]);
}

#[test]
fn at_most_200_clears_are_kept_and_the_oldest_go_first() {
    let mut rig = Rig::with(&[]);
    for number in 0..250 {
        rig.update(cleared(&format!("c{number:03}"), 5));
        rig.pass(1);
    }
    assert_eq!(rig.buffer.clears(), 200);
    rig.update(set("c049", "old", 4));
    rig.update(set("c050", "hidden", 4));
    assert_eq!(rig.current(), ["c049=old"]);
}

#[test]
fn a_snapshot_removes_what_it_does_not_contain_except_what_an_update_brought_in_the_last_five_minutes() {
    let mut rig = Rig::with(&[set("a", "1", 1), set("b", "1", 1)]);
    rig.update(set("c", "1", 1));
    assert_eq!(rig.events(), ["c=1"]);
    rig.pass(299);
    rig.update(set("d", "1", 1));
    rig.events();
    rig.snapshot(&[set("b", "1", 1)]);
    assert_eq!(rig.current(), ["b=1", "c=1", "d=1"]);
    assert_eq!(rig.events(), ["a gone at None"]);
    rig.pass(1);
    rig.snapshot(&[set("b", "1", 1)]);
    assert_eq!(
        (rig.current(), rig.events()),
        (vec!["b=1".to_owned(), "d=1".to_owned()], vec!["c gone at None".to_owned()])
    );
}

#[test]
fn with_200_states_the_view_is_incomplete_and_removes_nothing() {
    let rig = Rig::with(&[set("zz", "1", 1)]);
    rig.snapshot(&named(MAX_SNAPSHOT));
    assert!(!rig.buffer.is_complete() && rig.current().contains(&"zz=1".to_owned()));
    assert_eq!(rig.current().len(), 201);
    rig.update(cleared("c000", 2));
    assert_eq!(rig.current().len(), 200);
    rig.snapshot(&named(MAX_SNAPSHOT - 1));
    assert!(rig.buffer.is_complete() && !rig.current().contains(&"zz=1".to_owned()));
    let rig = Rig::default();
    rig.snapshot(&named(MAX_SNAPSHOT));
    assert!(rig.events()[0].ends_with("c199=v and more"));
}

#[test]
fn what_arrives_before_the_snapshot_is_part_of_it() {
    let rig = Rig::default();
    rig.update(set("a", "2", 2));
    rig.update(cleared("b", 2));
    assert!(rig.events().is_empty());
    rig.snapshot(&[set("a", "1", 1), set("b", "1", 1), set("c", "1", 1)]);
    rig.update(set("c", "2", 2));
    assert_eq!(rig.events(), ["all: a=2 c=2"]);
}

#[test]
fn a_new_connection_starts_with_a_snapshot_of_its_own() {
    let rig = Rig::with(&[set("a", "1", 9)]);
    rig.update(set("b", "1", 9));
    rig.buffer.disconnected(&Disconnected { connection_id: "c1".into(), reason: "cut".into() });
    assert!(rig.current().is_empty() && !rig.buffer.is_complete());
    assert_eq!(rig.events(), ["disconnected c1"]);
    rig.snapshot(&[set("a", "2", 1)]);
    assert_eq!(rig.events(), ["all: a=2"]);
}

#[test]
fn a_view_ends_after_what_the_program_has_not_received() {
    let rig = Rig::with(&[]);
    rig.update(set("a", "1", 1));
    rig.buffer.end(Some(NotRestored { reason: "no".into() }));
    rig.buffer.end(None);
    assert_eq!(rig.events(), ["a=1", "not restored: no", "end"]);
    assert_eq!(rig.events(), ["end"]);
}
