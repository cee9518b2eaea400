//! Credentials of `azure_core` in our clients, over a real socket and without an identity service.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};
use azure_core::time::OffsetDateTime;
use http::Method;
use workspace_tests::fault_server::{FaultServer, Step, http1_response};

const PLANTED: &str = "planted-azure-token";

/// A credential of `azure_core` that makes its tokens itself: numbered, and good for an hour.
#[derive(Debug, Default)]
struct Local {
    asked: AtomicUsize,
    scopes: Mutex<Vec<String>>,
    fails: bool,
}

#[async_trait]
impl TokenCredential for Local {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        *self.scopes.lock().unwrap() = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        if self.fails {
            return Err(Error::with_message(ErrorKind::Credential, "no managed identity here"));
        }
        let expires_on = OffsetDateTime::now_utc() + Duration::from_secs(3600);
        Ok(AccessToken::new(format!("{PLANTED}-{number}"), expires_on))
    }
}

fn webpubsub(server: &FaultServer, credential: &Arc<Local>) -> webpubsub::ServiceClient {
    let credential = webpubsub::AzureCredential::new(credential.clone());
    let retry = webpubsub::RetryOptions::default().initial_backoff(Duration::ZERO);
    let credential = webpubsub::Credential::token(credential);
    webpubsub::ServiceClient::builder(&server.http(), "chat", credential).retry(retry).build().unwrap()
}

fn tokens(server: &FaultServer) -> Vec<String> {
    let token = |request: String| {
        let line = request.lines().find_map(|line| line.strip_prefix("authorization: "));
        line.unwrap_or("none").to_owned()
    };
    server.requests().into_iter().map(token).collect()
}

#[tokio::test]
async fn a_web_pubsub_client_sends_the_credentials_token_for_its_scope_and_fetches_it_once() {
    let server = FaultServer::start([vec![Step::Serve("")]]).unwrap();
    let local = Arc::new(Local::default());
    let service = webpubsub(&server, &local);
    for _ in 0..3 {
        service.request(Method::GET, "/api/hubs/chat", &[]).await.unwrap();
    }
    assert_eq!(*local.scopes.lock().unwrap(), ["https://webpubsub.azure.com/.default"]);
    assert_eq!(tokens(&server), vec![format!("Bearer {PLANTED}-1"); 3]);
    assert_eq!(local.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_event_grid_client_sends_the_credentials_token_for_its_scope() {
    let server = FaultServer::start([vec![Step::Serve("{}")]]).unwrap();
    let local = Arc::new(Local::default());
    let shared: Arc<dyn TokenCredential> = local.clone();
    let credential = eventgrid_namespaces::AzureCredential::from(shared);
    let receiver = eventgrid_namespaces::Receiver::new(
        &server.http(),
        "orders",
        "billing",
        eventgrid_namespaces::Credential::token(credential),
    );
    receiver.unwrap().request(Method::GET, "/topics/{}", &["orders"]).await.unwrap();
    assert_eq!(*local.scopes.lock().unwrap(), ["https://eventgrid.azure.net/.default"]);
    assert_eq!(tokens(&server), [format!("Bearer {PLANTED}-1")]);
}

#[tokio::test]
async fn a_401_fetches_a_fresh_token_from_the_credential() {
    let rejected = Step::write(http1_response("401 Unauthorized", &[], ""));
    let server = FaultServer::start([vec![Step::Request, rejected, Step::Serve("fine")]]).unwrap();
    let local = Arc::new(Local::default());
    let service = webpubsub(&server, &local);
    assert_eq!(service.request(Method::POST, "/api/hubs/chat/:send", &[]).await.unwrap(), "fine");
    assert_eq!(tokens(&server), [format!("Bearer {PLANTED}-1"), format!("Bearer {PLANTED}-2")]);
}

#[tokio::test]
async fn a_credential_that_fails_sends_nothing_and_its_own_words_are_behind_the_error() {
    let server = FaultServer::start([vec![Step::Serve("")]]).unwrap();
    let local = Arc::new(Local { fails: true, ..Local::default() });
    let error = webpubsub(&server, &local).request(Method::GET, "/api/hubs/chat", &[]).await.unwrap_err();
    assert_eq!(error.kind(), webpubsub::ErrorKind::Credential);
    assert!(format!("{error:?}").contains("no managed identity here"), "{error:?}");
    assert_eq!((server.connections(), error.attempts()), (0, 1));
}

#[test]
fn the_wrapper_shows_nothing_of_the_credential() {
    #[derive(Debug)]
    struct Chatty(#[expect(dead_code, reason = "only its `Debug` is of interest")] &'static str);
    #[async_trait]
    impl TokenCredential for Chatty {
        async fn get_token(
            &self,
            _: &[&str],
            _: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AccessToken> {
            Ok(AccessToken::new(PLANTED, OffsetDateTime::now_utc()))
        }
    }
    let credential = webpubsub::AzureCredential::new(Arc::new(Chatty(PLANTED)));
    assert!(!format!("{credential:?} {credential:#?}").contains(PLANTED));
}
