//! The rules for names in paths, queries, and frames (webpubsub REST, section 1).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The length of the observed ids.
const CONNECTION_LENGTH: usize = 31;

/// ``^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}$``
pub(super) fn is_hub(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_`,.[]".contains(c))
}

/// 1 to 1024 characters, not only white space.
pub(super) fn is_group(name: &str) -> bool {
    name.chars().count() <= 1024 && name.chars().any(|c| !c.is_whitespace())
}

/// `^[a-z][a-z0-9_.-]{0,127}$`, case-insensitive.
pub(super) fn is_event(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// The form of the connection ids that the emulator assigns.
pub(super) fn is_connection(name: &str) -> bool {
    name.len() == CONNECTION_LENGTH && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// Creates a connection id.
pub(super) fn new_connection() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(CONNECTION_LENGTH).collect()
}

/// Creates a random GUID (RFC 9562, version 4).
pub(super) fn new_guid() -> String {
    let mut bytes = [0; 16];
    fastrand::fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Encodes one path segment.
pub(super) fn encode(name: &str) -> String {
    utf8_percent_encode(name, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hub_names_follow_the_pattern() {
        assert!(is_hub("Chat_1`,.[]") && is_hub(&"a".repeat(128)));
        assert!(
            !is_hub("") && !is_hub("1chat") && !is_hub("a-b") && !is_hub("é") && !is_hub(&"a".repeat(129))
        );
    }

    #[test]
    fn a_group_is_any_text_of_1_to_1024_characters_but_white_space() {
        assert!(is_group("..") && is_group("a b") && is_group(&"é".repeat(1024)));
        assert!(!is_group("") && !is_group(" \t") && !is_group(&"a".repeat(1025)));
    }

    #[test]
    fn a_guid_is_of_version_4() {
        for _ in 0..100 {
            let guid = new_guid();
            let parts: Vec<_> = guid.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12], "{guid}");
            assert!(&guid[14..15] == "4" && "89ab".contains(&guid[19..20]), "{guid}");
        }
    }

    #[test]
    fn event_names_follow_the_pattern() {
        assert!(is_event("order.Created-1_x") && !is_event("") && !is_event("1a") && !is_event("a b"));
    }
}
