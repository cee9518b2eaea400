//! Exchanges with Event Grid Namespaces: what has to be published, received and settled before each of them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use service_core::BoxError;
use service_emulator::Emulator;
use service_emulator::eventgrid::EventGrid;

use super::{Exchange, Message, Received, Recordings, compare, send};

const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";
const VERSION: &str = "api-version=2024-06-01";

/// Replays one exchange against its own namespace and returns every difference.
///
/// # Errors
///
/// What the exchange presupposes cannot be arranged.
pub async fn play(exchange: Exchange, recordings: Arc<Recordings>) -> Result<Vec<String>, BoxError> {
    let emulator = Emulator::start().await?;
    let stage = Stage::new(&emulator, &recordings.client, &exchange)?;
    let (body, expected) = match exchange.operation.as_str() {
        "publish" => (exchange.request.bytes()?, exchange.response.body.clone()),
        "receive" => {
            stage.hold(events(&exchange.response.body), &exchange.source, &recordings.exchanges).await?;
            (Vec::new(), exchange.response.body.clone())
        }
        _ => stage.settle(&exchange).await?,
    };
    let request = stage.request(&exchange.target, exchange.request.sent_headers(), body)?;
    let waits = exchange.operation == "receive" && events(&exchange.response.body).is_empty();
    let response = if waits { stage.in_no_time(send(request)).await? } else { send(request).await? };
    let mut differences = compare::differences(&exchange, &expected, &response);
    if exchange.operation == "publish" && response.status == 200 {
        let (sent, held) =
            (published(&exchange).len(), stage.grid.waiting(&stage.topic, &stage.subscription));
        if sent != held {
            differences.push(format!("{held} of {sent} published events are there"));
        }
    }
    Ok(differences)
}

/// The namespace that an exchange is played in, and its one subscription.
struct Stage {
    client: reqwest::Client,
    endpoint: String,
    emulator: Emulator,
    grid: EventGrid,
    topic: String,
    subscription: String,
}

impl Stage {
    /// What is recorded as not found does not exist; everything else does.
    fn new(emulator: &Emulator, client: &reqwest::Client, exchange: &Exchange) -> Result<Self, BoxError> {
        let segments = exchange.segments();
        let at = segments.iter().position(|segment| *segment == "topics").ok_or("no topic in the path")?;
        let name = |index: usize| segments.get(index).and_then(|name| name.split(':').next());
        let stage = Self {
            client: client.clone(),
            endpoint: emulator.endpoint(),
            emulator: emulator.clone(),
            grid: emulator.eventgrid(),
            topic: name(at + 1).ok_or("no topic in the path")?.to_owned(),
            subscription: name(at + 3).unwrap_or("subscription").to_owned(),
        };
        if exchange.status == 404 {
            stage.grid.declared_only();
        } else {
            stage.grid.declare(&stage.topic, &stage.subscription);
        }
        Ok(stage)
    }

    fn request<'a>(
        &self,
        target: &str,
        headers: impl Iterator<Item = (&'a str, &'a str)>,
        body: Vec<u8>,
    ) -> Result<reqwest::RequestBuilder, BoxError> {
        let request = self.client.post(format!("{}{target}", self.endpoint)).body(body);
        let request = headers.fold(request, |request, (name, value)| request.header(name, value));
        Ok(request.header("authorization", format!("SharedAccessKey {}", self.grid.key())))
    }

    /// Waits for a response while the namespace's time runs fast, as a receive without events lasts for a minute of it.
    async fn in_no_time(
        &self,
        response: impl Future<Output = Result<Received, BoxError>>,
    ) -> Result<Received, BoxError> {
        let mut response = std::pin::pin!(response);
        let clock = self.emulator.clock();
        loop {
            tokio::select! {
                biased;
                response = &mut response => return response,
                () = tokio::task::yield_now() => clock.advance(Duration::from_secs(1)),
            }
        }
    }
}

impl Stage {
    /// Sees to it that these events come next, in this order and with these delivery counts.
    async fn hold(&self, deliveries: &[Value], source: &str, all: &[Exchange]) -> Result<(), BoxError> {
        let count = |delivery: &Value| delivery["brokerProperties"]["deliveryCount"].as_u64().unwrap_or(1);
        let (again, first): (Vec<_>, Vec<_>) = deliveries.iter().partition(|delivery| count(delivery) > 1);
        // Each is locked while the next one is brought to its count, being the only one that can be received.
        let mut locked = Vec::new();
        for delivery in again {
            self.publish(&delivery["event"], source, all).await?;
            let mut token = self.receive().await?;
            for _ in 2..count(delivery) {
                self.settle_one("release", &token).await?;
                token = self.receive().await?;
            }
            locked.push(token);
        }
        // What is released last comes first.
        for token in locked.iter().rev() {
            self.settle_one("release", token).await?;
        }
        for delivery in first {
            self.publish(&delivery["event"], source, all).await?;
        }
        Ok(())
    }

    /// Publishes an event as the same recording shows that it was published, or else as it was received.
    async fn publish(&self, event: &Value, source: &str, all: &[Exchange]) -> Result<(), BoxError> {
        let here =
            all.iter().filter(|it| it.source == source && it.operation == "publish" && it.status == 200);
        let mut sent = here.flat_map(published);
        let sent = sent.find(|sent| sent.becomes(event)).unwrap_or_else(|| Published::structured(event));
        let target = format!("/topics/{}:publish?{VERSION}", self.topic);
        self.expect_200(&target, sent.0.sent_headers(), sent.0.bytes()?).await?;
        Ok(())
    }

    /// The lock token of the next event.
    async fn receive(&self) -> Result<String, BoxError> {
        let target = self.target("receive");
        let body = self.expect_200(&target, std::iter::empty(), Vec::new()).await?;
        let token = body["value"][0]["brokerProperties"]["lockToken"].as_str();
        Ok(token.ok_or_else(|| format!("no event came: {body}"))?.to_owned())
    }

    async fn settle_one(&self, verb: &str, token: &str) -> Result<(), BoxError> {
        let body = json!({"lockTokens": [token]}).to_string().into_bytes();
        let headers = [("content-type", "application/json")].into_iter();
        let response = self.expect_200(&self.target(verb), headers, body).await?;
        if response["succeededLockTokens"] == json!([token]) {
            Ok(())
        } else {
            Err(response.to_string().into())
        }
    }

    fn target(&self, verb: &str) -> String {
        format!("/topics/{}/eventsubscriptions/{}:{verb}?{VERSION}", self.topic, self.subscription)
    }

    async fn expect_200<'a>(
        &self,
        target: &str,
        headers: impl Iterator<Item = (&'a str, &'a str)>,
        body: Vec<u8>,
    ) -> Result<Value, BoxError> {
        let response = send(self.request(target, headers, body)?).await?;
        if response.status == 200 {
            return Ok(serde_json::from_slice(&response.body)?);
        }
        Err(format!("{target}: {} {}", response.status, String::from_utf8_lossy(&response.body)).into())
    }

    /// Body and expected response of a settle call: recorded tokens give way to tokens that fare as the recorded ones did.
    async fn settle(&self, exchange: &Exchange) -> Result<(Vec<u8>, Value), BoxError> {
        let mut expected = exchange.response.body.clone();
        let mut sent = Vec::new();
        let (mut succeeded, mut failed) = (0, 0);
        for token in list(&exchange.request.body["lockTokens"]) {
            let succeeds = expected["succeededLockTokens"].get(succeeded) == Some(token);
            let fresh = if succeeds || expected["failedLockTokens"][failed]["error"]["code"] == "TokenLost" {
                self.publish(&any_event(), &exchange.source, &[]).await?;
                Value::from(self.receive().await?)
            } else {
                token.clone()
            };
            if succeeds {
                expected["succeededLockTokens"][succeeded] = fresh.clone();
                succeeded += 1;
            } else if exchange.status == 200 {
                if fresh != *token {
                    self.settle_one("acknowledge", fresh.as_str().unwrap_or_default()).await?;
                }
                expected["failedLockTokens"][failed]["lockToken"] = fresh.clone();
                failed += 1;
            }
            sent.push(fresh);
        }
        Ok((json!({ "lockTokens": sent }).to_string().into_bytes(), expected))
    }
}

fn any_event() -> Value {
    json!({"id": "1", "source": "/s", "type": "t", "specversion": "1.0", "data": {}})
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The deliveries in the response of a receive.
fn events(body: &Value) -> &[Value] {
    list(&body["value"])
}

/// One event in the form in which it was published.
struct Published(Message);

/// The events of a recorded publish.
fn published(exchange: &Exchange) -> Vec<Published> {
    let content_type = exchange.request.header("content-type").unwrap_or_default();
    if !content_type.starts_with("application/cloudevents") {
        return vec![Published(exchange.request.clone())];
    }
    match &exchange.request.body {
        Value::Array(events) => events.iter().map(Published::structured).collect(),
        event => vec![Published::structured(event)],
    }
}

impl Published {
    fn structured(event: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), STRUCTURED.to_owned())];
        Self(Message { headers, body: event.clone() })
    }

    /// The attributes as they were sent, and the data unless it was the body of its own.
    fn members(&self) -> Map<String, Value> {
        let structured = |(name, value): &(String, String)| name == "content-type" && value == STRUCTURED;
        match &self.0.body {
            Value::Object(event) if self.0.headers.iter().any(structured) => event.clone(),
            _ => {
                let attributes = self.0.headers.iter();
                let attributes =
                    attributes.filter_map(|(name, value)| Some((name.strip_prefix("ce-")?, value)));
                attributes.map(|(name, value)| (name.to_owned(), value.as_str().into())).collect()
            }
        }
    }

    /// Whether this can be what was received as `event`: nothing differs but how its time is written.
    fn becomes(&self, event: &Value) -> bool {
        self.members().iter().all(|(name, value)| match name.as_str() {
            // Offsets of whole hours leave minutes and seconds.
            "time" => minutes_and_seconds(value) == minutes_and_seconds(&event["time"]),
            name => event.get(name) == Some(value),
        })
    }
}

fn minutes_and_seconds(time: &Value) -> Option<&str> {
    time.as_str()?.get(14..19)
}
