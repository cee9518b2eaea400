//! States of groups, a preview feature: the requests, the view, and what a new connection restores.

use webpubsub::Error;
use webpubsub::client::{Group, GroupStateEvent, GroupStates};

use super::*;

const SNAPSHOT: &str = r#"{"type":"groupStateSnapshot","group":"g","items":[{"connectionId":"c9","userId":"zoe","state":{"status":"here"},"updatedAt":5}],"sequenceId":1}"#;

/// Runs a request, which the service acknowledges, and returns its frame.
async fn acknowledged<T: Send + 'static>(
    peer: &mut Peer,
    request: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> (T, serde_json::Value) {
    let running = tokio::spawn(request);
    let frame = peer.json().await;
    peer.ack(&frame["ackId"]).await;
    (running.await.unwrap().unwrap(), frame)
}

async fn follow(peer: &mut Peer, group: &Group) -> GroupStates {
    let group = group.clone();
    let (states, frame) = acknowledged(peer, async move { group.states().await }).await;
    assert_eq!((&frame["type"], &frame["group"]), (&"subscribeGroupState".into(), &"g".into()));
    states
}

#[tokio::test]
async fn a_state_is_set_and_cleared_as_a_whole() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let group = client.group("g");
    let (set, empty, clear) = (group.clone(), group.clone(), group);
    let (_, frame) = acknowledged(&mut peer, async move { set.set_state([("Status", "a, b")]).await }).await;
    assert_eq!(
        (&frame["type"], &frame["state"]),
        (&"setGroupState".into(), &serde_json::json!({"Status": "a, b"}))
    );
    let none: [(&str, &str); 0] = [];
    let (_, frame) = acknowledged(&mut peer, async move { empty.set_state(none).await }).await;
    assert_eq!(frame["state"], serde_json::json!({}));
    let (_, frame) = acknowledged(&mut peer, async move { clear.clear_state().await }).await;
    assert!(frame["type"] == "setGroupState" && frame.get("state").is_none(), "{frame}");
}

#[tokio::test]
async fn a_rejection_has_the_code_of_the_service() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let group = client.group("g");
    for code in ["Forbidden", "BadRequest"] {
        let (setting, following) = (group.clone(), group.clone());
        let setting = tokio::spawn(async move { setting.set_state([("k", "v")]).await });
        let set = peer.json().await["ackId"].clone();
        let following = tokio::spawn(async move { following.states().await.map(drop) });
        let follow = peer.json().await["ackId"].clone();
        for id in [set, follow] {
            let error = format!(r#""error":{{"name":"{code}","message":"Permission denied."}}"#);
            peer.send(&format!(r#"{{"type":"ack","ackId":{id},"success":false,{error}}}"#)).await;
        }
        for error in [setting.await.unwrap().unwrap_err(), following.await.unwrap().unwrap_err()] {
            assert_eq!((error.code(), error.kind()), (Some(code), service_core::ErrorKind::Service));
            assert!(error.to_string().contains("Permission denied."), "{error}");
        }
    }
    for error in [
        client.group(" ").set_state([("k", "v")]).await.unwrap_err(),
        client.group("").clear_state().await.unwrap_err(),
        client.group("..").states().await.unwrap_err(),
    ] {
        assert!(error.is_invalid_input(), "{error}");
    }
}

#[tokio::test]
async fn a_view_receives_a_snapshot_and_then_changes() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let group = client.group("g");
    let mut states = follow(&mut peer, &group).await;
    assert!(states.current().is_empty() && !states.is_complete());
    peer.send(SNAPSHOT).await;
    let Some(GroupStateEvent::Snapshot(snapshot)) = states.next().await else { panic!("no snapshot") };
    assert!(snapshot.is_complete && snapshot.members == states.current());
    let member = &snapshot.members[0];
    assert_eq!((member.connection_id.as_str(), member.user_id.as_deref()), ("c9", Some("zoe")));
    assert_eq!(member.state["status"], "here");
    assert_eq!(member.updated_at, SystemTime::UNIX_EPOCH + Duration::from_millis(5));
    peer.send(r#"{"type":"groupStateUpdate","group":"g","items":[{"connectionId":"c9","updatedAt":6}],"sequenceId":2}"#).await;
    let Some(GroupStateEvent::Cleared(gone)) = states.next().await else { panic!("not cleared") };
    assert_eq!((gone.connection_id.as_str(), gone.user_id.as_deref()), ("c9", Some("zoe")));
    assert_eq!(gone.cleared_at, Some(SystemTime::UNIX_EPOCH + Duration::from_millis(6)));
    bed.pass(Duration::from_secs(1)).await;
    let ack = peer.json().await;
    assert_eq!((&ack["type"], &ack["sequenceId"]), (&"sequenceAck".into(), &2.into()));
}

#[tokio::test]
async fn a_new_connection_restores_the_state_and_the_view() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let group = client.group("g");
    let (joining, setting) = (group.clone(), group.clone());
    acknowledged(&mut peer, async move { joining.join().await }).await;
    acknowledged(&mut peer, async move { setting.set_state([("status", "here")]).await }).await;
    let mut states = follow(&mut peer, &group).await;
    peer.send(SNAPSHOT).await;
    assert!(matches!(states.next().await, Some(GroupStateEvent::Snapshot(_))));
    peer.close(1008).await;
    drop(peer);
    bed.pass(Duration::from_secs(1)).await;
    let mut peer = bed.network.connect("c2").await;
    let mut sent = Vec::new();
    for _ in 0..3 {
        let frame = peer.json().await;
        peer.ack(&frame["ackId"]).await;
        sent.push(frame);
    }
    assert_eq!(sent[0]["type"], "joinGroup");
    assert_eq!(sent[1]["state"], serde_json::json!({"status": "here"}));
    assert_eq!(sent[2]["type"], "subscribeGroupState");
    assert!(matches!(states.next().await, Some(GroupStateEvent::Disconnected(_))));
    peer.send(SNAPSHOT).await;
    let Some(GroupStateEvent::Snapshot(snapshot)) = states.next().await else { panic!("no snapshot") };
    assert_eq!(snapshot.members.len(), 1);
    let ending = tokio::spawn(peer.ending());
    client.close().await;
    assert_eq!((ending.await.unwrap(), states.next().await), (Some(1000), None));
}

#[tokio::test]
async fn waiting_for_a_change_can_be_cancelled() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let mut states = follow(&mut peer, &client.group("g")).await;
    tokio::select! {
        biased;
        event = states.next() => panic!("{event:?}"),
        () = std::future::ready(()) => {}
    }
    peer.send(SNAPSHOT).await;
    assert!(matches!(states.next().await, Some(GroupStateEvent::Snapshot(_))));
}
