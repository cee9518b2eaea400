//! The stand-in's subscriptions for a consumer that runs until all events are handled. Each event has its own lock token, each topic
//! has so many events, and each response may be delayed.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use service_core::{Clock as _, SystemClock};

use super::wire::{EVENTS, lock_token, received_event};
use crate::Result;

/// The number of the next run, and of the next lock token.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// How many receives have found no more events.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// How many requests will get no response.
pub(crate) fn held() -> usize {
    WAITING.load(Ordering::Relaxed)
}

/// A new topic with so many events, whose responses take this many milliseconds. The server reads both from the name.
pub(super) fn topic(events: u32, delay: u32) -> String {
    format!("stream-{events}-{delay}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The topic of a path, if it is one of these.
#[must_use]
pub fn topic_of(path: &str) -> Option<&str> {
    let topic = path.strip_prefix("/topics/")?.split('/').next()?;
    topic.starts_with("stream-").then_some(topic)
}

/// The body of the response to a request for a topic. A receive that finds no more events never returns.
///
/// # Errors
///
/// A request that no consumer sends.
pub async fn respond(topic: &str, path_and_query: &str, body: &[u8]) -> Result<Bytes> {
    let numbers: Vec<u32> = topic.split('-').filter_map(|number| number.parse().ok()).collect();
    let [events, delay, _] = numbers[..] else { return Err("the topic has another name".into()) };
    if delay > 0 {
        SystemClock::new().sleep(Duration::from_millis(delay.into())).await;
    }
    let Some((_, max)) =
        path_and_query.split_once(":receive?").and_then(|(_, query)| query.split_once("maxEvents="))
    else {
        return settled(body);
    };
    let max = max.split('&').next().unwrap_or_default().parse()?;
    match take(topic, events, max) {
        0 => {
            WAITING.fetch_add(1, Ordering::Relaxed);
            std::future::pending().await
        }
        events => Ok(page(events)),
    }
}

/// Takes up to `max` of the topic's events.
fn take(topic: &str, events: u32, max: u32) -> usize {
    static LEFT: Mutex<Option<HashMap<String, u32>>> = Mutex::new(None);
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    let left = left.get_or_insert_default().entry(topic.to_owned()).or_insert(events);
    let taken = max.min(*left);
    *left -= taken;
    taken as usize
}

/// The text of an event's entry, before and after its lock token.
type Entry = (String, String);

/// A page of so many events, prepared except for their lock tokens.
fn page(events: usize) -> Bytes {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    let entry = |number| {
        let text = received_event(number, "|");
        let (before, after) = text.split_once('|').unwrap_or_default();
        (before.to_owned(), after.to_owned())
    };
    let entries = ENTRIES.get_or_init(|| (0..EVENTS).map(entry).collect());
    let first = NEXT.fetch_add(events, Ordering::Relaxed);
    let mut text = String::with_capacity(events * 1_400);
    text.push_str(r#"{"value":["#);
    for (number, (before, after)) in entries.iter().take(events).enumerate() {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "{}{before}{}{after}",
            if number > 0 { "," } else { "" },
            lock_token(first + number)
        );
    }
    text.push_str("]}");
    text.into()
}

/// The response that settles all tokens of a request.
fn settled(body: &[u8]) -> Result<Bytes> {
    let text = std::str::from_utf8(body)?;
    let (start, end) = text.find('[').zip(text.rfind(']')).ok_or("there are no lock tokens")?;
    Ok(format!(r#"{{"succeededLockTokens":{},"failedLockTokens":[]}}"#, &text[start..=end]).into())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use futures_util::FutureExt as _;

    use super::*;
    use crate::eventgrid::wire::{Received, Settled};

    fn receive(topic: &str, max: u32) -> Option<Vec<String>> {
        let target =
            format!("/topics/{topic}/eventsubscriptions/billing:receive?api-version=1&maxEvents={max}&x=1");
        let body = respond(topic, &target, b"").now_or_never()?.unwrap();
        let received: Received = serde_json::from_slice(&body).unwrap();
        Some(received.value.into_iter().map(|details| details.broker_properties.lock_token).collect())
    }

    #[test]
    fn a_topic_has_so_many_events_with_different_tokens_and_then_none() {
        let topic = topic(150, 0);
        let path = format!("/topics/{topic}/eventsubscriptions/billing:receive");
        assert_eq!((topic_of(&path), topic_of("/topics/orders:publish")), (Some(&*topic), None));
        let pages = [receive(&topic, 100).unwrap(), receive(&topic, 100).unwrap()];
        assert_eq!((pages[0].len(), pages[1].len(), receive(&topic, 1)), (100, 50, None));
        let tokens: HashSet<_> = pages.concat().into_iter().collect();
        assert_eq!(tokens.len(), 150);
        assert!(tokens.iter().all(|token| token.len() == 80));
    }

    #[test]
    fn every_token_is_settled() {
        let target = "/topics/stream-1-0-0/eventsubscriptions/billing:acknowledge?api-version=1";
        let body =
            respond("stream-1-0-0", target, br#"{"lockTokens":["a","b"]}"#).now_or_never().unwrap().unwrap();
        let settled: Settled = serde_json::from_slice(&body).unwrap();
        assert_eq!(settled.succeeded_lock_tokens, ["a", "b"]);
    }
}
