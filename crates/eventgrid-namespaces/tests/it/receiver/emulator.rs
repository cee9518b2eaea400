//! Receiver and processor against the emulator with its controlled clock: hours of locks over real sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use eventgrid_namespaces::{
    CloudEvent, Context, NamespaceClient, Next, Notice, Policy, Processor, ReceivedEvent, Receiver,
    ReleaseDelay, Result, Settlement, TokenErrorCode,
};
use http::{Request, Response};
use service_core::testing::ManualClock;
use service_emulator::eventgrid::{DeadLetterReason, SubscriptionSettings};
use service_emulator::{Emulator, Fault};
use tokio::sync::{mpsc, oneshot};

use crate::common::{emulator, key, left, publish};

const SECOND: Duration = Duration::from_secs(1);

/// An emulator and a receiver whose clocks advance together.
struct Scene {
    emulator: Emulator,
    clock: ManualClock,
    receiver: Receiver,
    /// The number of renewals that got a response.
    renewals: Arc<AtomicUsize>,
}

/// Counts the responses to renewals.
#[derive(Debug)]
struct Renewals(Arc<AtomicUsize>);

#[async_trait::async_trait]
impl Policy for Renewals {
    async fn send(&self, request: Request<Bytes>, next: Next<'_>) -> Result<Response<Bytes>> {
        let renewal = request.uri().path().ends_with(":renewLock");
        let response = next.run(request).await;
        self.0.fetch_add(usize::from(renewal), Ordering::SeqCst);
        response
    }
}

impl Scene {
    async fn start() -> Self {
        let emulator = emulator().await;
        let (clock, renewals) = (ManualClock::new(SystemTime::UNIX_EPOCH), Arc::default());
        let builder = NamespaceClient::builder(&emulator.endpoint(), key(&emulator));
        let builder = builder.clock(Arc::new(clock.clone())).policy(Renewals(Arc::clone(&renewals)));
        Self { emulator, clock, receiver: crate::common::receiver(builder), renewals }
    }

    async fn publish(&self, id: &str) {
        publish(&self.receiver, id, "/t").await;
    }

    async fn receive(&self) -> ReceivedEvent {
        let wait = Duration::from_secs(10);
        self.receiver.receive().max_events(10).max_wait_time(wait).await.unwrap().remove(0)
    }

    fn advance(&self, by: Duration) {
        self.emulator.clock().advance(by);
        self.clock.advance(by);
    }

    /// The number of requests with this verb that have arrived.
    fn requests(&self, verb: &str) -> usize {
        self.emulator.requests().iter().filter(|request| request.target.contains(verb)).count()
    }

    /// Returns once the condition is true.
    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        while !condition(self) {
            tokio::task::yield_now().await;
        }
    }

    fn left(&self) -> usize {
        left(&self.emulator)
    }
}

#[tokio::test]
async fn an_acknowledged_event_is_gone_and_a_released_one_is_delivered_again_after_its_delay() {
    let scene = Scene::start().await;
    scene.publish("done").await;
    let received = scene.receive().await;
    assert_eq!((received.event.unwrap().id(), received.delivery_count), ("done", 1));
    scene.receiver.acknowledge([received.lock_token]).await.unwrap().into_result().unwrap();
    assert_eq!(scene.left(), 0);
    scene.publish("again").await;
    let token = scene.receive().await.lock_token;
    let release = scene.receiver.release([&token]).delay(ReleaseDelay::S600);
    assert_eq!(release.await.unwrap().into_result().unwrap(), [token]);
    scene.emulator.clock().advance(SECOND * 599);
    assert_eq!(scene.emulator.eventgrid().waiting("orders", "billing"), 1);
    scene.emulator.clock().advance(SECOND);
    assert_eq!(scene.receive().await.delivery_count, 2);
}

#[tokio::test]
async fn a_renewed_lock_holds_with_the_same_token_and_not_beyond_the_hour() {
    let scene = Scene::start().await;
    scene.publish("long").await;
    let token = scene.receive().await.lock_token;
    // Real time passes as well, so that the lock lasts 60 s and the hour ends with some margin.
    for _ in 0..78 {
        scene.emulator.clock().advance(SECOND * 45);
        scene.receiver.renew_locks([&token]).await.unwrap().into_result().unwrap();
    }
    scene.emulator.clock().advance(SECOND * 45);
    scene.receiver.renew_locks([&token]).await.unwrap().into_result().unwrap();
    scene.emulator.clock().advance(SECOND * 50);
    let late = scene.receiver.renew_locks([&token]).await.unwrap();
    assert_eq!(late.failed[0].code, TokenErrorCode::TokenLost);
    scene.receiver.acknowledge([&token]).await.unwrap().into_result().unwrap();
}

#[tokio::test]
async fn a_receive_whose_response_is_lost_is_not_retried_and_its_event_is_delivered_later() {
    let scene = Scene::start().await;
    scene.publish("stranded").await;
    scene.emulator.faults().push(Fault::reset().after_processing().path_contains(":receive"));
    let error = scene.receiver.receive().await.unwrap_err();
    assert!(error.outcome_unknown() && scene.requests(":receive") == 1, "{error}");
    assert_eq!(scene.emulator.eventgrid().locked("orders", "billing"), 1);
    scene.emulator.clock().advance(SECOND * 60);
    assert_eq!(scene.receive().await.delivery_count, 2);
}

#[tokio::test]
async fn an_event_handled_for_half_an_hour_is_delivered_once() {
    let scene = Scene::start().await;
    scene.publish("slow").await;
    let (started, mut starts) = mpsc::unbounded_channel();
    let (end, ends) = oneshot::channel::<()>();
    let ends = Arc::new(tokio::sync::Mutex::new(Some(ends)));
    let (notices, mut reported) = mpsc::unbounded_channel();
    let builder = Processor::builder(scene.receiver.clone()).on_notice(move |notice: &Notice<'_>| {
        // Time advances in steps that may exceed the timeout of a long poll, which is unrelated to locks.
        if !matches!(notice, Notice::ReceiveFailed { .. }) {
            notices.send(notice.to_string()).unwrap();
        }
    });
    let processor = builder.handler(move |_: CloudEvent, context: Context| {
        let (started, ends) = (started.clone(), Arc::clone(&ends));
        async move {
            started.send(context.delivery_count()).unwrap();
            let end = ends.lock().await.take().unwrap();
            end.await.unwrap();
        }
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let processor = processor.unwrap();
    let run = tokio::spawn(async move { processor.run_until(async { stopped.await.unwrap() }).await });
    assert_eq!(starts.recv().await, Some(1));
    for renewals in 1..=45 {
        scene.advance(SECOND * 40);
        scene.until(|scene| scene.renewals.load(Ordering::SeqCst) == renewals).await;
    }
    end.send(()).unwrap();
    scene.until(|scene| scene.requests(":acknowledge") == 1 && scene.left() == 0).await;
    stop.send(()).unwrap();
    run.await.unwrap().unwrap();
    assert!(starts.try_recv().is_err());
    assert_eq!(reported.try_recv().ok(), None);
}

#[tokio::test]
async fn events_released_too_often_and_rejected_events_are_dead_lettered() {
    let scene = Scene::start().await;
    let settings = SubscriptionSettings::default().max_delivery_count(3);
    scene.emulator.eventgrid().declare_with("orders", "billing", settings);
    for id in ["bad", "fails", "good"] {
        scene.publish(id).await;
    }
    async fn handle(event: CloudEvent, _: Context) -> Settlement {
        match event.id() {
            "bad" => Settlement::Reject,
            "fails" => panic!("planned"),
            _ => Settlement::Acknowledge,
        }
    }
    let builder = Processor::builder(scene.receiver.clone());
    let builder = builder.failure_settlement(Settlement::Release(ReleaseDelay::None));
    // Otherwise, a settlement would wait for a clock that does not advance.
    let processor = builder.settle_interval(Duration::ZERO).handler(handle).unwrap();
    processor.run_until(scene.until(|scene| scene.left() == 0)).await.unwrap();
    let mut dead: Vec<_> = scene
        .emulator
        .eventgrid()
        .dead_letters("orders", "billing")
        .into_iter()
        .map(|letter| (letter.event["id"].as_str().unwrap().to_owned(), letter.reason, letter.deliveries))
        .collect();
    dead.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        dead,
        [
            ("bad".to_owned(), DeadLetterReason::Rejected, 1),
            ("fails".to_owned(), DeadLetterReason::MaxDeliveryCountExceeded, 3)
        ]
    );
}
