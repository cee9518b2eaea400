//! Responses to recoveries with every status, access functions that return nonsense or nothing, and runtimes that shut down
//! under the client: no panic, no hang, and no send that is reported incorrectly.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use tokio::runtime::{Builder, Runtime};
use webpubsub::client::{Access, GroupEvent};
use webpubsub::{Error, ErrorKind};

use super::peer::connected;
use super::*;

type Fails = fn() -> Fetched;
type Fetched = Pin<Box<dyn Future<Output = std::io::Result<String>> + Send>>;

/// Acknowledges the next send.
async fn acknowledge(peer: &mut Peer, send: impl IntoFuture<Output = webpubsub::Result<()>>) {
    let (outcome, ()) = tokio::join!(send.into_future(), async {
        let id = peer.json().await["ackId"].clone();
        peer.ack(&id).await;
    });
    outcome.unwrap();
}

#[tokio::test]
async fn after_any_response_to_a_recovery_the_client_goes_on_and_reports_the_send_correctly() {
    for (status, retry_after) in (200..=599).flat_map(|status| [(status, None), (status, Some("7"))]) {
        let bed = TestBed::new();
        let (client, mut peer) = bed.connect(bed.builder()).await;
        let sending = tokio::spawn(client.send_event("e", "x").into_future());
        let frame = peer.json().await;
        drop(peer);
        bed.pass(Duration::from_secs(1)).await;
        bed.network.handshake().await.reject_with(status, retry_after);
        if retry_after.is_some() {
            bed.pass(Duration::from_millis(6900)).await;
            assert!(bed.network.try_handshake().await.is_none(), "{status}: earlier than `Retry-After`");
        }
        bed.pass(Duration::from_secs(1)).await;
        let next = bed.network.try_handshake().await.unwrap_or_else(|| panic!("no attempt after {status}"));
        let recovers =
            next.request.uri().query().is_some_and(|query| query.contains("awps_connection_id=c1"));
        let is_rejected = matches!(status, 400..=499) && ![408, 429].contains(&status);
        assert_eq!(recovers, !is_rejected, "{status} {retry_after:?}");
        let mut peer = next.accept();
        if recovers {
            assert_eq!(peer.json().await, frame, "{status}");
            peer.ack(&frame["ackId"]).await;
            sending.await.unwrap().unwrap();
        } else {
            peer.send(&connected("c2")).await;
            let error = sending.await.unwrap().unwrap_err();
            assert!(error.outcome_unknown(), "{status}: {error}");
        }
        acknowledge(&mut peer, client.send_event("e", "y")).await;
    }
}

#[tokio::test]
async fn an_access_that_fails_hangs_or_panics_costs_one_attempt() {
    let failures: [(Fails, &str); 4] = [
        (|| Box::pin(async { Err(std::io::Error::other("the server is down")) }), "the server is down"),
        (|| Box::pin(std::future::pending()), "could not obtain a client access URL within 7s"),
        (|| Box::pin(async { std::panic::panic_any(5) }), "the access function panicked: without a text"),
        (|| std::panic::panic_any(5), "the access function panicked: without a text"),
    ];
    for (failure, text) in failures {
        assert_costs_one_attempt(failure, text).await;
    }
}

#[tokio::test]
async fn an_access_that_returns_nonsense_costs_one_attempt_and_is_not_repeated_in_the_error() {
    let long = format!("wss://planted.example/client/hubs/{}", "x".repeat(1 << 20));
    for (url, text) in [
        ("", "client access URL is not a URL"),
        ("\0planted", "client access URL is not a URL"),
        ("{\"url\":\"wss://planted.example/client/hubs/c\"}", "client access URL is not a URL"),
        ("wss://name.example/client/hubs/c?access_token=planted\r\nx: y", "client access URL is not a URL"),
        ("planted", "client access URL must begin with"),
        ("wss://", "client access URL is not a URL"),
        ("ftp://name.example/planted", "client access URL must have the scheme"),
        ("wss://planted:planted@name.example/client/hubs/c", "credentials"),
        ("ws://name.example/client/hubs/c?access_token=planted", "must use `https`"),
        (&long, "client access URL is not a URL"),
    ] {
        let url = url.to_owned();
        let failure = move || -> Fetched {
            let url = url.clone();
            Box::pin(async move { Ok(url) })
        };
        assert_costs_one_attempt(failure, text).await;
    }
}

/// Lets the second call of an access function fail, and then the first call of another client's.
async fn assert_costs_one_attempt(failure: impl Fn() -> Fetched + Clone + Send + Sync + 'static, text: &str) {
    let called = Arc::new(AtomicUsize::new(0));
    let (calls, fails) = (Arc::clone(&called), failure.clone());
    let access = Access::from_fn(move || match calls.fetch_add(1, Ordering::Relaxed) {
        1 => fails(),
        _ => Box::pin(async { Ok(URL.to_owned()) }),
    });
    let bed = TestBed::new();
    let limit = Duration::from_secs(7);
    let (client, mut peer) = bed.connect(bed.configure(Client::builder(access)).attempt_timeout(limit)).await;
    peer.close(1008).await;
    bed.pass(Duration::from_secs(1)).await;
    assert_eq!(called.load(Ordering::Relaxed), 2, "{text}");
    assert!(bed.network.try_handshake().await.is_none(), "{text}");
    bed.pass(limit).await;
    bed.pass(Duration::from_secs(1)).await;
    let mut peer = bed.network.connect("c2").await;
    acknowledge(&mut peer, client.send_event("e", "x")).await;

    let connecting =
        bed.configure(Client::builder(Access::from_fn(failure))).attempt_timeout(limit).connect();
    let connecting = tokio::spawn(connecting);
    bed.pass(limit).await;
    let error = connecting.await.unwrap().unwrap_err();
    assert!(error.to_string().contains(text), "{error}");
    assert!(!format!("{error} {error:?}").contains("planted"), "{error}");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Polls a future once, which must be pending.
fn start<T>(future: &mut Pin<Box<dyn Future<Output = T> + '_>>) {
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(future.as_mut().poll(&mut context), Poll::Pending));
}

#[test]
fn everything_that_waits_for_a_client_ends_when_its_runtime_shuts_down() {
    for state in ["connected", "waiting to recover", "recovering", "fetching a URL"] {
        let (own, other) = (runtime(), runtime());
        let bed = TestBed::new();
        let (client, mut subscription, _open) = own.block_on(in_state(&bed, state));
        other.block_on(async {
            let mut events = client.events();
            while let Poll::Ready(event) = {
                let mut context = Context::from_waker(Waker::noop());
                let mut next = std::pin::pin!(events.next());
                next.as_mut().poll(&mut context)
            } {
                assert!(!matches!(event, Some(Event::Stopped(_)) | None));
            }
            let mut sending: Pin<Box<dyn Future<Output = Result<(), Error>>>> =
                Box::pin(client.send_event("e", "x").into_future());
            let mut receiving: Pin<Box<dyn Future<Output = Option<Event>>>> = Box::pin(events.next());
            let mut closing: Pin<Box<dyn Future<Output = ()>>> = Box::pin(client.close());
            start(&mut sending);
            start(&mut receiving);
            start(&mut closing);
            own.shutdown_background();
            let error = sending.await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Transport, "{state}: {error}");
            let Some(Event::Stopped(stopped)) = receiving.await else { panic!("{state}: not stopped") };
            assert!(stopped.error.unwrap().to_string().contains("the client's task was aborted"), "{state}");
            closing.await;
            assert!(client.is_closed());
            while let Some(event) = subscription.next().await {
                assert!(matches!(event, GroupEvent::Disconnected(_)), "{state}: {event:?}");
            }
        });
    }
}

/// Connects a client with a subscription and brings it into a state. The last value keeps the state.
async fn in_state(
    bed: &TestBed,
    state: &'static str,
) -> (Client, webpubsub::client::Subscription, Box<dyn std::any::Any>) {
    let called = AtomicUsize::new(0);
    let access = Access::from_fn(move || {
        let first = called.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            if first { Ok(URL.to_owned()) } else { std::future::pending::<std::io::Result<String>>().await }
        }
    });
    let (client, mut peer) = bed.connect(bed.configure(Client::builder(access))).await;
    let subscribing = tokio::spawn(client.group("g").subscribe().into_future());
    let id = peer.json().await["ackId"].clone();
    peer.ack(&id).await;
    let subscription = subscribing.await.unwrap().unwrap();
    let open: Box<dyn std::any::Any> = match state {
        "connected" => Box::new(peer),
        "waiting to recover" => {
            drop(peer);
            run_until_idle().await;
            Box::new(())
        }
        "recovering" => {
            drop(peer);
            bed.pass(Duration::from_secs(1)).await;
            Box::new(bed.network.handshake().await)
        }
        _ => {
            peer.close(1008).await;
            bed.pass(Duration::from_secs(1)).await;
            assert!(bed.network.try_handshake().await.is_none());
            Box::new(peer)
        }
    };
    (client, subscription, open)
}
