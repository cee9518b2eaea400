//! What the page shows of Event Grid.

use super::snapshot::{Listed, Snapshot, Subscription, Topic};
use crate::eventgrid::{EventGrid, TopicInfo};

/// Adds the topics with their subscriptions.
pub(super) fn add_to(snapshot: &mut Snapshot, service: &EventGrid) {
    snapshot.topics = Some(Listed::new(service.topics().into_iter(), Topic::from));
}

impl From<TopicInfo> for Topic {
    fn from(info: TopicInfo) -> Self {
        let subscriptions = Listed::new(info.subscriptions.into_iter(), |info| Subscription {
            name: info.name,
            waiting: info.waiting,
            locked: info.locked,
            dead_letters: info.dead_letters,
        });
        Self { name: info.name, subscriptions }
    }
}
