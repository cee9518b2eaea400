//! Tasks that stop waiting for events.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Wake, Waker};

use super::*;

struct Task;

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

#[tokio::test]
async fn a_task_that_stops_waiting_for_events_is_not_kept_in_memory() {
    let bed = TestBed::new();
    let (client, _peer) = bed.connect(bed.builder()).await;
    client.events().next().await;
    let mut shared = client.events();
    for drops_handle in [true, false] {
        let tasks: Vec<_> = (0..1000).map(|_| Arc::new(Task)).collect();
        for task in &tasks {
            let waker = Waker::from(Arc::clone(task));
            let mut own = client.events();
            let next = if drops_handle { own.next() } else { shared.next() };
            assert!(pin!(next).as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        let kept = tasks.iter().filter(|task| Arc::strong_count(task) > 1).count();
        assert_eq!(kept, 0, "{drops_handle}");
    }
}
