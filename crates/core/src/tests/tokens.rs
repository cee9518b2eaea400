//! Tokens of an identity service: no call waits needlessly, requests are not too frequent, and no failure hangs a call.

use std::future::pending;

use tokio::task::JoinSet;

use super::*;
use crate::Error;
use crate::error::ErrorKind;

impl Kit {
    /// Makes calls concurrently and returns their outcomes with the time at which each ended.
    async fn at_once(&self, calls: usize) -> Vec<(Result<Bytes>, Duration)> {
        let mut tasks = JoinSet::new();
        for _ in 0..calls {
            let (call, clock) = (self.send().into_future(), self.clock.clone());
            tasks.spawn(async move { (call.await, clock.elapsed()) });
        }
        tasks.join_all().await
    }

    fn tokens_sent(&self) -> Vec<String> {
        let token = |sent: &Request<Bytes>| authorization(sent).trim_start_matches("Bearer ").to_owned();
        self.script.sent().iter().map(token).collect()
    }

    fn accepts(&self, calls: usize) {
        for _ in 0..calls {
            self.script.status(202);
        }
    }
}

/// An identity service that fails from its second token on.
fn failing(takes: Duration, life: Duration) -> Identity {
    Identity::new(takes, move |number, _| match number {
        1 => Ok(life),
        _ => Err("the identity service is down".into()),
    })
}

#[tokio::test]
async fn no_call_waits_while_the_old_token_is_valid_and_it_is_refreshed_once() {
    let identity = Identity::new(secs(1), |_, _| Ok(secs(600)));
    let kit = Kit::with_tokens(&identity);
    kit.accepts(22);
    kit.send().await.unwrap();
    kit.clock.sleep(secs(360)).await;
    let begun = kit.elapsed();
    for (outcome, ended) in kit.at_once(20).await {
        outcome.unwrap();
        assert_eq!(ended, begun);
    }
    kit.clock.sleep(secs(2)).await;
    assert_eq!(identity.asked(), 2);
    kit.send().await.unwrap();
    assert!(kit.tokens_sent()[..21].iter().all(|token| token == "token-1"));
    assert_eq!(kit.tokens_sent()[21], "token-2");
}

#[tokio::test]
async fn a_token_is_not_refreshed_early() {
    let identity = Identity::new(Duration::ZERO, |_, _| Ok(secs(3600)));
    let kit = Kit::with_tokens(&identity);
    kit.accepts(2);
    kit.send().await.unwrap();
    kit.clock.sleep(secs(3299)).await;
    kit.send().await.unwrap();
    assert_eq!(identity.asked(), 1);
}

#[tokio::test]
async fn a_short_lived_token_is_refreshed_halfway() {
    let identity = Identity::new(Duration::ZERO, |_, _| Ok(secs(60)));
    let kit = Kit::with_tokens(&identity);
    kit.accepts(3);
    kit.send().await.unwrap();
    kit.clock.sleep(secs(29)).await;
    kit.send().await.unwrap();
    assert_eq!(identity.asked(), 1);
    kit.clock.sleep(secs(1)).await;
    kit.send().await.unwrap();
    kit.clock.sleep(secs(1)).await;
    assert_eq!(identity.asked(), 2);
}

#[tokio::test]
async fn a_failing_refresh_is_retried_every_30_s_while_the_old_token_is_valid() {
    let identity = failing(Duration::ZERO, secs(600));
    let kit = Kit::with_tokens(&identity);
    kit.accepts(101);
    kit.send().await.unwrap();
    kit.clock.sleep(secs(350)).await;
    for _ in 0..100 {
        kit.send().await.unwrap();
        kit.clock.sleep(secs(1)).await;
    }
    assert_eq!(identity.asked(), 1 + 4, "at 0, 30, 60 and 90 s");
    assert!(kit.tokens_sent().iter().all(|token| token == "token-1"));
}

#[tokio::test]
async fn without_a_token_all_waiting_calls_share_one_request_and_its_error() {
    let identity = failing(secs(1), secs(600));
    let kit = Kit::with_tokens(&identity);
    kit.accepts(1);
    kit.send().await.unwrap();
    kit.clock.sleep(secs(600)).await;
    let outcomes = kit.at_once(20).await;
    assert_eq!((outcomes.len(), identity.asked(), kit.sent()), (20, 2, 1));
    for (outcome, _) in outcomes {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Credential, 1));
        assert!(!error.outcome_unknown());
        let text = "could not obtain an access token: the identity service is down (";
        assert!(error.to_string().contains(text) && everything(&error).contains("is down"), "{error:?}");
    }
}

#[tokio::test]
async fn without_a_token_a_failed_request_is_repeated_after_30_s_and_its_error_returned_meanwhile() {
    let identity = Identity::new(Duration::ZERO, |number, _| match number {
        1 | 2 => Err(format!("failure {number}").into()),
        _ => Ok(secs(600)),
    });
    let kit = Kit::with_tokens(&identity);
    kit.accepts(1);
    for number in 1..=2 {
        for _ in 0..10 {
            let error = kit.send().await.unwrap_err();
            assert_eq!((error.kind(), error.outcome_unknown()), (ErrorKind::Credential, false));
            assert!(everything(&error).contains(&format!("failure {number}")), "{error:?}");
            kit.clock.sleep(secs(3)).await;
        }
        assert_eq!(identity.asked(), number);
    }
    kit.send().await.unwrap();
    assert_eq!(identity.asked(), 3);
}

#[tokio::test]
async fn a_401_causes_one_fresh_token_and_one_more_attempt() {
    let identity = Identity::new(Duration::ZERO, |_, _| Ok(secs(3600)));
    let kit = Kit::with_tokens(&identity);
    kit.script.status(401).status(202);
    kit.send().retry(crate::RetryOptions::none()).await.unwrap();
    assert_eq!(kit.tokens_sent(), ["token-1", "token-2"]);

    kit.script.status(401).status(401);
    let error = kit.send().await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.attempts(), identity.asked()), (401, 2, 3));
}

#[tokio::test]
async fn a_hundred_concurrent_401s_cause_one_token_request() {
    let identity = Identity::new(secs(1), |_, _| Ok(secs(3600)));
    let kit = Kit::with_tokens(&identity);
    kit.accepts(1);
    kit.send().await.unwrap();
    for _ in 0..100 {
        kit.script.respond_after(Arc::new(kit.clock.clone()), secs(1), response(401, &[]));
    }
    kit.accepts(100);
    for (outcome, _) in kit.at_once(100).await {
        outcome.unwrap();
    }
    assert_eq!((kit.sent(), identity.asked()), (201, 2));
}

#[tokio::test]
async fn a_401_about_an_old_token_does_not_drop_the_fresh_one() {
    let identity = Identity::new(Duration::ZERO, |_, _| Ok(secs(3600)));
    let kit = Kit::with_tokens(&identity);
    // The first response arrives after the second call has had its token replaced.
    kit.script.respond_after(Arc::new(kit.clock.clone()), secs(5), response(401, &[]));
    kit.script.respond_after(Arc::new(kit.clock.clone()), secs(1), response(401, &[]));
    kit.accepts(2);
    for (outcome, _) in kit.at_once(2).await {
        outcome.unwrap();
    }
    assert_eq!(identity.asked(), 2);
    assert_eq!(kit.tokens_sent(), ["token-1", "token-1", "token-2", "token-2"]);
}

#[tokio::test]
async fn a_shared_credential_of_any_type_receives_the_request_verbatim() {
    let echo = async |request: TokenRequest| {
        let text = format!("{} {:?} {:?}", request.scopes.join("+"), request.claims, request.tenant);
        Ok::<_, Error>(AccessToken::new(text, start() + secs(600)))
    };
    let shared: Arc<dyn TokenCredential> = Arc::new(echo);
    for _ in 0..2 {
        let (shared, mut request) = (Arc::clone(&shared), TokenRequest::new(["a", "b"]));
        request.tenant = Some("t".to_owned());
        let kit = Kit::signed(|client| client, |clock| BearerToken::new(shared, request, clock));
        kit.accepts(1);
        kit.send().await.unwrap();
        assert_eq!(kit.tokens_sent(), [r#"a+b None Some("t")"#]);
    }
}

#[tokio::test]
async fn a_401_to_a_key_is_final() {
    let kit = Kit::new();
    kit.script.status(401).status(202);
    let error = kit.send().await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), kit.sent()), (401, 1));
}

#[tokio::test]
async fn a_credential_that_panics_causes_an_error_and_is_called_again_later() {
    let identity = Identity::new(Duration::ZERO, |number, _| match number {
        1 | 3 => panic!("by the test"),
        _ => Ok(secs(600)),
    });
    let kit = Kit::with_tokens(&identity);
    kit.accepts(50);
    let error = kit.send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert!(everything(&error).contains("the credential panicked"), "{error:?}");
    kit.clock.sleep(secs(30)).await;
    kit.send().await.unwrap();

    kit.clock.sleep(secs(400)).await;
    for _ in 0..10 {
        kit.send().await.unwrap();
        kit.clock.sleep(secs(1)).await;
    }
    assert_eq!(identity.asked(), 3, "a refresh that panicked is not retried at once");
}

#[tokio::test]
async fn an_expired_token_is_an_error() {
    let identity = Identity::new(Duration::ZERO, |_, _| Ok(Duration::ZERO));
    let kit = Kit::with_tokens(&identity);
    let error = kit.send().await.unwrap_err();
    assert_eq!((error.kind(), identity.asked(), kit.sent()), (ErrorKind::Credential, 1, 0));
    assert!(everything(&error).contains("already expired"), "{error:?}");
}

#[tokio::test]
async fn an_invalid_token_is_an_error_that_does_not_repeat_it() {
    let kit = Kit::signed(
        |client| client,
        |clock| {
            let credential = async move |_: TokenRequest| {
                let token = AccessToken::new("planted\r\nx: y", start() + secs(60));
                Ok::<_, Error>(token)
            };
            BearerToken::new(credential, TokenRequest::default(), clock)
        },
    );
    let error = kit.send().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Credential && !everything(&error).contains("planted"), "{error:?}");
}

#[tokio::test]
async fn a_dropped_call_does_not_abort_the_token_request_for_the_others() {
    let identity = Identity::new(secs(2), |_, _| Ok(secs(3600)));
    let kit = Kit::with_tokens(&identity);
    kit.accepts(1);
    let first = crate::timeout(&kit.clock, secs(1), kit.send().into_future());
    let (first, second) = tokio::join!(first, kit.send().into_future());
    assert!(first.is_none());
    second.unwrap();
    assert_eq!((identity.asked(), kit.elapsed()), (1, secs(2)));
}

#[tokio::test]
async fn a_token_request_that_never_ends_times_out_so_that_later_calls_can_retry() {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let credential = move |_: TokenRequest| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            if number == 0 {
                pending::<()>().await;
            }
            Ok::<_, Error>(AccessToken::new("token", start() + secs(100_000)))
        }
    };
    let kit =
        Kit::signed(|client| client, |clock| BearerToken::new(credential, TokenRequest::default(), clock));
    let error = kit.send().await.unwrap_err();
    assert!(error.is_timeout() && !error.outcome_unknown(), "{error}");
    assert_eq!(kit.elapsed(), secs(100));
    // The request times out after 120 s, and the next one may follow 30 s later.
    kit.clock.sleep(secs(51)).await;
    kit.accepts(1);
    kit.send().await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// A kit whose first token request never ends.
fn stuck() -> Kit {
    let asked = AtomicU32::new(0);
    let credential = move |_: TokenRequest| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        async move {
            if number == 0 {
                pending::<()>().await;
            }
            Ok::<_, Error>(AccessToken::new("token", start() + secs(100_000)))
        }
    };
    Kit::signed(|client| client, |clock| BearerToken::new(credential, TokenRequest::default(), clock))
}

#[test]
fn a_token_request_that_ended_with_its_runtime_is_repeated_in_the_next() {
    let kit = stuck();
    kit.accepts(2);
    let first = runtime();
    first.block_on(crate::timeout(&kit.clock, secs(1), kit.send().into_future()));
    runtime().block_on(async {
        let waiting = tokio::spawn(kit.send().into_future());
        // Long enough for the call to start waiting.
        kit.clock.sleep(secs(1)).await;
        first.shutdown_background();
        waiting.await.unwrap().unwrap();
        kit.send().await.unwrap();
    });
    assert_eq!(kit.sent(), 2);
}

#[test]
fn a_runtime_that_is_shut_down_causes_an_error_and_no_hang() {
    let kit = stuck();
    let runtime = runtime();
    let handle = runtime.handle().clone();
    runtime.shutdown_background();
    let error = handle.block_on(kit.send().into_future()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert!(everything(&error).contains("was aborted"), "{error:?}");
}
