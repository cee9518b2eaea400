//! The names that topics and subscriptions may have. The rule is documented for namespaces only. It is applied to all
//! three here, so that a client that works with the emulator cannot fail in the service.

use super::errors::Rejection;

/// The rule, in words.
pub(crate) const RULE: &str = "3 to 50 letters, digits and '-'";

/// Rejects a name that breaks the rule.
pub(super) fn check(name: &str) -> Result<(), Rejection> {
    if allowed(name) {
        return Ok(());
    }
    Err(Rejection::bad_request(format!("A name must be {RULE}")))
}

/// Whether a name may be declared. An invalid one is logged, since declaring returns no error.
pub(super) fn warn_if_invalid(name: &str) -> bool {
    if !allowed(name) {
        tracing::warn!(name, "not declared: a name must be {RULE}");
    }
    allowed(name)
}

pub(crate) fn allowed(name: &str) -> bool {
    (3..=50).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_3_to_50_letters_digits_and_hyphens() {
        for name in ["abc", "Orders-2024", &"a".repeat(50)] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in ["", "ab", "a/b", "a b", "a_b", "äöü", "...", &"a".repeat(51)] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
