//! What a hub's event handler is: its URL and the events that it takes (event handler, section 1).

use std::fmt;

use http::Uri;

use crate::webpubsub::names;

/// An event handler of a hub: a webhook that the service calls with the hub's events. Made by [`new`](Self::new); without
/// further setters it takes every user event and no other.
///
/// Its `Debug` leaves out the URL's query, where a code may stand.
#[derive(Clone, PartialEq, Eq)]
pub struct EventHandlerSettings {
    url: String,
    system: Vec<SystemEvent>,
    user: UserEvents,
}

/// An event of the service itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SystemEvent {
    /// A client wants to connect; the handler decides.
    Connect,
    /// A client is connected.
    Connected,
    /// A connection has ended.
    Disconnected,
    /// A connection is in another group.
    GroupJoined,
    /// A connection has left a group; not told of groups that end with the connection.
    GroupLeft,
}

/// Which events of clients a handler takes: those of `event` frames, and `message` of simple clients.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserEvents {
    /// Every one.
    All,
    /// Those with these names, whatever the case.
    Only(Vec<String>),
    /// None.
    None,
}

/// An event handler's settings break a rule, which this tells in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidEventHandler(String);

/// An event that may have to be told to a handler.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event<'a> {
    System(SystemEvent),
    User(&'a str),
}

/// An address to call.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    /// As the `Host` header has it.
    pub(super) authority: String,
    pub(super) path_and_query: String,
}

impl EventHandlerSettings {
    /// A handler at this address: `http` to any host, without user information. `{hub}` and `{event}` stand for the names
    /// of both, and for `validate` in place of the event when the address is checked.
    pub fn new(url_template: impl Into<String>) -> Self {
        Self { url: url_template.into(), system: Vec::new(), user: UserEvents::All }
    }

    /// The system events that it takes; none by default.
    #[must_use]
    pub fn system_events(mut self, events: impl IntoIterator<Item = SystemEvent>) -> Self {
        self.system = events.into_iter().collect();
        self
    }

    /// The user events that it takes; all by default.
    #[must_use]
    pub fn user_events(mut self, events: UserEvents) -> Self {
        self.user = events;
        self
    }

    pub(crate) fn check(&self, hub: &str) -> Result<(), InvalidEventHandler> {
        if !names::is_hub(hub) {
            return Err(InvalidEventHandler(format!("the hub name '{hub}' is invalid")));
        }
        if let UserEvents::Only(events) = &self.user
            && let Some(bad) = events.iter().find(|event| !names::is_event(event))
        {
            return Err(InvalidEventHandler(format!("the event name '{bad}' is invalid")));
        }
        self.check_target(hub).map(|_| ())
    }

    pub(super) fn takes(&self, event: Event<'_>) -> bool {
        match (event, &self.user) {
            (Event::System(event), _) => self.system.contains(&event),
            (Event::User(_), UserEvents::All) => true,
            (Event::User(name), UserEvents::Only(names)) => {
                names.iter().any(|other| other.eq_ignore_ascii_case(name))
            }
            (Event::User(_), UserEvents::None) => false,
        }
    }

    /// Where its address is checked.
    pub(super) fn check_target(&self, hub: &str) -> Result<Target, InvalidEventHandler> {
        self.target(hub, "validate")
    }

    /// Where an event goes.
    pub(super) fn target(&self, hub: &str, event: &str) -> Result<Target, InvalidEventHandler> {
        let url = self.url.replace("{hub}", &names::encode(hub)).replace("{event}", &names::encode(event));
        let refuse = |rule: &str| InvalidEventHandler(format!("the URL '{}' {rule}", self.without_query()));
        let url: Uri = url.parse().map_err(|_| refuse("is no URL"))?;
        let authority = url.authority().filter(|_| url.scheme_str() == Some("http"));
        let authority = authority.ok_or_else(|| refuse("is not of the form http://host:port/path"))?;
        if authority.as_str().contains('@') {
            return Err(InvalidEventHandler("the URL holds user information".to_owned()));
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let path_and_query = url.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        let port = authority.port_u16().unwrap_or(80);
        Ok(Target { host, port, authority: authority.as_str().to_owned(), path_and_query })
    }

    /// Neither a query nor user information, which may hold secrets.
    fn without_query(&self) -> &str {
        let url = self.url.split('?').next().unwrap_or("");
        if url.contains('@') { "..." } else { url }
    }
}

impl Target {
    /// The query may hold a code.
    pub(super) fn url_without_query(&self) -> String {
        format!("http://{}{}", self.authority, self.path_and_query.split('?').next().unwrap_or_default())
    }
}

impl SystemEvent {
    /// Its name in `{event}` and in `ce-eventName`, and its `ce-type`.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Connect => ("connect", "azure.webpubsub.sys.connect"),
            Self::Connected => ("connected", "azure.webpubsub.sys.connected"),
            Self::Disconnected => ("disconnected", "azure.webpubsub.sys.disconnected"),
            Self::GroupJoined => ("joined", "azure.webpubsub.gp.joined"),
            Self::GroupLeft => ("left", "azure.webpubsub.gp.left"),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("authority", &self.authority).finish_non_exhaustive()
    }
}

impl fmt::Debug for EventHandlerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventHandlerSettings")
            .field("url", &self.without_query())
            .field("system", &self.system)
            .field("user", &self.user)
            .finish()
    }
}

impl fmt::Display for InvalidEventHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid event handler: {}", self.0)
    }
}

impl std::error::Error for InvalidEventHandler {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_escaped_in_the_url() {
        let settings = EventHandlerSettings::new("http://localhost:7071/{hub}/api?event={event}&code=x");
        let target = settings.target("a[b]", "my.event").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("localhost", 7071));
        assert_eq!(target.path_and_query, "/a%5Bb%5D/api?event=my.event&code=x");
        assert!(settings.check_target("chat").unwrap().path_and_query.contains("event=validate"));
    }

    #[test]
    fn what_breaks_a_rule_is_refused_without_a_secret() {
        for url in ["https://h/", "h/path", "http://", "http://u:secret@h/", "ftp://h?code=secret", ""] {
            let error = EventHandlerSettings::new(url).check("chat").unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        let settings = EventHandlerSettings::new("http://h/?code=secret");
        assert!(settings.check("1chat").is_err());
        assert!(!format!("{settings:?}").contains("secret"));
        assert!(settings.clone().user_events(UserEvents::Only(vec!["1a".to_owned()])).check("chat").is_err());
        assert_eq!(settings.check("chat"), Ok(()));
    }
}
