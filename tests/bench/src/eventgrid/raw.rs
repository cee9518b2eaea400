//! What a user would write with reqwest and serde_json alone.

use std::sync::Arc;

use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use reqwest::RequestBuilder;

use super::wire::{EVENTS, Incoming, LockTokens, Order, Outgoing, Received, Settled, all};
use super::{KEY, SOURCE, TYPE};
use crate::Result;
use crate::calls::raw;
use crate::ids::Ids;

const VERSION: &str = "api-version=2024-06-01";

/// The client.
#[derive(Clone)]
pub(super) struct Client(Arc<Parts>);

struct Parts {
    client: reqwest::Client,
    origin: String,
    headers: HeaderMap,
    ids: Ids,
    orders: Vec<Order>,
}

impl Client {
    pub(super) fn new(origin: &str) -> Result<Self> {
        Self::with_orders(origin, (0..EVENTS as u32).map(Order::new).collect())
    }

    /// A client whose batches have these orders.
    pub(super) fn with_orders(origin: &str, orders: Vec<Order>) -> Result<Self> {
        let user_agent =
            format!("eventgrid-namespaces/0.0.0 ({}; {})", std::env::consts::OS, std::env::consts::ARCH);
        let mut authorization = HeaderValue::from_str(&format!("SharedAccessKey {KEY}"))?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_str(&user_agent)?);
        headers.insert(AUTHORIZATION, authorization);
        Ok(Self(Arc::new(Parts {
            client: raw::client()?,
            origin: origin.to_owned(),
            headers,
            ids: Ids::default(),
            orders,
        })))
    }

    fn post(&self, path: &str, more: &str) -> RequestBuilder {
        let Parts { client, origin, headers, .. } = &*self.0;
        client
            .post(format!("{origin}{path}?{VERSION}{more}"))
            .headers(headers.clone())
            .header("x-ms-client-request-id", self.0.ids.next())
    }

    /// Publishes a batch.
    pub(super) async fn publish(self) -> Result<()> {
        let ids: Vec<_> = self.0.orders.iter().map(|_| self.0.ids.next()).collect();
        let event = |(data, id)| Outgoing { specversion: "1.0", id, source: SOURCE, ty: TYPE, data };
        let events: Vec<_> = self.0.orders.iter().zip(ids.iter().map(String::as_str)).map(event).collect();
        let request = self
            .post("/topics/orders:publish", "")
            .header(CONTENT_TYPE, "application/cloudevents-batch+json; charset=utf-8")
            .body(serde_json::to_vec(&events)?);
        let response = request.send().await?.error_for_status()?.bytes().await?;
        if &*response == b"{}" { Ok(()) } else { Err("the response is not that of a publish".into()) }
    }

    /// Receives a page of events and acknowledges all of them.
    pub(super) async fn receive(self) -> Result<()> {
        all(self.handle_page("orders", |_| ()).await?)
    }

    /// Receives a page of events of a topic, handles each, and acknowledges all of them. Returns how many there were.
    pub(super) async fn handle_page(&self, topic: &str, handle: impl Fn(&Incoming)) -> Result<usize> {
        let subscription = format!("/topics/{topic}/eventsubscriptions/billing");
        let request = self.post(&format!("{subscription}:receive"), "&maxEvents=100&maxWaitTime=60");
        let response = request.send().await?.error_for_status()?.bytes().await?;
        let received: Received = serde_json::from_slice(&response)?;
        received.value.iter().for_each(|details| handle(&details.event));
        let lock_tokens: Vec<_> =
            received.value.into_iter().map(|details| details.broker_properties.lock_token).collect();
        let request = self
            .post(&format!("{subscription}:acknowledge"), "")
            .header(CONTENT_TYPE, "application/json")
            .body(serde_json::to_vec(&LockTokens { lock_tokens })?);
        let response = request.send().await?.error_for_status()?.bytes().await?;
        let settled: Settled = serde_json::from_slice(&response)?;
        Ok(settled.succeeded_lock_tokens.len())
    }
}
