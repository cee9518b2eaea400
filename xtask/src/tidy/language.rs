//! The rule about language: one word for one thing, the word that the field uses. It reads what users read: `///` and
//! `//!` comments, string literals, and Markdown files.

use super::sources::{is_test_file, product_lines};
use super::{Breach, Rule, Tree};
use crate::workspace::TextFile;

pub(super) const RULES: &[Rule] = &[no_retired_phrase];

/// Each retired phrase and what to write instead. A trailing `*` also matches longer words.
const RETIRED: &[(&str, &str)] = &[
    ("anew", "again"),
    ("answer*", "response, respond"),
    ("as it came", "as received, verbatim"),
    ("at will", "optional"),
    ("break off", "cut off, abort"),
    ("breaks off", "cut off, abort"),
    ("broken off", "aborted, interrupted, cut off"),
    ("by itself", "automatically, alone"),
    ("come back from", "reconnect, recover"),
    ("could be had", "could be obtained"),
    ("for ever", "indefinitely"),
    ("from 1 on", "starting at 1"),
    ("goes again", "is retried"),
    ("in hand", "in flight, held"),
    ("in the making", "builder for"),
    ("is no error", "is not an error"),
    ("lent", "borrowed"),
    ("most_*", "MAX_"),
    ("nobody", "no receiver, no caller"),
    ("passing kind", "transient"),
    ("refus*", "reject, invalid, unauthorized, declined"),
    ("seam", "extension point, trait"),
    ("sent again", "retried"),
    ("stands", "is, exists, is established"),
    ("tell apart", "distinguish"),
    ("tells", "returns, reports, says"),
    ("time-out*", "timeout"),
    ("told", "returned, reported, notified"),
    ("tried again", "retried"),
    ("try again", "retry"),
    ("unanswered", "without a response"),
    ("verdict*", "settlement, result"),
    ("way out", "escape hatch"),
    ("whatever", "any"),
    ("whoever", "the caller, any client"),
];

/// Other people's terms, which keep their words. Code spans without a space need no entry: they are identifiers.
const TERMS: &[&str] = &["connection refused", "econnrefused"];

fn no_retired_phrase(tree: &Tree) -> Vec<Breach> {
    tree.files.iter().flat_map(in_file).collect()
}

fn in_file(file: &TextFile) -> Vec<Breach> {
    let texts = texts(file);
    let mut breaches = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        // With the next line, since a phrase may be wrapped.
        let next = texts.get(index + 1).map_or("", String::as_str);
        let both = format!("{text} {next}");
        for (phrase, instead) in RETIRED {
            if find(&both, phrase).is_some_and(|at| at < text.len()) {
                let what_to_do = format!("replace `{}`: {instead}", phrase.trim_end_matches('*'));
                breaches.push(Breach::new(&file.path, index + 1, "language", what_to_do));
            }
        }
    }
    breaches
}

/// For each line of a file, what a user reads of it, in lower case and without code spans.
fn texts(file: &TextFile) -> Vec<String> {
    let path = file.path.as_str();
    let is_published = path.starts_with("crates/");
    if path.ends_with(".md") && (is_published || path.starts_with("docs/") || !path.contains('/')) {
        return file.text.lines().map(plain).collect();
    }
    if !(path.ends_with(".rs") && is_published) || is_test_file(path) {
        return Vec::new();
    }
    let mut in_string = false;
    product_lines(&file.text).map(|line| plain(&read_by_users(line, &mut in_string))).collect()
}

/// The text of a documentation comment, or of the string literals in a line of code.
fn read_by_users(line: &str, in_string: &mut bool) -> String {
    let trimmed = line.trim_start();
    if !*in_string && trimmed.starts_with("//") {
        let doc = trimmed.strip_prefix("///").or_else(|| trimmed.strip_prefix("//!"));
        return doc.unwrap_or_default().trim().to_owned();
    }
    if line.starts_with('}') {
        *in_string = false;
    }
    let mut literals = Vec::new();
    for (index, part) in line.replace("\\\"", "").replace("'\"'", "").split('"').enumerate() {
        *in_string ^= index > 0;
        if *in_string {
            literals.push(part.trim_end_matches('\\').trim().to_owned());
        }
    }
    literals.join(" ")
}

/// A line without code spans that are one word and without the terms of others.
fn plain(line: &str) -> String {
    let parts = line.split('`').enumerate();
    let kept = parts.filter(|(index, part)| index % 2 == 0 || part.contains(' '));
    let text = kept.map(|(_, part)| part).collect::<Vec<_>>().join(" ").trim().to_lowercase();
    TERMS.iter().fold(text, |text, term| text.replace(term, ""))
}

/// Where a phrase begins in a text, as whole words.
fn find(text: &str, phrase: &str) -> Option<usize> {
    let stem = phrase.trim_end_matches('*');
    let in_word = |c: char| c.is_alphanumeric();
    text.match_indices(stem).map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).and_then(|text| text.chars().next_back());
        let after = text.get(at + stem.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(in_word) && (stem != phrase || !after.is_some_and(in_word))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        places(no_retired_phrase, &tree_of(&[(path, text)]))
    }

    #[test]
    fn each_phrase_is_rejected_in_each_place_and_named_with_its_replacement() {
        for (phrase, instead) in RETIRED {
            let word = phrase.trim_end_matches('*');
            for (path, text) in [
                ("crates/a/src/a.rs", format!("//! A\n/// It {word} is.\nfn a() {{}}\n")),
                ("crates/a/src/a.rs", format!("\n//! It {word} is.\n")),
                ("crates/a/src/a.rs", format!("\nfail(\"it {word} is\");\n")),
                ("crates/a/src/a.rs", format!("fail(\"it \\\n{word} is\");\n")),
                ("crates/a/README.md", format!("# A\nIt {word} is.\n")),
                ("crates/a/CHANGELOG.md", format!("\n{word}\n")),
                (
                    "crates/a/docs/b.md",
                    format!("\n```rust\nlet {word} = 1;\n```\n").replacen("\n```rust", "```rust", 1),
                ),
                ("README.md", format!("\n{} it is\n", word.to_uppercase())),
            ] {
                let tree = tree_of(&[(path, &text)]);
                let breaches = no_retired_phrase(&tree);
                let said = format!("{path}:2: language: replace `{word}`: {instead}");
                assert!(breaches.iter().any(|breach| breach.to_string() == said), "{text}");
            }
        }
    }

    #[test]
    fn a_phrase_that_is_wrapped_is_rejected_at_the_line_where_it_begins() {
        assert_eq!(found("crates/a/src/a.rs", "/// Of a passing\n/// kind.\n"), ["crates/a/src/a.rs:1"]);
        assert_eq!(found("README.md", "one for\never and ever\n"), ["README.md:1"]);
    }

    #[test]
    fn ordinary_words_terms_of_others_and_identifiers_pass() {
        for fine in [
            "the most recent place, at most 3, withstands, excellent, seamless, whichever",
            "could not connect to localhost:1: connection refused",
            "the stream ended with `REFUSED_STREAM`",
            "the frame `answer` of the protocol",
        ] {
            assert!(found("crates/a/README.md", fine).is_empty(), "{fine}");
            assert!(found("crates/a/src/a.rs", &format!("/// {fine}\n")).is_empty(), "{fine}");
        }
        assert_eq!(found("README.md", "a span of words: `no answer came`").len(), 1);
    }

    #[test]
    fn code_plain_comments_tests_and_unpublished_packages_are_not_looked_at() {
        let code = "// told\nlet answer = told('\"', \"fine\\\"\", answer);\n#[cfg(test)]\nmod tests {\n    /// told\n}\n";
        assert!(found("crates/a/src/a.rs", code).is_empty());
        for path in ["crates/a/tests/a.rs", "crates/a/src/b/tests.rs", "tests/src/a.rs", "xtask/src/a.rs"] {
            assert!(found(path, "/// told\n").is_empty(), "{path}");
        }
        assert!(found("tests/README.md", "told").is_empty());
    }
}
