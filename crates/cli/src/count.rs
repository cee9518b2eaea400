//! Numbers with their nouns and verbs in messages: one event is, two events are.

use std::fmt::Display;

/// Returns a number with its noun: `1 event`, `2 events`.
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    format!("{number} {noun}{}", if is_one(number) { "" } else { "s" })
}

/// Returns a part of a whole with the noun and the past of `to be`: `1 of 2 events was`, `2 of 2 events were`.
pub(crate) fn part_was<N: Copy + Display + PartialEq + From<u8>>(part: N, whole: N, noun: &str) -> String {
    format!("{part} of {} {}", counted(whole, noun), if is_one(part) { "was" } else { "were" })
}

/// Returns a part of a whole with the noun and the present of `to be`: `1 of 2 events is`, `2 of 2 events are`.
pub(crate) fn part_is<N: Copy + Display + PartialEq + From<u8>>(part: N, whole: N, noun: &str) -> String {
    format!("{part} of {} {}", counted(whole, noun), if is_one(part) { "is" } else { "are" })
}

/// Returns a number with its noun and the past of `to be`: `1 event was`, `2 events were`.
pub(crate) fn was<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    format!("{} {}", counted(number, noun), if is_one(number) { "was" } else { "were" })
}

/// Returns a number with its noun and the present of `to be`: `1 message is`, `2 messages are`.
pub(crate) fn is<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    format!("{} {}", counted(number, noun), if is_one(number) { "is" } else { "are" })
}

fn is_one<N: Copy + PartialEq + From<u8>>(number: N) -> bool {
    number == N::from(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!([0_u64, 1, 2].map(|n| counted(n, "event")), ["0 events", "1 event", "2 events"]);
        assert_eq!([0_u64, 1, 2].map(|n| was(n, "event")), ["0 events were", "1 event was", "2 events were"]);
        assert_eq!([1_u64, 2].map(|n| is(n, "message")), ["1 message is", "2 messages are"]);
    }

    #[test]
    fn the_verb_of_a_part_follows_the_part_and_the_noun_follows_the_whole() {
        assert_eq!(part_was(1_usize, 1, "event"), "1 of 1 event was");
        assert_eq!(part_was(1_usize, 3, "event"), "1 of 3 events was");
        assert_eq!(part_is(2_usize, 3, "event"), "2 of 3 events are");
    }
}
