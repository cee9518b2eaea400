//! How topics and subscriptions are created, and how many there may be.

use super::*;

#[tokio::test]
async fn topics_and_subscriptions_are_created_on_use_unless_that_is_disabled() {
    let clock = Clock::new();
    let grid = EventGrid::new(clock.clone(), journal(&clock));
    let settle_on = |topic: &str, subscription: &str| {
        let target = format!("/topics/{topic}/eventsubscriptions/{subscription}:release?{VERSION}");
        request(&target, &[("content-type", "application/json")], r#"{"lockTokens":["x"]}"#)
    };
    assert_eq!(grid.respond(&settle_on("orders", "billing")).await.status(), 200);
    publish(&grid, &["1"]).await;
    assert_eq!(grid.waiting("orders", "billing"), 1, "the settle has made the subscription");

    grid.declared_only();
    let topic = || (404, "NotFound".to_owned(), "Topic 'faketopic' is not found".to_owned());
    assert_eq!(rejection(&grid.respond(&settle_on("faketopic", "fakesub")).await), topic());
    let target = format!("/topics/faketopic:publish?{VERSION}");
    assert_eq!(rejection(&post(&grid, &target, SINGLE, "not even JSON").await), topic());
    let target = format!("/topics/faketopic/eventsubscriptions/fakesub:receive?{VERSION}");
    assert_eq!(rejection(&grid.respond(&request(&target, &[], "")).await), topic());
    let subscription = (404, "NotFound".to_owned(), "Event subscription is not found".to_owned());
    assert_eq!(rejection(&grid.respond(&settle_on("orders", "fakesub")).await), subscription);
}

#[test]
fn a_name_that_the_service_would_reject_is_not_declared() {
    let (grid, _) = grid();
    grid.declare("no", "billing");
    grid.declare_topic("a/b");
    grid.declared_only();
    assert!(grid.namespace().topic("no").is_err());
    assert!(grid.namespace().topic("a/b").is_err());
    assert!(grid.namespace().topic("orders").is_ok());
}

#[tokio::test]
async fn topics_and_subscriptions_created_on_use_are_bounded() {
    let (grid, _) = grid();
    for number in 0..500 {
        grid.declare("orders", &format!("sub-{number}"));
    }
    let target = format!("/topics/orders/eventsubscriptions/another:receive?{VERSION}");
    assert_eq!(rejection(&grid.respond(&request(&target, &[], "")).await).0, 403);
    for number in 0..4000 {
        grid.declare_topic(&format!("topic-{number}"));
    }
    let target = format!("/topics/another:publish?{VERSION}");
    assert_eq!(rejection(&post(&grid, &target, SINGLE, event("1").to_string()).await).1, "QuotaExceeded");
}
