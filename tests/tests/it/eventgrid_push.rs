//! Push delivery end to end: the emulator pushes events to the client's webhook behind axum. Each of them implements the
//! specification on its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use eventgrid_namespaces::push::{EntraKeys, EntraToken, Webhook, WebhookBuilder};
use eventgrid_namespaces::{
    BoxError, CloudEvent, Context, Credential, NamespaceClient, ReleaseDelay, Settlement,
};
use serde_json::json;
use service_core::testing::ManualClock;
use service_emulator::eventgrid::{DeadLetterReason, DeliveryStep, PushContent, PushSettings, PushToken};
use service_emulator::{Emulator, Fault};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const AUDIENCE: &str = "api://orders-webhook";

/// The ids of the events that were handled, and the credentials of the requests.
type Seen = Arc<Mutex<Vec<String>>>;

/// An emulator that pushes the events of `orders` to a webhook.
struct Fixture {
    emulator: Emulator,
    /// The clock by which the webhook judges tokens.
    clock: ManualClock,
    url: String,
    handled: Seen,
    credentials: Seen,
    steps: mpsc::UnboundedReceiver<DeliveryStep>,
}

/// A webhook whose handler decides by the type of the event.
fn webhook(handled: &Seen) -> WebhookBuilder {
    let handled = Arc::clone(handled);
    Webhook::builder(move |event: CloudEvent, _: Context| {
        handled.lock().unwrap().push(event.id().to_owned());
        async move {
            match event.event_type() {
                "release" => Ok(Settlement::Release(ReleaseDelay::None)),
                "reject" => Ok(Settlement::Reject),
                "fail" => Err(BoxError::from("planted")),
                _ => Ok(Settlement::Acknowledge),
            }
        }
    })
}

/// Serves the webhook behind axum. Returns its URL.
async fn serve(webhook: Webhook, credentials: &Seen) -> String {
    let credentials = Arc::clone(credentials);
    let record = from_fn(move |request: Request, next: Next| {
        if let Some(value) = request.headers().get("authorization") {
            credentials.lock().unwrap().push(value.to_str().unwrap().to_owned());
        }
        next.run(request)
    });
    let app = Router::new().route_service("/hooks", webhook).layer(record);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks?code=s3cret", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

impl Fixture {
    /// The webhook verifies tokens with the keys that this emulator serves.
    async fn start() -> Self {
        Self::with(WebhookBuilder::entra_token).await
    }

    async fn with(configure: impl FnOnce(WebhookBuilder, EntraToken) -> WebhookBuilder) -> Self {
        let emulator = Emulator::start().await.unwrap();
        let clock = ManualClock::new(emulator.clock().now());
        let keys = EntraKeys::builder(TENANT).authority(emulator.endpoint()).clock(Arc::new(clock.clone()));
        let token = EntraToken::new(TENANT, keys.build().unwrap()).clock(Arc::new(clock.clone()));
        let (handled, credentials) = (Seen::default(), Seen::default());
        let webhook = configure(webhook(&handled), token.audience(AUDIENCE)).build().unwrap();
        let url = serve(webhook, &credentials).await;
        let (sender, steps) = mpsc::unbounded_channel();
        emulator.eventgrid().observe("orders", "audit", move |seen| {
            let _ = sender.send(seen.step);
        });
        Self { emulator, clock, url, handled, credentials, steps }
    }

    fn declare(&self, change: impl FnOnce(PushSettings) -> PushSettings) {
        let settings = change(PushSettings::new(&self.url));
        self.emulator.eventgrid().declare_push("orders", "audit", settings).unwrap();
    }

    async fn publish(&self, id: &str, kind: &str) {
        let credential = Credential::access_key(self.emulator.eventgrid().key());
        let client = NamespaceClient::new(&self.emulator.endpoint(), credential).unwrap();
        let event =
            CloudEvent::builder("/orders", kind).id(id).data_json(&json!({"total": 5})).build().unwrap();
        client.sender("orders").send(event).await.unwrap();
    }

    /// Waits for the outcome of the next attempt.
    async fn outcome(&mut self) -> DeliveryStep {
        loop {
            match self.steps.recv().await.unwrap() {
                DeliveryStep::Locked => {}
                outcome => return outcome,
            }
        }
    }

    /// Publishes an event and returns the outcome of its first attempt.
    async fn push(&mut self, id: &str, kind: &str) -> DeliveryStep {
        self.publish(id, kind).await;
        self.outcome().await
    }

    /// The number of the newest dead letter's attempts, and the result of the last one.
    fn dead(&self) -> (DeadLetterReason, u32, String) {
        let letter = self.emulator.eventgrid().dead_letters("orders", "audit").pop().unwrap();
        (letter.reason, letter.deliveries, letter.last_result.unwrap())
    }

    fn handled(&self) -> Vec<String> {
        std::mem::take(&mut self.handled.lock().unwrap())
    }

    fn assert_unauthorized(&self, why: &str) {
        let expected = (DeadLetterReason::NotRetried, 1, "401 Unauthorized".to_owned());
        assert_eq!(self.dead(), expected, "{why}");
        assert!(self.handled().is_empty(), "{why}");
    }
}

fn token() -> PushToken {
    PushToken::new(TENANT, AUDIENCE)
}

#[tokio::test]
async fn events_in_every_form_reach_the_handler_with_a_token_that_is_verified() {
    let mut fixture = Fixture::start().await;
    for v2 in [false, true] {
        let forms: [fn(PushSettings) -> PushSettings; 4] = [
            |settings| settings,
            |settings| settings.batches(10, 64),
            |settings| settings.content(PushContent::Binary),
            |settings| settings.hint_headers(false),
        ];
        for form in forms {
            fixture.declare(|settings| form(settings).entra_token(token().v2(v2)));
            assert_eq!(fixture.push("e 1", "com.example.created").await, DeliveryStep::Acknowledged);
            assert_eq!(fixture.handled(), ["e 1"]);
        }
    }
    let reads = fixture.emulator.requests().into_iter().filter(|one| one.target.contains("/discovery/"));
    assert_eq!(reads.count(), 1, "the keys are read once");
}

#[tokio::test]
async fn a_token_that_is_certainly_invalid_loses_its_event() {
    let mut fixture = Fixture::start().await;
    fixture.declare(|settings| settings.entra_token(token()));
    assert_eq!(fixture.push("valid", "t").await, DeliveryStep::Acknowledged);
    assert_eq!(fixture.handled(), ["valid"]);

    let valid = fixture.credentials.lock().unwrap().pop().unwrap();
    let (text, signature) = valid.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{text}.{other}{}", &signature[1..]);
    fixture.declare(|settings| settings.header("authorization", forged));
    assert_eq!(fixture.push("forged", "t").await, DeliveryStep::Rejected);
    fixture.assert_unauthorized("forged");

    fixture.declare(|settings| settings);
    assert_eq!(fixture.push("none", "t").await, DeliveryStep::Rejected);
    fixture.assert_unauthorized("no token");

    for (why, token) in [
        ("wrong audience", PushToken::new(TENANT, "api://other")),
        ("wrong tenant", PushToken::new("other", AUDIENCE)),
        ("wrong application", token().application("other")),
        ("no role", token().role(false)),
    ] {
        fixture.declare(|settings| settings.entra_token(token));
        assert_eq!(fixture.push(why, "t").await, DeliveryStep::Rejected, "{why}");
        fixture.assert_unauthorized(why);
    }

    fixture.clock.advance(Duration::from_secs(2 * 3_600));
    fixture.declare(|settings| settings.entra_token(token()));
    assert_eq!(fixture.push("expired", "t").await, DeliveryStep::Rejected);
    fixture.assert_unauthorized("expired");
}

#[tokio::test]
async fn while_the_keys_are_unavailable_an_event_is_retried() {
    let mut fixture = Fixture::start().await;
    fixture.emulator.faults().push(Fault::status(404).path_contains("/discovery/"));
    fixture.declare(|settings| settings.entra_token(token()));
    assert_eq!(fixture.push("1", "t").await, DeliveryStep::Released);
    assert!(fixture.handled().is_empty());
    // The keys are read again after a minute at the earliest.
    fixture.clock.advance(Duration::from_secs(60));
    fixture.emulator.clock().advance(Duration::from_secs(30));
    assert_eq!(fixture.outcome().await, DeliveryStep::Acknowledged);
    assert_eq!(fixture.handled(), ["1"]);
}

#[tokio::test]
async fn after_a_rotation_an_event_is_retried_until_the_new_key_is_read() {
    let mut fixture = Fixture::start().await;
    fixture.declare(|settings| settings.entra_token(token()));
    assert_eq!(fixture.push("1", "t").await, DeliveryStep::Acknowledged);
    fixture.emulator.eventgrid().rotate_token_key();
    assert_eq!(fixture.push("2", "t").await, DeliveryStep::Released);
    fixture.clock.advance(Duration::from_secs(60));
    fixture.emulator.clock().advance(Duration::from_secs(30));
    assert_eq!(fixture.outcome().await, DeliveryStep::Acknowledged);
    assert_eq!(fixture.handled(), ["1", "2"]);
}

#[tokio::test]
async fn a_token_whose_key_is_unknown_loses_its_event_once_the_keys_were_read_for_it() {
    let mut other = Fixture::start().await;
    other.declare(|settings| settings.entra_token(token()));
    assert_eq!(other.push("1", "t").await, DeliveryStep::Acknowledged);
    let foreign = other.credentials.lock().unwrap().pop().unwrap();

    let mut fixture = Fixture::start().await;
    fixture.declare(|settings| settings.entra_token(token()));
    assert_eq!(fixture.push("1", "t").await, DeliveryStep::Acknowledged);
    fixture.declare(|settings| settings.header("authorization", foreign));
    assert_eq!(fixture.push("2", "t").await, DeliveryStep::Released);
    fixture.clock.advance(Duration::from_secs(60));
    fixture.emulator.clock().advance(Duration::from_secs(30));
    assert_eq!(fixture.outcome().await, DeliveryStep::Rejected);
    assert_eq!(fixture.dead(), (DeadLetterReason::NotRetried, 2, "401 Unauthorized".to_owned()));
    assert_eq!(fixture.handled(), ["1"]);
}

#[tokio::test]
async fn a_replayed_validation_gets_the_same_response_and_grants_nothing() {
    let mut fixture = Fixture::start().await;
    fixture.declare(|settings| settings.entra_token(token()));
    assert_eq!(fixture.push("1", "t").await, DeliveryStep::Acknowledged);
    let client = reqwest::Client::new();
    let mut responses = Vec::new();
    for _ in 0..2 {
        let request = client.request(http::Method::OPTIONS, &fixture.url);
        let response = request.header("webhook-request-origin", "eventgrid.azure.net").send().await.unwrap();
        let allowed = response.headers()["webhook-allowed-origin"].to_str().unwrap().to_owned();
        responses.push((response.status().as_u16(), allowed));
    }
    assert_eq!(responses, [(200, "eventgrid.azure.net".to_owned()), (200, "eventgrid.azure.net".to_owned())]);
    let event = r#"{"specversion":"1.0","id":"2","source":"/s","type":"t"}"#;
    let request = client.post(&fixture.url).header("content-type", "application/cloudevents+json");
    assert_eq!(request.body(event).send().await.unwrap().status(), 401);
    // The emulator repeats the handshake when the subscription changes.
    fixture.declare(|settings| settings.entra_token(token()).max_delivery_count(1));
    assert_eq!(fixture.push("3", "t").await, DeliveryStep::Acknowledged);
    assert_eq!(fixture.handled(), ["1", "3"]);
}

#[tokio::test]
async fn a_webhook_with_another_origin_gets_no_event() {
    let fixture =
        Fixture::with(|builder, _| builder.accept_unverified().allowed_origin("grid.example")).await;
    fixture.declare(|settings| settings);
    fixture.publish("1", "t").await;
    let validated =
        || fixture.emulator.eventgrid().topics()[0].subscriptions[0].push.as_ref().unwrap().validated;
    fixture.declare(|settings| settings.origin("other.example"));
    assert!(!validated());
    fixture.declare(|settings| settings.origin("GRID.example"));
    while !validated() {
        tokio::task::yield_now().await;
    }
    let mut fixture = fixture;
    assert_eq!(fixture.outcome().await, DeliveryStep::Acknowledged);
    assert_eq!(fixture.handled(), ["1"]);
}

#[tokio::test]
async fn a_secret_in_the_query_is_required_for_handshake_and_delivery() {
    let mut fixture = Fixture::with(|builder, _| builder.query_secret("code", "s3cret")).await;
    fixture.declare(|settings| settings);
    assert_eq!(fixture.push("1", "t").await, DeliveryStep::Acknowledged);
    let mut fixture = Fixture::with(|builder, _| builder.header_secret("x-key", "k1")).await;
    fixture.declare(|settings| settings.header("X-Key", "k1"));
    assert_eq!(fixture.push("1", "t").await, DeliveryStep::Acknowledged);
    fixture.declare(|settings| settings.header("X-Key", "k2"));
    assert_eq!(fixture.push("2", "t").await, DeliveryStep::Rejected);
    assert_eq!(fixture.handled(), ["1"]);
}

#[tokio::test]
async fn a_body_over_the_limit_loses_its_event_unread() {
    let mut fixture = Fixture::with(|builder, _| builder.accept_unverified().body_limit(64)).await;
    fixture.declare(|settings| settings);
    assert_eq!(fixture.push("too-large", "com.example.created").await, DeliveryStep::Rejected);
    assert_eq!(fixture.dead(), (DeadLetterReason::NotRetried, 1, "413 Payload Too Large".to_owned()));
    assert!(fixture.handled().is_empty());
}

#[tokio::test]
async fn each_settlement_has_its_outcome_at_the_service() {
    let mut fixture = Fixture::with(|builder, _| builder.accept_unverified()).await;
    fixture.declare(|settings| settings.max_delivery_count(2));
    assert_eq!(fixture.push("1", "reject").await, DeliveryStep::Rejected);
    assert_eq!(fixture.dead(), (DeadLetterReason::NotRetried, 1, "400 Bad Request".to_owned()));
    for (kind, wait, result) in
        [("release", 30, "503 Service Unavailable"), ("fail", 10, "500 Internal Server Error")]
    {
        assert_eq!(fixture.push(kind, kind).await, DeliveryStep::Released);
        fixture.emulator.clock().advance(Duration::from_secs(wait));
        assert_eq!(fixture.outcome().await, DeliveryStep::Released);
        assert_eq!(fixture.dead(), (DeadLetterReason::MaxDeliveryCountExceeded, 2, result.to_owned()));
    }
    assert_eq!(fixture.handled(), ["1", "release", "release", "fail", "fail"]);
}
