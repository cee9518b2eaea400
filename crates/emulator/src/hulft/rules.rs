//! The rules for values, each with the words in which an error states it. Where section 4 of the vendor's description
//! specifies nothing, the bounds of its other guides apply (section 6).

use std::net::Ipv4Addr;

/// A rule for strings.
pub(super) struct Rule {
    /// Completes "must be ...".
    pub(super) says: &'static str,
    holds: fn(&str) -> bool,
}

impl Rule {
    pub(super) fn holds_for(&self, text: &str) -> bool {
        (self.holds)(text)
    }
}

/// Names of groups and ids of browser transfer settings.
pub(super) const NAME: Rule = Rule {
    says: "a text of 1 to 32 letters, digits, '.' and '-', but not '.' or '..'",
    holds: |text| is_name(text, 32),
};
/// Like [`NAME`], or empty, which clears the setting.
pub(super) const NAME_OR_EMPTY: Rule = Rule {
    says: "a text of 1 to 32 letters, digits, '.' and '-', but not '.' or '..', or empty",
    holds: |text| text.is_empty() || is_name(text, 32),
};
pub(super) const CONNECTION_ID: Rule = Rule {
    says: "a text of 1 to 16 letters, digits, '.' and '-', but not '.' or '..'",
    holds: |text| is_name(text, 16),
};
/// Agent IDs and host names.
pub(super) const HOST: Rule = Rule {
    says: "a text of 1 to 25 letters, digits, '.' and '-', but not '.' or '..'",
    holds: |text| is_name(text, 25),
};
pub(super) const ID: Rule =
    Rule { says: "a text of 32 letters and digits", holds: |text| text.len() == 32 && is_alphanumeric(text) };
/// Like [`ID`], or empty, which clears the setting.
pub(super) const ID_OR_EMPTY: Rule = Rule {
    says: "a text of 32 letters and digits, or empty",
    holds: |text| text.is_empty() || ID.holds_for(text),
};
pub(super) const FILE_ID: Rule = Rule {
    says: "a text of 1 to 50 upper-case letters, digits and '_'",
    holds: |text| (1..=50).contains(&text.len()) && text.bytes().all(is_of_file_id),
};
pub(super) const MAIL_ADDRESS: Rule =
    Rule { says: "a mail address of up to 256 characters", holds: is_mail_address };
pub(super) const PASSWORD: Rule =
    Rule { says: "a text of 8 to 256 characters", holds: |text| (8..=256).contains(&text.chars().count()) };
/// Notes, descriptions, and displayed file names.
pub(super) const NOTE: Rule =
    Rule { says: "a text of up to 256 characters", holds: |text| text.chars().count() <= 256 };
pub(super) const NOT_EMPTY: Rule = Rule { says: "a text that is not empty", holds: |text| !text.is_empty() };
pub(super) const MESSAGE: Rule = Rule { says: "a text of up to 50 bytes", holds: |text| text.len() <= 50 };
pub(super) const LONG_MESSAGE: Rule =
    Rule { says: "a text of up to 200 bytes", holds: |text| text.len() <= 200 };
/// Booleans that are strings on the wire.
pub(super) const SWITCH: Rule =
    Rule { says: "the text \"true\" or \"false\"", holds: |text| matches!(text, "true" | "false") };
pub(super) const DIRECTION: Rule =
    Rule { says: "'send' or 'receive'", holds: |text| matches!(text, "send" | "receive") };
pub(super) const CLIENT_TYPE: Rule = Rule {
    says: "'hulft', 'data_transfer_api', 'hwc_browser' or 'dclient'",
    holds: |text| matches!(text, "hulft" | "data_transfer_api" | "hwc_browser" | "dclient"),
};
/// An entry of an allowlist.
pub(super) const ADDRESS: Rule =
    Rule { says: "an IPv4 address, or one with '/' and a prefix length of 0 to 32", holds: is_address };

fn is_name(text: &str, max: usize) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    (1..=max).contains(&text.len()) && text.bytes().all(allowed) && !matches!(text, "." | "..")
}

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_of_file_id(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

/// Whether the text is an `@` between a name and a domain of at least two labels, in visible ASCII.
fn is_mail_address(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 256
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_graphic())
        && domain.contains('.')
        && domain.split('.').all(label)
}

fn is_address(text: &str) -> bool {
    let (address, prefix) =
        text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let is_prefix = |prefix: &str| (0..=32).any(|length: u8| length.to_string() == prefix);
    address.parse::<Ipv4Addr>().is_ok() && prefix.is_none_or(is_prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &Rule, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(rule.holds_for(text), "{text:?} is {}", rule.says);
        }
        for text in bad {
            assert!(!rule.holds_for(text), "{text:?} is not {}", rule.says);
        }
    }

    #[test]
    fn the_lengths_and_characters_of_names_are_checked() {
        let [at_32, above_32] = [32, 33].map(|count| "n".repeat(count));
        check(&NAME, &["a", "A-1.b", "...", ".a", &at_32], &["", ".", "..", "a b", "a_b", "é", &above_32]);
        check(&NAME_OR_EMPTY, &["", "a", &at_32], &[".", "..", "a_b", &above_32]);
        let [at_16, above_16] = [16, 17].map(|count| "n".repeat(count));
        check(&CONNECTION_ID, &["a", "hq-1.x", &at_16], &["", ".", "..", "a/b", &above_16]);
        let [at_25, above_25] = [25, 26].map(|count| "n".repeat(count));
        check(&HOST, &["a", "host-1.example", &at_25], &["", "a_b", &above_25]);
    }

    #[test]
    fn ids_have_32_letters_and_digits() {
        let [below, at, above] = [31, 32, 33].map(|count| "0".repeat(count));
        let hyphenated = "01234567-89ab-cdef-0123-456789ab";
        check(&ID, &[&at, "0123456789abcdefABCDEF9876543210"], &["", &below, &above, hyphenated]);
        check(&ID_OR_EMPTY, &["", &at], &[&below, &above, hyphenated]);
    }

    #[test]
    fn the_lengths_of_strings_are_checked() {
        let [at, above] = [256, 257].map(|count| "é".repeat(count));
        check(&NOTE, &["", &at], &[&above]);
        check(&PASSWORD, &["12345678", "ééééééé8", &at], &["", "1234567", &above]);
        let [at, above] = [50, 51].map(|count| "M".repeat(count));
        check(&MESSAGE, &["", &at, &"é".repeat(25)], &[&above, &"é".repeat(26)]);
        check(&FILE_ID, &["A", "FILE_ID1", &at], &["", "file", "A-B", &above]);
        let [at, above] = [200, 201].map(|count| "M".repeat(count));
        check(&LONG_MESSAGE, &["", &at], &[&above]);
        check(&NOT_EMPTY, &["x"], &[""]);
    }

    #[test]
    fn mail_addresses_have_a_name_and_a_domain() {
        let domain = "@example.com";
        let [at, above] = [256, 257].map(|count| "m".repeat(count - domain.len()) + domain);
        let bad =
            ["", "a", "@example.com", "a@", "a@b", "a@b@c.d", "a b@c.d", "a@b..c", "a@.b", "a@b.c ", &above];
        check(&MAIL_ADDRESS, &["a@b.c", "first.last+tag@sub.example.com", &at], &bad);
    }

    #[test]
    fn words_are_case_sensitive() {
        check(&SWITCH, &["true", "false"], &["", "True", "1"]);
        check(&DIRECTION, &["send", "receive"], &["", "Send", "both"]);
        let types = ["hulft", "data_transfer_api", "hwc_browser", "dclient"];
        check(&CLIENT_TYPE, &types, &["", "HULFT", "cli"]);
    }

    #[test]
    fn addresses_are_ipv4_with_or_without_a_prefix() {
        let good = ["192.0.2.1", "192.0.2.0/24", "0.0.0.0/0", "255.255.255.255/32"];
        let bad = [
            "",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2.0/+8",
            "192.0.2.0/08",
            "::1",
            "a",
        ];
        check(&ADDRESS, &good, &bad);
    }
}
