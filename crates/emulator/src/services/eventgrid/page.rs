//! What the page shows of Event Grid.

use serde_json::Value;

use crate::eventgrid::{self, EventGrid, PushInfo, SubscriptionInfo, TopicInfo};
use crate::page::snapshot::{DeadLetter, Listed, MAX_ENTRIES, Snapshot, Subscription, Topic, Webhook};

/// Adds the topics with their subscriptions.
pub(super) fn add_to(snapshot: &mut Snapshot, service: &EventGrid) {
    snapshot.topics = Some(Listed::new(service.topics().into_iter(), |info| topic(service, info)));
}

fn topic(service: &EventGrid, info: TopicInfo) -> Topic {
    let subscriptions = info.subscriptions.into_iter();
    let subscriptions = Listed::new(subscriptions, |one| subscription(service, &info.name, one));
    Topic { name: info.name, subscriptions }
}

fn subscription(service: &EventGrid, topic: &str, info: SubscriptionInfo) -> Subscription {
    let newest = service.newest_dead_letters(topic, &info.name, MAX_ENTRIES);
    let newest = Listed { total: info.dead_letters, first: newest.iter().map(DeadLetter::from).collect() };
    Subscription {
        name: info.name,
        waiting: info.waiting,
        locked: info.locked,
        dead_letters: info.dead_letters,
        webhook: info.push.map(Webhook::from),
        newest_dead_letters: (newest.total > 0).then_some(newest),
    }
}

impl From<PushInfo> for Webhook {
    fn from(PushInfo { url, validated, on_probation }: PushInfo) -> Self {
        Self { url, validated, on_probation }
    }
}

/// Without the data, which is payload.
impl From<&eventgrid::DeadLetter> for DeadLetter {
    fn from(letter: &eventgrid::DeadLetter) -> Self {
        let attribute = |name: &str| letter.event[name].as_str().unwrap_or_default().to_owned();
        Self {
            id: attribute("id"),
            source: attribute("source"),
            event_type: attribute("type"),
            subject: letter.event.get("subject").and_then(Value::as_str).map(str::to_owned),
            reason: letter.reason.to_string(),
            deliveries: letter.deliveries,
            last_result: letter.last_result.clone(),
        }
    }
}
