//! The settings of a push subscription: where its events are sent, in which form, and how the requests are authenticated.

use std::fmt;
use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, TRANSFER_ENCODING,
};
use http::{HeaderName, HeaderValue};

use super::token::PushToken;
use crate::eventgrid::SubscriptionSettings;
use crate::invalid_setting::InvalidSetting;
use crate::webhook::Target;

/// The service's bounds.
const MAX_BATCH_EVENTS: usize = 5_000;
const MAX_BATCH_KILOBYTES: usize = 1_024;
const MAX_HEADERS: usize = 10;
const MAX_HEADER_BYTES: usize = 4_096;
/// A choice of the emulator.
const FAILURES_BEFORE_PROBATION: u32 = 10;
/// Seen at custom and system topics. Its value for namespaces is not documented.
const ORIGIN_OF_SERVICE: &str = "eventgrid.azure.net";

/// A set of options that controls how a subscription pushes its events to a webhook.
///
/// Created by [`new`](Self::new), and checked by [`EventGrid::declare_push`](super::super::EventGrid::declare_push). Its
/// `Debug` omits the URL's query and the values of headers, which may be secrets.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use service_emulator::Emulator;
/// use service_emulator::eventgrid::PushSettings;
///
/// let emulator = Emulator::start().await?;
/// let settings = PushSettings::new("http://localhost:7071/hooks/eventgrid?code=s3cret").max_delivery_count(3);
/// emulator.eventgrid().declare_push("orders", "audit", settings)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PushSettings {
    url: String,
    pub(super) origin: String,
    pub(super) content: PushContent,
    batch: Option<(usize, usize)>,
    headers: Vec<(String, String)>,
    pub(super) token: Option<PushToken>,
    pub(super) hints: bool,
    pub(super) count_from_one: bool,
    pub(super) lenient: bool,
    pub(super) probation_after: u32,
    pub(in crate::eventgrid) delivery: SubscriptionSettings,
}

/// Selects the form in which events are pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushContent {
    /// The body is the event as JSON, with the content type `application/cloudevents+json`.
    #[default]
    Structured,
    /// The body is the event's data, and the attributes are `ce-` headers. The service does not document this form.
    Binary,
}

impl PushSettings {
    /// Creates settings for a webhook at this URL: `http` or `https`, any host, no user information. Its query is sent.
    ///
    /// An https webhook needs a certificate from an authority that the platform trusts, or from one that was
    /// [added](super::super::EventGrid::trust_webhooks).
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            origin: ORIGIN_OF_SERVICE.to_owned(),
            content: PushContent::default(),
            batch: None,
            headers: Vec::new(),
            token: None,
            hints: true,
            count_from_one: false,
            lenient: false,
            probation_after: FAILURES_BEFORE_PROBATION,
            delivery: SubscriptionSettings::default(),
        }
    }

    /// Sets the value of `WebHook-Request-Origin`, which the webhook must allow. Default: `eventgrid.azure.net`.
    #[must_use]
    pub fn origin(mut self, host: impl Into<String>) -> Self {
        self.origin = host.into();
        self
    }

    /// Sets the form of the requests. Default: [`PushContent::Structured`].
    #[must_use]
    pub fn content(mut self, content: PushContent) -> Self {
        self.content = content;
        self
    }

    /// Enables batches: JSON arrays of up to 5,000 events and preferably 1 to 1,024 KiB. Default: one event per request.
    ///
    /// A batch has one response for all of its events. No batch waits for more events. A single event may exceed the
    /// preferred size.
    #[must_use]
    pub fn batches(mut self, max_events: usize, preferred_kilobytes: usize) -> Self {
        self.batch = Some((max_events, preferred_kilobytes));
        self
    }

    /// Adds a header with a fixed value to each delivery, for example a secret. At most 10, with up to 4,096 bytes each.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a bearer token to each delivery, in the form that Microsoft Entra ID issues. Default: none.
    #[must_use]
    pub fn entra_token(mut self, token: PushToken) -> Self {
        self.token = Some(token);
        self
    }

    /// Sets whether deliveries have the headers that a webhook must not depend on: those that start with `aeg-`, `Origin`,
    /// and `WebHook-Request-Origin`. Default: `true`.
    #[must_use]
    pub fn hint_headers(mut self, send: bool) -> Self {
        self.hints = send;
        self
    }

    /// Sets whether `aeg-delivery-count` is 1 at the first attempt. Default: `false`; it is 0.
    #[must_use]
    pub fn delivery_count_from_one(mut self, from_one: bool) -> Self {
        self.count_from_one = from_one;
        self
    }

    /// Sets whether deliveries are retried wherever a page of the documentation says so. Default: `false`.
    ///
    /// By default, an event is lost at the first attempt after 400, 401, 403, 404, 413, 414, a timeout, or a failure to
    /// connect. With `true`, it is lost only after 400, 403, and 413.
    #[must_use]
    pub fn lenient_retries(mut self, lenient: bool) -> Self {
        self.lenient = lenient;
        self
    }

    /// Sets after how many failed attempts in a row the subscription is put on probation. 0 disables probation. Default: 10.
    ///
    /// Then nothing is sent for 10 s (after 408, 429, 503, or a timeout), 30 s (if the connection broke or could not be opened), or
    /// 5 min (after 401, 403, 404, or if the host name could not be resolved). Events that are due meanwhile wait if the failed
    /// attempt is retried. Otherwise, they become dead letters without an attempt. Other statuses do not count.
    #[must_use]
    pub fn probation_after(mut self, failures: u32) -> Self {
        self.probation_after = failures;
        self
    }

    /// Sets after how many attempts an event becomes a dead letter: 1 to 10. Default: 10.
    ///
    /// Values outside the service's bounds are clamped to the nearest bound, here and for the next setting.
    #[must_use]
    pub fn max_delivery_count(mut self, count: u32) -> Self {
        self.delivery = self.delivery.max_delivery_count(count);
        self
    }

    /// Sets after which time an event becomes a dead letter instead of being sent: 1 minute to 7 days. Default: 7 days.
    ///
    /// As in the service, the time is checked when an attempt is due.
    #[must_use]
    pub fn time_to_live(mut self, time: Duration) -> Self {
        self.delivery = self.delivery.time_to_live(time);
        self
    }

    /// Sets the maximum number of attempts and the time to live at once.
    pub(crate) fn delivery(mut self, settings: SubscriptionSettings) -> Self {
        self.delivery = settings;
        self
    }

    /// Checks the settings and reads the URL and the headers.
    pub(crate) fn check(&self) -> Result<Checked, InvalidSetting> {
        let invalid = |text: String| InvalidSetting::new(format!("invalid push subscription: {text}"));
        let target = Target::parse(&self.url)
            .map_err(|rule| invalid(format!("the URL '{}' {rule}", self.url_without_query())))?;
        if self.origin.is_empty() || !self.origin.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid("the origin must be a host name".to_owned()));
        }
        if let Some((events, kilobytes)) = self.batch {
            if !(1..=MAX_BATCH_EVENTS).contains(&events) {
                return Err(invalid(format!(
                    "a batch must have 1 to {MAX_BATCH_EVENTS} events, not {events}"
                )));
            }
            if !(1..=MAX_BATCH_KILOBYTES).contains(&kilobytes) {
                return Err(invalid(format!(
                    "a batch must have 1 to {MAX_BATCH_KILOBYTES} KiB, not {kilobytes}"
                )));
            }
            if self.content == PushContent::Binary {
                return Err(invalid("a batch cannot be in binary mode".to_owned()));
            }
        }
        if self.headers.len() > MAX_HEADERS {
            return Err(invalid(format!("there are more than {MAX_HEADERS} headers")));
        }
        let headers = self.headers.iter().map(|(name, value)| header(name, value, self.token.is_some()));
        let headers = headers.collect::<Result<_, _>>().map_err(invalid)?;
        Ok(Checked { target, headers })
    }

    /// The maximum number of events in a request, and the preferred number of bytes.
    pub(super) fn batch(&self) -> (usize, usize) {
        self.batch.map_or((1, usize::MAX), |(events, kilobytes)| (events, kilobytes * 1_024))
    }

    pub(super) fn is_batched(&self) -> bool {
        self.batch.is_some()
    }

    /// Omits the query and the user information, which may contain secrets.
    fn url_without_query(&self) -> &str {
        let url = self.url.split('?').next().unwrap_or("");
        if url.contains('@') { "..." } else { url }
    }
}

/// What [`PushSettings::check`] read.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(super) target: Target,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Checked {
    /// The URL without its query.
    pub(super) fn url(&self) -> String {
        self.target.url_without_query()
    }
}

fn header(name: &str, value: &str, has_token: bool) -> Result<(HeaderName, HeaderValue), String> {
    let parsed: HeaderName = name.parse().map_err(|_| format!("'{name}' is not the name of a header"))?;
    let reserved = [CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, TRANSFER_ENCODING];
    let text = parsed.as_str();
    if text.starts_with("aeg-")
        || text.starts_with("ce-")
        || text == "webhook-request-origin"
        || reserved.contains(&parsed)
    {
        return Err(format!("the header '{name}' is reserved"));
    }
    if parsed == AUTHORIZATION && has_token {
        return Err("the header 'authorization' is set by the Entra token".to_owned());
    }
    if value.len() > MAX_HEADER_BYTES {
        return Err(format!("the value of the header '{name}' has more than {MAX_HEADER_BYTES} bytes"));
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        format!("the value of the header '{name}' contains a character that no header may have")
    })?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

impl fmt::Debug for PushSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("PushSettings")
            .field("url", &self.url_without_query())
            .field("origin", &self.origin)
            .field("content", &self.content)
            .field("batch", &self.batch)
            .field("headers", &names)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_rule_is_rejected_without_a_secret() {
        let url = || PushSettings::new("http://h/?code=s3cret");
        for (settings, rule) in [
            (PushSettings::new("ftp://h/?code=s3cret"), "is not of the form"),
            (PushSettings::new("http://u:s3cret@h/"), "contains user information"),
            (url().origin(""), "the origin must be a host name"),
            (url().batches(0, 1), "1 to 5000 events, not 0"),
            (url().batches(1, 1_025), "1 to 1024 KiB, not 1025"),
            (url().batches(1, 1).content(PushContent::Binary), "cannot be in binary mode"),
            (url().header("aeg-x", "s3cret"), "'aeg-x' is reserved"),
            (url().header("Content-Type", "s3cret"), "'Content-Type' is reserved"),
            (url().header("a b", "s3cret"), "'a b' is not the name of a header"),
            (url().header("x", "s3cret\n"), "contains a character that no header may have"),
            (url().header("x", "s3cret".repeat(1_000)), "more than 4096 bytes"),
            ((0..11).fold(url(), |all, n| all.header(format!("x{n}"), "s3cret")), "more than 10 headers"),
            (
                url().header("authorization", "s3cret").entra_token(PushToken::new("t", "a")),
                "set by the Entra token",
            ),
        ] {
            let error = settings.check().unwrap_err().to_string();
            assert!(error.contains(rule) && !error.contains("s3cret"), "{error}");
        }
        let settings = url().header("x-secret", "s3cret");
        assert!(!format!("{settings:?} {:?}", settings.check().unwrap()).contains("s3cret"));
    }
}
