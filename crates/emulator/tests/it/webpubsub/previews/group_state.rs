//! Group states: who may set and see them, what subscribers receive, and how long states live.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use service_emulator::{Emulator, SocketFault};

use super::{error_name, member, success};
use crate::webpubsub::common::clients::{Client, rest};
use crate::webpubsub::common::reliable::{connect, lose, recover};

fn set(state: &Value, id: u64) -> Value {
    json!({ "type": "setGroupState", "group": "g", "state": state, "ackId": id })
}

fn subscribe(id: u64) -> Value {
    json!({ "type": "subscribeGroupState", "group": "g", "ackId": id })
}

async fn subscribed(emulator: &Emulator, user: &str) -> Client {
    let mut client = Client::json(emulator, member(user)).await;
    client.send_json(subscribe(1)).await;
    assert_eq!(client.frame().await, success(1));
    assert_eq!(client.frame().await["type"], "groupStateSnapshot");
    client
}

/// The connection and the state in an update. Its time is removed.
fn update(frame: &Value) -> (&str, Value) {
    assert_eq!((&frame["type"], &frame["group"]), (&json!("groupStateUpdate"), &json!("g")), "{frame}");
    let [item] = frame["items"].as_array().unwrap().as_slice() else { panic!("{frame}") };
    assert!(item["updatedAt"].is_u64(), "{frame}");
    (item["connectionId"].as_str().unwrap(), item["state"].clone())
}

fn states(emulator: &Emulator) -> Vec<(String, Option<String>)> {
    let states = emulator.webpubsub().group_states("chat", "g");
    states.into_iter().map(|info| (info.connection_id, info.state.get("mood").cloned())).collect()
}

#[tokio::test]
async fn a_state_reaches_its_subscribers_the_owner_included_before_the_ack() {
    let emulator = Emulator::start().await.unwrap();
    let mut owner = subscribed(&emulator, "ann").await;
    let mut other = subscribed(&emulator, "bob").await;
    let mut outsider = Client::json(&emulator, member("eve")).await;
    owner.send_json(set(&json!({ "mood": "good", "": "" }), 2)).await;
    for client in [&mut owner, &mut other] {
        let frame = client.frame().await;
        assert_eq!(frame["items"][0]["userId"], "ann");
        assert_eq!(frame.get("sequenceId"), None, "only on a reliable protocol");
        assert_eq!(update(&frame).1, json!({ "mood": "good", "": "" }));
    }
    assert_eq!(owner.frame().await, success(2));
    let [state] = &emulator.webpubsub().group_states("CHAT", "g")[..] else { panic!("one state") };
    assert_eq!((&state.connection_id, state.user_id.as_deref()), (&owner.id, Some("ann")));
    assert!(state.updated_at > UNIX_EPOCH && state.updated_at <= emulator.clock().now());
    owner.send_json(set(&json!({}), 3)).await;
    assert_eq!(update(&other.frame().await), (owner.id.as_str(), json!({})), "an empty map is a state");
    owner.send_json(set(&json!(null), 4)).await;
    assert_eq!(update(&other.frame().await), (owner.id.as_str(), json!(null)), "cleared");
    assert!(emulator.webpubsub().group_states("chat", "g").is_empty());
    other.send_json(json!({ "type": "unsubscribeGroupState", "group": "g", "ackId": 5 })).await;
    assert_eq!(other.frame().await, success(5));
    owner.send_json(set(&json!({ "mood": "bad" }), 6)).await;
    for _ in 0..4 {
        owner.frame().await;
    }
    assert_eq!(update(&owner.frame().await).1, json!({ "mood": "bad" }));
    other.assert_silent().await;
    outsider.assert_silent().await;
}

#[tokio::test]
async fn a_subscription_is_acknowledged_and_then_gets_a_snapshot_each_time() {
    let emulator = Emulator::start().await.unwrap();
    emulator.webpubsub().set_ack_delay(Duration::from_secs(3600));
    let mut owners = [
        Client::json(&emulator, member("ann")).await,
        Client::json(
            &emulator,
            json!({
                "webpubsub.group": "g", "role": "webpubsub.setGroupState.g",
            }),
        )
        .await,
    ];
    for owner in &mut owners {
        owner.send_json(json!({ "type": "setGroupState", "group": "g", "state": { "mood": "good" } })).await;
        owner.assert_silent().await;
    }
    let mut client = Client::json(&emulator, member("bob")).await;
    for id in [1, 2] {
        client.send_json(subscribe(id)).await;
        assert_eq!(client.frame().await, success(id), "the ack of a subscription is not delayed");
        let snapshot = client.frame().await;
        assert_eq!((&snapshot["type"], &snapshot["group"]), (&json!("groupStateSnapshot"), &json!("g")));
        let items = snapshot["items"].as_array().unwrap();
        let ids: Vec<_> = items.iter().map(|item| item["connectionId"].as_str().unwrap()).collect();
        let mut expected: Vec<_> = owners.iter().map(|owner| owner.id.as_str()).collect();
        expected.sort_unstable();
        assert_eq!(ids, expected);
        let anonymous = items.iter().find(|item| item["connectionId"] == owners[1].id).unwrap();
        assert_eq!((anonymous.get("userId"), &anonymous["state"]), (None, &json!({ "mood": "good" })));
    }
}

#[tokio::test]
async fn a_snapshot_has_at_most_200_states_but_updates_go_on() {
    let emulator = Emulator::start().await.unwrap();
    let mut owners = Vec::new();
    for _ in 0..201 {
        let mut owner = Client::json(&emulator, member("ann")).await;
        owner.send_json(set(&json!({ "mood": "good" }), 1)).await;
        assert_eq!(owner.frame().await, success(1));
        owners.push(owner);
    }
    let mut client = Client::json(&emulator, member("bob")).await;
    client.send_json(subscribe(1)).await;
    client.frame().await;
    let snapshot = client.frame().await;
    let items = snapshot["items"].as_array().unwrap();
    owners.sort_by(|one, other| one.id.cmp(&other.id));
    let first = items.iter().map(|item| item["connectionId"].as_str().unwrap());
    assert!(first.eq(owners[..200].iter().map(|owner| owner.id.as_str())));
    let last = owners.last_mut().unwrap();
    last.send_json(set(&json!({ "mood": "bad" }), 2)).await;
    assert_eq!(update(&client.frame().await), (last.id.as_str(), json!({ "mood": "bad" })));
}

#[tokio::test]
async fn times_of_updates_increase_even_if_the_clock_does_not() {
    let emulator = Emulator::start().await.unwrap();
    let mut client = subscribed(&emulator, "ann").await;
    let mut last = 0;
    for id in 2..20 {
        client.send_json(set(&json!({ "mood": "same" }), id)).await;
        let time = client.frame().await["items"][0]["updatedAt"].as_u64().unwrap();
        assert!(time > last, "{time} after {last}");
        last = time;
        client.frame().await;
    }
}

#[tokio::test]
async fn roles_size_and_membership_are_checked_in_this_order() {
    let emulator = Emulator::start().await.unwrap();
    let large = json!({ "mood": "x".repeat(509) });
    let mut outsider = Client::json(&emulator, json!({ "webpubsub.group": "g" })).await;
    outsider.send_json(set(&large, 1)).await;
    let frame = outsider.frame().await;
    assert_eq!((error_name(&frame), &frame["error"]["message"]), ("Forbidden", &json!("Permission denied.")));
    outsider.send_json(subscribe(2)).await;
    assert_eq!(error_name(&outsider.frame().await), "Forbidden");
    outsider.send_json(json!({ "type": "unsubscribeGroupState", "group": "g", "ackId": 3 })).await;
    assert_eq!(outsider.frame().await, success(3), "needs neither role nor membership");
    let roles = ["webpubsub.setGroupState", "webpubsub.getGroupState.*"];
    let mut stranger = Client::json(&emulator, json!({ "role": roles })).await;
    stranger.send_json(set(&large, 1)).await;
    assert_eq!(error_name(&stranger.frame().await), "BadRequest");
    for frame in [set(&json!({ "mood": "x".repeat(508) }), 1), set(&json!(null), 2), subscribe(3)] {
        stranger.send_json(frame).await;
        let frame = stranger.frame().await;
        assert_eq!(error_name(&frame), "Forbidden");
        assert!(frame["error"]["message"].as_str().unwrap().starts_with("Not a member of group"), "{frame}");
    }
    let target = format!("groups/g/connections/{}", stranger.id);
    assert_eq!(rest(&emulator, "PUT", &target).await.status, 200);
    stranger.send_json(set(&json!({ "mood": "x".repeat(508) }), 1)).await;
    assert_eq!(stranger.frame().await, success(1), "however the membership came about");
    stranger.send_json(set(&json!({}), 1)).await;
    assert_eq!(error_name(&stranger.frame().await), "Duplicate");
    for name in ["setGroupState", "getGroupState"] {
        let target = format!("permissions/{name}/connections/{}?targetName=g", stranger.id);
        assert_eq!(rest(&emulator, "PUT", &target).await.status, 400, "REST cannot grant it");
    }
}

#[tokio::test]
async fn without_an_ack_id_even_errors_are_silent_and_invalid_frames_close() {
    let emulator = Emulator::start().await.unwrap();
    let mut outsider = Client::json(&emulator, json!({})).await;
    outsider.send_json(json!({ "type": "setGroupState", "group": "g", "state": {} })).await;
    outsider.assert_silent().await;
    for frame in [
        json!({ "type": "setGroupState", "group": "g", "state": [] }),
        json!({ "type": "setGroupState", "group": "g", "state": { "mood": 1 } }),
        json!({ "type": "setGroupState", "state": {} }),
        json!({ "type": "setGroupState", "group": " ", "state": {} }),
        json!({ "type": "subscribeGroupState", "group": "" }),
        json!({ "type": "unsubscribeGroupState", "group": "" }),
    ] {
        let mut client = Client::json(&emulator, member("ann")).await;
        client.send_json(frame.clone()).await;
        assert_eq!(client.closed().await.0, 1007, "{frame}");
    }
}

#[tokio::test]
async fn whoever_leaves_the_group_loses_state_and_subscription_and_the_others_see_it() {
    let emulator = Emulator::start().await.unwrap();
    let mut watcher = subscribed(&emulator, "bob").await;
    for (id, by) in (10..).step_by(10).zip(["client", "group", "all", "user", "set"]) {
        let mut owner = subscribed(&emulator, "ann").await;
        owner.send_json(set(&json!({ "mood": "good" }), 2)).await;
        assert_eq!(update(&watcher.frame().await).1, json!({ "mood": "good" }));
        owner.frame().await;
        owner.frame().await;
        match by {
            "client" => {
                owner.send_json(json!({ "type": "leaveGroup", "group": "g", "ackId": 3 })).await;
                assert_eq!(owner.frame().await, success(3), "no update for the leaver");
            }
            "set" => {
                let body = format!(r#"{{"groups":["g"],"filter":"connectionId eq '{}'"}}"#, owner.id);
                let path = ":removeFromGroups";
                let response = crate::webpubsub::common::clients::send(
                    &emulator,
                    "POST",
                    path,
                    "application/json",
                    &body,
                );
                assert_eq!(response.await.status, 200);
            }
            _ => {
                let target = match by {
                    "group" => format!("groups/g/connections/{}", owner.id),
                    "all" => format!("connections/{}/groups", owner.id),
                    _ => "users/ann/groups/g".to_owned(),
                };
                assert_eq!(rest(&emulator, "DELETE", &target).await.status, 204);
            }
        }
        assert_eq!(update(&watcher.frame().await), (owner.id.as_str(), json!(null)), "{by}");
        owner.assert_silent().await;
        owner.send_json(json!({ "type": "joinGroup", "group": "g", "ackId": 4 })).await;
        assert_eq!(owner.frame().await, success(4));
        assert!(states(&emulator).is_empty(), "neither comes back with the membership");
        watcher.send_json(set(&json!({ "mood": by }), id)).await;
        watcher.frame().await;
        watcher.frame().await;
        owner.assert_silent().await;
        watcher.send_json(set(&json!(null), id + 1)).await;
        watcher.frame().await;
        watcher.frame().await;
        drop(owner);
    }
}

#[tokio::test]
async fn a_state_ends_with_its_connection() {
    let emulator = Emulator::start().await.unwrap();
    let mut watcher = subscribed(&emulator, "bob").await;
    for closed_by_rest in [true, false] {
        let mut owner = Client::json(&emulator, member("ann")).await;
        owner.send_json(set(&json!({ "mood": "good" }), 2)).await;
        watcher.frame().await;
        let id = owner.id.clone();
        if closed_by_rest {
            rest(&emulator, "DELETE", &format!("connections/{id}")).await;
        } else {
            drop(owner);
        }
        assert_eq!(update(&watcher.frame().await), (id.as_str(), json!(null)));
    }
}

#[tokio::test]
async fn a_state_survives_a_drop_until_the_connection_can_no_longer_be_recovered() {
    let emulator = Emulator::start().await.unwrap();
    let mut watcher = subscribed(&emulator, "bob").await;
    let (mut owner, token) = connect(&emulator, member("ann")).await;
    owner.send_json(set(&json!({ "mood": "good" }), 1)).await;
    assert_eq!(owner.frame().await, success(1));
    watcher.frame().await;
    owner.send_json(subscribe(2)).await;
    assert_eq!(owner.frame().await, success(2));
    let snapshot = owner.frame().await;
    assert_eq!((&snapshot["sequenceId"], &snapshot["items"][0]["userId"]), (&json!(1), &json!("ann")));
    let id = lose(&emulator, owner).await;
    watcher.send_json(set(&json!({ "mood": "busy" }), 2)).await;
    watcher.frame().await;
    assert_eq!(watcher.frame().await, success(2));
    let mut owner = recover(&emulator, &id, &token).await;
    assert_eq!(owner.frame().await["sequenceId"], 1, "not acknowledged, so it is replayed");
    let queued = owner.frame().await;
    assert_eq!(
        (update(&queued), &queued["sequenceId"]),
        ((watcher.id.as_str(), json!({ "mood": "busy" })), &json!(2))
    );
    assert_eq!(states(&emulator).len(), 2);
    lose(&emulator, owner).await;
    watcher.assert_silent().await;
    emulator.clock().advance(Duration::from_secs(31));
    assert_eq!(update(&watcher.frame().await), (id.as_str(), json!(null)), "without any other access");
}

#[tokio::test]
async fn a_lost_ack_of_a_set_is_a_duplicate_when_repeated() {
    let emulator = Emulator::start().await.unwrap();
    let mut owner = subscribed(&emulator, "ann").await;
    emulator.faults().push_socket(SocketFault::lose_ack());
    owner.send_json(set(&json!({ "mood": "good" }), 2)).await;
    assert_eq!(update(&owner.frame().await).1, json!({ "mood": "good" }));
    owner.send_json(set(&json!({ "mood": "good" }), 2)).await;
    assert_eq!(error_name(&owner.frame().await), "Duplicate");
}
