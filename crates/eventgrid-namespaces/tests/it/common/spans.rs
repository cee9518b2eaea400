//! The spans that a test sees, with their fields.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// A span: its name, its level, and its fields.
pub(crate) type Seen = (&'static str, Level, BTreeMap<&'static str, String>);

/// Keeps the spans with these names.
#[derive(Clone)]
pub(crate) struct Spans {
    names: &'static [&'static str],
    seen: Arc<Mutex<Vec<(u64, Seen)>>>,
}

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let metadata = attributes.metadata();
        let mut fields = BTreeMap::new();
        attributes.record(&mut Fields(&mut fields));
        if self.names.contains(&metadata.name()) {
            let seen = (metadata.name(), *metadata.level(), fields);
            self.seen.lock().unwrap().push((id.into_u64(), seen));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        // Ids are reused, so the latest span is the one.
        let mut seen = self.seen.lock().unwrap();
        if let Some((_, (_, _, fields))) = seen.iter_mut().rev().find(|(of, _)| *of == id.into_u64()) {
            values.record(&mut Fields(fields));
        }
    }
}

/// While a process has one subscriber, a thread without any that first comes to a span disables it for all threads. So there are
/// always two.
static OTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

impl Spans {
    /// Watches the current thread until the guard is dropped.
    pub(crate) fn start(names: &'static [&'static str]) -> (Self, tracing::subscriber::DefaultGuard) {
        LazyLock::force(&OTHER);
        let spans = Self { names, seen: Arc::default() };
        let subscriber = tracing_subscriber::registry().with(spans.clone());
        let guard = tracing::subscriber::set_default(subscriber);
        // For spans that another thread came to before.
        tracing::callsite::rebuild_interest_cache();
        (spans, guard)
    }

    /// The spans in the order in which they were opened.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().map(|(_, seen)| seen.clone()).collect()
    }

    /// The spans, sorted by the event's id.
    pub(crate) fn by_message(&self) -> Vec<Seen> {
        let mut seen = self.seen();
        seen.sort_by_key(|(_, _, fields)| fields.get("messaging.message.id").cloned());
        seen
    }
}
