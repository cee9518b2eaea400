//! Rules about Rust files.

use super::source::{Source, find_word};
use super::{Breach, Rule, Tree};

pub(super) const RULES: &[Rule] = &[
    a_file_is_short,
    a_file_says_what_it_is,
    nothing_is_unsafe,
    library_code_does_not_panic,
    tests_do_not_sleep,
    the_core_names_no_service,
    the_public_api_shows_no_private_dependency,
];

const LONGEST_FILE: usize = 400;

fn breach(source: &Source, line: usize, rule: &'static str, what_to_do: impl Into<String>) -> Breach {
    Breach { path: source.path.clone(), line, rule, what_to_do: what_to_do.into() }
}

/// A file that is longer than a reader keeps in mind is two files.
fn a_file_is_short(tree: &Tree) -> Vec<Breach> {
    let counts = |source: &Source| {
        source.path.starts_with("tests/") || (is_library(source) && !is_test_file(tree, source))
    };
    let too_long = |source: &&Source| counts(source) && source.lines_without_tests() > LONGEST_FILE;
    let told = |source: &Source| {
        let lines = source.lines_without_tests();
        breach(
            source,
            LONGEST_FILE + 1,
            "size",
            format!("split it: {lines} lines without tests, {LONGEST_FILE} allowed"),
        )
    };
    tree.sources.iter().filter(too_long).map(told).collect()
}

/// The first line tells what lives here and why it is apart; without that a reader has to read on to find out.
fn a_file_says_what_it_is(tree: &Tree) -> Vec<Breach> {
    let speaks = |line: &str| {
        let by_feature = line.starts_with("#![cfg_attr(") && line.contains("doc =");
        line.starts_with("//!") || line.starts_with("#![doc") || by_feature
    };
    // A plain comment may stand above, to say why the documentation is an attribute.
    let first =
        |source: &Source| source.text.lines().find(|line| !line.starts_with("// ")).is_some_and(speaks);
    let silent = |source: &&Source| !first(source);
    let told = |source| breach(source, 1, "doc", "start with `//!`: what lives here and why it is apart");
    tree.sources.iter().filter(silent).map(told).collect()
}

/// The compiler forbids it through the workspace's lints; this also holds where a file is in no target.
fn nothing_is_unsafe(tree: &Tree) -> Vec<Breach> {
    let what_to_do = "find a safe way: this workspace has no unsafe code";
    let in_one = |source: &Source| -> Vec<Breach> {
        let found = find_word(&source.code, "unsafe");
        found.map(|(line, _)| breach(source, line, "unsafe", what_to_do)).collect()
    };
    tree.sources.iter().flat_map(in_one).collect()
}

/// A library that panics takes its user's program down. Clippy warns of the same, but one `allow` silences it. A test
/// kit (`testing.rs`, behind a feature) is apart: it panics to tell the author of a test.
fn library_code_does_not_panic(tree: &Tree) -> Vec<Breach> {
    const CALLS: [&str; 2] = ["unwrap", "expect"];
    const MACROS: [&str; 4] = ["panic", "todo", "unimplemented", "dbg"];
    let mut breaches = Vec::new();
    let counts = |source: &&Source| is_library(source) && !is_test_file(tree, source) && !is_test_kit(source);
    for source in tree.sources.iter().filter(counts) {
        let ends_with = |line: usize, to: usize, suffix: &str| {
            let line = source.product.lines().nth(line - 1).unwrap_or_default();
            (
                line.get(..to).unwrap_or_default().to_owned(),
                line.get(to..).is_some_and(|rest| rest.starts_with(suffix)),
            )
        };
        for word in CALLS.into_iter().chain(MACROS) {
            let is_call = CALLS.contains(&word);
            for (line, at) in find_word(&source.product, word) {
                let (before, opens) =
                    ends_with(line, at, &format!("{word}{}", if is_call { "(" } else { "!" }));
                if opens && (!is_call || before.trim_end().ends_with('.')) {
                    breaches.push(breach(
                        source,
                        line,
                        "panic",
                        format!("return an error instead of `{word}`"),
                    ));
                }
            }
        }
    }
    breaches
}

/// A test that sleeps is slow, and fails on a slower machine: it waits for an event or moves the clock.
fn tests_do_not_sleep(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for source in &tree.sources {
        let tests = if is_test_file(tree, source) { source.code.clone() } else { source.tests() };
        for word in ["sleep", "sleep_until"] {
            for (line, at) in find_word(&tests, word) {
                let text = tests.lines().nth(line - 1).unwrap_or_default();
                if is_free_call(text, at, word) {
                    breaches.push(breach(source, line, "sleep", "wait for an event, or move the `Clock`"));
                }
            }
        }
    }
    breaches
}

/// Whether the word is called as a function of `thread`, `time` or an import, not as a method or a definition.
fn is_free_call(line: &str, at: usize, word: &str) -> bool {
    let before = line.get(..at).unwrap_or_default();
    let called = line.get(at + word.len()..).is_some_and(|rest| rest.starts_with('('));
    let path =
        before.rsplit(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).next().unwrap_or_default();
    let is_ours = !path.is_empty() && !path.ends_with("thread::") && !path.ends_with("time::");
    called && !is_ours && !before.ends_with('.') && !before.trim_end().ends_with("fn")
}

/// The core serves any HTTP service: what differs between them comes in as a value. A name in it, even in a comment,
/// is the first step towards knowledge that only one of them needs. The two headers are retry hints of several services.
/// The one adapter of a foreign library's credentials, behind a feature, knows that library and still no service.
fn the_core_names_no_service(tree: &Tree) -> Vec<Breach> {
    const NAMES: [&str; 12] = [
        "webpubsub",
        "web pubsub",
        "web-pubsub",
        "web_pubsub",
        "eventgrid",
        "event grid",
        "event-grid",
        "event_grid",
        "hulft",
        "azure",
        "microsoft",
        "x-ms-",
    ];
    const ADAPTER: &str = "crates/core/src/credential/azure.rs";
    const ALLOWED: [&str; 5] =
        ["x-ms-retry-after-ms", "azure-identity", "mod azure;", "azure::azurecredential", "azurecredential"];
    let mut breaches = Vec::new();
    let core = tree.sources.iter().filter(|source| source.path.starts_with("crates/core/src/"));
    for source in core.filter(|source| source.path != ADAPTER) {
        for (index, line) in source.text.lines().enumerate() {
            let line = ALLOWED.iter().fold(line.to_lowercase(), |line, allowed| line.replace(allowed, ""));
            if let Some(name) = NAMES.iter().find(|name| line.contains(**name)) {
                breaches.push(breach(
                    source,
                    index + 1,
                    "vendor",
                    format!("take `{name}` out of the core: pass it in"),
                ));
            }
        }
    }
    breaches
}

/// A type of these in the API would make each of their breaking releases one of ours.
fn the_public_api_shows_no_private_dependency(tree: &Tree) -> Vec<Breach> {
    let clients = tree
        .sources
        .iter()
        .filter(|source| is_library(source) && !source.path.starts_with("crates/emulator/"));
    let mut breaches = Vec::new();
    for source in clients {
        for (line, statement) in public_statements(&source.product) {
            if let Some(name) = private_crate(&statement) {
                let what_to_do =
                    format!("keep `{name}` out of the public API: wrap the type or make the item private");
                breaches.push(breach(source, line, "api", what_to_do));
            }
        }
    }
    breaches
}

/// What begins with `pub `, each up to its body or end. `pub(crate)` is not public.
fn public_statements(code: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = code.lines().collect();
    let starts = lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with("pub "));
    let statement = |(index, _): (usize, &&str)| {
        let rest = lines.get(index..).unwrap_or_default().join(" ");
        let is_use = rest.trim_start().starts_with("pub use ");
        let end = rest.find(|c| c == ';' || (c == '{' && !is_use)).unwrap_or(rest.len());
        (index + 1, rest.get(..end).unwrap_or_default().to_owned())
    };
    starts.map(statement).collect()
}

/// The private dependency that a statement names as the first segment of a path.
fn private_crate(statement: &str) -> Option<&'static str> {
    const PRIVATE: [&str; 6] = ["reqwest", "rustls", "tungstenite", "tokio_tungstenite", "time", "uuid"];
    PRIVATE.into_iter().find(|name| {
        find_word(statement, name).any(|(_, at)| {
            let before = statement.get(..at).unwrap_or_default();
            let after = statement.get(at + name.len()..).unwrap_or_default().trim_start();
            // `std::time` is not the crate; a leading `::` is.
            let path = before.strip_suffix("::");
            let is_first = !path.is_some_and(|path| path.ends_with(|c: char| c.is_alphanumeric()));
            let head = path.unwrap_or(before).trim_end();
            let is_import = head.ends_with("pub use") || head.ends_with("extern crate");
            is_first && (is_import || after.starts_with("::"))
        })
    })
}

/// Sources of a crate that others depend on, or of this program: not tests, examples, or the programs in `tests/`.
fn is_library(source: &Source) -> bool {
    let mut segments = source.path.split('/');
    match segments.next() {
        Some("crates") => segments.nth(1) == Some("src"),
        Some("xtask") => true,
        _ => false,
    }
}

fn is_test_kit(source: &Source) -> bool {
    source.path.split('/').any(|segment| segment == "testing" || segment == "testing.rs")
}

/// Files that are tests as a whole: those of `tests/` directories, less the programs and what they share, and modules
/// that are declared under `#[cfg(test)]`.
fn is_test_file(tree: &Tree, source: &Source) -> bool {
    let path = source.path.as_str();
    let is_in_tests = match path.strip_prefix("tests/") {
        Some(rest) => !rest.starts_with("src/") && !rest.starts_with("bench/"),
        None => path.split('/').nth(2) == Some("tests"),
    };
    let is_of = |parent: &Source, module: &str| {
        let (dir, file) = parent.path.rsplit_once('/').unwrap_or(("", &parent.path));
        let dir = match file {
            "lib.rs" | "main.rs" | "mod.rs" => dir.to_owned(),
            _ => format!("{dir}/{}", file.trim_end_matches(".rs")),
        };
        path == format!("{dir}/{module}.rs") || path.starts_with(&format!("{dir}/{module}/"))
    };
    is_in_tests || tree.sources.iter().any(|parent| parent.test_modules().any(|module| is_of(parent, module)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn a_long_file_is_told_and_its_tests_do_not_count() {
        let long = format!("//! x\n{}", "fn a() {}\n".repeat(400));
        let tests = format!("//! x\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(500));
        let tree = tree_of(&[
            ("crates/a/src/long.rs", &long),
            ("xtask/src/tested.rs", &tests),
            ("tests/src/long.rs", &long),
            ("tests/tests/long.rs", &long),
            ("tests/tests/just.rs", long.trim_end().trim_end_matches("fn a() {}")),
        ]);
        let told = places(a_file_is_short, &tree);
        assert_eq!(told, ["crates/a/src/long.rs:401", "tests/src/long.rs:401", "tests/tests/long.rs:401"]);
    }

    #[test]
    fn a_file_without_a_first_line_of_documentation_is_told() {
        let files = [
            ("tests/a.rs", "use a;\n//! late\n"),
            ("tests/b.rs", "#![doc = include_str!(\"x\")]\n"),
            ("tests/c.rs", "// why\n#![cfg_attr(feature = \"a\", doc = include_str!(\"x\"))]\n"),
            ("tests/d.rs", "// why\n#![cfg_attr(docsrs, feature(doc_cfg))]\n"),
            ("tests/e.rs", ""),
        ];
        let told = places(a_file_says_what_it_is, &tree_of(&files));
        assert_eq!(told, ["tests/a.rs:1", "tests/d.rs:1", "tests/e.rs:1"]);
    }

    #[test]
    fn unsafe_code_is_told_and_the_word_elsewhere_is_not() {
        let text =
            "//! unsafe\n#![forbid(unsafe_code)]\nfn a() { unsafe { b() } }\nconst A: &str = \"unsafe\";\n";
        assert_eq!(places(nothing_is_unsafe, &tree_of(&[("tests/a.rs", text)])), ["tests/a.rs:3"]);
    }

    #[test]
    fn every_way_to_panic_is_told_in_library_code() {
        let text = "a.unwrap();\nb\n  .expect(x);\npanic!();\ntodo!();\nunimplemented!();\ndbg!(1);\nc.unwrap_or(1);\nexpect(1);\n";
        let tree = tree_of(&[
            ("crates/a/src/a.rs", text),
            ("tests/src/a.rs", text),
            ("crates/a/examples/a.rs", text),
        ]);
        let mut told = places(library_code_does_not_panic, &tree);
        told.sort();
        let lines = [1, 3, 4, 5, 6, 7].map(|line| format!("crates/a/src/a.rs:{line}"));
        assert_eq!(told, lines);
    }

    #[test]
    fn tests_and_test_kits_may_panic() {
        let files = [
            (
                "crates/a/src/a.rs",
                "#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod more { fn x() { a.unwrap() } }\n",
            ),
            ("crates/a/src/a/tests.rs", "fn x() { a.unwrap() }\n"),
            ("crates/a/src/tests.rs", "fn x() { a.unwrap() }\n"),
            ("crates/a/src/testing.rs", "fn x() { panic!() }\n"),
        ];
        assert_eq!(places(library_code_does_not_panic, &tree_of(&files)), ["crates/a/src/tests.rs:1"]);
    }

    #[test]
    fn a_sleep_in_a_test_is_told_and_one_on_the_clock_is_not() {
        let calls = "fn x() {\nstd::thread::sleep(d);\ntokio::time::sleep(d);\nsleep(d);\ntime::sleep_until(d);\nclock.sleep(d);\nClock::sleep(&c, d);\n}\nfn sleep(d) {}\n";
        let inline = format!("fn a() {{ thread::sleep(d) }}\n#[cfg(test)]\nmod tests {{\n{calls}}}\n");
        let files = [
            ("tests/tests/a.rs", calls),
            ("crates/a/src/b.rs", &inline),
            ("crates/a/tests/c.rs", "sleep(1)"),
        ];
        let mut told = places(tests_do_not_sleep, &tree_of(&files));
        told.sort();
        let expected = [
            "crates/a/src/b.rs:5",
            "crates/a/src/b.rs:6",
            "crates/a/src/b.rs:7",
            "crates/a/src/b.rs:8",
            "crates/a/tests/c.rs:1",
            "tests/tests/a.rs:2",
            "tests/tests/a.rs:3",
            "tests/tests/a.rs:4",
            "tests/tests/a.rs:5",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_service_or_vendor_in_the_core_is_told_and_the_retry_hint_is_not() {
        let text =
            "// Azure\nlet a = \"X-MS-Error-Code\";\n// event grid\nlet b = \"x-ms-retry-after-ms\";\n";
        let tree = tree_of(&[("crates/core/src/a.rs", text), ("crates/webpubsub/src/a.rs", text)]);
        let told = places(the_core_names_no_service, &tree);
        assert_eq!(told, ["crates/core/src/a.rs:1", "crates/core/src/a.rs:2", "crates/core/src/a.rs:3"]);
    }

    #[test]
    fn a_private_dependency_in_the_public_api_is_told() {
        let text = "pub use reqwest::Client;\npub use ::uuid as id;\nuse reqwest::Client;\npub(crate) use rustls::X;\n\
                    pub fn a(\n  b: reqwest::Client,\n) {}\npub fn c(d: std::time::Duration) { time::x() }\n\
                    pub use std::{time, x};\n";
        let tree = tree_of(&[("crates/core/src/a.rs", text), ("crates/emulator/src/a.rs", text)]);
        let told = places(the_public_api_shows_no_private_dependency, &tree);
        assert_eq!(told, ["crates/core/src/a.rs:1", "crates/core/src/a.rs:2", "crates/core/src/a.rs:5"]);
    }
}
