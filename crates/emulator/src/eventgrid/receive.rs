//! Receiving: a long poll that ends as soon as an event is available.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::EventGrid;
use super::errors::{RECEIVED, Rejection, text};
use super::namespace::{Queue, Signals};
use super::subscription::Delivery;
use super::target::Target;
use crate::message::{Request, Response};

pub(super) async fn receive(
    grid: &EventGrid,
    target: &Target<'_>,
    request: &Request,
) -> Result<Response, Rejection> {
    let max = number(request, "maxEvents", 1)?;
    if !(1..=100).contains(&max) {
        return Err(Rejection::invalid_argument("Invalid maxEvents parameter"));
    }
    let wait = number(request, "maxWaitTime", 60)?;
    if !(10..=120).contains(&wait) {
        return Err(Rejection::invalid_argument("Invalid maxWaitTime parameter"));
    }
    let deliveries = wait_for(grid, target, usize::from(max), Duration::from_secs(wait.into())).await?;
    Ok(text(RECEIVED, body(&deliveries)))
}

/// Observed: a negative number and a text that is no number yield another error than a number out of range.
fn number(request: &Request, name: &str, default: u16) -> Result<u16, Rejection> {
    let Some(value) = request.query(name) else { return Ok(default) };
    let parsed: u32 = value.parse().map_err(|_| Rejection::bad_request("Error parsing query parameters"))?;
    Ok(u16::try_from(parsed).unwrap_or(u16::MAX))
}

/// Waits for events and locks them.
///
/// Events are locked in the very poll that returns them. A receive that is dropped while it waits has locked nothing,
/// and its signal passes on to the next receiver. A signal that is sent while no receiver waits is kept for the next
/// one.
async fn wait_for(
    grid: &EventGrid,
    target: &Target<'_>,
    max: usize,
    wait: Duration,
) -> Result<Vec<Delivery>, Rejection> {
    let clock = grid.clock();
    let deadline = clock.now() + wait;
    let signals = on_queue(grid, target, |queue| Arc::clone(&queue.signals))?;
    let mut due = signals.due.subscribe();
    let mut ready = pin!(signals.ready.notified());
    let mut ended = grid.ended();
    let mut my_turn = true;
    loop {
        let next_due = *due.borrow_and_update();
        let now = clock.now();
        let ends = now >= deadline || *ended.borrow_and_update();
        // A receiver that wakes because time has passed must not overtake others: the change signals the first one in
        // the queue.
        let max = if my_turn || ends { max } else { 0 };
        if is_removed(grid, target, &signals) {
            return Ok(Vec::new());
        }
        let taken = on_queue(grid, target, |queue| queue.change(now, |held| held.take(max, now)))?;
        if ends || !taken.is_empty() {
            return Ok(taken);
        }
        let until = next_due.map_or(deadline, |due| due.min(deadline));
        my_turn = tokio::select! {
            biased;
            () = ready.as_mut() => {
                ready.set(signals.ready.notified());
                true
            }
            _ = due.changed() => false,
            _ = ended.changed() => false,
            () = clock.sleep_until(until) => false,
        };
    }
}

/// Whether the subscription was removed, and possibly created again, since the request began to wait.
fn is_removed(grid: &EventGrid, target: &Target<'_>, signals: &Arc<Signals>) -> bool {
    let mut namespace = grid.namespace();
    let queue = namespace.find(target.topic, target.subscription);
    queue.is_none_or(|queue| !Arc::ptr_eq(&queue.signals, signals))
}

fn on_queue<T>(
    grid: &EventGrid,
    target: &Target<'_>,
    action: impl FnOnce(&mut Queue) -> T,
) -> Result<T, Rejection> {
    Ok(action(grid.namespace().queue(target.topic, target.subscription)?))
}

/// The events are JSON text already, and lock tokens need no escaping.
fn body(deliveries: &[Delivery]) -> String {
    let length: usize = deliveries.iter().map(|delivery| delivery.event.len() + 160).sum();
    let mut text = String::with_capacity(length + 16);
    text.push_str(r#"{"value":["#);
    for (index, Delivery { token, count, event }) in deliveries.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        let properties = format!(r#"{{"lockToken":"{token}","deliveryCount":{count}}}"#);
        text.push_str(&format!(r#"{{"brokerProperties":{properties},"event":{event}}}"#));
    }
    text.push_str("]}");
    text
}
