//! The account of a pool in virtual time.

use std::time::SystemTime;

use super::*;
use crate::testing::ManualClock;

fn ledger(limit: usize) -> (Arc<Ledger>, ManualClock) {
    (Arc::new(Ledger::new(limit)), ManualClock::new(SystemTime::UNIX_EPOCH))
}

/// How many connections are open, and how many of them are idle or on their way back.
fn counts(ledger: &Ledger) -> (usize, usize) {
    let state = ledger.state();
    (state.open, state.returned.len())
}

/// Polls once.
async fn ready<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// A call with a new connection.
async fn connected<'a>(ledger: &'a Arc<Ledger>, clock: &'a ManualClock) -> Account<'a> {
    let mut call = ledger.account(false, clock);
    call.polled(Step::Connecting);
    ready(&mut Box::pin(ledger.admit(clock))).await.unwrap().used();
    call.polled(Step::Connected);
    call
}

#[tokio::test]
async fn a_call_waits_for_a_connection_on_its_way_back_and_takes_its_place_if_it_does_not_arrive() {
    let (ledger, clock) = ledger(1);
    let mut first = connected(&ledger, &clock).await;
    first.can_be_reused();
    drop(first);
    let mut admitted = Box::pin(ledger.admit(&clock));
    assert!(ready(&mut admitted).await.is_none());
    clock.advance(RETURN_TIME - Duration::from_millis(1));
    assert!(ready(&mut admitted).await.is_none());
    clock.advance(Duration::from_millis(1));
    ready(&mut admitted).await.unwrap().used();
    assert_eq!(ledger.state().open, 1, "the other one is not counted any more");
}

#[tokio::test]
async fn a_connection_that_arrives_is_used_again_and_counted_once() {
    let (ledger, clock) = ledger(1);
    for _ in 0..3 {
        let mut call = ledger.account(false, &clock);
        if ledger.state().open == 0 {
            ledger.admit(&clock).await.used();
            call.polled(Step::Connected);
        } else {
            call.polled(Step::Other);
        }
        call.polled(Step::Other);
        call.can_be_reused();
        drop(call);
        assert_eq!(counts(&ledger), (1, 1));
    }
}

#[tokio::test]
async fn a_connection_that_closes_or_is_not_established_makes_room_at_once() {
    let (ledger, clock) = ledger(1);
    let first = connected(&ledger, &clock).await;
    let mut waiting = Box::pin(ledger.admit(&clock));
    assert!(ready(&mut waiting).await.is_none());
    drop(first);
    assert!(ready(&mut waiting).await.is_none());
    clock.advance(CLOSE_TIME);
    let admission = ready(&mut waiting).await.unwrap();
    let mut waiting = Box::pin(ledger.admit(&clock));
    assert!(ready(&mut waiting).await.is_none());
    drop(admission);
    assert!(ready(&mut waiting).await.is_some());
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_when_a_call_met_it_makes_room() {
    let (ledger, clock) = ledger(1);
    let mut first = connected(&ledger, &clock).await;
    first.can_be_reused();
    drop(first);
    let mut call = ledger.account(false, &clock);
    call.polled(Step::Other);
    // hyper gives it another one, which needs a connector.
    call.polled(Step::Connecting);
    assert_eq!(ledger.state().open, 0);
}

#[tokio::test]
async fn a_connection_may_be_given_to_the_next_call_before_the_last_one_has_ended() {
    let (ledger, clock) = ledger(1);
    let mut first = connected(&ledger, &clock).await;
    let mut second = ledger.account(false, &clock);
    second.polled(Step::Other);
    first.can_be_reused();
    drop(first);
    assert_eq!(counts(&ledger), (1, 0), "the second call uses it");
    clock.advance(RETURN_TIME);
    assert!(ready(&mut Box::pin(ledger.admit(&clock))).await.is_none());
    second.can_be_reused();
    drop(second);
    assert_eq!(counts(&ledger), (1, 1));
}

#[tokio::test]
async fn a_connection_that_was_idle_for_long_and_is_used_does_not_make_the_others_look_old() {
    let (ledger, clock) = ledger(2);
    let mut calls = [connected(&ledger, &clock).await, connected(&ledger, &clock).await];
    calls.iter_mut().for_each(Account::can_be_reused);
    let [first, second] = calls;
    drop(first);
    clock.advance(RETURN_TIME);
    drop(second);
    // This one gets the first connection, while the second is on its way.
    let mut third = ledger.account(false, &clock);
    third.polled(Step::Other);
    assert!(ready(&mut Box::pin(ledger.admit(&clock))).await.is_none());
}

#[tokio::test]
async fn long_polls_have_room_of_their_own() {
    let (ledger, clock) = ledger(1);
    let mut poll = ledger.account(true, &clock);
    ledger.admit(&clock).await.used();
    poll.polled(Step::Connected);
    let mut call = Box::pin(ledger.admit(&clock));
    ready(&mut call).await.unwrap().used();
    assert!(ready(&mut Box::pin(ledger.admit(&clock))).await.is_none());
}

#[tokio::test]
async fn a_connection_that_no_call_waited_for_is_idle() {
    let (ledger, clock) = ledger(1);
    ledger.admit(&clock).await.unused(clock.elapsed());
    let mut call = ledger.account(false, &clock);
    call.polled(Step::Other);
    assert_eq!(counts(&ledger), (1, 0));
}

#[tokio::test]
async fn a_call_waits_for_a_connector_without_a_call_and_not_for_a_connection_that_is_gone() {
    let (ledger, clock) = ledger(1);
    let connector = ledger.admit(&clock).await;
    let mut waiting = Box::pin(ledger.admit(&clock));
    assert!(ready(&mut waiting).await.is_none());
    clock.advance(RETURN_TIME);
    assert!(ready(&mut waiting).await.is_none());
    connector.used();
    clock.advance(RETURN_TIME);
    drop(ready(&mut waiting).await.unwrap());
    assert_eq!(ledger.state().open, 1, "it was not counted");
}
