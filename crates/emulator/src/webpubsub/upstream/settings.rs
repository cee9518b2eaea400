//! The settings of a hub's event handler: its URL and the events that it receives (event handler, section 1).

use std::fmt;

use crate::webhook::Target;
use crate::webpubsub::names;

/// Configures an event handler of a hub: a webhook that the service calls with the hub's events.
///
/// Created by [`new`](Self::new). By default, it receives every user event and no system event. Its `Debug` omits the
/// URL's query, which may contain a secret.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use service_emulator::Emulator;
/// use service_emulator::webpubsub::{EventHandlerSettings, SystemEvent, UserEvents};
///
/// let emulator = Emulator::start().await?;
/// let settings = EventHandlerSettings::new("http://localhost:7071/api/{event}")
///     .system_events([SystemEvent::Connect, SystemEvent::Disconnected])
///     .user_events(UserEvents::Only(vec!["order".to_owned()]));
/// emulator.webpubsub().event_handler("chat", settings)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct EventHandlerSettings {
    url: String,
    system: Vec<SystemEvent>,
    user: UserEvents,
}

/// Identifies an event of the service itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SystemEvent {
    /// A client requests a connection. The handler accepts or rejects it.
    Connect,
    /// A client has connected.
    Connected,
    /// A connection has ended.
    Disconnected,
    /// A connection has joined a group.
    GroupJoined,
    /// A connection has left a group. Not raised for the groups of a connection that ends.
    GroupLeft,
}

/// Selects the user events that a handler receives: those of `event` frames, and `message` of simple clients.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserEvents {
    /// The handler receives all user events.
    All,
    /// The handler receives the user events with these names, which are case-insensitive.
    Only(Vec<String>),
    /// The handler receives no user events.
    None,
}

/// Is returned when the settings of an event handler are invalid. Its `Display` names the setting and the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid event handler: {0}")]
pub struct InvalidEventHandler(String);

/// An event that a handler may have to receive.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event<'a> {
    System(SystemEvent),
    User(&'a str),
}

impl EventHandlerSettings {
    /// Creates settings for a handler at this URL: `http` or `https`, any host, no user information.
    ///
    /// An https handler needs a certificate from an authority that the platform trusts, or from one that was
    /// [added](crate::webpubsub::WebPubSub::trust_event_handlers).
    ///
    /// `{hub}` and `{event}` are replaced by the names of the hub and the event, or by `validate` instead of the event
    /// when the address is checked. The URL is validated when the settings are passed to
    /// [`event_handler`](crate::webpubsub::WebPubSub::event_handler).
    pub fn new(url_template: impl Into<String>) -> Self {
        Self { url: url_template.into(), system: Vec::new(), user: UserEvents::All }
    }

    /// Sets the system events that the handler receives. Default: none.
    #[must_use]
    pub fn system_events(mut self, events: impl IntoIterator<Item = SystemEvent>) -> Self {
        self.system = events.into_iter().collect();
        self
    }

    /// Sets the user events that the handler receives. Default: all.
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

    pub(super) fn accepts(&self, event: Event<'_>) -> bool {
        match (event, &self.user) {
            (Event::System(event), _) => self.system.contains(&event),
            (Event::User(_), UserEvents::All) => true,
            (Event::User(name), UserEvents::Only(names)) => {
                names.iter().any(|other| other.eq_ignore_ascii_case(name))
            }
            (Event::User(_), UserEvents::None) => false,
        }
    }

    /// The URL at which the address is checked.
    pub(super) fn check_target(&self, hub: &str) -> Result<Target, InvalidEventHandler> {
        self.target(hub, "validate")
    }

    /// The URL to which an event is sent.
    pub(super) fn target(&self, hub: &str, event: &str) -> Result<Target, InvalidEventHandler> {
        let url = self.url.replace("{hub}", &names::encode(hub)).replace("{event}", &names::encode(event));
        let invalid = |rule: &str| InvalidEventHandler(format!("the URL '{}' {rule}", self.without_query()));
        Target::parse(&url).map_err(invalid)
    }

    /// The URL template without its query, the system events, and the user events.
    pub(crate) fn shown(&self) -> (&str, &[SystemEvent], &UserEvents) {
        (self.without_query(), &self.system, &self.user)
    }

    /// Omits the query and the user information, which may contain secrets.
    fn without_query(&self) -> &str {
        let url = self.url.split('?').next().unwrap_or("");
        if url.contains('@') { "..." } else { url }
    }
}

impl SystemEvent {
    /// The name in the settings file, which is the one in the service's portal.
    pub(crate) fn setting(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::GroupJoined => "groupJoined",
            Self::GroupLeft => "groupLeft",
        }
    }

    /// The name in `{event}` and in `ce-eventName`, and the `ce-type`.
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

impl fmt::Debug for EventHandlerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventHandlerSettings")
            .field("url", &self.without_query())
            .field("system", &self.system)
            .field("user", &self.user)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_in_the_url() {
        let settings = EventHandlerSettings::new("http://localhost:7071/{hub}/api?event={event}&code=x");
        let target = settings.target("a[b]", "my.event").unwrap();
        assert_eq!((target.host.as_str(), target.port), ("localhost", 7071));
        assert_eq!(target.path_and_query, "/a%5Bb%5D/api?event=my.event&code=x");
        assert!(settings.check_target("chat").unwrap().path_and_query.contains("event=validate"));
        assert_eq!(target.url_without_query(), "http://localhost:7071/a%5Bb%5D/api");
        let target = EventHandlerSettings::new("HTTPS://[::1]/{event}").check_target("chat").unwrap();
        assert_eq!((target.secure, target.host.as_str(), target.port), (true, "::1", 443));
        assert_eq!(target.url_without_query(), "https://[::1]/validate");
    }

    #[test]
    fn what_breaks_a_rule_is_rejected_without_a_secret() {
        for url in ["wss://h/", "h/path", "http://", "http://u:secret@h/", "ftp://h?code=secret", ""] {
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
