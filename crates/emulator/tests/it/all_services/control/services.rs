//! Topics, subscriptions, dead letters, hubs, and Agents.

use serde_json::{Value, json};
use service_emulator::Emulator;

use super::{call, done, get};
use crate::common::{Response, http};

async fn grid(emulator: &Emulator, method: &str, target: &str, content_type: &str, body: &str) -> Response {
    let authorization = format!("SharedAccessKey {}", emulator.eventgrid().key());
    let headers = [("authorization", authorization.as_str()), ("content-type", content_type)];
    let target = format!("/topics/{target}api-version=2024-06-01");
    http(emulator, method, &target, &headers, body).await
}

async fn receive(emulator: &Emulator) -> Value {
    let target = "orders/eventsubscriptions/billing:receive?maxWaitTime=10&";
    grid(emulator, "POST", target, "application/json", "").await.json()
}

#[tokio::test]
async fn topics_and_subscriptions_are_declared_and_removed() {
    let emulator = Emulator::start().await.unwrap();
    done(&emulator, "PUT", "eventgrid/topics/empty", Value::Null).await;
    let settings =
        json!({ "lock_duration_seconds": 90, "max_delivery_count": 3, "time_to_live_seconds": 60 });
    done(&emulator, "PUT", "eventgrid/topics/orders/subscriptions/billing", settings).await;
    let push = json!({ "push": { "url": "http://127.0.0.1:9/hook?code=x" } });
    done(&emulator, "PUT", "eventgrid/topics/orders/subscriptions/audit", push).await;
    let topics = get(&emulator, "eventgrid/topics").await;
    assert_eq!(
        (&topics["topics"][0]["name"], &topics["topics"][0]["subscriptions"]),
        (&json!("empty"), &json!([]))
    );
    let [audit, billing] = [0, 1].map(|index| &topics["topics"][1]["subscriptions"][index]);
    assert_eq!(
        audit["push"],
        json!({ "url": "http://127.0.0.1:9/hook", "validated": false, "on_probation": false })
    );
    let expected = json!({
        "name": "billing", "waiting": 0, "locked": 0, "dead_letters": 0, "lock_duration_seconds": 90,
        "max_delivery_count": 3, "time_to_live_seconds": 60, "push": null,
    });
    assert_eq!(*billing, expected);
    done(&emulator, "DELETE", "eventgrid/topics/orders/subscriptions/audit", Value::Null).await;
    done(&emulator, "DELETE", "eventgrid/topics/empty", Value::Null).await;
    let topics = get(&emulator, "eventgrid/topics").await;
    assert_eq!(topics["topics"], json!([{ "name": "orders", "subscriptions": [expected] }]));
    for path in ["eventgrid/topics/empty", "eventgrid/topics/orders/subscriptions/audit"] {
        assert_eq!(call(&emulator, "DELETE", path, Value::Null).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_receive_that_waits_ends_when_its_subscription_is_removed() {
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    let waiting = tokio::spawn({
        let emulator = emulator.clone();
        async move { receive(&emulator).await }
    });
    while emulator.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    done(&emulator, "DELETE", "eventgrid/topics/orders", Value::Null).await;
    assert_eq!(waiting.await.unwrap(), json!({ "value": [] }));
    assert!(emulator.eventgrid().topics().is_empty(), "not created again");
}

#[tokio::test]
async fn dead_letters_are_read_and_published_again() {
    let emulator = Emulator::start().await.unwrap();
    emulator.eventgrid().declare("orders", "billing");
    for id in ["a", "b", "c"] {
        let event =
            json!({ "specversion": "1.0", "id": id, "source": "s", "type": "t", "data": 1 }).to_string();
        grid(&emulator, "POST", "orders:publish?", "application/cloudevents+json", &event).await;
        let token = receive(&emulator).await["value"][0]["brokerProperties"]["lockToken"].clone();
        let target = "orders/eventsubscriptions/billing:reject?";
        let body = json!({ "lockTokens": [token] }).to_string();
        grid(&emulator, "POST", target, "application/json", &body).await;
    }
    let path = "eventgrid/topics/orders/subscriptions/billing/dead-letters";
    let letters = get(&emulator, path).await["dead_letters"].clone();
    let shown: Vec<_> = letters.as_array().unwrap().iter().map(|one| &one["event"]["id"]).collect();
    assert_eq!(shown, ["a", "b", "c"]);
    assert_eq!((&letters[0]["reason"], &letters[0]["deliveries"]), (&json!("Rejected"), &json!(1)));
    let one = json!({ "sequences": [letters[1]["sequence"], 99] });
    let resubmit = format!("{path}/resubmit");
    assert_eq!(call(&emulator, "POST", &resubmit, one).await.json(), json!({ "resubmitted": 1 }));
    let again = receive(&emulator).await["value"][0].clone();
    assert_eq!(
        (&again["event"]["id"], &again["brokerProperties"]["deliveryCount"]),
        (&json!("b"), &json!(1))
    );
    assert_eq!(call(&emulator, "POST", &resubmit, Value::Null).await.json(), json!({ "resubmitted": 2 }));
    assert_eq!(get(&emulator, path).await["dead_letters"], json!([]));
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 2);
    let missing = "eventgrid/topics/orders/subscriptions/none/dead-letters";
    assert_eq!(call(&emulator, "GET", missing, Value::Null).await.status, 404);
}

#[tokio::test]
async fn hubs_are_declared_with_event_handlers_and_removed() {
    let emulator = Emulator::start().await.unwrap();
    let hub = json!({ "allow_anonymous": true, "event_handlers": [
        { "url": "http://u.test/{event}?code=x", "system_events": ["connect", "groupJoined"], "user_events": ["order"] },
    ] });
    done(
        &emulator,
        "PUT",
        "webpubsub/hubs/Chat",
        json!({ "event_handlers": [{ "url": "http://old.test/" }] }),
    )
    .await;
    done(&emulator, "PUT", "webpubsub/hubs/Chat", hub).await;
    let expected = json!({ "connected": [], "hubs": [{ "name": "chat", "allow_anonymous": true, "event_handlers": [
        { "url": "http://u.test/{event}", "system_events": ["connect", "groupJoined"], "user_events": ["order"] },
    ] }] });
    assert_eq!(get(&emulator, "webpubsub/hubs").await, expected);
    done(&emulator, "DELETE", "webpubsub/hubs/chat", Value::Null).await;
    assert_eq!(call(&emulator, "DELETE", "webpubsub/hubs/chat", Value::Null).await.status, 404);
    assert_eq!(get(&emulator, "webpubsub/hubs").await["hubs"], json!([]));
}

#[tokio::test]
async fn agents_are_connected_and_disconnected_and_transfer_files() {
    let emulator = Emulator::start().await.unwrap();
    let agent = json!({ "id": "osaka", "direction": "send", "connection_ids": ["hq"], "version": "2.0.0",
        "endpoint": "service2.tokyo.webconnect.hulft.com" });
    done(&emulator, "POST", "hulft/agents", agent.clone()).await;
    assert_eq!(get(&emulator, "hulft/agents").await, json!({ "agents": [agent] }));
    let start = async || call(&emulator, "POST", "hulft/agents/osaka/transfers", Value::Null).await;
    let first = start().await.json()["processing_id"].as_str().unwrap().to_owned();
    done(&emulator, "POST", &format!("hulft/transfers/{first}/finish"), Value::Null).await;
    assert_eq!(start().await.status, 200);
    done(&emulator, "DELETE", "hulft/agents/osaka", Value::Null).await;
    let transfers = get(&emulator, "hulft/transfers").await;
    let states = [0, 1].map(|index| transfers["transfers"][index]["state"].clone());
    assert_eq!(states, ["ended_normally", "ended_abnormally"].map(|state| json!(state)));
    assert_eq!(start().await.status, 404);
    assert_eq!(call(&emulator, "DELETE", "hulft/agents/osaka", Value::Null).await.status, 404);
}
