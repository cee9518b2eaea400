//! Settings that are replaced while clients are connected.

use futures_util::StreamExt as _;
use serde_json::json;
use service_emulator::hulft::Agent;
use service_emulator::{Emulator, Fault};

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
