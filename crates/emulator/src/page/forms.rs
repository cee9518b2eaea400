//! The forms of the page: the filter, and the actions. They work without scripts.

use super::filter::Filter;
use super::html::escaped;

/// What the forms of the actions contain to prove that the page sent them.
#[derive(Clone)]
pub(crate) struct Proof {
    /// A secret of this process.
    pub(crate) key: String,
    /// Whether the viewer has to enter the control token.
    pub(crate) asks_for_token: bool,
}

pub(super) fn filter(filter: &Filter) -> String {
    let mut options = String::new();
    for (value, name) in
        [("", "all"), ("webpubsub", "Web PubSub"), ("eventgrid", "Event Grid"), ("hulft", "HULFT-WebConnect")]
    {
        let selected = if value == filter.service { " selected" } else { "" };
        options += &format!("<option value=\"{value}\"{selected}>{name}</option>");
    }
    format!(
        "<form class=\"bar\" method=\"get\" action=\"/\" role=\"search\">\
         <label for=\"filter\">Entries that contain\
         <input id=\"filter\" name=\"filter\" type=\"search\" value=\"{}\"></label>\
         <label for=\"service\">Requests of<select id=\"service\" name=\"service\">{options}</select></label>\
         <button>Filter</button> <a href=\"/\">Show all</a></form>\n",
        escaped(&filter.text)
    )
}

/// The forms that send a message and publish an event, for the services of this build.
pub(super) fn actions(proof: &Proof, has_hubs: bool, has_topics: bool) -> String {
    let mut text = "<section id=\"actions\"><h2>Actions</h2>\n".to_owned();
    if has_hubs {
        text += &form(
            proof,
            "send",
            &[
                ("hub", "Hub", "chat", false),
                ("group", "Group", "", false),
                ("text", "Text message", "", true),
            ],
            "Send to the group",
        );
    }
    if has_topics {
        text += &form(
            proof,
            "publish",
            &[
                ("topic", "Topic", "orders", false),
                ("type", "Type", "com.example.event", false),
                ("data", "Data (JSON)", "{}", true),
            ],
            "Publish the event",
        );
    }
    text + "</section>\n"
}

/// The button that disconnects an Agent. Its id keeps the focus when the section is replaced.
pub(super) fn disconnect(proof: &Proof, agent: &str) -> String {
    let agent = escaped(agent);
    format!(
        "<form class=\"bar\" method=\"post\" action=\"/_page/disconnect\">{}\
         <input type=\"hidden\" name=\"agent\" value=\"{agent}\">\
         <button id=\"disconnect-{agent}\" aria-label=\"Disconnect {agent}\">Disconnect</button></form>",
        hidden(proof, &format!("token-{agent}"))
    )
}

/// A field: its name, its label, its initial value, and whether it is wide.
type Field<'a> = (&'a str, &'a str, &'a str, bool);

fn form(proof: &Proof, action: &str, fields: &[Field<'_>], button: &str) -> String {
    let mut text = format!("<form class=\"bar\" method=\"post\" action=\"/_page/{action}\">");
    for (name, label, value, wide) in fields {
        let (id, value) = (format!("{action}-{name}"), escaped(value));
        let class = if *wide { " class=\"wide\"" } else { "" };
        text += &format!(
            "<label for=\"{id}\"{class}>{label}<input id=\"{id}\" name=\"{name}\" value=\"{value}\" required></label>"
        );
    }
    text + &hidden(proof, &format!("{action}-token")) + &format!("<button>{button}</button></form>\n")
}

fn hidden(proof: &Proof, id: &str) -> String {
    let key = format!("<input type=\"hidden\" name=\"key\" value=\"{}\">", proof.key);
    if !proof.asks_for_token {
        return key;
    }
    format!(
        "{key}<label for=\"{id}\">Control token<input id=\"{id}\" name=\"control_token\" type=\"password\" \
         autocomplete=\"off\" required></label>"
    )
}
