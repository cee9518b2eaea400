//! Lists, dates, and times of HULFT-WebConnect: what was read is written and read again, and is equal.

use std::sync::Arc;
use std::time::SystemTime;

use http::Response;
use hulft_webconnect::testing::{ManualClock, ScriptedTransport};
use hulft_webconnect::{Date, Pager, RateLimit, Row, SiteClient, TimeZone, Timestamp};

use super::{block_on, text};

/// A page of one of the lists, which the first byte selects.
pub(super) fn pages(data: &[u8]) {
    let Some((&list, body)) = data.split_first() else { return };
    match list {
        b'a' => page(body, |site| site.agents().list()),
        b'b' => page(body, |site| site.browser_to_hulft().list()),
        b'c' => page(body, |site| site.connections().list()),
        b'd' => page(body, |site| site.dclients().list()),
        b'g' => page(body, |site| site.browser_transfer_groups().list()),
        b'h' => page(body, |site| site.hulft_to_browser().list()),
        b'i' => page(body, |site| site.ip_filter_groups().list()),
        b'n' => page(body, |site| site.access_denials().list()),
        b'p' => page(body, |site| site.relay_permissions().list()),
        b's' => page(body, secondary_accounts),
        b'u' => page(body, |site| site.accounts().list()),
        _ => page(body, |site| site.relay_logs().list()),
    }
}

#[allow(deprecated, reason = "the service still returns them")]
fn secondary_accounts(site: &SiteClient) -> Pager<hulft_webconnect::SecondaryAccount> {
    site.secondary_accounts().list()
}

fn page<T: Row + Clone>(body: &[u8], list: fn(&SiteClient) -> Pager<T>) {
    let read = |body: Vec<u8>| block_on(list(&site(&[&body])).page());
    if let Ok(page) = read(body.to_vec()) {
        let written = serde_json::to_vec(&page).unwrap();
        let again = read(written.clone()).expect("a page that was written is a page");
        assert_eq!(again.rows.len(), page.rows.len(), "a row was lost");
        let again = serde_json::to_string(&again).unwrap();
        assert_eq!(again, String::from_utf8(written).unwrap());
    }
    // The same page twice: the list ends, whatever the page says about itself.
    let site = site(&[body, body]);
    let mut rows = 0;
    block_on(async {
        let mut list = list(&site);
        while let Some(row) = list.next().await {
            rows += usize::from(row.is_ok());
        }
        assert!(list.next().await.is_none(), "the end is the end");
    });
    assert!(rows <= body.len(), "{rows} rows are more than two pages can contain");
}

fn site(pages: &[&[u8]]) -> SiteClient {
    let (script, clock) = (ScriptedTransport::new(), ManualClock::jumping(SystemTime::UNIX_EPOCH));
    for page in pages {
        let response = Response::builder().header("content-type", "application/json");
        script.respond(response.body(page.to_vec()).unwrap());
    }
    let builder = SiteClient::builder("key").transport(Arc::new(script)).clock(Arc::new(clock));
    builder.rate_limit(RateLimit::none()).build().unwrap()
}

/// A date, a time, and the name of a time zone, all from the same text.
pub(super) fn dates(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Ok(date) = text.parse::<Date>() {
        assert_eq!(date, Date::new(date.year(), date.month(), date.day()).unwrap());
        assert_eq!(date, date.to_string().parse().unwrap());
        assert_eq!(
            text.replace('-', ""),
            date.to_string().replace('-', ""),
            "another day than the text says"
        );
    }
    if let Ok(zone) = TimeZone::new(text) {
        assert_eq!(zone.as_str(), text);
    }
    let time: Timestamp = serde_json::from_value(text.into()).unwrap();
    assert_eq!(time.as_str(), text);
    assert_eq!(serde_json::to_value(&time).unwrap(), text);
    let found = time.to_system_time().map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap());
    match parts(text) {
        Some((day, hours, minutes, seconds, fraction)) => {
            let found = found.unwrap_or_else(|| panic!("{text} is a time"));
            assert_eq!(time.date(), Some(day));
            assert_eq!(found.as_secs() % 86_400, (hours * 3_600 + minutes * 60 + seconds) % 86_400);
            let shown = format!("{:09}", found.subsec_nanos());
            assert_eq!(shown.trim_end_matches('0'), fraction.trim_end_matches('0'));
        }
        None => assert_eq!(found, None, "{text} is not a time"),
    }
}

/// A time, read field by field: `YYYY-MM-DD HH:MM:SS` with up to nine digits of a fraction, also with a `T`.
fn parts(text: &str) -> Option<(Date, u64, u64, u64, &str)> {
    let day: Date = text.get(..10)?.parse().ok().filter(|day: &Date| day.year() >= 1970)?;
    let time = text.get(10..)?.trim();
    let time = time.strip_prefix('T').unwrap_or(time);
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let is_fraction = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit());
    let pair = |at: usize| {
        let pair = whole.get(at..at + 2).filter(|pair| pair.bytes().all(|byte| byte.is_ascii_digit()))?;
        pair.parse::<u64>().ok()
    };
    let separated = whole.len() == 8 && whole.as_bytes()[2] == b':' && whole.as_bytes()[5] == b':';
    let (hours, minutes, seconds) = (pair(0)?, pair(3)?, pair(6)?);
    let valid = separated && is_fraction && hours <= 23 && minutes <= 59 && seconds <= 60;
    valid.then_some((day, hours, minutes, seconds, fraction))
}
