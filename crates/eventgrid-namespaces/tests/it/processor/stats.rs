//! What a processor reports about itself, for autoscalers.

use std::time::Duration;

use eventgrid_namespaces::{Clock, CloudEvent, Context, Processor, ProcessorStats};

use super::broker::{Broker, event, run};

const SECOND: Duration = Duration::from_secs(1);

fn aged(id: usize, time: &str) -> String {
    event(id).replace("\"data\"", &format!("\"time\":\"{time}\",\"data\""))
}

/// A processor with room for three events, each of which takes 100 seconds.
fn processor(broker: &Broker) -> Processor {
    let clock = broker.clock.clone();
    let handler = move |_: CloudEvent, _: Context| {
        let clock = clock.clone();
        async move { clock.sleep(SECOND * 100).await }
    };
    broker.processor().concurrency(1).prefetch(2).handler(handler).unwrap()
}

fn is_empty(stats: ProcessorStats) -> bool {
    (stats.held, stats.running, stats.waiting, stats.newest_age, stats.oldest_age) == (0, 0, 0, None, None)
}

#[tokio::test]
async fn the_numbers_are_those_of_the_held_events_and_of_the_last_minute() {
    let broker = Broker::new();
    broker.publish(&aged(0, "1970-01-01T00:00:02Z"));
    broker.publish(&aged(1, "1970-01-01T00:00:05Z"));
    broker.publish(&event(2));
    let processor = processor(&broker);
    assert!(is_empty(processor.stats()));
    let (seen, later) = (processor.clone(), broker.clone());
    let stop = async move {
        later.until(10).await;
        let stats = seen.stats();
        assert_eq!((stats.held, stats.running, stats.waiting), (3, 1, 2));
        assert_eq!((stats.newest_age, stats.oldest_age), (Some(SECOND * 5), Some(SECOND * 8)));
        assert_eq!(stats.full_receives, 1.0);
        // The first event is done; the room of one event remains free, which the next poll asks for in vain.
        later.until(150).await;
        let stats = seen.stats();
        assert_eq!((stats.held, stats.running, stats.waiting), (2, 1, 1));
        assert_eq!((stats.oldest_age, stats.full_receives), (Some(SECOND * 145), 0.0));
        later.publish(&event(3));
        later.until(151).await;
        assert_eq!((seen.stats().held, seen.stats().full_receives), (3, 1.0));
    };
    run(Ok(processor.clone()), stop).await.unwrap();
    assert!(is_empty(processor.stats()), "{:?}", processor.stats());
}

#[tokio::test]
async fn a_run_that_is_dropped_leaves_no_numbers_behind() {
    let broker = Broker::new();
    broker.publish(&aged(0, "1970-01-01T00:00:00Z"));
    let processor = processor(&broker);
    let (running, seen, later) = (processor.clone(), processor.clone(), broker.clone());
    let stop = async move {
        later.until(5).await;
        seen.stats().held
    };
    let held = tokio::spawn(async move {
        tokio::select! {
            _ = running.run() => 0,
            held = stop => held,
        }
    });
    assert_eq!(held.await.unwrap(), 1);
    assert!(is_empty(processor.stats()), "{:?}", processor.stats());
}
