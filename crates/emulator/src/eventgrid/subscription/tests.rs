//! The rules of a subscription at given moments.

use super::*;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn with_event(settings: SubscriptionSettings) -> Subscription {
    let mut held = Subscription { settings, ..Subscription::default() };
    held.add(r#"{"id":"1"}"#.into(), at(0));
    held
}

/// Receives one event and returns its token and delivery count.
fn take(held: &mut Subscription, second: u64) -> Option<(LockToken, u32)> {
    held.tick(at(second));
    let delivery = held.take(1, at(second)).pop()?;
    Some((LockToken::decode(&delivery.token).unwrap(), delivery.count))
}

fn reasons(held: &Subscription) -> Vec<(DeadLetterReason, u32)> {
    held.dead().map(|letter| (letter.reason, letter.deliveries)).collect()
}

#[test]
fn an_event_whose_lock_expires_is_delivered_again_with_a_new_token_and_a_higher_count() {
    let mut held = with_event(SubscriptionSettings::default());
    let (first, count) = take(&mut held, 0).unwrap();
    assert_eq!(count, 1);
    assert!(take(&mut held, 59).is_none());
    let (second, count) = take(&mut held, 60).unwrap();
    assert_eq!(count, 2);
    assert_ne!(first.id, second.id);
    assert_eq!(first.owner, second.owner);
    assert!(!held.acknowledge(&first), "the expired token has lost the event");
    assert!(held.acknowledge(&second));
    assert!(!held.acknowledge(&second));
    assert_eq!((held.waiting(), held.locked(), held.bytes), (0, 0, 0));
    assert_eq!(held.next_due(), None);
}

#[test]
fn the_lock_lasts_as_long_as_the_subscription_says() {
    let mut held = with_event(SubscriptionSettings::default().lock_duration(Duration::from_secs(5 * MINUTE)));
    take(&mut held, 0).unwrap();
    assert!(take(&mut held, 299).is_none());
    assert!(take(&mut held, 300).is_some());
}

#[test]
fn a_token_of_another_subscription_settles_nothing() {
    let mut one = with_event(SubscriptionSettings::default());
    let (token, _) = take(&mut one, 0).unwrap();
    let foreign = LockToken { owner: Owner::fresh(), id: token.id };
    assert!(!one.acknowledge(&foreign));
    assert!(one.acknowledge(&token));
}

#[test]
fn a_release_delays_the_next_delivery() {
    let mut held = with_event(SubscriptionSettings::default());
    let (token, _) = take(&mut held, 0).unwrap();
    assert!(held.release(&token, Duration::from_secs(10), at(1)));
    assert!(!held.release(&token, Duration::ZERO, at(1)), "a released lock is no longer held");
    assert_eq!((held.waiting(), held.locked()), (1, 0));
    assert_eq!(held.next_due(), Some(at(11)));
    assert!(take(&mut held, 10).is_none());
    assert_eq!(take(&mut held, 11).unwrap().1, 2);
}

#[test]
fn ten_releases_succeed_and_then_the_event_is_dead() {
    let mut held = with_event(SubscriptionSettings::default());
    for count in 1..=10 {
        let (token, delivered) = take(&mut held, 0).unwrap();
        assert_eq!(delivered, count);
        assert!(held.release(&token, Duration::ZERO, at(0)));
    }
    assert!(take(&mut held, 0).is_none());
    assert_eq!(reasons(&held), [(DeadLetterReason::MaxDeliveryCountExceeded, 10)]);
}

#[test]
fn a_lock_that_expires_at_the_last_delivery_makes_the_event_dead() {
    let mut held = with_event(SubscriptionSettings::default().max_delivery_count(1));
    take(&mut held, 0).unwrap();
    assert!(take(&mut held, 60).is_none());
    assert_eq!(reasons(&held), [(DeadLetterReason::MaxDeliveryCountExceeded, 1)]);
}

#[test]
fn a_rejected_event_is_dead_at_once() {
    let mut held = with_event(SubscriptionSettings::default());
    let (token, _) = take(&mut held, 0).unwrap();
    assert!(held.reject(&token));
    assert!(take(&mut held, HOUR).is_none());
    assert_eq!(reasons(&held), [(DeadLetterReason::Rejected, 1)]);
    assert_eq!(held.dead().next().unwrap().letter().event, serde_json::json!({"id": "1"}));
}

#[test]
fn a_renewed_lock_lasts_for_its_full_duration_again() {
    let mut held = with_event(SubscriptionSettings::default());
    let (token, _) = take(&mut held, 0).unwrap();
    held.tick(at(50));
    assert!(held.renew(&token, at(50)));
    assert!(take(&mut held, 109).is_none());
    assert_eq!(take(&mut held, 110).unwrap().1, 2);
    assert!(!held.renew(&token, at(110)), "an expired lock cannot be renewed");
}

#[test]
fn a_lock_can_be_renewed_for_an_hour_after_its_receipt_and_no_longer() {
    let mut held = with_event(SubscriptionSettings::default());
    let (token, _) = take(&mut held, 0).unwrap();
    for second in (30..=HOUR).step_by(30) {
        held.tick(at(second));
        assert!(held.renew(&token, at(second)), "{second}");
    }
    held.tick(at(HOUR + 1));
    assert!(!held.renew(&token, at(HOUR + 1)));
    assert!(held.acknowledge(&token), "the lock that cannot be renewed is still held until it ends");
}

#[test]
fn an_event_older_than_its_time_to_live_is_dead_in_every_state() {
    let settings = SubscriptionSettings::default()
        .time_to_live(Duration::from_secs(MINUTE))
        .lock_duration(Duration::from_secs(2 * MINUTE));
    let mut held = with_event(settings);
    held.add("{}".into(), at(0));
    held.add("{}".into(), at(0));
    held.add("{}".into(), at(30));
    let (locked, _) = take(&mut held, 0).unwrap();
    let (delayed, _) = take(&mut held, 0).unwrap();
    held.release(&delayed, Duration::from_secs(HOUR), at(0));
    held.tick(at(59));
    assert!(reasons(&held).is_empty());
    held.tick(at(60));
    let ttl = DeadLetterReason::TimeToLiveExceeded;
    assert_eq!(reasons(&held), [(ttl, 1), (ttl, 1), (ttl, 0)]);
    assert!(!held.acknowledge(&locked));
    assert_eq!((held.waiting(), held.locked(), held.next_due()), (1, 0, None), "the younger event stays");
    assert!(take(&mut held, 60).is_some());
}

#[test]
fn events_are_kept_for_seven_days() {
    let mut held = with_event(SubscriptionSettings::default());
    held.tick(at(7 * 24 * HOUR - 1));
    assert_eq!(held.waiting(), 1);
    held.tick(at(7 * 24 * HOUR));
    assert_eq!(held.waiting(), 0);
}

#[test]
fn redeliveries_come_before_new_events_and_the_newest_of_them_first() {
    let mut held = Subscription::default();
    ["\"a\"", "\"b\"", "\"c\""].into_iter().for_each(|event| held.add(event.into(), at(0)));
    let first: Vec<_> = held.take(2, at(0));
    assert_eq!(first.iter().map(|delivery| &*delivery.event).collect::<Vec<_>>(), ["\"a\"", "\"b\""]);
    for delivery in &first {
        held.release(&LockToken::decode(&delivery.token).unwrap(), Duration::ZERO, at(0));
    }
    let again: Vec<_> = held.take(9, at(0)).into_iter().map(|delivery| delivery.event).collect();
    assert_eq!(again.iter().map(|event| &**event).collect::<Vec<_>>(), ["\"b\"", "\"a\"", "\"c\""]);
}

#[test]
fn there_is_room_up_to_the_bounds_only() {
    let mut held = with_event(SubscriptionSettings::default());
    assert!(held.has_room(MAX_EVENTS - 1, MAX_BYTES - held.bytes));
    assert!(!held.has_room(MAX_EVENTS, 0));
    assert!(!held.has_room(1, MAX_BYTES - held.bytes + 1));
    let (token, _) = take(&mut held, 0).unwrap();
    held.acknowledge(&token);
    assert!(held.has_room(MAX_EVENTS, MAX_BYTES));
}

#[test]
fn the_newest_dead_letters_are_kept() {
    let mut held = Subscription::default();
    for number in 0..=MAX_DEAD_LETTERS {
        held.add(number.to_string().into(), at(0));
        let (token, _) = take(&mut held, 0).unwrap();
        held.reject(&token);
    }
    assert_eq!(held.dead().count(), MAX_DEAD_LETTERS);
    assert_eq!(held.dead().next().unwrap().letter().event, 1);
}

#[test]
fn dead_letters_are_bounded_in_bytes_too() {
    let mut held = Subscription::default();
    let event: Arc<str> = format!("\"{}\"", "x".repeat(MAX_DEAD_BYTES / 4)).into();
    for _ in 0..4 {
        held.add(Arc::clone(&event), at(0));
        let (token, _) = take(&mut held, 0).unwrap();
        held.reject(&token);
    }
    assert_eq!(held.dead().count(), 3);
}

#[test]
fn an_observer_sees_each_step_of_every_delivery_in_order() {
    let steps = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let mut held = with_event(SubscriptionSettings::default());
    held.observer = Observer::new(move |step| {
        assert_eq!(step.event, r#"{"id":"1"}"#);
        seen.lock().unwrap().push((step.lock_token.to_owned(), step.deliveries, step.step));
    });
    let (expired, _) = take(&mut held, 0).unwrap();
    let (released, _) = take(&mut held, 60).unwrap();
    assert!(!held.acknowledge(&expired), "which is not a step");
    assert!(held.renew(&released, at(90)) && held.release(&released, Duration::from_secs(10), at(100)));
    let (done, _) = take(&mut held, 110).unwrap();
    assert!(held.acknowledge(&done) && !held.acknowledge(&done));
    held.add(r#"{"id":"1"}"#.into(), at(120));
    let (rejected, _) = take(&mut held, 120).unwrap();
    assert!(held.reject(&rejected));
    let expected = [(expired, 1), (released, 2), (done, 3), (rejected, 1)];
    let ends =
        [DeliveryStep::Expired, DeliveryStep::Released, DeliveryStep::Acknowledged, DeliveryStep::Rejected];
    let of = |(token, count): &(LockToken, u32), step| (token.encode(), *count, step);
    let expected: Vec<_> = expected
        .iter()
        .zip(ends)
        .flat_map(|(delivery, end)| [of(delivery, DeliveryStep::Locked), of(delivery, end)])
        .collect();
    assert_eq!(*steps.lock().unwrap(), expected);
}
