//! Which types of other crates the public API of ours may show. Each is a promise: its next major version is one of ours.

use std::collections::BTreeSet;

/// A crate whose types may be shown, and the items that may show them, by a part of their path; none for all.
type Allowed = (&'static str, &'static [&'static str]);

const ALLOWED: [Allowed; 11] = [
    // The types of the wire path, at 1.0 and shared by all web frameworks.
    ("http", &[]),
    ("bytes", &[]),
    // What users implement, derive or call a crate of ours through: traits of frozen versions.
    ("serde_core", &[]),
    ("futures_core", &[]),
    // The clients pass on what their users need of the core; both are released from here.
    ("service_core", &[]),
    // The traits of a connection that a transport hands over.
    ("tokio", &["service_core::Io"]),
    // The webhooks are services of tower, so that every framework takes them as they are: the trait's own two crates.
    ("tower_service", &["webpubsub::event_handler::Webhook", "eventgrid_namespaces::push::Webhook"]),
    (
        "http_body",
        &[
            "webpubsub::event_handler::Webhook",
            "eventgrid_namespaces::push::Webhook",
            "service_core::ResponseBody",
        ],
    ),
    // The feature `azure-identity` is there for this type, and named after it.
    ("azure_core", &["service_core::AzureCredential"]),
    // JSON of any shape, at 1.0: a problem in a response that a service crate has read, events of the emulator's topics, and
    // a fault as a table of its settings file.
    (
        "serde_json",
        &[
            "service_core::ErrorDetail::from_value",
            "service_emulator::eventgrid::DeadLetter::event",
            "service_emulator::eventgrid::EventGrid::publish",
            "ScheduledFault::settings",
        ],
    ),
    // A span's name and fields are fixed where it is written, so each service crate writes its own, and users write those
    // of their handlers, with the parent and the links of their choice.
    (
        "tracing",
        &[
            "service_core::Dialect::new",
            "service_core::Call<T>::send_in",
            "service_core::Dialect::span",
            "eventgrid_namespaces::ProcessorBuilder::span",
            "eventgrid_namespaces::push::WebhookBuilder::span",
        ],
    ),
];

/// What of the language is no other crate.
const STANDARD: [&str; 3] = ["core", "alloc", "std"];

/// The crates whose types a text shows, its own and the standard library's left out.
pub(crate) fn crates(text: &str) -> Vec<&str> {
    let own = own(text);
    let all: BTreeSet<&str> = text.lines().flat_map(roots).collect();
    all.into_iter().filter(|name| *name != own && !STANDARD.contains(name)).collect()
}

/// The lines that show a type which nothing allows there.
pub(crate) fn not_allowed(text: &str) -> Vec<String> {
    let own = own(text);
    let mut found = Vec::new();
    for line in text.lines() {
        let foreign = roots(line).into_iter().filter(|name| *name != own && !STANDARD.contains(name));
        let bad: BTreeSet<&str> = foreign.filter(|name| !is_allowed(name, line)).collect();
        found.extend(bad.into_iter().map(|name| format!("{name}: {line}")));
    }
    found
}

fn is_allowed(name: &str, line: &str) -> bool {
    let here = |items: &[&str]| items.is_empty() || items.iter().any(|item| line.contains(item));
    ALLOWED.iter().any(|(allowed, items)| *allowed == name && here(items))
}

/// The name of the crate: its first line is `pub mod name`.
fn own(text: &str) -> &str {
    text.lines().next().and_then(|line| line.split(' ').next_back()).unwrap_or_default()
}

/// The crates that paths in a line begin with: paths are written from the crate on.
fn roots(line: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut roots = Vec::new();
    let mut from = 0;
    for (at, _) in line.match_indices("::") {
        let before = line.get(from..at).unwrap_or_default();
        let word = before.rsplit(|c| !is_word(c)).next().unwrap_or_default();
        // After another `::` it is no beginning; a type or a parameter, as in `T::Item`, is no crate.
        let begins = !before.strip_suffix(word).is_some_and(|rest| rest.is_empty() && from > 0);
        if begins && word.starts_with(|c: char| c.is_ascii_lowercase()) {
            roots.push(word);
        }
        from = at + 2;
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "pub mod ours\npub fn ours::a<T>(T::Item, http::method::Method) -> core::option::Option<ours::B>\n\
                        pub fn ours::c(&reqwest::Client) -> <ours::B as serde::Serialize>::Ok\n";

    #[test]
    fn the_crates_of_all_paths_are_found_wherever_they_are() {
        assert_eq!(crates(TEXT), ["http", "reqwest", "serde"]);
    }

    #[test]
    fn a_crate_that_is_not_allowed_is_told_with_its_line() {
        let found = not_allowed(TEXT);
        assert!(found.iter().any(|line| line.starts_with("reqwest: pub fn ours::c")), "{found:?}");
        assert!(!found.iter().any(|line| line.starts_with("http: ")), "{found:?}");
    }

    #[test]
    fn a_crate_that_is_allowed_for_one_item_is_told_elsewhere() {
        let line = |item: &str| {
            format!("pub mod service_core\npub fn service_core::{item}(&dyn tracing::span::Span)\n")
        };
        assert!(not_allowed(&line("Dialect::span")).is_empty());
        assert_eq!(not_allowed(&line("Pipeline::span")).len(), 1);
    }
}
