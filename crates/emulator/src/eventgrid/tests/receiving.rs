//! Long polls: which receiver wakes when, and which events it gets.

use super::*;

#[tokio::test]
async fn a_waiting_receive_wakes_when_an_event_is_published() {
    let (grid, _) = grid();
    let call = receiving("");
    let mut waiting = pin!(grid.respond(&call));
    assert!(waiting.as_mut().now_or_never().is_none());
    publish(&grid, &["1"]).await;
    assert_eq!(received(&at_once(waiting))[0].2, "1");
}

#[tokio::test]
async fn an_empty_receive_ends_when_its_time_has_passed() {
    let (grid, clock) = grid();
    for (query, seconds) in [("", 60), ("&maxWaitTime=10", 10), ("&maxWaitTime=120", 120)] {
        let call = receiving(query);
        let mut waiting = pin!(grid.respond(&call));
        assert!(waiting.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_secs(seconds - 1));
        assert!(waiting.as_mut().now_or_never().is_none(), "{query}");
        clock.advance(Duration::from_secs(1));
        assert_eq!(at_once(waiting).body().as_ref(), br#"{"value":[]}"#);
    }
}

#[tokio::test]
async fn a_waiting_receive_gets_the_event_whose_lock_expires_meanwhile() {
    let (grid, clock) = grid();
    let call = receiving("&maxWaitTime=120");
    let mut waiting = pin!(grid.respond(&call));
    assert!(waiting.as_mut().now_or_never().is_none());
    // Another receiver takes the event after this one began to wait, and never settles it.
    publish(&grid, &["1"]).await;
    assert_eq!(receive(&grid, "").await.len(), 1);
    assert!(waiting.as_mut().now_or_never().is_none());
    clock.advance(Duration::from_secs(60));
    assert_eq!(received(&at_once(waiting))[0].1, 2);
}

#[tokio::test]
async fn a_waiting_receive_gets_the_event_whose_release_delay_ends_meanwhile() {
    let (grid, clock) = grid();
    publish(&grid, &["1"]).await;
    let (token, ..) = receive(&grid, "").await.remove(0);
    let call = receiving("&maxWaitTime=120");
    let mut waiting = pin!(grid.respond(&call));
    assert!(waiting.as_mut().now_or_never().is_none());
    settle(&grid, "release?releaseDelayInSeconds=10&", &[&token]).await;
    assert!(waiting.as_mut().now_or_never().is_none());
    clock.advance(Duration::from_secs(10));
    assert_eq!(received(&at_once(waiting))[0].1, 2);
}

#[tokio::test]
async fn an_event_that_becomes_available_over_time_goes_to_the_longest_waiting_receiver() {
    let (grid, clock) = grid();
    publish(&grid, &["1"]).await;
    receive(&grid, "").await;
    let calls = [receiving("&maxWaitTime=120"), receiving("&maxWaitTime=120"), receiving("&maxWaitTime=120")];
    let [mut first, mut second, mut third] = calls.each_ref().map(|call| Box::pin(grid.respond(call)));
    for waiting in [&mut first, &mut second, &mut third] {
        assert!(waiting.now_or_never().is_none());
    }
    clock.advance(Duration::from_secs(60));
    // The later ones check first, and leave the event to the one that waits longest.
    for waiting in [&mut third, &mut second] {
        assert!(waiting.now_or_never().is_none());
    }
    assert_eq!(received(&at_once(first))[0].1, 2);
    assert_eq!(grid.locked("orders", "billing"), 1);
}

#[tokio::test]
async fn a_dropped_receive_neither_locks_nor_loses_events() {
    let (grid, _) = grid();
    let (one, two) = (receiving(""), receiving(""));
    let mut second = pin!(grid.respond(&two));
    {
        let mut first = pin!(grid.respond(&one));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        publish(&grid, &["1"]).await;
        // The first receiver in the queue was signaled, and is dropped before it checks.
    }
    assert_eq!((grid.waiting("orders", "billing"), grid.locked("orders", "billing")), (1, 0));
    assert_eq!(received(&at_once(second))[0].1, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_receivers_get_every_event_exactly_once() {
    let (grid, _) = grid();
    let receivers: Vec<_> = (0..16)
        .map(|_| {
            let grid = grid.clone();
            tokio::spawn(async move {
                let mut ids = Vec::new();
                loop {
                    let got = receive(&grid, "&maxEvents=3").await;
                    let tokens: Vec<_> = got.iter().map(|(token, ..)| token.as_str()).collect();
                    settle(&grid, "acknowledge?", &tokens).await;
                    ids.extend(got.iter().map(|(.., id)| id.clone()).filter(|id| id != "stop"));
                    let stops = got.iter().filter(|(.., id)| id == "stop").count();
                    if stops > 0 {
                        // Each receiver consumes one end mark and publishes the others again.
                        if stops > 1 {
                            publish(&grid, &vec!["stop"; stops - 1]).await;
                        }
                        return ids;
                    }
                }
            })
        })
        .collect();
    let ids: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
    for batch in ids.chunks(7) {
        publish(&grid, &batch.iter().map(String::as_str).collect::<Vec<_>>()).await;
        tokio::task::yield_now().await;
    }
    publish(&grid, &["stop"; 16]).await;
    let mut got = Vec::new();
    for receiver in receivers {
        got.extend(receiver.await.unwrap());
    }
    got.sort_by_key(|id| id.parse::<u32>().unwrap());
    assert_eq!(got, ids);
    assert_eq!((grid.waiting("orders", "billing"), grid.locked("orders", "billing")), (0, 0));
}

#[tokio::test]
async fn one_publish_wakes_as_many_receivers_as_it_has_events() {
    let (grid, _) = grid();
    let receivers: Vec<_> = (0..4)
        .map(|_| {
            let grid = grid.clone();
            tokio::spawn(async move { receive(&grid, "").await })
        })
        .collect();
    // Lets every receiver begin to wait: this runtime has one thread.
    tokio::task::yield_now().await;
    publish(&grid, &["1", "2", "3", "4"]).await;
    let mut ids = Vec::new();
    for receiver in receivers {
        ids.push(receiver.await.unwrap().remove(0).2);
    }
    assert_eq!(ids, ["1", "2", "3", "4"], "the longest-waiting receiver is served first");
    assert_eq!(grid.locked("orders", "billing"), 4);
}
