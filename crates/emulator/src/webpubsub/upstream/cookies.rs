//! The cookies that a connection's handlers set (RFC 6265): one jar per connection, bounded.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use time::{Date, Month, PrimitiveDateTime, Time};

use crate::webhook::Target;

/// Bounds of the emulator. The oldest cookies give way.
const MAX_COOKIES: usize = 50;
const MAX_BYTES: usize = 4096;

/// The cookies of a connection, oldest first.
#[derive(Debug, Default)]
pub(super) struct Cookies(Vec<Cookie>);

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    host: String,
    /// Whether hosts below this one receive it too.
    below: bool,
    path: String,
    secure: bool,
    expires: Option<SystemTime>,
}

impl Cookies {
    /// Stores the cookies of a response. Invalid ones are logged.
    pub(super) fn store(&mut self, headers: &HeaderMap, target: &Target, now: SystemTime) {
        for value in headers.get_all(SET_COOKIE) {
            match value.to_str().ok().and_then(|text| Cookie::read(text, target, now)) {
                Some(cookie) => self.set(cookie, now),
                None => tracing::warn!(host = target.host, "an event handler set an invalid cookie"),
            }
        }
    }

    /// A cookie with the same name, host, and path is replaced, at its place.
    fn set(&mut self, cookie: Cookie, now: SystemTime) {
        match self.0.iter_mut().find(|other| other.is_same(&cookie)) {
            Some(other) => *other = cookie,
            None => self.0.push(cookie),
        }
        self.0.retain(|cookie| cookie.is_alive(now));
        if self.0.len() > MAX_COOKIES {
            self.0.remove(0);
        }
    }

    /// The `Cookie` header of a request: the cookies with longer paths first (RFC 6265, section 5.4).
    pub(super) fn header(&self, target: &Target, now: SystemTime) -> Option<HeaderValue> {
        let mut sent: Vec<_> =
            self.0.iter().filter(|cookie| cookie.is_alive(now) && cookie.matches(target)).collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<_> = sent.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        if pairs.is_empty() { None } else { HeaderValue::from_str(&pairs.join("; ")).ok() }
    }
}

impl Cookie {
    /// RFC 6265, sections 5.2 and 5.3.
    fn read(text: &str, target: &Target, now: SystemTime) -> Option<Self> {
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        if name.is_empty() || name.len() + value.len() > MAX_BYTES {
            return None;
        }
        let (host, path) = (target.host.to_ascii_lowercase(), default_path(target.path()).to_owned());
        let mut cookie = Self { name, value, host, below: false, path, secure: false, expires: None };
        let mut max_age = None;
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "domain" if !value.is_empty() => cookie.restrict(value)?,
                "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                "path" => cookie.path = default_path(target.path()).to_owned(),
                "secure" => cookie.secure = true,
                "expires" => cookie.expires = date(value).or(cookie.expires),
                "max-age" => max_age = seconds(value).or(max_age),
                _ => {}
            }
        }
        // `Max-Age` wins. What does not fit the clock does not expire.
        if let Some(seconds) = max_age {
            let age = Duration::from_secs(seconds.max(0).unsigned_abs());
            cookie.expires = now.checked_add(age);
        }
        Some(cookie)
    }

    /// Applies the attribute `Domain`. `None` if the cookie is for another host.
    fn restrict(&mut self, domain: &str) -> Option<()> {
        let domain = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
        if !is_at_or_below(&self.host, &domain) {
            return None;
        }
        (self.host, self.below) = (domain, true);
        Some(())
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.name, &self.host, &self.path) == (&other.name, &other.host, &other.path)
    }

    fn is_alive(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }

    fn matches(&self, target: &Target) -> bool {
        let host = target.host.to_ascii_lowercase();
        let host = if self.below { is_at_or_below(&host, &self.host) } else { host == self.host };
        let path = target.path().strip_prefix(&self.path);
        let path =
            path.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'));
        host && path && (target.secure || !self.secure)
    }
}

/// An address has no hosts below it.
fn is_at_or_below(host: &str, domain: &str) -> bool {
    let below = host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    host == domain || (below && host.parse::<IpAddr>().is_err())
}

/// The path up to its last slash (RFC 6265, section 5.1.4).
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        Some(end @ 1..) => &path[..end],
        _ => "/",
    }
}

/// Digits with an optional sign, saturated.
fn seconds(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let saturated = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(text.parse().unwrap_or(saturated))
}

/// Reads a date as browsers do: its parts in any order and with any separators (RFC 6265, section 5.1.1).
fn date(text: &str) -> Option<SystemTime> {
    let (mut clock, mut day, mut month, mut year) = (None, None, None, None);
    let separates = |c: char| !c.is_ascii_alphanumeric() && c != ':';
    for token in text.split(separates).filter(|token| !token.is_empty()) {
        let number = token.parse::<i32>().ok();
        match number {
            None if token.contains(':') => clock = clock.or_else(|| time_of_day(token)),
            None => month = month.or_else(|| month_named(token)),
            Some(number) if token.len() <= 2 && day.is_none() => day = Some(u8::try_from(number).ok()?),
            Some(number) => year = year.or(Some(number)),
        }
    }
    let year = match year? {
        short @ 0..=69 => short + 2000,
        short @ 70..=99 => short + 1900,
        year => year,
    };
    let date = Date::from_calendar_date(year, month?, day?).ok()?;
    Some(PrimitiveDateTime::new(date, clock?).assume_utc().into())
}

fn time_of_day(token: &str) -> Option<Time> {
    let mut parts = token.splitn(3, ':').map(|part| part.parse::<u8>().ok());
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    Time::from_hms(hour, minute, second).ok()
}

fn month_named(token: &str) -> Option<Month> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = token.get(..3)?.to_ascii_lowercase();
    let number = MONTHS.iter().position(|month| *month == start)? + 1;
    Month::try_from(u8::try_from(number).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::webpubsub::upstream::settings::EventHandlerSettings;

    fn target(url: &str) -> Target {
        EventHandlerSettings::new(url).target("chat", "order").unwrap()
    }

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    /// What a request to the second URL carries after these cookies were set by a response of the first.
    fn carried(set: &[&str], from: &str, to: &str) -> String {
        let mut cookies = Cookies::default();
        for set in set {
            let headers = HeaderMap::from_iter([(SET_COOKIE, HeaderValue::from_str(set).unwrap())]);
            cookies.store(&headers, &target(from), now());
        }
        let header = cookies.header(&target(to), now());
        header.map_or_else(String::new, |header| header.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_cookie_goes_to_the_urls_that_its_attributes_name() {
        let own = "http://a.test/api/{event}";
        for (set, to, sent) in [
            ("a=1", own, true),
            ("a=1", "http://a.test/api/other/x", true),
            ("a=1", "http://a.test/apix", false),
            ("a=1", "http://b.test/api/{event}", false),
            ("a=1", "http://sub.a.test/api/{event}", false),
            ("a=1; Domain=.A.test", "http://sub.a.test/api/{event}", true),
            ("a=1; Domain=test.example", own, false),
            ("a=1; Path=/", "http://a.test/", true),
            ("a=1; Path=/other", own, false),
            ("a=1; Path=relative", own, true),
            ("a=1; Secure", own, false),
            ("a=1; secure; HttpOnly", "https://a.test/api/{event}", true),
            ("=1", own, false),
            ("no pair", own, false),
        ] {
            let expected = if sent { "a=1" } else { "" };
            assert_eq!(carried(&[set], own, to), expected, "{set} to {to}");
        }
    }

    #[test]
    fn a_cookie_ends_with_its_time() {
        let url = "http://127.0.0.1:7071/{event}";
        // The time of the test is 2023-11-14T22:13:20Z.
        for (attributes, sent) in [
            ("Max-Age=1", true),
            ("Max-Age=0", false),
            ("Max-Age=-5", false),
            ("Max-Age=x", true),
            ("Max-Age=99999999999999999999", true),
            ("Expires=Tue, 14 Nov 2023 22:13:21 GMT", true),
            ("Expires=Tue, 14 Nov 2023 22:13:20 GMT", false),
            ("Expires=Tuesday, 14-Nov-23 22:13:21 GMT", true),
            ("Expires=Tue Nov 14 22:13:19 2023", false),
            ("Expires=Thu, 01 Jan 1970 00:00:00 GMT", false),
            ("Expires=not a date", true),
            ("Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", true),
        ] {
            let set = format!("a=1; {attributes}");
            assert_eq!(carried(&[&set], url, url), if sent { "a=1" } else { "" }, "{attributes}");
        }
        assert_eq!(carried(&["a=1", "a=2; Max-Age=0"], url, url), "", "deleted");
    }

    #[test]
    fn longer_paths_come_first_and_a_replaced_cookie_keeps_its_place() {
        let url = "http://127.0.0.1:7071/api/{event}";
        assert_eq!(carried(&["a=1; Path=/", "b=2", "a=3; Path=/"], url, url), "b=2; a=3");
        assert_eq!(carried(&["a=1", "b=2", "a=3"], url, url), "a=3; b=2");
    }

    #[test]
    fn a_connection_keeps_a_bounded_number_of_cookies() {
        let url = "http://127.0.0.1:7071/";
        let many: Vec<_> = (0..=MAX_COOKIES).map(|number| format!("c{number}=x")).collect();
        let sent = carried(&many.iter().map(String::as_str).collect::<Vec<_>>(), url, url);
        assert_eq!((sent.split("; ").count(), sent.starts_with("c1=x")), (MAX_COOKIES, true));
        assert_eq!(carried(&[&format!("a={}", "x".repeat(MAX_BYTES))], url, url), "");
    }
}
