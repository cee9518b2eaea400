//! What a push subscription does with its events: it takes a batch without a time limit, and schedules the next attempt
//! of what failed (push delivery, section A5).

use std::time::{Duration, SystemTime};

use super::{DeadLetterReason, Delivery, State, Subscription};
use crate::eventgrid::lock_token::LockToken;
use crate::eventgrid::observer::DeliveryStep;
use crate::eventgrid::push::Failure;

impl Subscription {
    /// Takes up to `max` available events for one request, of about this many bytes in total. Events that are too old
    /// become dead letters.
    pub(in crate::eventgrid) fn take_batch(
        &mut self,
        max: usize,
        preferred_bytes: usize,
        now: SystemTime,
    ) -> Vec<Delivery> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while taken.len() < max
            && let Some((_, &id)) = self.ready.first_key_value()
        {
            let Some(entry) = self.events.get_mut(&id) else { break };
            if entry.published + self.settings.time_to_live <= now {
                self.dead_letter(id, DeadLetterReason::TimeToLiveExceeded);
                continue;
            }
            bytes += entry.event.len();
            if !taken.is_empty() && bytes > preferred_bytes {
                break;
            }
            entry.first_attempt.get_or_insert(now);
            taken.extend(self.lock(id, now, None));
        }
        taken
    }

    /// Makes all available events dead letters without an attempt, because of probation.
    pub(in crate::eventgrid) fn lose_available(&mut self) {
        while let Some((_, &id)) = self.ready.first_key_value() {
            self.dead_letter(id, DeadLetterReason::Probation);
        }
    }

    /// Schedules the next attempt for an event whose attempt failed, or makes it a dead letter.
    pub(in crate::eventgrid) fn fail(&mut self, token: &LockToken, failure: &Failure, now: SystemTime) {
        let Some(id) = self.find(token) else { return };
        let Some(entry) = self.events.get_mut(&id) else { return };
        entry.last_result = Some(failure.result.as_str().into());
        let (attempts, first) = (entry.deliveries, entry.first_attempt.unwrap_or(now));
        let Some(wait) = failure.retry else {
            self.observe(id, DeliveryStep::Rejected);
            return self.dead_letter(id, DeadLetterReason::NotRetried);
        };
        self.observe(id, DeliveryStep::Released);
        if attempts >= self.settings.max_delivery_count {
            return self.dead_letter(id, DeadLetterReason::MaxDeliveryCountExceeded);
        }
        let until = (first + offset(attempts)).max(now + wait);
        self.enter(id, State::Delayed { until });
        self.due.insert((until, id));
    }
}

/// The time from the first attempt to the one after so many attempts: 10 s, 30 s, 1 min, 5 min, and then every 5 min.
fn offset(attempts: u32) -> Duration {
    Duration::from_secs(match attempts {
        ..=1 => 10,
        2 => 30,
        3 => 60,
        more => u64::from(more - 3) * 300,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::eventgrid::SubscriptionSettings;

    fn after(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    fn failure(retry: Option<u64>) -> Failure {
        Failure { result: "status".to_owned(), retry: retry.map(Duration::from_secs), pause: None }
    }

    fn holding(events: &[&str]) -> Subscription {
        let mut held = Subscription { pushes: true, ..Subscription::default() };
        events.iter().for_each(|event| held.add(Arc::from(*event), after(0)));
        held
    }

    fn take(held: &mut Subscription, now: SystemTime) -> Option<LockToken> {
        held.tick(now);
        let mut taken = held.take_batch(1, usize::MAX, now);
        taken.pop().map(|delivery| LockToken::decode(&delivery.token).unwrap())
    }

    #[test]
    fn attempts_follow_the_documented_schedule_from_the_first_one() {
        let mut held = holding(&["1"]);
        let times = [0, 10, 30, 60, 300, 600, 900, 1_200, 1_500, 1_800];
        for (index, seconds) in times.into_iter().enumerate() {
            let early = u64::saturating_sub(seconds, 1);
            if index > 0 {
                assert_eq!(take(&mut held, after(early)), None, "{early} s");
            }
            let token =
                take(&mut held, after(seconds)).unwrap_or_else(|| panic!("no attempt at {seconds} s"));
            held.fail(&token, &failure(Some(10)), after(seconds));
        }
        let dead = held.dead().next().unwrap();
        assert_eq!((dead.reason, dead.deliveries), (DeadLetterReason::MaxDeliveryCountExceeded, 10));
        assert_eq!(dead.last_result.as_deref(), Some("status"));
        assert_eq!(held.waiting(), 0);
    }

    #[test]
    fn the_minimum_wait_of_a_status_postpones_an_attempt() {
        let mut held = holding(&["1"]);
        let token = take(&mut held, after(0)).unwrap();
        held.fail(&token, &failure(Some(120)), after(5));
        assert_eq!(take(&mut held, after(124)), None);
        let token = take(&mut held, after(125)).unwrap();
        // The third attempt would be at 30 s.
        held.fail(&token, &failure(Some(10)), after(126));
        assert_eq!(take(&mut held, after(135)), None);
        assert!(take(&mut held, after(136)).is_some());
    }

    #[test]
    fn an_event_that_is_not_retried_is_a_dead_letter_at_once() {
        let mut held = holding(&["1"]);
        let token = take(&mut held, after(0)).unwrap();
        held.fail(&token, &failure(None), after(0));
        let dead = held.dead().next().unwrap();
        assert_eq!((dead.reason, dead.deliveries), (DeadLetterReason::NotRetried, 1));
    }

    #[test]
    fn the_time_to_live_is_checked_when_an_attempt_is_due() {
        let mut held = holding(&["1"]);
        held.settings = SubscriptionSettings::default().time_to_live(Duration::from_secs(60));
        let token = take(&mut held, after(0)).unwrap();
        held.fail(&token, &failure(Some(120)), after(0));
        held.tick(after(119));
        assert_eq!((held.waiting(), held.dead_letter_count()), (1, 0));
        assert_eq!(take(&mut held, after(120)), None);
        assert_eq!(held.dead().next().unwrap().reason, DeadLetterReason::TimeToLiveExceeded);
    }

    #[test]
    fn what_is_in_flight_does_not_expire() {
        let mut held = holding(&["1"]);
        let token = take(&mut held, after(0)).unwrap();
        held.tick(after(1_000_000));
        assert_eq!((held.locked(), held.next_due()), (1, None));
        assert!(held.acknowledge(&token));
    }

    #[test]
    fn a_batch_is_bounded_by_number_and_preferably_by_size() {
        let mut held = holding(&["1111", "2222", "3333", "4", "5"]);
        let sizes = |held: &mut Subscription, max, bytes| held.take_batch(max, bytes, after(0)).len();
        assert_eq!(sizes(&mut held, 10, 8), 2);
        // One event may exceed the size.
        assert_eq!(sizes(&mut held, 10, 3), 1);
        assert_eq!(sizes(&mut held, 1, 3), 1);
        assert_eq!(sizes(&mut held, 10, 3), 1);
        assert_eq!(sizes(&mut held, 10, 3), 0);
    }
}
