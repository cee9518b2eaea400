//! Which names topics and subscriptions may have. Documented for namespaces only; read here as a rule for all three,
//! so that a client that passes here cannot fail there.

use super::errors::Failure;

/// The rule, in words.
pub(crate) const RULE: &str = "3 to 50 letters, digits and '-'";

/// Refuses a name that breaks the rule.
pub(super) fn check(name: &str) -> Result<(), Failure> {
    if allowed(name) {
        return Ok(());
    }
    Err(Failure::bad_request(format!("A name must be {RULE}")))
}

/// Whether a name may be declared; a refused one is logged, since declaring has no answer.
pub(super) fn warn_if_refused(name: &str) -> bool {
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
