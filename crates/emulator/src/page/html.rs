//! The status page for people: tables, without scripts. A single function escapes every value.

use super::snapshot::{Agent, DeadLetter, Event, Hub, Listed, Snapshot, Topic, Webhook};

const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>service-emulator</title>
<meta name=\"viewport\" content=\"width=device-width\"><style>
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em }
table { border-collapse: collapse; margin: .5em 0 1.5em }
th, td { text-align: left; padding: .15em .8em .15em 0; border-bottom: 1px solid #8884; overflow-wrap: anywhere }
td.number, th.number { text-align: right }
h2 { margin: 1.5em 0 .3em } h3 { margin: 1em 0 .2em } p { margin: .3em 0 }
</style></head><body>
";

/// A column: its title, and whether it contains numbers.
type Column = (&'static str, bool);

pub(super) fn page(snapshot: &Snapshot) -> String {
    let mut page = Page(HEAD.to_owned());
    page.element("h1", "service-emulator");
    page.element(
        "p",
        &format!(
            "Version {} at {}, {} UTC. Pending faults: {}. This is a snapshot: reload the page to update it. \
             With Accept: application/json, the response is JSON.",
            snapshot.version, snapshot.endpoint, snapshot.time, snapshot.pending_faults
        ),
    );
    if let Some(hubs) = &snapshot.hubs {
        page.hubs(hubs);
    }
    if let Some(topics) = &snapshot.topics {
        page.topics(topics);
    }
    if let Some(agents) = &snapshot.agents {
        page.agents(agents);
    }
    page.requests(&snapshot.requests);
    page.0 + "</body></html>\n"
}

struct Page(String);

impl Page {
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
        self.0 += "<table><tr>";
        for (title, is_number) in columns {
            self.cell("th", *is_number, title);
        }
        self.0 += "</tr>\n";
        for row in rows {
            self.0 += "<tr>";
            for (cell, (_, is_number)) in row.iter().zip(columns) {
                self.cell("td", *is_number, cell);
            }
            self.0 += "</tr>\n";
        }
        self.0 += "</table>\n";
    }

    fn cell(&mut self, name: &str, is_number: bool, text: &str) {
        let class = if is_number { " class=\"number\"" } else { "" };
        self.0 += &format!("<{name}{class}>{}</{name}>", escaped(text));
    }

    fn element(&mut self, name: &str, text: &str) {
        self.0 += &format!("<{name}>{}</{name}>\n", escaped(text));
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
fn escaped(text: &str) -> String {
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
