//! Modes of publishing, and publishes that are rejected as a whole.

use super::*;

#[tokio::test]
async fn a_publish_that_breaks_a_rule_publishes_nothing() {
    let (grid, _) = grid();
    let target = format!("/topics/orders:publish?{VERSION}");
    let mut broken = event("2");
    broken.as_object_mut().unwrap().remove("source");
    let at_limit = |length: usize| {
        let mut body = event("1").to_string().into_bytes();
        body.resize(length, b' ');
        body
    };
    let many = |count: usize| serde_json::to_vec(&vec![event("1"); count]).unwrap();
    let source = "`source` attribute is required";
    for (content_type, body, status, message) in [
        (BATCH, json!([event("1"), broken]).to_string().into_bytes(), 400, source),
        (BATCH, b"[]".to_vec(), 400, "At least one event is required"),
        (BATCH, event("1").to_string().into_bytes(), 400, "Json deserialize error"),
        (SINGLE, b"[]".to_vec(), 400, "Json deserialize error"),
        (SINGLE, b"{".to_vec(), 400, "Json deserialize error"),
        (BATCH, many(1001), 413, "Number of events cannot exceed 1000"),
        (SINGLE, at_limit(1_048_577), 413, "Message size cannot exceed 1Mb bytes"),
    ] {
        let response = post(&grid, &target, content_type, body).await;
        let (got, _, text) = rejection(&response);
        assert_eq!((got, text.as_str()), (status, message));
    }
    let avro = post(&grid, &target, "application/cloudevents+avro", "x").await;
    assert_eq!(rejection(&avro).1, "UnsupportedMediaType");
    let untyped = grid.respond(&request(&target, &[("ce-id", "1")], "x")).await;
    assert_eq!(rejection(&untyped).2, "CONTENT-TYPE is not provided");
    assert_eq!(grid.waiting("orders", "billing"), 0);

    assert_eq!(post(&grid, &target, SINGLE, at_limit(1_048_576)).await.status(), 200);
    assert_eq!(post(&grid, &target, BATCH, many(1000)).await.status(), 200);
    assert_eq!(grid.waiting("orders", "billing"), 1001);
}

#[tokio::test]
async fn an_event_in_headers_is_delivered_in_json_and_a_structured_body_wins_over_headers() {
    let (grid, _) = grid();
    let target = format!("/topics/orders:publish?{VERSION}");
    let attributes = [("ce-id", "b"), ("ce-source", "/s"), ("ce-type", "t"), ("ce-specversion", "1.0")];
    let mut binary = vec![("content-type", "text/plain"), ("ce-foo", "bar")];
    binary.extend(attributes);
    assert_eq!(grid.respond(&request(&target, &binary, "hello")).await.status(), 200);
    let mut both = vec![("content-type", "Application/CloudEvents+JSON"), ("ce-datacontenttype", "x")];
    both.extend(attributes);
    assert_eq!(grid.respond(&request(&target, &both, event("s").to_string())).await.status(), 200);
    let (_, body) = read(&grid.respond(&receiving("&maxEvents=2")).await);
    let expected = json!({
        "specversion": "1.0", "id": "b", "source": "/s", "type": "t", "foo": "bar",
        "datacontenttype": "text/plain", "data": "hello",
    });
    assert_eq!(body["value"][0]["event"], expected);
    assert_eq!(body["value"][1]["event"], event("s"));
}

#[tokio::test]
async fn a_full_subscription_rejects_the_whole_publish() {
    let (grid, _) = grid();
    grid.declare("orders", "slow");
    let now = grid.clock().now();
    let small: Arc<str> = "{}".into();
    let fill = |held: &mut subscription::Subscription| {
        (0..subscription::MAX_EVENTS).for_each(|_| held.add(Arc::clone(&small), now));
    };
    grid.namespace().declare("orders", "slow").change(now, fill);
    let target = format!("/topics/orders:publish?{VERSION}");
    let response = post(&grid, &target, SINGLE, event("y").to_string()).await;
    assert_eq!(rejection(&response).0, 429);
    assert_eq!((grid.waiting("orders", "billing"), grid.waiting("orders", "slow")), (0, 100_000));
}

#[tokio::test]
async fn every_subscription_of_the_topic_gets_its_own_copy() {
    let (grid, _) = grid();
    grid.declare("orders", "audit");
    publish(&grid, &["1"]).await;
    assert_eq!(receive(&grid, "").await.len(), 1);
    assert_eq!((grid.waiting("orders", "billing"), grid.waiting("orders", "audit")), (0, 1));
    grid.declare("orders", "late");
    assert_eq!(grid.waiting("orders", "late"), 0, "what was published before does not come");
}
