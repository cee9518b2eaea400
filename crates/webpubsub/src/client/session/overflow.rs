//! The events at the end of a full buffer. They stay few, however often the connection changes while the program receives none.

use std::collections::VecDeque;

use super::inbox::Held;
use crate::client::event::{Dropped, Event};

/// Returns the event for the first message that is dropped.
pub(super) fn first() -> Event {
    Event::Dropped(Dropped { messages: 1 })
}

/// Counts a dropped message in the event for those before it. Returns `false` if there is none since the last message.
pub(super) fn count(held: &mut VecDeque<Held>) -> bool {
    let after_messages =
        held.iter_mut().rev().map_while(|held| held.event.as_mut().filter(|event| !is_message(event)));
    for event in after_messages {
        if let Event::Dropped(dropped) = event {
            dropped.messages += 1;
            return true;
        }
    }
    false
}

/// Removes the last events if this one makes them obsolete: a connection that the program has not heard of is not reported. Returns
/// whether the event itself is obsolete too.
pub(super) fn cancels_out(held: &mut VecDeque<Held>, event: &Event) -> bool {
    let last = |held: &VecDeque<Held>, matches: fn(&Event) -> bool| {
        held.back().and_then(|held| held.event.as_ref()).is_some_and(matches)
    };
    match event {
        Event::Recovered(_) if last(held, |event| matches!(event, Event::Recovering(_))) => {
            held.pop_back();
            true
        }
        Event::Disconnected(_) => {
            while last(held, |event| {
                matches!(event, Event::Recovering(_) | Event::Recovered(_) | Event::Connected(_))
            }) {
                held.pop_back();
            }
            last(held, |event| matches!(event, Event::Disconnected(_)))
        }
        _ => false,
    }
}

fn is_message(event: &Event) -> bool {
    matches!(event, Event::GroupMessage(_) | Event::ServerMessage(_))
}
