//! Rules about Rust files.

use super::{Breach, Rule, Tree, each_line};
use crate::workspace::TextFile;

pub(super) const RULES: &[Rule] =
    &[a_file_is_short, a_file_says_what_it_is, the_core_names_no_service, a_metric_has_known_attributes];

const LONGEST_FILE: usize = 400;

fn sources(tree: &Tree) -> impl Iterator<Item = &TextFile> {
    tree.files.iter().filter(|file| file.path.ends_with(".rs"))
}

/// The lines of a file up to its unit tests, which are last.
pub(super) fn product_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut lines = text.lines().peekable();
    std::iter::from_fn(move || {
        let line = lines.next()?;
        let before_tests =
            line.starts_with("#[cfg(") && lines.peek().is_some_and(|next| next.starts_with("mod tests {"));
        (!before_tests).then_some(line)
    })
}

/// Whether a file of a crate is a test as a whole: an integration test, or the module `tests` of another file.
pub(super) fn is_test_file(path: &str) -> bool {
    path.split('/').skip(2).any(|segment| matches!(segment, "tests" | "tests.rs"))
}

/// A file that is longer than a reader can keep in view is two files.
fn a_file_is_short(tree: &Tree) -> Vec<Breach> {
    let counts = |path: &str| path.starts_with("tests/") || !is_test_file(path);
    let check = |file: &TextFile| {
        let lines = product_lines(&file.text).count();
        let what_to_do = format!("split it: {lines} lines without tests, {LONGEST_FILE} allowed");
        (lines > LONGEST_FILE).then(|| Breach::new(&file.path, LONGEST_FILE + 1, "size", what_to_do))
    };
    sources(tree).filter(|file| counts(&file.path)).filter_map(check).collect()
}

/// The first line says what the file contains and why it is separate; without it a reader has to read on to find out.
fn a_file_says_what_it_is(tree: &Tree) -> Vec<Breach> {
    let is_documentation = |line: &str| {
        let by_feature = line.starts_with("#![cfg_attr(") && line.contains("doc =");
        line.starts_with("//!") || line.starts_with("#![doc") || by_feature
    };
    let check = |file: &TextFile| {
        // A plain comment may come first, to say why the documentation is an attribute.
        let first = file.text.lines().find(|line| !line.starts_with("// "));
        let what_to_do = "start with `//!`: what the file contains and why it is separate";
        (!first.is_some_and(is_documentation)).then(|| Breach::new(&file.path, 1, "doc", what_to_do))
    };
    sources(tree).filter_map(check).collect()
}

/// The core serves any HTTP service: differences between services are passed in as a value. A name in it, even in a
/// comment, is the first step toward knowledge that only one service needs. The `Retry-After` variants are shared by
/// several services. The adapter of a foreign library's credentials, behind a feature, knows that library and no service.
fn the_core_names_no_service(tree: &Tree) -> Vec<Breach> {
    const NAMES: [&str; 6] = ["webpubsub", "eventgrid", "hulft", "azure", "microsoft", "xms"];
    const ADAPTER: &str = "crates/core/src/credential/azure.rs";
    const ALLOWED: [&str; 5] =
        ["x-ms-retry-after-ms", "azure-identity", "mod azure;", "azure::azurecredential", "azurecredential"];
    let is_core = |file: &&TextFile| file.path.starts_with("crates/core/src/") && file.path != ADAPTER;
    each_line(sources(tree).filter(is_core), "vendor", |line| {
        let line = ALLOWED.iter().fold(line.to_lowercase(), |line, allowed| line.replace(allowed, ""));
        // However a name is written: `web pubsub`, `event-grid`, `x-ms-`.
        let joined = line.replace([' ', '-', '_'], "");
        let name = NAMES.iter().find(|name| joined.contains(**name))?;
        Some(format!("take `{name}` out of the core: pass it in"))
    })
}

/// The keys of metrics' attributes. Each has few values: none is the name of a user, group, connection, event, or request.
const METRIC_KEYS: &str = "error.type eventgrid.push.kind eventgrid.settlement http.request.method http.response.status_code messaging.destination.name \
    messaging.destination.subscription.name messaging.operation.name messaging.operation.type messaging.system \
    network.protocol.version server.address server.port url.template webpubsub.connection.state webpubsub.hub webpubsub.outcome";

/// An attribute with many values makes a metrics store expensive, so files `measure.rs` record metrics, with known keys.
fn a_metric_has_known_attributes(tree: &Tree) -> Vec<Breach> {
    let files = sources(tree).filter(|file| file.path.ends_with("/measure.rs"));
    each_line(files, "metrics", |line| {
        let mut texts = line.split('"').skip(1).step_by(2).filter(|text| text.contains('.'));
        let key = texts.find(|text| !METRIC_KEYS.split(' ').any(|known| known == *text))?;
        Some(format!("`{key}` is not in METRIC_KEYS: add it there if it has few values"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{places, tree_of};
    use super::*;

    #[test]
    fn a_long_file_is_reported_and_its_tests_do_not_count() {
        let long = format!("//! x\n{}", "fn a() {}\n".repeat(400));
        let tests = format!("//! x\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(500));
        let tree = tree_of(&[
            ("crates/a/src/long.rs", &long),
            ("crates/a/src/long/tests.rs", &long),
            ("crates/a/tests/long.rs", &long),
            ("xtask/src/tested.rs", &tests),
            ("tests/src/long.rs", &long),
            ("tests/tests/long.rs", &long),
            ("tests/tests/just.rs", long.trim_end().trim_end_matches("fn a() {}")),
        ]);
        let expected = ["crates/a/src/long.rs:401", "tests/src/long.rs:401", "tests/tests/long.rs:401"];
        assert_eq!(places(a_file_is_short, &tree), expected);
    }

    #[test]
    fn a_file_without_a_first_line_of_documentation_is_reported() {
        let files = [
            ("tests/a.rs", "use a;\n//! late\n"),
            ("tests/b.rs", "#![doc = include_str!(\"x\")]\n"),
            ("tests/c.rs", "// why\n#![cfg_attr(feature = \"a\", doc = include_str!(\"x\"))]\n"),
            ("tests/d.rs", "// why\n#![cfg_attr(docsrs, feature(doc_cfg))]\n"),
            ("tests/e.rs", ""),
        ];
        let expected = ["tests/a.rs:1", "tests/d.rs:1", "tests/e.rs:1"];
        assert_eq!(places(a_file_says_what_it_is, &tree_of(&files)), expected);
    }

    #[test]
    fn a_service_or_vendor_in_the_core_is_reported_and_the_retry_hint_is_not() {
        let text =
            "// Azure\nlet a = \"X-MS-Error-Code\";\n// event grid\nlet b = \"x-ms-retry-after-ms\";\n";
        let tree = tree_of(&[("crates/core/src/a.rs", text), ("crates/webpubsub/src/a.rs", text)]);
        let expected = ["crates/core/src/a.rs:1", "crates/core/src/a.rs:2", "crates/core/src/a.rs:3"];
        assert_eq!(places(the_core_names_no_service, &tree), expected);
    }

    #[test]
    fn an_attribute_that_can_have_many_values_is_reported() {
        let text = ".with(\"error.type\", a)\n.with(\"group\", b).with(\"enduser.id\", c)\n";
        let tree = tree_of(&[("crates/a/src/measure.rs", text), ("crates/a/src/trace.rs", text)]);
        assert_eq!(places(a_metric_has_known_attributes, &tree), ["crates/a/src/measure.rs:2"]);
    }
}
