//! What the page shows of Event Grid.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::eventgrid::{Dead, EventGrid, PushInfo, SubscriptionInfo, TopicInfo};
use crate::page::snapshot::{DeadLetter, Listed, Snapshot, Subscription, Topic, Webhook};

/// The number of dead letters that are shown of each subscription.
const MAX_DEAD_LETTERS: usize = 20;

/// Adds the topics with their subscriptions.
pub(super) fn add_to(snapshot: &mut Snapshot, service: &EventGrid) {
    let mut topics = service.topics();
    topics.retain(|topic| {
        let names = topic.subscriptions.iter().map(|one| one.name.as_str());
        snapshot.filter.shows(names.chain([topic.name.as_str()]))
    });
    snapshot.topics = Some(Listed::new(topics.into_iter(), |info| topic(service, info)));
}

fn topic(service: &EventGrid, info: TopicInfo) -> Topic {
    let subscriptions = info.subscriptions.into_iter();
    let subscriptions = Listed::new(subscriptions, |one| subscription(service, &info.name, one));
    Topic { name: info.name, subscriptions }
}

fn subscription(service: &EventGrid, topic: &str, info: SubscriptionInfo) -> Subscription {
    let newest = service.newest_dead_letters(topic, &info.name, MAX_DEAD_LETTERS);
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

/// Publishes the event that a form of the page describes.
pub(super) fn publish(service: &EventGrid, field: &dyn Fn(&str) -> String) -> Result<(), String> {
    let data: Value =
        serde_json::from_str(&field("data")).map_err(|error| format!("the data is not JSON: {error}"))?;
    let id: String = std::iter::repeat_with(fastrand::alphanumeric).take(16).collect();
    let event = json!({
        "specversion": "1.0", "id": id, "source": "/service-emulator/page", "type": field("type"), "data": data,
    });
    service.publish(&field("topic"), event).map_err(|error| error.to_string())
}

/// Without the data, which is payload.
impl From<&Dead> for DeadLetter {
    fn from(dead: &Dead) -> Self {
        let Attributes { id, source, event_type, subject } =
            serde_json::from_str(&dead.event).unwrap_or_default();
        Self {
            id,
            source,
            event_type,
            subject,
            reason: dead.reason.to_string(),
            deliveries: dead.deliveries,
            last_result: dead.last_result.as_deref().map(str::to_owned),
        }
    }
}

/// What is read of an event. Its data is skipped.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    id: String,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    subject: Option<String>,
}
