//! Operations of the control API on topics, subscriptions, and dead letters.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::eventgrid::Subscription;
use crate::control::{Call, Outcome, Problem, Route, json as response, no_content};
use crate::eventgrid::{DeadLetter, SubscriptionInfo, TopicInfo, names};

pub(super) const ROUTES: &[Route] = &[
    Route("GET", "eventgrid/topics", topics),
    Route("PUT", "eventgrid/topics/{topic}", declare_topic),
    Route("DELETE", "eventgrid/topics/{topic}", remove_topic),
    Route("PUT", "eventgrid/topics/{topic}/subscriptions/{subscription}", declare),
    Route("DELETE", "eventgrid/topics/{topic}/subscriptions/{subscription}", remove),
    Route("GET", "eventgrid/topics/{topic}/subscriptions/{subscription}/dead-letters", dead_letters),
    Route("POST", "eventgrid/topics/{topic}/subscriptions/{subscription}/dead-letters/resubmit", resubmit),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resubmit {
    sequences: Option<Vec<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn topics(call: &Call<'_>) -> Outcome {
    let topics: Vec<_> = call.emulator.eventgrid().topics().iter().map(topic).collect();
    Ok(response(&json!({ "topics": topics })))
}

fn declare_topic(call: &Call<'_>) -> Outcome {
    let Nothing {} = call.body()?;
    let topic = checked(call.value("topic"))?;
    call.emulator.eventgrid().declare_topic(topic);
    Ok(no_content())
}

fn remove_topic(call: &Call<'_>) -> Outcome {
    let topic = call.value("topic");
    let removed = call.emulator.eventgrid().remove_topic(topic);
    if removed { Ok(no_content()) } else { Err(Problem::not_found("topic", topic)) }
}

/// The body is a subscription of the settings file without its name.
fn declare(call: &Call<'_>) -> Outcome {
    let topic = checked(call.value("topic"))?;
    let subscription: Subscription = call.named_body(call.value("subscription"))?;
    subscription.declare(&call.emulator.eventgrid(), topic)?;
    Ok(no_content())
}

fn remove(call: &Call<'_>) -> Outcome {
    let (topic, subscription) = (call.value("topic"), call.value("subscription"));
    let removed = call.emulator.eventgrid().remove_subscription(topic, subscription);
    if removed { Ok(no_content()) } else { Err(Problem::not_found("subscription", subscription)) }
}

fn dead_letters(call: &Call<'_>) -> Outcome {
    let (topic, subscription) = existing(call)?;
    let letters = call.emulator.eventgrid().dead_letters(topic, subscription);
    let letters: Vec<_> = letters.iter().map(dead_letter).collect();
    Ok(response(&json!({ "dead_letters": letters })))
}

fn resubmit(call: &Call<'_>) -> Outcome {
    let (topic, subscription) = existing(call)?;
    let Resubmit { sequences } = call.body()?;
    let grid = call.emulator.eventgrid();
    let count = match sequences {
        None => grid.resubmit_dead_letters(topic, subscription),
        Some(sequences) => {
            let again = |sequence: &&u64| grid.resubmit_dead_letter(topic, subscription, **sequence);
            sequences.iter().filter(again).count()
        }
    };
    Ok(response(&json!({ "resubmitted": count })))
}

/// The topic and the subscription of the path, which exist.
fn existing<'a>(call: &Call<'a>) -> Result<(&'a str, &'a str), Problem> {
    let (topic, subscription) = (call.value("topic"), call.value("subscription"));
    let topics = call.emulator.eventgrid().topics();
    let found =
        topics.iter().find(|info| info.name == topic).ok_or_else(|| Problem::not_found("topic", topic))?;
    if found.subscriptions.iter().any(|info| info.name == subscription) {
        Ok((topic, subscription))
    } else {
        Err(Problem::not_found("subscription", subscription))
    }
}

fn checked(topic: &str) -> Result<&str, Problem> {
    if names::allowed(topic) {
        return Ok(topic);
    }
    Err(Problem::invalid(format!("a name must be {}, not '{topic}'", names::RULE)))
}

fn topic(info: &TopicInfo) -> Value {
    let subscriptions: Vec<_> = info.subscriptions.iter().map(subscription).collect();
    json!({ "name": info.name, "subscriptions": subscriptions })
}

fn subscription(info: &SubscriptionInfo) -> Value {
    let (lock_duration, max_delivery_count, time_to_live) = info.settings.shown();
    json!({
        "name": info.name,
        "waiting": info.waiting,
        "locked": info.locked,
        "dead_letters": info.dead_letters,
        "lock_duration_seconds": lock_duration.as_secs(),
        "max_delivery_count": max_delivery_count,
        "time_to_live_seconds": time_to_live.as_secs(),
        "push": info.push.as_ref().map(|push| json!({
            "url": push.url, "validated": push.validated, "on_probation": push.on_probation,
        })),
    })
}

fn dead_letter(letter: &DeadLetter) -> Value {
    json!({
        "sequence": letter.sequence,
        "event": letter.event,
        "reason": letter.reason.to_string(),
        "deliveries": letter.deliveries,
        "last_result": letter.last_result,
    })
}
