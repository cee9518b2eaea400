//! Metadata of sends and of received messages, a preview feature.

use webpubsub::Metadata;
use webpubsub::client::GroupEvent;

use super::*;

#[tokio::test]
async fn metadata_is_part_of_the_frame_and_its_values_can_contain_commas() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let metadata = || Metadata::from([("Trace", "1, 2"), ("empty", "")]);
    let sending = tokio::spawn(async move {
        client.send_to_group("g", "hi").metadata(metadata()).await?;
        client.send_event("said", "hi").metadata(metadata()).await
    });
    for kind in ["sendToGroup", "event"] {
        let frame = peer.json().await;
        assert_eq!(frame["type"], kind);
        assert_eq!(frame["metadata"], serde_json::json!({"trace": "1, 2", "empty": ""}));
        peer.ack(&frame["ackId"]).await;
    }
    sending.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_invocation_and_its_response_have_metadata() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let invalid = client.invoke("sum", &1).metadata([("k", "é")]).await.unwrap_err();
    assert!(invalid.is_invalid_input(), "{invalid}");
    let invoking = tokio::spawn(async move { client.invoke("sum", &1).metadata([("k", "v")]).await });
    let frame = peer.json().await;
    assert_eq!((&frame["type"], &frame["metadata"]["k"]), (&"invoke".into(), &"v".into()));
    let rest = r#""success":true,"dataType":"text","data":"1","metadata":{"a":"b"}}"#;
    peer.send(&format!(r#"{{"type":"invokeResponse","invocationId":{},{rest}"#, frame["invocationId"])).await;
    let response = invoking.await.unwrap().unwrap();
    assert_eq!(response.metadata().unwrap().get("a"), Some("b"));
}

#[tokio::test]
async fn metadata_beyond_the_limits_is_not_sent() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    for (key, value, rule) in [
        ("a b", "v", "metadata key must be 1 to 256"),
        ("k", "é", "metadata value of `k` must be ASCII"),
        ("k", &"v".repeat(1025), "metadata value of `k` must be at most 1024 bytes"),
    ] {
        for error in [
            client.send_to_group("g", "hi").metadata([(key, value)]).await.unwrap_err(),
            client.send_event("said", "hi").metadata([(key, value)]).await.unwrap_err(),
        ] {
            assert!(error.is_invalid_input() && error.to_string().contains(rule), "{error}");
        }
    }
    let last = tokio::spawn(async move { client.send_event("last", "hi").fire_and_forget().await });
    assert_eq!(peer.json().await["event"], "last", "nothing was sent before");
    last.await.unwrap().unwrap();
}

#[tokio::test]
async fn received_messages_have_the_metadata_of_their_sender() {
    let bed = TestBed::new();
    let (client, mut peer) = bed.connect(bed.builder()).await;
    let mut events = client.events();
    let subscribing = tokio::spawn({
        let group = client.group("g");
        async move { group.subscribe().await }
    });
    let id = peer.json().await["ackId"].clone();
    peer.ack(&id).await;
    let mut subscription = subscribing.await.unwrap().unwrap();
    let rest = r#""dataType":"text","data":"hi","metadata":{"Trace":"1","trace":"2"}}"#;
    peer.send(&format!(r#"{{"type":"message","from":"group","group":"g",{rest}"#)).await;
    peer.send(&format!(r#"{{"type":"message","from":"server",{rest}"#)).await;
    peer.send(r#"{"type":"message","from":"server","dataType":"text","data":"hi"}"#).await;
    let Some(GroupEvent::Message(message)) = subscription.next().await else { panic!("no message") };
    let entries: Vec<_> = message.metadata().unwrap().iter().collect();
    assert_eq!(entries, [("Trace", "1"), ("trace", "2")]);
    assert!(matches!(events.next().await, Some(Event::Connected(_))));
    let Some(Event::ServerMessage(message)) = events.next().await else { panic!("no message") };
    assert_eq!(message.metadata().unwrap().get("trace"), Some("2"));
    assert!(!format!("{message:?}").contains("\"2\""), "values are not shown");
    let Some(Event::ServerMessage(message)) = events.next().await else { panic!("no message") };
    assert_eq!(message.metadata(), None);
}
