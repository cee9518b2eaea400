//! The status page for people: tables and charts. A single function escapes every value.

use super::forms::{self, Proof};
use super::snapshot::{Agent, DeadLetter, Event, Hub, Listed, Topic, Transfer, Webhook};
use super::{Payload, View, chart};

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>service-emulator</title>
<meta name=\"viewport\" content=\"width=device-width\">
<link rel=\"stylesheet\" href=\"/_page/style.css\"><script src=\"/_page/live.js\" defer></script></head><body>
<a class=\"skip\" href=\"#live\">Skip to the state</a>
";

/// A column: its title, and whether it contains numbers.
type Column = (&'static str, bool);

/// The whole document. The notice is about the action that led to it.
pub(super) fn page(view: &View, notice: Option<&str>) -> String {
    let mut page = Page { text: HEAD.to_owned(), proof: view.proof.as_ref() };
    page.element("h1", "service-emulator");
    page.text += &format!(
        "<p class=\"quiet\">Version {} at {}. <span id=\"status\" role=\"status\">This is a snapshot: reload the page to \
         update it.</span> With Accept: application/json, the response is JSON.</p>\n",
        view.snapshot.version,
        escaped(&view.snapshot.endpoint)
    );
    if let Some(notice) = notice {
        page.text += &format!("<p class=\"notice\" role=\"alert\">{}</p>\n", escaped(notice));
    }
    page.text += &forms::filter(&view.snapshot.filter);
    page.text += &format!("<main id=\"live\">\n{}</main>\n", sections(view));
    if let Some(proof) = &view.proof {
        page.text += &forms::actions(proof, view.snapshot.hubs.is_some(), view.snapshot.topics.is_some());
    }
    page.text + "</body></html>\n"
}

/// The parts that change, each an element with an id.
pub(super) fn sections(view: &View) -> String {
    let mut page = Page { text: String::new(), proof: view.proof.as_ref() };
    let snapshot = &view.snapshot;
    page.section("overview", |page| {
        page.element("p", &format!("{} UTC. Pending faults: {}.", snapshot.time, snapshot.pending_faults));
        page.text += &format!("<div class=\"charts\">\n{}</div>\n", chart::all(&view.samples));
    });
    if let Some(hubs) = &snapshot.hubs {
        page.section("webpubsub", |page| page.hubs(hubs));
    }
    if let Some(topics) = &snapshot.topics {
        page.section("eventgrid", |page| page.topics(topics));
    }
    if let Some(agents) = &snapshot.agents {
        page.section("hulft", |page| {
            page.agents(agents);
            page.transfers(&snapshot.transfers);
        });
    }
    if let Some(payloads) = &view.payloads {
        page.section("payloads", |page| page.payloads(payloads));
    }
    page.section("requests", |page| page.requests(&snapshot.requests));
    page.text
}

struct Page<'a> {
    text: String,
    proof: Option<&'a Proof>,
}

impl Page<'_> {
    fn section(&mut self, id: &str, fill: impl FnOnce(&mut Self)) {
        self.text += &format!("<section id=\"{id}\">");
        fill(self);
        self.text += "</section>\n";
    }

    fn hubs(&mut self, hubs: &Listed<Hub>) {
        self.title("h2", "Web PubSub: hubs with connections", hubs);
        for hub in &hubs.first {
            self.element("h3", &format!("Hub {}", hub.name));
            self.title("p", "Connections", &hub.connections);
            let columns = [
                ("Connection", false),
                ("User", false),
                ("Subprotocol", false),
                ("Socket", false),
                ("Groups", true),
            ];
            self.table(&columns, &hub.connections, |connection| {
                let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
                let socket = if connection.online { "open" } else { "lost" }.to_owned();
                let groups = connection.groups.to_string();
                [connection.id.clone(), text(&connection.user), text(&connection.subprotocol), socket, groups]
            });
            for (title, counts) in [("Groups", &hub.groups), ("Users", &hub.users)] {
                self.title("p", title, counts);
                self.table(&[("Name", false), ("Connections", true)], counts, |count| {
                    [count.name.clone(), count.connections.to_string()]
                });
            }
        }
    }

    fn topics(&mut self, topics: &Listed<Topic>) {
        self.title("h2", "Event Grid: topics", topics);
        let columns = [
            ("Subscription", false),
            ("Waiting", true),
            ("Locked", true),
            ("Dead letters", true),
            ("Webhook", false),
        ];
        for topic in &topics.first {
            self.title("h3", &format!("Topic {}, subscriptions", topic.name), &topic.subscriptions);
            self.table(&columns, &topic.subscriptions, |one| {
                let [waiting, locked, dead] =
                    [one.waiting, one.locked, one.dead_letters].map(|n| n.to_string());
                let webhook = one.webhook.as_ref().map_or_else(|| "-".to_owned(), Webhook::text);
                [one.name.clone(), waiting, locked, dead, webhook]
            });
            for one in &topic.subscriptions.first {
                if let Some(letters) = &one.newest_dead_letters {
                    self.title("p", &format!("Dead letters of {}, newest first", one.name), letters);
                    self.dead_letters(letters);
                }
            }
        }
    }

    fn dead_letters(&mut self, letters: &Listed<DeadLetter>) {
        let columns = [
            ("ID", false),
            ("Source", false),
            ("Type", false),
            ("Subject", false),
            ("Reason", false),
            ("Deliveries", true),
            ("Last result", false),
        ];
        self.table(&columns, letters, |letter| {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            let DeadLetter { id, source, event_type, subject, reason, deliveries, last_result } = letter;
            let [id, source, event_type, reason] = [id, source, event_type, reason].map(String::clone);
            [id, source, event_type, text(subject), reason, deliveries.to_string(), text(last_result)]
        });
    }

    fn agents(&mut self, agents: &Listed<Agent>) {
        self.title("h2", "HULFT-WebConnect: Agents", agents);
        let columns = [
            ("Agent", false),
            ("Direction", false),
            ("Connection IDs", false),
            ("Endpoint", false),
            ("Version", false),
        ];
        self.table(&columns, agents, |agent| {
            let ids = agent.connection_ids.join(", ");
            [agent.id.clone(), agent.direction.to_owned(), ids, agent.endpoint.clone(), agent.version.clone()]
        });
        let Some(proof) = self.proof else { return };
        let mut ids: Vec<_> = agents.first.iter().map(|agent| agent.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            self.text += &format!(
                "<div class=\"agent\"><span>{}</span>{}</div>\n",
                escaped(id),
                forms::disconnect(proof, id)
            );
        }
    }

    fn transfers(&mut self, transfers: &Listed<Transfer>) {
        self.title("h3", "Transfers, newest first", transfers);
        let columns = [("Processing identifier", false), ("Agent", false), ("State", false)];
        self.table(&columns, transfers, |transfer| {
            [transfer.processing_id.clone(), transfer.agent.clone(), transfer.state.to_owned()]
        });
    }

    fn payloads(&mut self, payloads: &[Payload]) {
        self.element("h2", "Last payloads, newest first");
        let rows = payloads.iter().map(|Payload { target, text }| [target.clone(), text.clone()]);
        self.rows(&[("Target", false), ("Payload", false)], rows);
    }

    fn requests(&mut self, requests: &[Event]) {
        self.element("h2", "Last requests, newest first");
        let columns = [
            ("Time", false),
            ("Service", false),
            ("", false),
            ("Outcome", false),
            ("Took", true),
            ("Target", false),
            ("", false),
        ];
        self.rows(
            &columns,
            requests.iter().map(|event| {
                let Event { time, service, verb, outcome, took, target, note } = event;
                [time, *service, verb, outcome, took, target, note].map(str::to_owned)
            }),
        );
    }

    /// A heading with the number of entries, and a remark if only the first ones are shown.
    fn title<T>(&mut self, element: &str, title: &str, listed: &Listed<T>) {
        let (total, shown) = (listed.total, listed.first.len());
        let cut = if shown < total { format!(", first {shown} shown") } else { String::new() };
        self.element(element, &format!("{title}: {total}{cut}"));
    }

    fn table<T, const N: usize>(
        &mut self,
        columns: &[Column; N],
        listed: &Listed<T>,
        cells: impl Fn(&T) -> [String; N],
    ) {
        self.rows(columns, listed.first.iter().map(cells));
    }

    fn rows<const N: usize>(
        &mut self,
        columns: &[Column; N],
        rows: impl ExactSizeIterator<Item = [String; N]>,
    ) {
        if rows.len() == 0 {
            return;
        }
        self.text += "<table><tr>";
        for (title, is_number) in columns {
            self.cell("th", *is_number, title);
        }
        self.text += "</tr>\n";
        for row in rows {
            self.text += "<tr>";
            for (cell, (_, is_number)) in row.iter().zip(columns) {
                self.cell("td", *is_number, cell);
            }
            self.text += "</tr>\n";
        }
        self.text += "</table>\n";
    }

    fn cell(&mut self, name: &str, is_number: bool, text: &str) {
        let class = if is_number { " class=\"number\"" } else { "" };
        self.text += &format!("<{name}{class}>{}</{name}>", escaped(text));
    }

    fn element(&mut self, name: &str, text: &str) {
        self.text += &format!("<{name}>{}</{name}>\n", escaped(text));
    }
}

impl Webhook {
    fn text(&self) -> String {
        let state = match self {
            Self { validated: false, .. } => " (not validated)",
            Self { on_probation: true, .. } => " (on probation)",
            _ => "",
        };
        format!("{}{state}", self.url)
    }
}

/// Escapes a text for use in an element.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            // NUL and other control characters are not allowed in HTML.
            control if control.is_control() => safe.extend(control.escape_default()),
            other => safe.push(other),
        }
    }
    safe
}
