//! The handshake, the schedule of attempts, and dead letters.

use std::time::Duration;

use service_emulator::Emulator;
use service_emulator::eventgrid::{DeadLetter, DeadLetterReason, DeliveryStep};

use super::webhook::Webhook;
use super::{hooks, publish, pushing, wait_for_hooks};
use crate::common::http;

fn dead(emulator: &Emulator) -> Vec<(String, DeadLetterReason, u32, Option<String>)> {
    let letter = |letter: DeadLetter| {
        let id = letter.event["id"].as_str().unwrap().to_owned();
        (id, letter.reason, letter.deliveries, letter.last_result)
    };
    emulator.eventgrid().dead_letters("orders", "audit").into_iter().map(letter).collect()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn events_wait_until_the_webhook_consents() {
    let (emulator, mut webhook) = (Emulator::start().await.unwrap(), Webhook::start().await);
    let grid = emulator.eventgrid();
    grid.declare_push("orders", "audit", webhook.settings().origin("grid.example")).unwrap();
    publish(&emulator, &["early"]).await;
    let mut attempts = 0;
    for (status, headers, pause) in [
        (200, "", 5),
        (200, "WebHook-Allowed-Origin: other.example\r\n", 10),
        (204, "WebHook-Allowed-Origin: *\r\n", 20),
        (302, "WebHook-Allowed-Origin: *\r\nLocation: /elsewhere\r\n", 40),
        (405, "", 60),
        (500, "", 60),
    ] {
        let call = webhook.call().await;
        assert_eq!((call.method.as_str(), call.target.as_str()), ("OPTIONS", "/hooks/eventgrid?code=s3cret"));
        assert_eq!(call.header("webhook-request-origin"), Some("grid.example"));
        for absent in ["webhook-request-callback", "webhook-request-rate", "authorization", "content-type"] {
            assert_eq!(call.header(absent), None, "{absent}");
        }
        call.respond(status, headers);
        attempts += 1;
        wait_for_hooks(&emulator, attempts).await;
        assert!(!grid.topics()[0].subscriptions[0].push.as_ref().unwrap().validated);
        emulator.clock().advance(seconds(pause));
    }
    assert_eq!(grid.waiting("orders", "audit"), 1);
    webhook.call().await.respond(200, "WebHook-Allowed-Origin: Grid.Example\r\n");
    let delivery = webhook.delivery().await;
    assert_eq!(delivery.id(), "early");
    delivery.respond(200, "");
    let info = grid.topics().remove(0).subscriptions.remove(0).push.unwrap();
    assert!(info.validated && info.url.ends_with("/hooks/eventgrid"), "{info:?}");
}

#[tokio::test]
async fn a_handshake_without_a_response_is_repeated() {
    let (emulator, mut webhook) = (Emulator::start().await.unwrap(), Webhook::start().await);
    let started = emulator.clock().now();
    emulator.eventgrid().declare_push("orders", "audit", webhook.settings()).unwrap();
    drop(webhook.call().await);
    wait_for_hooks(&emulator, 1).await;
    emulator.clock().advance(seconds(5));
    let hanging = webhook.call().await;
    emulator.clock().advance(seconds(30));
    let hooks = wait_for_hooks(&emulator, 2).await;
    assert!(hooks[1].0.contains("(no response before the timeout)"), "{hooks:?}");
    // Real time passes as well.
    assert!(emulator.clock().now() < started + seconds(60), "the timeout is longer than 30 s");
    drop(hanging);
    emulator.clock().advance(seconds(10));
    webhook.consent().await;
    publish(&emulator, &["1"]).await;
    webhook.delivery().await.respond(204, "");
}

#[tokio::test]
async fn an_event_is_delivered_once_for_each_status_that_is_a_success() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings).await;
    for status in [200, 201, 202, 203, 204] {
        publish(&emulator, &["1"]).await;
        webhook.delivery().await.respond(status, "");
        assert_eq!(steps.outcome().await, DeliveryStep::Acknowledged, "{status}");
    }
    let grid = emulator.eventgrid();
    assert_eq!((grid.waiting("orders", "audit"), grid.locked("orders", "audit")), (0, 0));
    emulator.clock().advance(seconds(3_600));
    assert!(webhook.is_idle() && dead(&emulator).is_empty());
}

#[tokio::test]
async fn an_event_is_retried_on_the_documented_schedule_and_then_a_dead_letter() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings).await;
    publish(&emulator, &["1"]).await;
    for (attempt, pause) in [10, 20, 30, 240, 300, 300, 300, 300, 300, 0].into_iter().enumerate() {
        let delivery = webhook.delivery().await;
        assert_eq!(delivery.header("aeg-delivery-count"), Some(attempt.to_string().as_str()));
        delivery.respond(500, "Retry-After: 1\r\n");
        assert_eq!(steps.outcome().await, DeliveryStep::Released);
        if pause > 0 {
            // Real time passes as well, so the margin is more than a second.
            emulator.clock().advance(seconds(pause - 5));
            publish(&emulator, &["other"]).await;
            let other = webhook.delivery().await;
            assert_eq!(other.id(), "other", "attempt {attempt} was repeated early");
            other.respond(200, "");
            assert_eq!(steps.outcome().await, DeliveryStep::Acknowledged);
            emulator.clock().advance(seconds(5));
        }
    }
    let reason = DeadLetterReason::MaxDeliveryCountExceeded;
    let expected = ("1".to_owned(), reason, 10, Some("500 Internal Server Error".to_owned()));
    assert_eq!(dead(&emulator), [expected]);
}

#[tokio::test]
async fn the_status_decides_how_long_an_event_waits() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings).await;
    for (status, wait) in [(503, 30), (408, 120), (429, 10), (302, 10), (205, 10)] {
        publish(&emulator, &["1"]).await;
        webhook.delivery().await.respond(status, "Location: /elsewhere\r\n");
        assert_eq!(steps.outcome().await, DeliveryStep::Released, "{status}");
        emulator.clock().advance(seconds(wait - 5));
        assert_eq!(emulator.eventgrid().waiting("orders", "audit"), 1, "{status}");
        emulator.clock().advance(seconds(5));
        webhook.delivery().await.respond(200, "");
        assert_eq!(steps.outcome().await, DeliveryStep::Acknowledged, "{status}");
    }
}

#[tokio::test]
async fn some_statuses_lose_an_event_at_the_first_attempt() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings).await;
    let statuses = [400, 401, 403, 404, 413, 414];
    for status in statuses {
        publish(&emulator, &[&status.to_string()]).await;
        webhook.delivery().await.respond(status, "");
        assert_eq!(steps.outcome().await, DeliveryStep::Rejected, "{status}");
    }
    for (letter, status) in dead(&emulator).iter().zip(statuses) {
        let (id, reason, attempts, result) = letter;
        assert_eq!(
            (id.as_str(), *reason, *attempts),
            (&*status.to_string(), DeadLetterReason::NotRetried, 1)
        );
        assert!(result.as_ref().unwrap().starts_with(id), "{letter:?}");
    }
    assert_eq!(dead(&emulator).len(), statuses.len());
}

#[tokio::test]
async fn with_lenient_retries_fewer_statuses_lose_an_event() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings.lenient_retries(true)).await;
    for (status, wait) in [(401, 300), (404, 300), (414, 10)] {
        publish(&emulator, &["1"]).await;
        webhook.delivery().await.respond(status, "");
        assert_eq!(steps.outcome().await, DeliveryStep::Released, "{status}");
        emulator.clock().advance(seconds(wait));
        webhook.delivery().await.respond(200, "");
        assert_eq!(steps.outcome().await, DeliveryStep::Acknowledged, "{status}");
    }
    for status in [400, 403, 413] {
        publish(&emulator, &["1"]).await;
        webhook.delivery().await.respond(status, "");
        assert_eq!(steps.outcome().await, DeliveryStep::Rejected, "{status}");
    }
}

#[tokio::test]
async fn without_a_response_an_event_is_lost_unless_retries_are_lenient() {
    for lenient in [false, true] {
        let (emulator, mut webhook, mut steps) =
            pushing(|settings| settings.lenient_retries(lenient).max_delivery_count(3)).await;
        let expected = if lenient { DeliveryStep::Released } else { DeliveryStep::Rejected };
        publish(&emulator, &["late"]).await;
        let hanging = webhook.delivery().await;
        emulator.clock().advance(seconds(30));
        assert_eq!(steps.outcome().await, expected);
        // A late success is too late.
        hanging.respond(200, "");
        if lenient {
            emulator.clock().advance(seconds(10));
        } else {
            publish(&emulator, &["cut off"]).await;
        }
        drop(webhook.delivery().await);
        assert_eq!(steps.outcome().await, expected);
        let results: Vec<_> = dead(&emulator).into_iter().filter_map(|letter| letter.3).collect();
        if lenient {
            assert!(results.is_empty());
        } else {
            assert_eq!(results[0], "no response before the timeout");
            assert!(results[1].starts_with("the connection broke"), "{results:?}");
        }
    }
}

#[tokio::test]
async fn a_success_that_is_late_is_followed_by_a_duplicate() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings.lenient_retries(true)).await;
    publish(&emulator, &["1"]).await;
    let late = webhook.delivery().await;
    emulator.clock().advance(seconds(30));
    assert_eq!(steps.outcome().await, DeliveryStep::Released);
    late.respond(200, "");
    let lines = wait_for_hooks(&emulator, 3).await;
    assert_eq!(lines[1].0, "POST orders/audit, event 1, attempt 1 (no response before the timeout)");
    assert_eq!(lines[2], ("POST orders/audit, event 1, attempt 1 (late)".to_owned(), "200".to_owned()));
    emulator.clock().advance(seconds(10));
    let duplicate = webhook.delivery().await;
    assert_eq!((duplicate.id(), duplicate.header("aeg-delivery-count")), ("1".to_owned(), Some("1")));
    duplicate.respond(200, "");
    assert_eq!(steps.outcome().await, DeliveryStep::Acknowledged);
    // After three minutes, the connection ends.
    publish(&emulator, &["2"]).await;
    let hanging = webhook.delivery().await;
    emulator.clock().advance(seconds(30));
    assert_eq!(steps.outcome().await, DeliveryStep::Released);
    emulator.clock().advance(seconds(150));
    hanging.closed().await;
}

#[tokio::test]
async fn a_webhook_that_keeps_failing_gets_no_events_for_a_while() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings.probation_after(2)).await;
    let on_probation =
        || emulator.eventgrid().topics()[0].subscriptions[0].push.as_ref().unwrap().on_probation;
    for id in ["1", "2"] {
        assert!(!on_probation());
        publish(&emulator, &[id]).await;
        webhook.delivery().await.respond(503, "");
        assert_eq!(steps.outcome().await, DeliveryStep::Released);
    }
    assert!(on_probation());
    let lines = wait_for_hooks(&emulator, 3).await;
    assert_eq!(lines[2].0, "POST orders/audit, event 2, attempt 1 (probation for 10 s)");
    publish(&emulator, &["3"]).await;
    let page = http(&emulator, "GET", "/", &[("accept", "text/html")], "").await.body;
    assert!(page.contains("/hooks/eventgrid (on probation)"), "{page}");
    // Real time passes as well, so the margin is more than a second.
    emulator.clock().advance(seconds(5));
    assert!(webhook.is_idle() && on_probation());
    emulator.clock().advance(seconds(5));
    let next = webhook.delivery().await;
    assert_eq!(next.id(), "3");
    // One more failure is enough as long as there is no success.
    next.respond(503, "");
    assert_eq!(steps.outcome().await, DeliveryStep::Released);
    assert!(on_probation());
    emulator.clock().advance(seconds(30));
    for _ in 0..3 {
        webhook.delivery().await.respond(200, "");
        assert_eq!(steps.outcome().await, DeliveryStep::Acknowledged);
    }
    assert!(!on_probation() && dead(&emulator).is_empty());
}

#[tokio::test]
async fn events_that_are_due_during_probation_are_lost_if_its_cause_is_not_retried() {
    for lenient in [false, true] {
        let (emulator, mut webhook, mut steps) =
            pushing(|settings| settings.probation_after(1).lenient_retries(lenient)).await;
        publish(&emulator, &["first"]).await;
        webhook.delivery().await.respond(404, "");
        let expected = if lenient { DeliveryStep::Released } else { DeliveryStep::Rejected };
        assert_eq!(steps.outcome().await, expected);
        publish(&emulator, &["second"]).await;
        if lenient {
            emulator.clock().advance(seconds(300));
            webhook.delivery().await.respond(200, "");
            assert_eq!(steps.outcome().await, DeliveryStep::Acknowledged);
            assert!(dead(&emulator).is_empty());
            continue;
        }
        while dead(&emulator).len() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(dead(&emulator)[1], ("second".to_owned(), DeadLetterReason::Probation, 0, None));
        emulator.clock().advance(seconds(300));
        publish(&emulator, &["third"]).await;
        let third = webhook.delivery().await;
        assert_eq!(third.id(), "third");
    }
}

#[tokio::test]
async fn an_event_that_is_too_old_is_not_sent() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings.time_to_live(seconds(60))).await;
    publish(&emulator, &["1"]).await;
    webhook.delivery().await.respond(408, "");
    assert_eq!(steps.outcome().await, DeliveryStep::Released);
    emulator.clock().advance(seconds(90));
    assert!(dead(&emulator).is_empty(), "an attempt is not due yet");
    emulator.clock().advance(seconds(30));
    while dead(&emulator).is_empty() {
        tokio::task::yield_now().await;
    }
    let result = Some("408 Request Timeout".to_owned());
    assert_eq!(dead(&emulator), [("1".to_owned(), DeadLetterReason::TimeToLiveExceeded, 1, result)]);
    assert!(webhook.is_idle());
}

#[tokio::test]
async fn new_settings_apply_after_a_new_handshake() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings).await;
    publish(&emulator, &["old"]).await;
    let old = webhook.delivery().await;
    let mut other = Webhook::start().await;
    emulator.eventgrid().declare_push("orders", "audit", other.settings()).unwrap();
    old.respond(200, "");
    assert_eq!(steps.outcome().await, DeliveryStep::Acknowledged);
    other.consent().await;
    publish(&emulator, &["new"]).await;
    assert_eq!(other.delivery().await.id(), "new");
    assert!(webhook.is_idle());
}

#[tokio::test]
async fn the_events_of_a_push_subscription_cannot_be_received() {
    let (emulator, mut webhook, _) = pushing(|settings| settings).await;
    let authorization = format!("SharedAccessKey {}", emulator.eventgrid().key());
    let target = "/topics/orders/eventsubscriptions/audit:receive?api-version=2024-06-01";
    let response = http(&emulator, "POST", target, &[("authorization", &authorization)], "").await;
    assert_eq!((response.status, &response.json()["error"]["code"]), (400, &"BadRequest".into()));
    publish(&emulator, &["1"]).await;
    webhook.delivery().await.respond(200, "");
}

#[tokio::test]
async fn each_attempt_is_a_line_of_the_log_without_a_secret() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings.header("x-key", "s3cret")).await;
    publish(&emulator, &["e-1"]).await;
    webhook.delivery().await.respond(503, "");
    steps.outcome().await;
    emulator.clock().advance(seconds(30));
    webhook.delivery().await.respond(204, "");
    let lines = wait_for_hooks(&emulator, 3).await;
    let line = |note: &str, outcome: &str| (note.to_owned(), outcome.to_owned());
    assert_eq!(
        lines,
        [
            line("OPTIONS orders/audit, validation", "200"),
            line("POST orders/audit, event e-1, attempt 1", "503"),
            line("POST orders/audit, event e-1, attempt 2", "204"),
        ]
    );
    for accept in ["application/json", "text/html"] {
        let page = http(&emulator, "GET", "/", &[("accept", accept)], "").await.body;
        assert!(page.contains("/hooks/eventgrid") && !page.contains("s3cret"), "{page}");
    }
}

#[tokio::test]
async fn deliveries_stop_with_the_emulator() {
    for in_order in [true, false] {
        let (emulator, mut webhook, _) = pushing(|settings| settings).await;
        let grid = emulator.eventgrid();
        publish(&emulator, &["1"]).await;
        let pending = webhook.delivery().await;
        if in_order {
            emulator.shutdown().await;
        }
        let address = emulator.address();
        drop(emulator);
        // The connection of the delivery is closed.
        pending.closed().await;
        assert_eq!(grid.locked("orders", "audit"), 1);
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    }
}

#[tokio::test]
async fn invalid_names_and_settings_are_rejected() {
    let emulator = Emulator::start().await.unwrap();
    let webhook = Webhook::start().await;
    let grid = emulator.eventgrid();
    let error = grid.declare_push("orders", "a_b", webhook.settings()).unwrap_err().to_string();
    assert!(error.contains("not 'a_b'"), "{error}");
    let error = grid.declare_push("orders", "audit", webhook.settings().origin("")).unwrap_err().to_string();
    assert!(error.contains("origin"), "{error}");
    assert!(grid.topics().is_empty() && hooks(&emulator).await.is_empty());
}

#[tokio::test]
async fn requests_are_sent_in_parallel_up_to_a_bound() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings).await;
    let ids: Vec<_> = (0..20).map(|id| id.to_string()).collect();
    publish(&emulator, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut calls = Vec::new();
    for _ in 0..16 {
        calls.push(webhook.delivery().await);
    }
    assert_eq!(emulator.eventgrid().locked("orders", "audit"), 16);
    for call in calls {
        call.respond(200, "");
    }
    for _ in 16..20 {
        webhook.delivery().await.respond(200, "");
    }
    for _ in 0..20 {
        assert_eq!(steps.outcome().await, DeliveryStep::Acknowledged);
    }
}

#[tokio::test]
async fn the_page_shows_the_webhook_and_the_dead_letters_without_their_data() {
    let (emulator, mut webhook, mut steps) = pushing(|settings| settings).await;
    for id in ["older", "<newer>"] {
        publish(&emulator, &[id]).await;
        webhook.delivery().await.respond(400, "");
        assert_eq!(steps.outcome().await, DeliveryStep::Rejected);
    }
    let page = http(&emulator, "GET", "/", &[("accept", "application/json")], "").await;
    assert!(!page.body.contains("s3cret"), "{}", page.body);
    let audit = &page.json()["topics"]["first"][0]["subscriptions"]["first"][0];
    assert_eq!((&audit["dead_letters"], &audit["webhook"]["validated"]), (&2.into(), &true.into()));
    assert!(audit["webhook"]["url"].as_str().unwrap().ends_with("/hooks/eventgrid"));
    let letter = serde_json::json!({
        "id": "<newer>", "source": "/s", "type": "t", "subject": null, "reason": "NotRetried", "deliveries": 1,
        "last_result": "400 Bad Request",
    });
    assert_eq!(audit["newest_dead_letters"]["first"][0], letter);
    assert_eq!(audit["newest_dead_letters"]["first"][1]["id"], "older");
    let page = http(&emulator, "GET", "/", &[("accept", "text/html")], "").await.body;
    for text in
        ["Dead letters of audit, newest first: 2", "<td>&lt;newer&gt;</td>", "<td>400 Bad Request</td>"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("s3cret"), "{page}");
}
