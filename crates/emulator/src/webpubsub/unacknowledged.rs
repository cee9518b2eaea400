//! The state that a reliable connection keeps: numbered messages that its client has not acknowledged, and the ack ids
//! that were executed. Both survive a lost socket (client protocols, sections 6 and 7).

use std::collections::{HashSet, VecDeque};
use std::time::SystemTime;

use tokio_tungstenite::tungstenite::Message;

use super::outbox::{MAX_BYTES, MAX_MESSAGES};

/// The number of ack ids that a connection remembers.
const MAX_ACK_IDS: usize = 1_000;

/// Messages sent or still to be sent, oldest first.
#[derive(Debug, Default)]
pub(super) struct Unacknowledged {
    messages: VecDeque<Kept>,
    bytes: usize,
    last_id: u64,
}

#[derive(Debug)]
struct Kept {
    id: u64,
    message: Message,
    expires: Option<SystemTime>,
}

/// The most recently executed ack ids. Each is executed once.
#[derive(Debug, Default)]
pub(super) struct AckIds {
    order: VecDeque<u64>,
    ids: HashSet<u64>,
}

impl Unacknowledged {
    /// The number of the next message, starting at 1.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Stores the message with the last number. Returns `false` if there are too many messages or bytes.
    pub(super) fn keep(&mut self, message: Message, expires: Option<SystemTime>) -> bool {
        self.bytes += message.len();
        self.messages.push_back(Kept { id: self.last_id, message, expires });
        self.messages.len() <= MAX_MESSAGES && self.bytes <= MAX_BYTES
    }

    /// Removes the messages up to this number.
    pub(super) fn acknowledge(&mut self, id: u64) {
        while let Some(oldest) = self.messages.front().filter(|kept| kept.id <= id) {
            self.bytes -= oldest.message.len();
            self.messages.pop_front();
        }
    }

    /// The messages to send again after a recovery.
    pub(super) fn messages(&self) -> impl Iterator<Item = (Message, Option<SystemTime>)> + '_ {
        self.messages.iter().map(|kept| (kept.message.clone(), kept.expires))
    }
}

impl AckIds {
    pub(super) fn contains(&self, id: u64) -> bool {
        self.ids.contains(&id)
    }

    pub(super) fn remember(&mut self, id: u64) {
        if self.ids.insert(id) {
            self.order.push_back(id);
        }
        if self.order.len() > MAX_ACK_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_from_one_and_an_acknowledgement_forgets_up_to_its_own() {
        let mut kept = Unacknowledged::default();
        for text in ["a", "b", "c"] {
            kept.next_id();
            assert!(kept.keep(Message::text(text), None));
        }
        kept.acknowledge(2);
        kept.acknowledge(1);
        assert_eq!(kept.messages().map(|(message, _)| message).collect::<Vec<_>>(), [Message::text("c")]);
        kept.acknowledge(u64::MAX);
        assert_eq!((kept.messages().count(), kept.bytes, kept.next_id()), (0, 0, 4));
    }

    #[test]
    fn a_thousand_messages_or_16_megabytes_are_kept() {
        let mut kept = Unacknowledged::default();
        for number in 1..=MAX_MESSAGES + 1 {
            kept.next_id();
            assert_eq!(kept.keep(Message::text("x"), None), number <= MAX_MESSAGES);
        }
        let mut kept = Unacknowledged::default();
        assert!(kept.keep(Message::binary(vec![0; MAX_BYTES]), None));
        assert!(!kept.keep(Message::text("x"), None));
    }

    #[test]
    fn the_thousand_newest_ack_ids_are_remembered() {
        let mut ids = AckIds::default();
        (0..=1_000).for_each(|id| ids.remember(id));
        assert!(!ids.contains(0) && ids.contains(1) && ids.contains(1_000));
    }
}
