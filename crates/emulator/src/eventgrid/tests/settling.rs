//! What happens to received events, and the responses that report it.

use super::*;

#[tokio::test]
async fn a_published_event_is_received_and_acknowledged_once() {
    let (grid, _) = grid();
    let target = format!("/topics/orders:publish?{VERSION}");
    let response = post(&grid, &target, SINGLE, event("1").to_string()).await;
    assert_eq!(read(&response), (200, json!({})));
    let (_, body) = read(&grid.respond(&receiving("")).await);
    assert_eq!(body["value"][0]["event"], event("1"));
    let token = body["value"][0]["brokerProperties"]["lockToken"].as_str().unwrap();
    assert_eq!((grid.waiting("orders", "billing"), grid.locked("orders", "billing")), (0, 1));

    let response = settle(&grid, "acknowledge?", &[token, token, "faketoken"]).await;
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    let bad = json!({"lockToken": "faketoken", "error": {"code": "BadToken", "message": "Cannot decode lockToken"}});
    let expected = json!({"succeededLockTokens": [token], "failedLockTokens": [lost(token), bad]});
    assert_eq!(read(&response), (200, expected));
    assert_eq!(grid.locked("orders", "billing"), 0);
}

#[tokio::test]
async fn the_members_of_results_are_in_the_recorded_order() {
    let (grid, _) = grid();
    publish(&grid, &["1"]).await;
    let response = grid.respond(&receiving("")).await;
    let text = std::str::from_utf8(response.body().as_ref()).unwrap();
    let token = received(&response)[0].0.clone();
    let start =
        format!(r#"{{"value":[{{"brokerProperties":{{"lockToken":"{token}","deliveryCount":1}},"event":{{"#);
    assert!(text.starts_with(&start), "{text}");
    let response = settle(&grid, "reject?", &["faketoken"]).await;
    // The recorded response, byte for byte.
    let recorded = r#"{"succeededLockTokens":[],"failedLockTokens":[{"lockToken":"faketoken","error":{"code":"BadToken","message":"Cannot decode lockToken"}}]}"#;
    assert_eq!(response.body().as_ref(), recorded.as_bytes());
}

#[tokio::test]
async fn the_first_preview_reports_failed_tokens_in_its_own_shape() {
    let (grid, _) = grid();
    let target =
        "/api/events/topics/orders/eventsubscriptions/billing:acknowledge?api-version=2023-06-01-preview";
    let response =
        post(&grid, target, "application/json; charset=utf-8", r#"{"lockTokens":["faketoken"]}"#).await;
    let recorded = r#"{"succeededLockTokens":[],"failedLockTokens":[{"lockToken":"faketoken","errorCode":"BadToken","errorDescription":"Cannot decode lockToken"}]}"#;
    assert_eq!(response.body().as_ref(), recorded.as_bytes());
}

#[tokio::test]
async fn rejected_released_and_renewed_events_behave_as_named() {
    let (grid, clock) = grid();
    publish(&grid, &["1", "2", "3"]).await;
    let got = receive(&grid, "&maxEvents=3").await;
    let tokens: Vec<_> = got.iter().map(|(token, ..)| token.as_str()).collect();
    settle(&grid, "reject?", &tokens[..1]).await;
    let (_, delayed) = read(&settle(&grid, "release?releaseDelayInSeconds=10&", &tokens[1..2]).await);
    assert_eq!(delayed["succeededLockTokens"], json!([tokens[1]]));
    clock.advance(Duration::from_secs(11));
    let (_, renewed) = read(&settle(&grid, "renewLock?", &tokens[2..]).await);
    assert_eq!(renewed["succeededLockTokens"], json!([tokens[2]]), "the same token comes back");
    let again = receive(&grid, "&maxEvents=3").await;
    assert_eq!(again.iter().map(|(_, count, id)| (*count, id.as_str())).collect::<Vec<_>>(), [(2, "2")]);
    let letters = grid.dead_letters("orders", "billing");
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].event.clone(), letters[0].reason), (event("1"), DeadLetterReason::Rejected));
    clock.advance(Duration::from_secs(55));
    assert_eq!(grid.locked("orders", "billing"), 2, "the renewed lock outlives its first minute");
}

#[tokio::test]
async fn settings_of_a_subscription_control_its_deliveries() {
    let (grid, clock) = grid();
    let settings = SubscriptionSettings::default()
        .lock_duration(Duration::from_secs(300))
        .max_delivery_count(1)
        .time_to_live(Duration::from_secs(3600));
    grid.declare_with("orders", "billing", settings);
    grid.declare("orders", "billing");
    publish(&grid, &["1"]).await;
    receive(&grid, "").await;
    clock.advance(Duration::from_secs(299));
    assert_eq!(grid.locked("orders", "billing"), 1);
    clock.advance(Duration::from_secs(1));
    let reasons = || {
        let letters = grid.dead_letters("orders", "billing");
        letters.iter().map(|letter| (letter.reason, letter.deliveries)).collect::<Vec<_>>()
    };
    assert_eq!(reasons(), [(DeadLetterReason::MaxDeliveryCountExceeded, 1)]);
    publish(&grid, &["2"]).await;
    clock.advance(Duration::from_secs(3600));
    assert_eq!(reasons()[1], (DeadLetterReason::TimeToLiveExceeded, 0));
}

#[tokio::test]
async fn a_settle_body_has_to_be_json_with_1_to_100_tokens() {
    let (grid, _) = grid();
    let target = format!("/topics/orders/eventsubscriptions/billing:acknowledge?{VERSION}");
    let tokens = |count: usize| json!({"lockTokens": vec!["x"; count]}).to_string();
    for (content_type, body, status) in [
        ("application/json", tokens(100), 200),
        ("application/json; charset=utf-8", tokens(1), 200),
        ("application/json", tokens(101), 400),
        ("application/json", tokens(0), 400),
        ("application/json", "{}".to_owned(), 400),
        ("application/json", r#"{"lockTokens":[1]}"#.to_owned(), 400),
        ("application/json", String::new(), 400),
        ("text/plain", tokens(1), 415),
    ] {
        assert_eq!(post(&grid, &target, content_type, body.clone()).await.status(), status, "{body}");
    }
    let untyped = grid.respond(&request(&target, &[], tokens(1))).await;
    assert_eq!(rejection(&untyped).2, "CONTENT-TYPE is not provided");
}

#[tokio::test]
async fn delays_and_renewals_belong_to_the_versions_that_have_them() {
    let (grid, _) = grid();
    let on = |verb: &str| format!("/topics/orders/eventsubscriptions/billing:{verb}");
    let body = r#"{"lockTokens":["x"]}"#;
    for (target, status) in [
        (on("release?api-version=2024-06-01&releaseDelayInSeconds=3600"), 200),
        (on("release?api-version=2024-06-01&releaseDelayInSeconds=11"), 400),
        (on("release?api-version=2023-11-01"), 200),
        (on("release?api-version=2023-11-01&releaseDelayInSeconds=10"), 400),
        (on("renewLock?api-version=2024-06-01"), 200),
        (on("renewLock?api-version=2023-10-01-preview"), 200),
        (on("renewLock?api-version=2023-11-01"), 404),
        (on("renewlock?api-version=2024-06-01"), 404),
        (on("acknowledge?api-version=2023-11-01"), 200),
    ] {
        assert_eq!(post(&grid, &target, "application/json", body).await.status(), status, "{target}");
    }
    for query in ["", "?api-version=", "?api-version=2099-01-01", "?API-VERSION=2024-06-01"] {
        let response = post(&grid, &on(&format!("acknowledge{query}")), "application/json", body).await;
        assert_eq!(rejection(&response), (400, "BadRequest".to_owned(), "Unknown api version".to_owned()));
    }
}
