//! Push delivery, with requests as the specification writes them.

mod delivery;
mod handshake;
mod metrics;
mod stream;
mod token;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use eventgrid_namespaces::push::{Handled, Webhook, WebhookBuilder};
use eventgrid_namespaces::{BoxError, CloudEvent, Context, ReleaseDelay, Settlement};
use http::{Request, Response};

pub(crate) const STRUCTURED: &str = "application/cloudevents+json; charset=utf-8";

/// The ids of the events that were handled.
pub(crate) type Seen = Arc<Mutex<Vec<String>>>;

/// A webhook whose handler decides by the type of the event.
pub(crate) fn webhook() -> (WebhookBuilder, Seen) {
    let seen = Seen::default();
    let handled = Arc::clone(&seen);
    let handler = move |event: CloudEvent, _: Context| {
        handled.lock().unwrap().push(event.id().to_owned());
        async move {
            match event.event_type() {
                "release" => Ok(Settlement::Release(ReleaseDelay::S60)),
                "reject" => Ok(Settlement::Reject),
                "fail" => Err(BoxError::from("planted")),
                "panic" => panic!("planted"),
                "hang" => std::future::pending().await,
                _ => Ok(Settlement::Acknowledge),
            }
        }
    };
    (Webhook::builder(handler), seen)
}

pub(crate) fn event(id: &str, kind: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"/orders","type":"{kind}","data":{{"total":5}}}}"#)
}

pub(crate) fn post(body: impl Into<Bytes>) -> Request<Bytes> {
    let request = Request::post("/hooks/eventgrid?code=s3cret").header("content-type", STRUCTURED);
    request
        .header("origin", "eventgrid.azure.net")
        .header("aeg-delivery-count", "0")
        .body(body.into())
        .unwrap()
}

pub(crate) async fn send(webhook: &Webhook, request: Request<Bytes>) -> Response<Bytes> {
    match webhook.handle(request).await {
        Handled::Response(response) => response,
        Handled::NotOurs(request) => panic!("{request:?} was not recognized"),
    }
}
