//! One connection of a hub: its user, its groups, its permissions, and its send queue.

use std::sync::Arc;
use std::time::SystemTime;

use super::connection::Protocol;
use super::delivery::Delivery;
use super::filter::FilterSubject;
use super::frame::ServerFrame;
use super::group_state::GroupStates;
use super::news::News;
use super::outbox::Outbox;
use super::roles::Roles;
use super::streams::Streams;
use super::unacknowledged::{AckIds, Unacknowledged};
use super::upstream::{Link, Notice};

/// The service documents no bound. This one keeps a client from exhausting the memory.
const MAX_GROUPS: usize = 1_000;

#[derive(Debug)]
pub(super) struct Member {
    pub(super) user: Option<String>,
    pub(super) groups: Groups,
    pub(super) roles: Roles,
    pub(super) protocol: Protocol,
    /// The queue of its socket. `None` while the socket is lost.
    pub(super) outbox: Option<Outbox>,
    pub(super) acknowledged: AckIds,
    /// Only with a reliable protocol.
    pub(super) unacknowledged: Option<Unacknowledged>,
    pub(super) link: Arc<Link>,
    /// The time until which a lost socket can be replaced.
    pub(super) lost_until: Option<SystemTime>,
    pub(super) states: GroupStates,
    pub(super) streams: Streams,
}

/// The names of groups, sorted and without duplicates.
#[derive(Debug, Default)]
pub(super) struct Groups(Vec<String>);

impl Member {
    pub(super) fn is_in(&self, group: &str) -> bool {
        self.groups.find(group).is_ok()
    }

    pub(super) fn is_user(&self, user: &str) -> bool {
        self.user.as_deref() == Some(user)
    }

    /// Whether its socket was closed permanently.
    pub(super) fn is_over(&self) -> bool {
        self.outbox.as_ref().and_then(Outbox::closing).is_some_and(|closing| !closing.recoverable)
    }

    /// The member as a filter sees it.
    pub(super) fn subject<'a>(&'a self, connection_id: &'a str) -> FilterSubject<'a> {
        FilterSubject { connection_id, user_id: self.user.as_deref(), groups: self.groups.as_slice() }
    }

    /// Queues a message. Returns `false` if the client has left too many unacknowledged.
    pub(super) fn deliver(&mut self, delivery: &Delivery, expires: Option<SystemTime>) -> bool {
        self.push(expires, |id| ServerFrame::Message { delivery, id })
    }

    /// Queues a frame that has a sequence number on a reliable protocol. Returns `false` if the client has left too many
    /// unacknowledged.
    pub(super) fn push<'a>(
        &mut self,
        expires: Option<SystemTime>,
        frame: impl FnOnce(Option<u64>) -> ServerFrame<'a>,
    ) -> bool {
        let id = self.unacknowledged.as_mut().map(Unacknowledged::next_id);
        let Some(message) = self.protocol.encode(&frame(id)) else { return true };
        let kept = self.unacknowledged.as_mut().is_none_or(|kept| kept.keep(message.clone(), expires));
        if let Some(outbox) = &self.outbox {
            outbox.push_until(message, expires);
        }
        kept
    }

    /// Queues a frame without a sequence number. It is lost if the connection has no socket.
    pub(super) fn push_once(&self, frame: &ServerFrame<'_>) {
        if let Some(outbox) = &self.outbox {
            outbox.push_all(self.protocol.encode(frame));
        }
    }

    /// Notifies event handlers that the connection exists, and of its groups.
    pub(super) fn announce(&self) {
        self.link.notify(Notice::Connected);
        for group in self.groups.as_slice() {
            self.link.notify(Notice::Joined { group: group.clone() });
        }
    }

    /// Notifies event handlers that the connection has ended.
    pub(super) fn announce_end(&self, reason: &str) {
        self.link.notify(Notice::Disconnected { reason: reason.to_owned() });
    }

    pub(super) fn join(&mut self, group: &str) {
        if self.groups.add(group) {
            self.link.notify(Notice::Joined { group: group.to_owned() });
        }
    }

    /// Leaves a group. Returns what its other members are sent because of that.
    pub(super) fn leave(&mut self, id: &str, group: &str, now: SystemTime) -> Option<News> {
        if self.groups.remove(group) {
            self.link.notify(Notice::Left { group: group.to_owned() });
        }
        self.end_state(id, group, now)
    }

    pub(super) fn leave_all(&mut self, id: &str, now: SystemTime) -> Vec<News> {
        let groups = self.groups.as_slice().to_vec();
        groups.iter().filter_map(|group| self.leave(id, group, now)).collect()
    }

    /// What others are sent because the connection has ended.
    pub(super) fn last_news(&mut self, id: &str, now: SystemTime) -> Vec<News> {
        let mut news = self.end_streams(id);
        news.extend(self.end_states(id, now));
        news
    }

    /// Whether others are sent something once the connection ends.
    pub(super) fn has_last_news(&self) -> bool {
        !self.streams.is_empty() || !self.states.is_empty()
    }

    /// Whether there is room for these groups in addition to its current ones.
    pub(super) fn can_join(&self, groups: &[&str]) -> bool {
        let new = groups.iter().filter(|group| !self.is_in(group)).count();
        self.groups.0.len() + new <= MAX_GROUPS
    }
}

impl Groups {
    pub(super) fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Returns `false` if it was present.
    fn add(&mut self, group: &str) -> bool {
        let place = self.find(group);
        if let Err(place) = place {
            self.0.insert(place, group.to_owned());
        }
        place.is_err()
    }

    /// Returns `false` if it was not present.
    fn remove(&mut self, group: &str) -> bool {
        let place = self.find(group);
        if let Ok(place) = place {
            self.0.remove(place);
        }
        place.is_ok()
    }

    fn find(&self, group: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|other| other.as_str().cmp(group))
    }
}

impl<'a> FromIterator<&'a str> for Groups {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        names.sort();
        names.dedup();
        Self(names)
    }
}
