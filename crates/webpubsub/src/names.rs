//! The rules for names, which are validated before anything is sent. In a path, the encoder rejects empty names and dot
//! segments too; in a body, a query, or a token, only these rules do.

use service_core::{Error, Result};

/// Validates the name of a hub: ``^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}$``.
pub(crate) fn hub(name: &str) -> Result<()> {
    let mut characters = name.chars();
    let first = characters.next().is_some_and(|c| c.is_ascii_alphabetic());
    let others = characters.all(|c| c.is_ascii_alphanumeric() || "_`,.[]".contains(c));
    if first && others && name.len() <= 128 {
        return Ok(());
    }
    let rule = "must be 1 to 128 characters: a letter, then letters, digits or any of _ ` , . [ ]";
    Err(Error::invalid_input("hub", rule, Some(name)))
}

/// Validates the ID of a user or a connection: it is neither empty nor a dot segment, which no path can contain.
pub(crate) fn id(what: &str, value: &str) -> Result<()> {
    match value {
        "" => Err(Error::invalid_input(what, "must not be empty", None)),
        "." | ".." => {
            let rule = "must not be a dot segment, which would change the path";
            Err(Error::invalid_input(what, rule, Some(value)))
        }
        _ => Ok(()),
    }
}

/// Validates the name of a group: 1 to 1024 characters, not only white space, and not a dot segment.
pub(crate) fn group(name: &str) -> Result<()> {
    if name.chars().all(char::is_whitespace) {
        return Err(Error::invalid_input("group", "must not be empty or only white space", Some(name)));
    }
    // The service's pattern is `^(?!\s+$).+$`, whose dot does not match a line break.
    if name.contains('\n') {
        return Err(Error::invalid_input("group", "must not contain a line break", Some(name)));
    }
    let length = name.chars().count();
    if length > 1024 {
        let rule = format!("must be at most 1024 characters, has {length}");
        return Err(Error::invalid_input("group", &rule, Some(name)));
    }
    id("group", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hub_names_follow_the_services_pattern() {
        for good in ["a", "Chat", "a_`,.[]9", &"h".repeat(128)] {
            assert!(hub(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "_a", "a-b", "a/b", "a b", "é", "..", &"h".repeat(129)] {
            let error = hub(bad).unwrap_err();
            assert!(
                error.is_invalid_input() && error.to_string().contains("hub must be 1 to 128"),
                "{error}"
            );
        }
    }

    #[test]
    fn ids_are_any_text_that_a_path_can_name() {
        for good in ["u", " ", "...", "日本語", "a/b?c#d%'"] {
            assert!(id("userId", good).is_ok(), "{good}");
        }
        for bad in ["", ".", ".."] {
            assert!(id("userId", bad).unwrap_err().to_string().starts_with("userId must not be"), "{bad}");
        }
    }

    #[test]
    fn group_names_are_bounded_and_not_blank() {
        for good in ["g", " g ", "日本語", "a/b?c#d%'", &"g".repeat(1024), &"😀".repeat(1024)] {
            assert!(group(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", " ", "\t\n", "\u{3000}", &"g".repeat(1025), &"😀".repeat(1025)] {
            assert!(group(bad).unwrap_err().is_invalid_input(), "{bad}");
        }
    }
}
