//! Settings that are replaced while clients are connected.

use futures_util::StreamExt as _;
use serde_json::json;
use service_emulator::eventgrid::SubscriptionSettings;
use service_emulator::hulft::Agent;
use service_emulator::{Emulator, Fault};

use crate::common::http;
use crate::webpubsub::common::clients::{Client, publish};

const BEFORE: &str = "
[webpubsub]
hubs = [{ name = 'old', allow_anonymous = true }, { name = 'both' }]
[eventgrid]
topics = [{ name = 'orders', subscriptions = [{ name = 'billing' }] }, { name = 'gone' }]
[hulft]
api_keys = [{ key = 'old-key', scopes = ['all'] }]
agents = [{ id = 'a', direction = 'send', connection_ids = [] }, { id = 'b', direction = 'send', connection_ids = [] }]
";
const AFTER: &str = "
[webpubsub]
hubs = [{ name = 'both', allow_anonymous = true, event_handlers = [{ url = 'http://127.0.0.1:9/' }] }]
[eventgrid]
topics = [{ name = 'orders', subscriptions = [{ name = 'billing', max_delivery_count = 3 }, { name = 'audit' }] }]
[hulft]
api_key = 'new-key'
agents = [{ id = 'b', direction = 'send', connection_ids = [] }, { id = 'c', direction = 'send', connection_ids = [] }]
[[faults]]
kind = 'reset'
path_contains = '/none'
";

fn state(emulator: &Emulator) -> (Vec<String>, Vec<String>, Vec<String>) {
    let hubs = emulator.webpubsub().hub_settings();
    let hubs = hubs.iter().map(|hub| format!("{} {}", hub.name, hub.event_handlers.len())).collect();
    let topics = emulator.eventgrid().topics();
    let topics = topics.iter().map(|topic| format!("{} {}", topic.name, topic.subscriptions.len())).collect();
    let agents = emulator.hulft().agents().into_iter().map(|one| one.agent);
    (hubs, topics, agents.map(|Agent { agent_id, .. }| agent_id).collect())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn a_changed_file_takes_effect_without_dropping_clients_or_events() {
    let emulator = Emulator::builder().config(BEFORE).unwrap().start().await.unwrap();
    assert_eq!(state(&emulator), (texts(&["old 0"]), texts(&["gone 0", "orders 1"]), texts(&["a", "b"])));
    let mut client = Client::json(&emulator, json!({ "webpubsub.group": ["g"] })).await;
    let event = json!({ "specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": 1 });
    emulator.eventgrid().publish("orders", event).unwrap();
    let session = emulator.hulft().agents().pop().unwrap().session_id;
    emulator.reconfigure(AFTER).unwrap();
    let expected = (texts(&["both 1"]), texts(&["gone 0", "orders 2"]), texts(&["b", "c"]));
    assert_eq!(state(&emulator), expected);
    assert_eq!(emulator.eventgrid().waiting("orders", "billing"), 1);
    assert_eq!((emulator.hulft().agents()[0].session_id.clone(), emulator.faults().pending()), (session, 1));
    publish(&emulator, "hello").await;
    assert_eq!(client.frame().await["data"], "hello");
    // A reset returns to the new settings.
    emulator.reset().unwrap();
    assert_eq!(state(&emulator), (texts(&["both 1"]), texts(&["orders 2"]), texts(&["b", "c"])));
    assert!(client.socket.next().await.is_some());
}

#[tokio::test]
async fn an_invalid_file_changes_nothing_and_unchanged_faults_are_kept() {
    let emulator = Emulator::builder().config(AFTER).unwrap().start().await.unwrap();
    let before = state(&emulator);
    emulator.faults().push(Fault::status(503).path_contains("/other"));
    let error = emulator.reconfigure("[webpubsub]\nhubs = []\nprot = 1").unwrap_err();
    assert_eq!(error.line(), Some(3));
    assert_eq!(state(&emulator), before);
    emulator.reconfigure(AFTER).unwrap();
    assert_eq!((state(&emulator), emulator.faults().pending()), (before, 2));
    let plain = Emulator::start().await.unwrap();
    assert!(plain.reconfigure("").is_err());
}

#[tokio::test]
async fn variables_win_after_a_reload_too_and_what_they_declare_is_kept() {
    let variables = [
        ("WEBPUBSUB_ACCESS_KEY", "of-the-variables"),
        ("WEBPUBSUB_HUBS", "[{ name = 'both', event_handlers = [{ url = 'http://127.0.0.1:8/' }] }]"),
        (
            "EVENTGRID_TOPICS",
            "[{ name = 'orders', subscriptions = [{ name = 'billing', max_delivery_count = 5 }] }]",
        ),
        ("HULFT_API_KEYS", "[{ key = 'old-key', scopes = ['all'] }]"),
        ("HULFT_AGENTS", "[{ id = 'b', direction = 'receive', connection_ids = [] }]"),
    ];
    let variables = variables.map(|(name, text)| (format!("SERVICE_EMULATOR_{name}"), text.to_owned()));
    let builder = Emulator::builder().config(BEFORE).unwrap().variables(variables).unwrap();
    let emulator = builder.start().await.unwrap();
    let own = emulator.hulft().agents().pop().unwrap().session_id;
    emulator.reconfigure(&AFTER.replace("[webpubsub]", "[webpubsub]\naccess_key = 'of-the-file'")).unwrap();
    assert_eq!(emulator.webpubsub().access_key(), "of-the-variables");
    assert_eq!(state(&emulator).0, ["both 2"]);
    let topics = emulator.eventgrid().topics();
    let billing = topics[1].subscriptions.iter().find(|one| one.name == "billing").unwrap();
    assert_eq!(billing.settings, SubscriptionSettings::default().max_delivery_count(5));
    assert!(emulator.hulft().agents().iter().any(|one| one.session_id == own));
    let authorization = [("authorization", "Bearer old-key")];
    assert_eq!(http(&emulator, "GET", "/api/v2/agent/status", &authorization, "").await.status, 200);
}

#[tokio::test]
async fn only_the_session_of_a_changed_agent_ends() {
    let agent =
        |direction: &str| format!("{{ id = 'a', direction = '{direction}', connection_ids = ['x'] }}");
    let text = |first: &str, second: &str| format!("[hulft]\nagents = [{first}, {second}]");
    let (send, receive) = (agent("send"), agent("receive"));
    let emulator = Emulator::builder().config(&text(&send, &receive)).unwrap().start().await.unwrap();
    let sessions = || emulator.hulft().agents().into_iter().map(|one| one.session_id).collect::<Vec<_>>();
    let before = sessions();
    emulator.reconfigure(&text(&send, &receive.replace("'x'", "'y'"))).unwrap();
    let after = sessions();
    assert!(after.len() == 2 && after.contains(&before[0]) && !after.contains(&before[1]));
}

#[tokio::test]
async fn what_the_file_no_longer_sets_returns_to_the_initial_value() {
    let text = "[webpubsub]\naccess_key = 'a'\n[eventgrid]\nkey = 'AAAAAAAAAAAAAAAAAAAAAA=='\ndeclared_only = true\n\
        [hulft]\napi_key = 'own'\nrequests_per_minute = 1";
    let emulator = Emulator::builder().config(text).unwrap().start().await.unwrap();
    emulator.reconfigure("").unwrap();
    let other = Emulator::start().await.unwrap();
    for (one, other) in [
        (emulator.webpubsub().access_key(), other.webpubsub().access_key()),
        (emulator.eventgrid().key(), other.eventgrid().key()),
        (emulator.hulft().api_key(), other.hulft().api_key()),
    ] {
        assert_eq!(one, other);
    }
    // A key that a test has set is kept.
    emulator.hulft().set_api_key("of-the-test").unwrap();
    emulator.reconfigure("").unwrap();
    assert_eq!(emulator.hulft().api_key(), "of-the-test");
    let event = json!({ "specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": 1 });
    emulator.eventgrid().publish("created-on-use", event).unwrap();
}
